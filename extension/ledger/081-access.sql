-- Access to the ledger: what a role may do, and which accounts it sees.
--
-- A role gets privileges on relations and functions by its kind (the list is
-- _access_privileges()), and row-level security shows it the rows of its accounts.
-- Nothing is granted to PUBLIC.  Roles are neither made nor made members of each other, so
-- that no CREATEROLE is needed: the privileges are granted to each role directly.
-- Grants on relations come from the owner of the ledger, grants on functions from
-- pg_database_owner, so that a dump restores them without being superuser.
--
-- A reader's and a booker's access is limited to accounts, an agent's to regions.  Readers read views my_..., which show the
-- rows of their accounts and are said below; the policies visible are a second fence, for who is given a table by hand.
-- Billers, auditors and admins see all rows of what they may select; a meter sees the rows of tables
-- whose policy says has_access('meter').

-- A list, and so as long as it is.
CREATE FUNCTION _access_privileges() RETURNS TABLE (object text, privilege text, kinds text[])
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT l.object, l.privilege, string_to_array(l.kinds, ' ')
	FROM (VALUES
		-- relation or function (all of that name)   privilege   kinds

		-- currency, account, region, billing_period
		('currency', 'SELECT', 'reader meter booker agent biller auditor admin'),
		('currency', 'INSERT', 'admin'),
		('country', 'SELECT', 'reader meter booker agent biller auditor admin'),
		('country', 'INSERT', 'admin'),
		('_load_currencies', 'EXECUTE', 'admin'),
		('tree_change', 'SELECT', 'auditor admin'),
		('billing_calendar', 'SELECT', 'biller auditor admin'),
		('billing_calendar', 'INSERT', 'biller admin'),
		('billing_calendar_change', 'SELECT', 'biller auditor admin'),
		('billing_period', 'SELECT', 'biller auditor admin'),
		('_generate_billing_periods', 'EXECUTE', 'biller admin'),
		('_local_start', 'EXECUTE', 'biller auditor admin'),
		('_billing_period', 'EXECUTE', 'biller auditor admin'),
		('billing_period_replaced', 'SELECT', 'biller auditor admin'),
		('_billing_periods', 'EXECUTE', 'biller auditor admin'),
		('_change_billing_calendar', 'EXECUTE', 'biller admin'),
		('account', 'SELECT', 'biller auditor admin'),
		('account', 'INSERT', 'admin'),
		('account', 'DELETE', 'admin'),
		('account_version', 'SELECT', 'biller auditor admin'),
		('account_version', 'INSERT', 'admin'),
		('account_version', 'UPDATE', 'admin'),
		('account_version', 'DELETE', 'admin'),
		('account_merge', 'SELECT', 'biller auditor admin'),
		('account_merge', 'INSERT', 'admin'),
		('account_merge', 'DELETE', 'admin'),
		('my_account', 'SELECT', 'reader biller auditor admin'),
		('_account_number', 'EXECUTE', 'admin'),
		('_split_account', 'EXECUTE', 'admin'),
		('_create_account', 'EXECUTE', 'admin'),
		('_change_account', 'EXECUTE', 'admin'),
		('_move_account', 'EXECUTE', 'admin'),
		('_merge_account', 'EXECUTE', 'admin'),
		('_account_alias', 'EXECUTE', 'biller auditor admin'),
		('_tree_path', 'EXECUTE', 'reader meter booker agent biller auditor admin'),
		('_account_path', 'EXECUTE', 'biller auditor admin'),
		('_account_tree', 'EXECUTE', 'biller auditor admin'),
		('_price_way', 'EXECUTE', 'biller auditor admin'),
		('_account_names', 'EXECUTE', 'biller auditor admin'),
		('_account_id', 'EXECUTE', 'biller auditor admin'),
		('_payers', 'EXECUTE', 'biller auditor admin'),
		('region', 'SELECT', 'reader meter booker agent biller auditor admin'),
		('region', 'INSERT', 'admin'),
		('region', 'DELETE', 'admin'),
		('region_version', 'SELECT', 'reader meter booker agent biller auditor admin'),
		('region_version', 'INSERT', 'admin'),
		('region_version', 'UPDATE', 'admin'),
		('region_version', 'DELETE', 'admin'),
		('_create_region', 'EXECUTE', 'admin'),
		('_load_regions', 'EXECUTE', 'admin'),
		('_region_path', 'EXECUTE', 'reader meter booker agent biller auditor admin'),
		('_region_tree', 'EXECUTE', 'reader meter booker agent biller auditor admin'),
		('_region_id', 'EXECUTE', 'reader meter booker agent biller auditor admin'),

		-- policy
		('policy_version', 'SELECT', 'auditor admin'),
		('account_party', 'SELECT', 'auditor admin'),
		('account_party', 'INSERT', 'admin'),
		('account_party', 'UPDATE', 'admin'),
		('account_party', 'DELETE', 'admin'),
		('account_flag', 'SELECT', 'auditor admin'),
		('account_flag', 'INSERT', 'admin'),
		('account_flag', 'UPDATE', 'admin'),
		('account_flag', 'DELETE', 'admin'),
		('access_policy', 'SELECT', 'auditor admin'),
		('access_policy', 'INSERT', 'admin'),
		('access_policy', 'UPDATE', 'admin'),
		('access_policy', 'DELETE', 'admin'),
		('access_rule', 'SELECT', 'auditor admin'),
		('access_rule', 'INSERT', 'admin'),
		('access_rule', 'UPDATE', 'admin'),
		('access_rule', 'DELETE', 'admin'),
		('licence', 'SELECT', 'auditor admin'),
		('licence', 'INSERT', 'admin'),
		('licence', 'UPDATE', 'admin'),
		('licence', 'DELETE', 'admin'),
		('policy_decision', 'SELECT', 'auditor admin'),
		('my_policy_decision', 'SELECT', 'reader booker biller auditor admin'),
		('_account_numbers', 'EXECUTE', 'admin'),
		('_region_numbers', 'EXECUTE', 'admin'),
		('_set_party', 'EXECUTE', 'admin'),
		('_set_flag', 'EXECUTE', 'admin'),
		('_create_policy', 'EXECUTE', 'admin'),
		('_create_access_rule', 'EXECUTE', 'admin'),
		('_grant_licence', 'EXECUTE', 'admin'),
		('_withdraw_licence', 'EXECUTE', 'admin'),
		('_load_policy', 'EXECUTE', 'admin'),
		('_screen', 'EXECUTE', 'reader booker biller auditor admin'),
		('_screen_many', 'EXECUTE', 'reader booker biller auditor admin'),
		('_rescreen', 'EXECUTE', 'auditor admin'),

		-- usage
		('usage_source', 'SELECT', 'meter biller auditor admin'),
		('usage_source', 'INSERT', 'admin'),
		('usage_source', 'UPDATE', 'admin'),
		-- not who received it and when
		('usage_inbox', 'INSERT (source, source_id, revision, account, region, accelerator, devices, started_at, ended_at, measure, number_format, achieved_work, run, labels, retracted, reservation)', 'meter admin'),
		('usage_inbox', 'SELECT', 'auditor admin'),
		('usage_inbox', 'DELETE', 'admin'),
		('usage_batch', 'SELECT', 'meter biller auditor admin'),
		('usage_key', 'SELECT', 'biller auditor admin'),
		('_usage_record', 'SELECT', 'biller auditor admin'),
		('usage_kind', 'SELECT', 'biller auditor admin'),
		('usage_record', 'SELECT', 'biller auditor admin'),
		('open_usage', 'SELECT', 'biller auditor admin'),
		('usage_rejected', 'SELECT', 'meter biller auditor admin'),
		('my_usage', 'SELECT', 'reader biller auditor admin'),
		('my_rejected', 'SELECT', 'reader biller auditor admin'),
		('usage_load', 'SELECT', 'meter biller auditor admin'),
		('usage_load', 'DELETE', 'admin'),
		('_accept_usage', 'EXECUTE', 'meter admin'),
		('_record_load', 'EXECUTE', 'meter admin'),
		('_compare_usage', 'EXECUTE', 'meter auditor admin'),
		('_record_usage', 'EXECUTE', 'meter admin'),
		('_retry_rejected', 'EXECUTE', 'meter admin'),
		('_record_reservations', 'EXECUTE', 'meter biller admin'),
		('_start_reservation', 'EXECUTE', 'booker agent admin'),
		('_end_reservation', 'EXECUTE', 'booker agent admin'),
		('_reidentify', 'EXECUTE', 'admin'),

		-- price
		('price', 'SELECT', 'biller auditor admin'),
		('price_tier', 'SELECT', 'biller auditor admin'),
		('price', 'INSERT', 'biller admin'),
		('price', 'UPDATE', 'biller admin'),
		('price', 'DELETE', 'biller admin'),
		('my_price', 'SELECT', 'reader biller auditor admin'),
		('price_book', 'SELECT', 'biller auditor admin'),
		('price_book', 'INSERT', 'biller admin'),
		('price_key', 'SELECT', 'biller auditor admin'),
		('price_pool', 'SELECT', 'biller auditor admin'),
		('_winning_prices', 'EXECUTE', 'biller auditor admin'),
		('_billed_currencies', 'EXECUTE', 'biller admin'),
		('_billed_times', 'EXECUTE', 'biller admin'),
		('_explain_price', 'EXECUTE', 'reader biller auditor admin'),
		('_price_accounts', 'EXECUTE', 'reader biller auditor admin'),
		('_create_price', 'EXECUTE', 'biller admin'),

		-- charge, period_close
		('charge', 'SELECT', 'biller auditor admin'),
		('period_close', 'SELECT', 'biller auditor admin'),
		('my_charge', 'SELECT', 'reader biller auditor admin'),
		('my_period_close', 'SELECT', 'reader biller auditor admin'),
		('_rate_usage', 'EXECUTE', 'reader biller auditor admin'),
		('_rate_own_usage', 'EXECUTE', 'reader'),
		('_rate_draft', 'EXECUTE', 'biller auditor admin'),
		('_rate_account', 'EXECUTE', 'biller auditor admin'),
		('_as_of', 'EXECUTE', 'biller auditor admin'),
		('_billed_accounts', 'EXECUTE', 'biller auditor admin'),
		('_rating_places', 'EXECUTE', 'biller auditor admin'),
		('_rating_terms', 'EXECUTE', 'biller auditor admin'),
		('_level_instant', 'EXECUTE', 'biller auditor admin'),
		('_scaled_tier_cost', 'EXECUTE', 'biller auditor admin'),
		('_rating_sites', 'EXECUTE', 'biller auditor admin'),
		('_rating_days', 'EXECUTE', 'biller auditor admin'),
		('_rating_prices', 'EXECUTE', 'biller auditor admin'),
		('_rating_scope', 'EXECUTE', 'biller auditor admin'),
		('_billed_measures', 'EXECUTE', 'biller auditor admin'),
		('_is_by_sum', 'EXECUTE', 'biller auditor admin'),
		('_usage_revisions', 'EXECUTE', 'biller auditor admin'),
		('_rate', 'EXECUTE', 'biller auditor admin'),
		('_rate_payer', 'EXECUTE', 'biller auditor admin'),
		('_trace', 'EXECUTE', 'biller auditor admin'),
		('_trace_in', 'EXECUTE', 'biller auditor admin'),
		('_traced', 'EXECUTE', 'biller auditor admin'),
		('_billing_period_of', 'EXECUTE', 'biller auditor admin'),
		('_correction_payers', 'EXECUTE', 'biller auditor admin'),
		('_changed_usage', 'EXECUTE', 'biller auditor admin'),
		('_moved_accounts', 'EXECUTE', 'biller auditor admin'),
		('_moved_regions', 'EXECUTE', 'biller auditor admin'),
		('_changed_periods', 'EXECUTE', 'biller auditor admin'),
		('_corrections', 'EXECUTE', 'biller auditor admin'),
		('_trace_charge', 'EXECUTE', 'biller auditor admin'),
		('_rate_corrections', 'EXECUTE', 'biller auditor admin'),
		('_rate_diff', 'EXECUTE', 'biller auditor admin'),
		('_close_period', 'EXECUTE', 'biller admin'),

		-- rollup
		('rollup_state', 'SELECT', 'reader biller auditor admin'),
		('usage_hourly', 'SELECT', 'biller auditor admin'),
		('usage_daily', 'SELECT', 'biller auditor admin'),
		('utilization_daily', 'SELECT', 'biller auditor admin'),
		('utilization_hourly', 'SELECT', 'biller auditor admin'),
		('spend_daily', 'SELECT', 'biller auditor admin'),
		('utilization_monthly', 'SELECT', 'biller auditor admin'),
		('spend_monthly', 'SELECT', 'biller auditor admin'),
		('my_usage_hourly', 'SELECT', 'reader biller auditor admin'),
		('_own_usage_hourly', 'EXECUTE', 'reader biller auditor admin'),
		('my_usage_daily', 'SELECT', 'reader biller auditor admin'),
		('my_spend_daily', 'SELECT', 'reader biller auditor admin'),
		('capacity', 'SELECT', 'biller auditor admin'),
		('capacity', 'INSERT', 'admin'),
		('capacity', 'UPDATE', 'admin'),
		('capacity', 'DELETE', 'admin'),
		('spend_key', 'SELECT', 'reader biller auditor admin'),
		('spend_key', 'INSERT', 'biller admin'),
		('spend_key', 'DELETE', 'biller admin'),
		('spend_rule', 'SELECT', 'reader biller auditor admin'),
		('spend_rule', 'UPDATE (share)', 'biller admin'),
		('spend_share', 'SELECT', 'biller auditor admin'),
		('spend_shared', 'SELECT', 'biller auditor admin'),
		('spend_label', 'SELECT', 'biller auditor admin'),
		('my_spend_label', 'SELECT', 'reader biller auditor admin'),
		('_spend_by', 'EXECUTE', 'reader biller auditor admin'),
		('_spend_by_own', 'EXECUTE', 'reader'),
		('_spend_of', 'EXECUTE', 'biller auditor admin'),
		('_label_value', 'EXECUTE', 'biller auditor admin'),
		('_refresh_rollups', 'EXECUTE', 'biller admin'),
		('_check_ledger', 'EXECUTE', 'auditor admin'),
		('_ledger_health', 'EXECUTE', 'meter biller auditor admin'),
		('ledger_health', 'SELECT', 'meter biller auditor admin'),

		-- focus
		('_focus_rated', 'EXECUTE', 'biller auditor admin'),
		('focus_1_2', 'SELECT', 'biller auditor admin'),
		('focus_1_2_text', 'SELECT', 'biller auditor admin'),
		('my_focus_1_2', 'SELECT', 'reader biller auditor admin'),
		('my_focus_1_2_text', 'SELECT', 'reader biller auditor admin'),
		('focus_issuer', 'SELECT', 'biller auditor admin'),
		('focus_issuer', 'UPDATE', 'admin'),

		-- frame and access: last
		('ledger_version', 'SELECT', 'reader meter booker agent biller auditor admin'),
		('ledger_mark', 'SELECT', 'reader meter booker agent biller auditor admin'),
		-- pool, reservation
		('pool', 'SELECT', 'auditor admin'),
		('pool', 'UPDATE (granule, slot_minutes, horizon, hold, host, link_class, floor_price, floor_currency, counts, notice, outage_credit, title)', 'admin'),
		('pool_offer', 'SELECT', 'auditor admin'),
		('pool_reduction', 'SELECT', 'auditor admin'),
		('guest_share', 'SELECT', 'auditor admin'),
		('pool_report', 'SELECT', 'auditor admin'),
		('reservation', 'SELECT', 'auditor admin'),
		('reservation_change', 'SELECT', 'auditor admin'),
		('request_answer', 'SELECT', 'auditor admin'),
		('pool_day', 'SELECT', 'auditor admin'),
		('pool_month', 'SELECT', 'auditor admin'),
		('_pool_id', 'EXECUTE', 'reader meter booker agent biller auditor admin'),
		('_availability', 'EXECUTE', 'reader booker agent biller auditor admin'),
		('_pool_availability', 'EXECUTE', 'reader booker agent biller auditor admin'),
		('booking_calendar', 'SELECT', 'reader booker agent biller auditor admin'),
		('agent_reservation', 'SELECT', 'agent auditor admin'),
		('_agent_reservation', 'EXECUTE', 'agent auditor admin'),
		('pool_terms', 'SELECT', 'reader booker agent biller auditor admin'),
		('_pool_terms', 'EXECUTE', 'reader booker agent biller auditor admin'),
		('_booking_calendar', 'EXECUTE', 'reader booker agent biller auditor admin'),
		('_create_pool', 'EXECUTE', 'admin'),
		('_offer_devices', 'EXECUTE', 'admin'),
		('_offer_idle', 'EXECUTE', 'admin'),
		('_set_guest_share', 'EXECUTE', 'admin'),
		('_move_devices', 'EXECUTE', 'admin'),
		('_drain_reservations', 'EXECUTE', 'admin'),
		('_short_reservations', 'EXECUTE', 'agent biller auditor admin'),
		('_plan_maintenance', 'EXECUTE', 'admin'),
		('_plan_blackout', 'EXECUTE', 'admin'),
		('_cancel_maintenance', 'EXECUTE', 'admin'),
		('_record_outage', 'EXECUTE', 'agent admin'),
		('_end_outage', 'EXECUTE', 'agent admin'),
		('_answer_reservation', 'EXECUTE', 'agent admin'),
		('_report_pool', 'EXECUTE', 'agent admin'),

		-- dispatch
		('lease', 'SELECT', 'auditor admin'),
		('lease_report', 'SELECT', 'auditor admin'),
		('agent_lease', 'SELECT', 'agent auditor admin'),
		('_agent_lease', 'EXECUTE', 'agent auditor admin'),
		('_take_work', 'EXECUTE', 'agent admin'),
		('_renew_lease', 'EXECUTE', 'agent admin'),
		('_report_work', 'EXECUTE', 'agent admin'),
		('_confirm_end', 'EXECUTE', 'agent admin'),
		('_expire_leases', 'EXECUTE', 'agent admin'),

		('_book', 'EXECUTE', 'booker admin'),
		('_confirm_reservation', 'EXECUTE', 'booker admin'),
		('_cancel_reservation', 'EXECUTE', 'booker admin'),
		('_extend_reservation', 'EXECUTE', 'booker admin'),
		('_shrink_reservation', 'EXECUTE', 'booker admin'),
		('_move_reservation', 'EXECUTE', 'booker admin'),
		('my_reservation', 'SELECT', 'reader booker biller auditor admin'),
		('_reservation_state', 'EXECUTE', 'reader booker biller auditor admin'),

		-- placement
		('_placement_request', 'EXECUTE', 'reader booker agent biller auditor admin'),
		('region_link', 'SELECT', 'booker biller auditor admin'),
		('region_link', 'INSERT', 'admin'),
		('region_link', 'UPDATE', 'admin'),
		('region_link', 'DELETE', 'admin'),
		('scaling_efficiency', 'SELECT', 'booker biller auditor admin'),
		('scaling_efficiency', 'INSERT', 'admin'),
		('scaling_efficiency', 'UPDATE', 'admin'),
		('scaling_efficiency', 'DELETE', 'admin'),
		('_set_region_link', 'EXECUTE', 'admin'),
		('_set_scaling_efficiency', 'EXECUTE', 'admin'),
		('_quote', 'EXECUTE', 'booker admin'),
		('_reserve', 'EXECUTE', 'booker admin'),

		-- queue
		('account_share', 'SELECT', 'biller auditor admin'),
		('account_share', 'INSERT', 'admin'),
		('account_share', 'UPDATE', 'admin'),
		('account_share', 'DELETE', 'admin'),
		('_set_share', 'EXECUTE', 'admin'),
		('_fair_share', 'EXECUTE', 'biller auditor admin'),
		('queue_setting', 'SELECT', 'reader booker agent biller auditor admin'),
		('queue_setting', 'UPDATE (basis, half_life, patience, lease, grace)', 'admin'),
		('queue_pass', 'SELECT', 'auditor admin'),
		('request_kind', 'SELECT', 'auditor admin'),
		('request_fit', 'SELECT', 'auditor admin'),
		('request', 'SELECT', 'auditor admin'),
		('request_change', 'SELECT', 'auditor admin'),
		('queue', 'SELECT', 'biller auditor admin'),
		('_queue', 'EXECUTE', 'biller auditor admin'),
		('my_request', 'SELECT', 'reader booker biller auditor admin'),
		('_submit_request', 'EXECUTE', 'booker admin'),
		('_cancel_request', 'EXECUTE', 'booker admin'),
		('_explain_request', 'EXECUTE', 'reader booker biller auditor admin'),
		('_request_state', 'EXECUTE', 'reader booker biller auditor admin'),
		('_waits_for', 'EXECUTE', 'reader booker biller auditor admin'),
		('_schedule', 'EXECUTE', 'booker agent admin'),

		('ledger_access', 'SELECT', 'auditor admin'),
		('_require_ledger', 'EXECUTE', 'reader meter booker agent biller auditor admin'),
		('_check_name', 'EXECUTE', 'admin'),
		('_check_time', 'EXECUTE', 'admin'),
		('_check_account', 'EXECUTE', 'admin'),
		('_check_currency', 'EXECUTE', 'biller admin'),
		('_similar_names', 'EXECUTE', 'biller admin'),
		('_price_terms', 'EXECUTE', 'biller admin'),
		('_ledger_steps', 'EXECUTE', 'reader meter booker agent biller auditor admin'),
		('_ledger_stamp', 'EXECUTE', 'meter biller admin'),
		('_mark_watermark', 'EXECUTE', 'meter biller admin'),
		('_ledger_watermark', 'EXECUTE', 'reader meter booker agent biller auditor admin'),
		('_ledger_writers', 'EXECUTE', 'meter biller auditor admin'),
		('_writer_locks', 'EXECUTE', 'reader meter booker agent biller auditor admin'),
		('_watermark', 'EXECUTE', 'reader meter booker agent biller auditor admin'),
		('_follows_marks', 'EXECUTE', 'reader meter booker agent biller auditor admin'),
		('_visible_accounts', 'EXECUTE', 'reader meter booker agent biller auditor admin'),
		('_bookable_accounts', 'EXECUTE', 'reader meter booker agent biller auditor admin'),
		('_agent_regions', 'EXECUTE', 'reader meter booker agent biller auditor admin'),
		('_sees_everything', 'EXECUTE', 'reader meter booker agent biller auditor admin'),
		('_has_access', 'EXECUTE', 'reader meter booker agent biller auditor admin'),
		('_grant_access', 'EXECUTE', 'admin'),
		('_revoke_access', 'EXECUTE', 'admin')
	) AS l (object, privilege, kinds)
$$;
COMMENT ON FUNCTION _access_privileges() IS 'what each kind of access may do: a relation and a privilege on it, or a function''s name and EXECUTE, and the kinds that have it; grant_access() grants by this list, and create_ledger() grants again after an update';

-- ------------------------------------------------------------------ who sees what

-- Security definer functions cannot see who called them, and a role that is passed to them can be
-- anybody's.  So they answer for roles only that the session's user could become anyway.
CREATE FUNCTION _has_access(kind text, role name DEFAULT current_user) RETURNS boolean
	LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	-- its plans are kept, where a function in SQL would be planned at every call; the owner is told without a statement
	IF pg_has_role(session_user, role, 'MEMBER') AND pg_has_role(role, 'pg_database_owner', 'USAGE') THEN
		RETURN true;
	END IF;
	RETURN pg_has_role(session_user, role, 'MEMBER') AND EXISTS (
		SELECT FROM compute_ledger.ledger_access AS a, pg_roles AS r
		WHERE r.oid = a.role AND a.kind = ANY (string_to_array(_has_access.kind, ' ')) AND pg_has_role(_has_access.role, r.oid, 'USAGE'));
END
$$;
COMMENT ON FUNCTION _has_access(text, name) IS 'what has_access() does';

CREATE FUNCTION has_access(kind text, role name DEFAULT current_user) RETURNS boolean
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN compute_ledger._has_access(kind, role);
END
$$;
COMMENT ON FUNCTION has_access(text, name) IS 'whether a role, by default the current one, was given access of this kind or of one of these kinds (''meter admin''), itself or as a member of a role; true for the owner of the database, false for a role that the session''s user is no member of';

CREATE FUNCTION _sees_everything(role name DEFAULT current_user) RETURNS boolean
	LANGUAGE sql STABLE SECURITY DEFINER PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT compute_ledger._has_access('biller auditor admin', role)
$$;
COMMENT ON FUNCTION _sees_everything(name) IS 'what sees_everything() does';

CREATE FUNCTION sees_everything(role name DEFAULT current_user) RETURNS boolean
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN compute_ledger._sees_everything(role);
END
$$;
COMMENT ON FUNCTION sees_everything(name) IS 'whether a role, by default the current one, sees all rows of the ledger: billers, auditors, admins and the owner of the database; false for a role that the session''s user is no member of';

CREATE FUNCTION _granted_subtree(kind text, role name) RETURNS SETOF bigint
	LANGUAGE c STABLE STRICT PARALLEL SAFE ROWS 100 AS 'MODULE_PATHNAME', 'granted_subtree';
COMMENT ON FUNCTION _granted_subtree(text, name) IS 'the accounts, or for kind agent the regions, that a role was given with access of a kind, itself or as a member of a role, with all that is under them in the tree as it stands now: where an account is now, or, if it has ended or has not begun, was or will be, and under the one that it was merged into. 42704 where there is no such role, 42703, 42704, 42804 and 42809 where the owner has made other tables of those that it reads';

CREATE FUNCTION _visible_accounts(role name DEFAULT current_user) RETURNS SETOF bigint
	LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE ROWS 100
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF compute_ledger._has_access('biller auditor admin', role) THEN
		RETURN QUERY SELECT a.id FROM compute_ledger.account AS a;
	ELSIF pg_has_role(session_user, role, 'MEMBER') THEN
		RETURN QUERY SELECT s.* FROM compute_ledger._granted_subtree('reader', role) AS s;
	END IF;
END
$$;
COMMENT ON FUNCTION _visible_accounts(name) IS 'what visible_accounts() does';

CREATE FUNCTION visible_accounts(role name DEFAULT current_user) RETURNS SETOF bigint
	LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 100
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN QUERY SELECT t.* FROM compute_ledger._visible_accounts(role) AS t;
END
$$;
COMMENT ON FUNCTION visible_accounts(name) IS 'the accounts that a role, by default the current one, sees: those that it or a role that it is a member of was made a reader of, with all that is under them in the tree as it stands now, accounts that were merged into them included; every account for roles that see everything; none for a role that the session''s user is no member of';

CREATE FUNCTION _bookable_accounts(role name DEFAULT current_user) RETURNS SETOF bigint
	LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE ROWS 100
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF compute_ledger._has_access('admin', role) THEN
		RETURN QUERY SELECT a.id FROM compute_ledger.account AS a;
	ELSIF pg_has_role(session_user, role, 'MEMBER') THEN
		RETURN QUERY SELECT s.* FROM compute_ledger._granted_subtree('booker', role) AS s;
	END IF;
END
$$;
COMMENT ON FUNCTION _bookable_accounts(name) IS 'the accounts that a role, by default the current one, may book for: those that it or a role that it is a member of was made a booker of, with all that is under them in the tree as it stands now, accounts that were merged into them included; every account for admins and the owner of the database; none for a role that the session''s user is no member of';

CREATE FUNCTION _agent_regions(role name DEFAULT current_user) RETURNS SETOF integer
	LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE ROWS 100
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF compute_ledger._has_access('admin', role) THEN
		RETURN QUERY SELECT r.id FROM compute_ledger.region AS r;
	ELSIF pg_has_role(session_user, role, 'MEMBER') THEN
		RETURN QUERY SELECT s.thing::integer FROM compute_ledger._granted_subtree('agent', role) AS s (thing);
	END IF;
END
$$;
COMMENT ON FUNCTION _agent_regions(name) IS 'the regions whose pools a role, by default the current one, answers and reports for: those that it or a role that it is a member of was made an agent of, with all that is under them in the tree as it stands now; every region for admins and the owner of the database; none for a role that the session''s user is no member of';

CREATE FUNCTION _calling_role() RETURNS name
	LANGUAGE sql STABLE PARALLEL SAFE
	RETURN coalesce(nullif(pg_catalog.current_setting('role'), 'none')::name, session_user);
COMMENT ON FUNCTION _calling_role() IS 'the role whose rights the session has, also within a function that has the rights of its owner';

CREATE FUNCTION _sees_name(account text, role name) RETURNS boolean
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	seen bigint[] := ARRAY(SELECT compute_ledger._visible_accounts(role));
BEGIN
	-- no look-up of the name: what is read would depend on whether there is such an account
	RETURN EXISTS (SELECT FROM (SELECT a.name FROM compute_ledger.account AS a WHERE a.id = ANY (seen) OFFSET 0) AS s WHERE s.name = _sees_name.account);
END
$$;
COMMENT ON FUNCTION _sees_name(text, name) IS 'whether a name is that of an account that a role sees; of any other it does the same whether there is such an account or not';

-- Row-level security alone tells a reader of others: EXPLAIN ANALYZE counts the rows that his own conditions found before
-- the policy did away with them, and conditions that leak nothing go to indexes first.  So a reader reads views my_...
-- and has no privilege on what is under them.  Such a view looks at the tables as their owner; it takes the accounts
-- once (ARRAY), and OFFSET 0 keeps every condition of the query above what the view has filtered, so that plan, counts and
-- buffers are the same whatever is asked for.  security_barrier keeps the statistics of columns from the planner.
CREATE FUNCTION _comment_like(relation regclass, model regclass) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	command text;
BEGIN
	FOR command IN
		SELECT format('COMMENT ON COLUMN %s.%I IS %L', relation, a.attname, col_description(m.attrelid, m.attnum))
		FROM pg_attribute AS a JOIN pg_attribute AS m ON m.attrelid = model AND m.attname = a.attname AND m.attnum > 0
		WHERE a.attrelid = relation AND a.attnum > 0 AND col_description(a.attrelid, a.attnum) IS NULL
	LOOP
		EXECUTE command;
	END LOOP;
END
$$;
COMMENT ON FUNCTION _comment_like(regclass, regclass) IS 'part of create_ledger(): gives the columns of a view that have no comment those of the columns of the same names that it shows';

-- ------------------------------------------------------------------ granting

CREATE FUNCTION _sync_access(role oid, functions boolean) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	command text;
BEGIN
	FOR command IN
		WITH listed AS (
			SELECT 'FUNCTION ' || p.oid::regprocedure AS object, l.privilege, p.proacl AS acl, p.proowner AS owner, l.kinds
			FROM compute_ledger._access_privileges() AS l
			JOIN pg_proc AS p ON p.proname = l.object AND p.pronamespace = 'compute_ledger'::regnamespace
			WHERE functions AND l.privilege = 'EXECUTE' AND p.proowner = 'pg_database_owner'::regrole
			UNION ALL
			SELECT 'TABLE ' || c.oid::regclass, l.privilege,
				CASE WHEN l.privilege LIKE '% (%' THEN (SELECT array_agg(i) FROM pg_attribute AS t, unnest(t.attacl) AS i WHERE t.attrelid = c.oid) ELSE c.relacl END, c.relowner, l.kinds
			FROM compute_ledger._access_privileges() AS l
			JOIN pg_class AS c ON c.relname = l.object AND c.relnamespace = 'compute_ledger'::regnamespace
			WHERE NOT functions AND l.privilege <> 'EXECUTE'
		), state AS (
			SELECT l.object, l.privilege,
				bool_or(EXISTS (SELECT FROM compute_ledger.ledger_access AS a WHERE a.role = _sync_access.role AND a.kind = ANY (l.kinds))) AS wanted,
				bool_or(EXISTS (SELECT FROM aclexplode(l.acl) AS e
					WHERE e.grantee = _sync_access.role AND e.grantor = l.owner AND e.privilege_type = split_part(l.privilege, ' ', 1))) AS there
			FROM listed AS l
			GROUP BY l.object, l.privilege
		)
		SELECT format(CASE WHEN s.wanted THEN 'GRANT %s ON %s TO %s' ELSE 'REVOKE %s ON %s FROM %s' END,
			s.privilege, s.object, _sync_access.role::regrole)
		FROM state AS s
		WHERE s.wanted <> s.there
	LOOP
		EXECUTE command;
	END LOOP;
END
$$;
COMMENT ON FUNCTION _sync_access(oid, boolean) IS 'gives a role the privileges on the ledger''s functions, or on its relations, that ledger_access says, and takes the others';

CREATE FUNCTION _sync_all_access() RETURNS void
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	DELETE FROM compute_ledger.ledger_access AS a WHERE NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.oid = a.role);
	PERFORM compute_ledger._sync_access(r.role, true), compute_ledger._sync_relations(r.role)
	FROM (SELECT DISTINCT a.role FROM compute_ledger.ledger_access AS a) AS r;
END
$$;
COMMENT ON FUNCTION _sync_all_access() IS 'part of create_ledger(): gives every role what ledger_access says, on what this version has';

CREATE FUNCTION _resolve_access(role name, kind text, account text, region text, OUT role_id oid, OUT account_id bigint, OUT region_id integer)
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._require_ledger();
	-- one at a time: privileges of one object are one row of a catalog
	PERFORM pg_advisory_xact_lock(1129079666, 1);
	SELECT r.oid INTO role_id FROM pg_roles AS r WHERE r.rolname = _resolve_access.role;
	IF role_id IS NULL THEN
		PERFORM compute_ledger._refuse('42704', format('role "%s" does not exist', role));
	END IF;
	IF kind IS NULL OR kind NOT IN ('reader', 'meter', 'booker', 'agent', 'biller', 'auditor', 'admin') THEN
		PERFORM compute_ledger._refuse('22023', format('unknown kind of access: "%s"', kind),
			hint => 'Kinds are reader, meter, booker, agent, biller, auditor and admin.');
	END IF;
	IF kind IN ('reader', 'booker') AND account IS NULL THEN
		PERFORM compute_ledger._refuse('22023', format('a %s needs an account', kind),
			hint => CASE kind WHEN 'reader' THEN 'Name the account whose subtree the role may read; the kind that reads the whole ledger is auditor.'
				ELSE 'Name the account whose subtree the role may book for; the kind that books for every account is admin.' END);
	ELSIF kind NOT IN ('reader', 'booker') AND account IS NOT NULL THEN
		PERFORM compute_ledger._refuse('22023', format('access of kind %s cannot be limited to an account', kind),
			hint => 'Leave the account out; the kinds that are limited to an account are reader and booker.');
	ELSIF kind = 'agent' AND region IS NULL THEN
		PERFORM compute_ledger._refuse('22023', 'an agent needs a region',
			hint => 'Name the region, or site, for whose pools the role reports and answers.');
	ELSIF kind <> 'agent' AND region IS NOT NULL THEN
		PERFORM compute_ledger._refuse('22023', format('access of kind %s cannot be limited to a region', kind),
			hint => 'Leave the region out; the kind that is limited to a region is agent.');
	END IF;
	IF account IS NOT NULL THEN
		SELECT a.id INTO account_id FROM compute_ledger.account AS a WHERE a.name = _resolve_access.account;
		IF account_id IS NULL THEN
			PERFORM compute_ledger._refuse('LC006', format('unknown account: "%s"', account));
		END IF;
	END IF;
	IF region IS NOT NULL THEN
		region_id := compute_ledger._region_id(region);
		IF region_id IS NULL THEN
			PERFORM compute_ledger._refuse('LC007', format('unknown region: "%s"', region));
		END IF;
	END IF;
END
$$;
COMMENT ON FUNCTION _resolve_access(name, text, text, text) IS 'checks the arguments of grant_access() and revoke_access()';

CREATE FUNCTION _grant_access(role name, kind text, account text DEFAULT NULL, region text DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	given record;
BEGIN
	given := compute_ledger._resolve_access(role, kind, account, region);
	INSERT INTO compute_ledger.ledger_access (role, kind, account, region, granted_by)
	VALUES (given.role_id, _grant_access.kind, given.account_id, given.region_id, compute_ledger._calling_role())
	ON CONFLICT DO NOTHING;
	PERFORM compute_ledger._sync_access(given.role_id, true), compute_ledger._sync_relations(given.role_id);
END
$$;
COMMENT ON FUNCTION _grant_access(name, text, text, text) IS 'what grant_access() does';

CREATE FUNCTION grant_access(role name, kind text, account text DEFAULT NULL, region text DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	PERFORM compute_ledger._grant_access(role, kind, account, region);
END
$$;
COMMENT ON FUNCTION grant_access(name, text, text, text) IS 'gives an existing role access to the ledger: as reader or booker (books capacity) of an account and all under it; as agent (reports and answers for a centre) of a region and all under it; or, for the whole ledger, as meter (brings usage in), biller (prices, rates, closes), auditor (reads everything) or admin (all of these, and granting). For the owner of the database and for admins. Granting twice changes nothing. 42704 unknown role, 22023 unknown kind, account or region missing or too many, LC006 unknown account, LC007 unknown region, 55000 without a ledger.';

CREATE FUNCTION _revoke_access(role name, kind text, account text DEFAULT NULL, region text DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	given record;
BEGIN
	given := compute_ledger._resolve_access(role, kind, account, region);
	DELETE FROM compute_ledger.ledger_access AS a
	WHERE a.role = given.role_id AND a.kind = _revoke_access.kind AND a.account IS NOT DISTINCT FROM given.account_id
		AND a.region IS NOT DISTINCT FROM given.region_id;
	IF NOT FOUND THEN
		PERFORM compute_ledger._refuse('42704', format('role "%s" is not %s', role, concat_ws(' of ', kind, account, region)),
			hint => 'Table ledger_access says who was given what.');
	END IF;
	PERFORM compute_ledger._sync_access(given.role_id, true), compute_ledger._sync_relations(given.role_id);
END
$$;
COMMENT ON FUNCTION _revoke_access(name, text, text, text) IS 'what revoke_access() does';

CREATE FUNCTION revoke_access(role name, kind text, account text DEFAULT NULL, region text DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	PERFORM compute_ledger._revoke_access(role, kind, account, region);
END
$$;
COMMENT ON FUNCTION revoke_access(name, text, text, text) IS 'takes what grant_access() with the same arguments gave; what the role was given otherwise, it keeps. 42704 if the role does not exist or was not given this, 22023, LC006 and LC007 as there.';
