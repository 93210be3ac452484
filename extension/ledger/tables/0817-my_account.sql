CREATE VIEW compute_ledger.my_account WITH (security_barrier = true) AS
WITH seen AS MATERIALIZED (
	SELECT ARRAY(SELECT compute_ledger._visible_accounts()) AS accounts
)
SELECT a.id, a.name, p.id AS parent, p.name AS parent_name, v.kind, v.title, v.jurisdiction, v.jurisdiction_verified, v.time_zone, v.currency,
	c.name AS calendar, v.valid, i.id AS merged_into, i.name AS merged_into_name, m.at AS merged_at
FROM compute_ledger.account AS a
LEFT JOIN LATERAL (
	-- where it is now; one that has ended or has not begun, where it was or will be
	SELECT v.*
	FROM compute_ledger.account_version AS v
	WHERE v.account = a.id AND upper_inf(v.recorded)
	ORDER BY CASE WHEN coalesce(lower(v.valid), '-infinity') <= statement_timestamp() THEN coalesce(lower(v.valid), '-infinity') END DESC NULLS LAST, lower(v.valid)
	LIMIT 1
) AS v ON true
LEFT JOIN compute_ledger.account AS p ON p.id = v.parent AND p.id = ANY ((SELECT s.accounts FROM seen AS s)::bigint[])
LEFT JOIN compute_ledger.billing_calendar AS c ON c.id = v.calendar
LEFT JOIN compute_ledger.account_merge AS m ON m.account = a.id AND upper_inf(m.recorded)
LEFT JOIN compute_ledger.account AS i ON i.id = m.merged_into AND i.id = ANY ((SELECT s.accounts FROM seen AS s)::bigint[])
WHERE a.id = ANY ((SELECT s.accounts FROM seen AS s)::bigint[])
OFFSET 0;
COMMENT ON VIEW compute_ledger.my_account IS 'The accounts that you see, a row each, with what is known of them now: the version that is valid; of an account that has ended the last one, of one that has not begun the first.';
COMMENT ON COLUMN compute_ledger.my_account.parent IS 'the account it belongs to; NULL for the root of a tree, and if you do not see that account';
COMMENT ON COLUMN compute_ledger.my_account.parent_name IS 'its name';
COMMENT ON COLUMN compute_ledger.my_account.calendar IS 'name of its billing calendar, if the account is billed for itself and for what is under it; NULL: its parent is, or, for a root, it is billed by the calendar months of its zone';
COMMENT ON COLUMN compute_ledger.my_account.merged_into IS 'the account that its name means from merged_at on; NULL if you do not see that account';
COMMENT ON COLUMN compute_ledger.my_account.merged_into_name IS 'its name';
COMMENT ON COLUMN compute_ledger.my_account.merged_at IS 'when it was merged into another; NULL if it was not';
PERFORM compute_ledger._comment_like('compute_ledger.my_account', r) FROM unnest('{compute_ledger.account,compute_ledger.account_version}'::regclass[]) AS r;
