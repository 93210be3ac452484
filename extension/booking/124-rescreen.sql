-- What policy says now to what was booked before.

CREATE FUNCTION _rescreen(now timestamptz DEFAULT NULL)
	RETURNS TABLE (reservation bigint, account_name text, region_name text, accelerator accelerator, period tstzrange, state text, effect text, policy text, rule text, clause text, reason text, during tstzmultirange)
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	clock timestamptz := compute_ledger._booking_clock(_rescreen.now);
BEGIN
	PERFORM compute_ledger._require_ledger();
	RETURN QUERY
	WITH standing AS MATERIALIZED (
		SELECT r.id, r.account, q.accelerator, q.region, r.period, r.state, r.occupies * tstzrange(clock, NULL) AS ahead
		FROM compute_ledger.reservation AS r JOIN compute_ledger.pool AS q ON q.id = r.pool
		WHERE r.state IN ('held', 'confirmed', 'running') AND upper(r.occupies) > clock AND (r.state <> 'held' OR r.held_until > clock)
	)
	SELECT s.id, a.name, g.name, s.accelerator, s.period, s.state, t.effect, t.policy, t.rule, t.clause, t.reason, t.during
	FROM (SELECT array_agg(s.id) AS ids, array_agg(s.account) AS accounts, array_agg(s.accelerator) AS chips, array_agg(s.region) AS regions, array_agg(s.ahead) AS periods FROM standing AS s) AS q
	CROSS JOIN LATERAL compute_ledger._strictest(q.ids, q.accounts, q.chips, q.regions, q.periods, 'book', NULL) AS t
	JOIN standing AS s ON s.id = t.id
	JOIN compute_ledger.account AS a ON a.id = s.account
	JOIN compute_ledger.region AS g ON g.id = s.region
	WHERE q.ids IS NOT NULL
	ORDER BY lower(s.period), s.id;
END
$$;
COMMENT ON FUNCTION _rescreen(timestamptz) IS 'what rescreen() does';

CREATE FUNCTION rescreen(now timestamptz DEFAULT NULL)
	RETURNS TABLE (reservation bigint, account_name text, region_name text, accelerator accelerator, period tstzrange, state text, effect text, policy text, rule text, clause text, reason text, during tstzmultirange)
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN QUERY SELECT t.* FROM compute_ledger._rescreen(now) AS t;
END
$$;
COMMENT ON FUNCTION rescreen(timestamptz) IS 'the reservations that are held, confirmed or running and that policy does not allow any more, from now on, with the strictest answer and when it holds: what a changed rule, licence, party or figure has made unlawful. It changes nothing: cancel_reservation() and shrink_reservation() do, and start_reservation() refuses them. For auditors and admins. now: another time than the clock''s, by admins only (42501).';
