-- Who has had how much for his share.
--
-- What was reserved, and what was used beyond it, is work: device time x the rate of the chip in one basis.  It counts where
-- the account stood in the tree when it was done, less the older it is, and stays when an account is closed.  Nothing of it
-- is stored: it follows from the history of reservations and usage.

CREATE FUNCTION _set_share(account text, shares numeric, period tstzrange DEFAULT '(,)') RETURNS void
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	number bigint := compute_ledger._account_number(account);
	old record;
	kept tstzrange[] := '{}';
BEGIN
	PERFORM compute_ledger._require_ledger();
	PERFORM compute_ledger._check_time('a share', period);
	IF (shares BETWEEN 0 AND 1000000000) IS NOT TRUE THEN
		PERFORM compute_ledger._refuse('22023', format('shares of an account are from 0 to 1000000000, not %s', coalesce(shares::text, 'NULL')));
	END IF;
	FOR old IN
		DELETE FROM compute_ledger.account_share AS s
		WHERE s.account = number AND upper_inf(s.recorded) AND s.valid && period
		RETURNING s.shares, s.valid
	LOOP
		INSERT INTO compute_ledger.account_share (account, shares, valid)
		SELECT number, old.shares, r FROM unnest(tstzmultirange(old.valid) - tstzmultirange(period)) AS r
		-- no time is from infinity on
		WHERE (lower(r) < 'infinity' AND upper(r) > '-infinity') IS NOT FALSE;
	END LOOP;
	INSERT INTO compute_ledger.account_share (account, shares, valid) VALUES (number, _set_share.shares, period);
END
$$;
COMMENT ON FUNCTION _set_share(text, numeric, tstzrange) IS 'what set_share() does';

CREATE FUNCTION set_share(account text, shares numeric, period tstzrange DEFAULT '(,)') RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	PERFORM compute_ledger._set_share(account, shares, period);
END
$$;
COMMENT ON FUNCTION set_share(text, numeric, tstzrange) IS 'sets the shares of an account, 0 to 1,000,000,000, against those beside it in the tree, always or in a period; 0: it is served when nobody beside it waits; an account for which nothing is set has 1. For admins. LC006 unknown account, 22023 shares or a period that cannot be.';

CREATE FUNCTION _decayed_work(rate compute_rate, devices numeric, "from" timestamptz, "to" timestamptz, at timestamptz, half_life double precision) RETURNS numeric
	LANGUAGE c IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE AS 'MODULE_PATHNAME', 'decayed_work';
COMMENT ON FUNCTION _decayed_work(compute_rate, numeric, timestamptz, timestamptz, timestamptz, double precision) IS 'FLOP that devices of a rate have done from one instant to another, nothing after at, each moment''s counted for half after so many seconds; a whole number; NULL for NULL; 22023 for instants or a half-life that cannot be, 22003 beyond 2^110';

CREATE FUNCTION _device_time(at timestamptz) RETURNS TABLE (account bigint, accelerator accelerator, starts timestamptz, ends timestamptz, devices numeric, queued boolean)
	LANGUAGE plpgsql STABLE ROWS 10000
	SET search_path = pg_catalog, pg_temp
	-- a table that nobody has analyzed yet looks small, and a nested loop would go through it for every row
	SET enable_nestloop = off
AS $$
#variable_conflict use_column
BEGIN
	-- its plans are kept, where a function in SQL would be planned at every call
	RETURN QUERY
	WITH taken AS (
		SELECT r.id, r.account, r.pool, r.booking, r.devices, r.occupies, r.since, r.earlier
		FROM compute_ledger.reservation AS r
		-- what the queue has booked ahead is given, too
		WHERE r.confirmed_at IS NOT NULL
			AND (lower(r.occupies) < $1 OR r.booking IN (SELECT q.booking FROM compute_ledger.request AS q WHERE q.booking IS NOT NULL AND q.placed_at <= $1 AND upper(q.planned) > $1))
	), named AS MATERIALIZED (
		-- it draws on what it names where rating lets it: account, region and chip are the reservation's
		SELECT u.account, u.accelerator, u.started_at, u.ended_at, u.devices, o.id AS reservation
		FROM compute_ledger.usage_record AS u
		LEFT JOIN LATERAL (
			SELECT r.id
			FROM compute_ledger.reservation AS r JOIN compute_ledger.pool AS p ON p.id = r.pool
			WHERE r.id = u.reservation AND p.region = u.region AND p.accelerator OPERATOR(compute_ledger.@>) u.accelerator
				AND compute_ledger.device_share(p.accelerator) IS NOT DISTINCT FROM compute_ledger.device_share(u.accelerator)
				-- its own, or one of the two was merged into the other, or both into a third
				AND (r.account = u.account OR EXISTS (
					SELECT FROM compute_ledger._account_alias(NULL) AS x
					LEFT JOIN compute_ledger._account_alias(NULL) AS y ON y.target = x.target AND y.account = u.account AND y.valid @> u.started_at
					WHERE x.account IN (r.account, u.account) AND x.valid @> u.started_at AND (x.target IN (r.account, u.account) OR x.account = r.account AND y.account IS NOT NULL)))
		) AS o ON true
		WHERE u.measure = 'allocated' AND u.superseded = 'infinity' AND u.started_at < $1 AND u.reservation IS NOT NULL
	)
	SELECT t.account, p.accelerator, lower(t.occupies), upper(t.occupies), t.devices::numeric, q.id IS NOT NULL
	FROM taken AS t JOIN compute_ledger.pool AS p ON p.id = t.pool
	LEFT JOIN compute_ledger.request AS q ON q.booking = t.booking AND upper(t.occupies) > $1
	WHERE t.earlier IS NULL
	UNION ALL
	SELECT t.account, p.accelerator, lower(s.period), upper(s.period), s.level, q.id IS NOT NULL
	FROM taken AS t JOIN compute_ledger.pool AS p ON p.id = t.pool
	LEFT JOIN compute_ledger.request AS q ON q.booking = t.booking AND upper(t.occupies) > $1
	CROSS JOIN LATERAL compute_ledger.steps(compute_ledger._reservation_profile(t.occupies, t.since, t.devices, t.earlier)) AS s
	WHERE t.earlier IS NOT NULL AND s.level > 0
	UNION ALL
	-- used, and not reserved
	SELECT u.account, u.accelerator, u.started_at, u.ended_at, u.devices, false
	FROM compute_ledger.usage_record AS u
	WHERE u.measure = 'allocated' AND u.superseded = 'infinity' AND u.started_at < $1 AND u.reservation IS NULL
	UNION ALL
	-- used, naming what is not its own
	SELECT n.account, n.accelerator, n.started_at, n.ended_at, n.devices, false
	FROM named AS n
	WHERE n.reservation IS NULL
	UNION ALL
	-- beyond what is reserved
	SELECT r.account, p.accelerator, lower(s.period), upper(s.period), s.level, false
	FROM (
		SELECT n.reservation, compute_ledger.device_profile(tstzrange(n.started_at, least(n.ended_at, $1)), n.devices) AS used
		FROM named AS n
		WHERE n.reservation IS NOT NULL
		GROUP BY n.reservation
	) AS b
	JOIN compute_ledger.reservation AS r ON r.id = b.reservation
	JOIN compute_ledger.pool AS p ON p.id = r.pool
	CROSS JOIN LATERAL compute_ledger.steps(b.used OPERATOR(compute_ledger.-) CASE WHEN r.confirmed_at IS NOT NULL
		THEN compute_ledger._reservation_profile(r.occupies, r.since, r.devices, r.earlier) ELSE '{}' END) AS s
	WHERE s.level > 0;
END
$$;
COMMENT ON FUNCTION _device_time(timestamptz) IS 'device time that has begun before an instant, or that the queue has booked by then, each device-second once: what was reserved, and what was allocated beyond it; queued: it is the rest of what a request of the queue was given';

CREATE FUNCTION _account_work(at timestamptz) RETURNS TABLE (account bigint, work numeric, own numeric, ahead numeric, own_ahead numeric)
	LANGUAGE plpgsql STABLE ROWS 1000
	SET search_path = pg_catalog, pg_temp
	SET enable_nestloop = off
	SET jit = off
AS $$
#variable_conflict use_column
BEGIN
	-- its plans are kept, where a function in SQL would be planned at every call
	RETURN QUERY
	WITH setting AS MATERIALIZED (
		SELECT s.basis, extract(epoch FROM s.half_life)::double precision AS half_life FROM compute_ledger.queue_setting AS s WHERE upper_inf(s.recorded)
	), used AS MATERIALIZED (
		SELECT u.* FROM compute_ledger._device_time($1) AS u
	), chip AS MATERIALIZED (
		SELECT c.accelerator, compute_ledger.normalized_rate(c.accelerator, s.basis, $1) AS rate
		FROM (SELECT DISTINCT u.accelerator FROM used AS u) AS c CROSS JOIN setting AS s
	), path AS MATERIALIZED (
		SELECT row_number() OVER () AS n, p.account, p.path, coalesce(lower(p.valid), '-infinity') AS starts, coalesce(upper(p.valid), 'infinity') AS ends
		FROM compute_ledger._account_path(NULL) AS p
	), done AS MATERIALIZED (
		SELECT p.n, sum(compute_ledger._decayed_work(c.rate, u.devices, greatest(u.starts, p.starts), least(u.ends, p.ends), $1, s.half_life)) AS work,
			-- what is ahead has not decayed
			sum(CASE WHEN u.queued AND u.ends > $1 AND p.ends > $1
				THEN round(c.rate::numeric * u.devices * extract(epoch FROM least(u.ends, p.ends) - greatest(u.starts, p.starts, $1))) ELSE 0 END) AS ahead
		FROM used AS u
		JOIN chip AS c ON c.accelerator OPERATOR(compute_ledger.=) u.accelerator
		JOIN path AS p ON p.account = u.account
		CROSS JOIN setting AS s
		WHERE c.rate IS NOT NULL AND p.starts < u.ends AND p.ends > u.starts
		GROUP BY p.n
	)
	SELECT a.id, sum(d.work), sum(d.work) FILTER (WHERE a.place = cardinality(p.path)), sum(d.ahead), sum(d.ahead) FILTER (WHERE a.place = cardinality(p.path))
	FROM done AS d JOIN path AS p ON p.n = d.n CROSS JOIN LATERAL unnest(p.path) WITH ORDINALITY AS a (id, place)
	GROUP BY a.id;
END
$$;
COMMENT ON FUNCTION _account_work(timestamptz) IS 'work, in FLOP of the queue''s basis, that each account and all below it (work), or it itself (own), had done at an instant, decayed, where it then stood in the tree; and what is ahead of it of what the queue has given it. A chip without a rate in the basis counts for nothing.';

CREATE FUNCTION _fair_share(now timestamptz DEFAULT NULL)
	RETURNS TABLE (account bigint, account_name text, parent bigint, level integer, shares numeric, part numeric, work compute_unit, ahead compute_unit, used numeric, factor numeric)
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER ROWS 1000
	SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	at timestamptz := compute_ledger._booking_clock(now);
	code integer;
BEGIN
	PERFORM compute_ledger._require_ledger();
	SELECT compute_ledger.basis_code(s.basis) INTO code FROM compute_ledger.queue_setting AS s WHERE upper_inf(s.recorded);
	RETURN QUERY
	WITH RECURSIVE account_work AS MATERIALIZED (
		SELECT w.* FROM compute_ledger._account_work(at) AS w
	), place AS MATERIALIZED (
		-- where it stands, or stood last
		SELECT DISTINCT ON (v.account) v.account, v.parent, v.valid @> at AS stands
		FROM compute_ledger.account_version AS v
		WHERE upper_inf(v.recorded) AND (lower_inf(v.valid) OR lower(v.valid) <= at)
		ORDER BY v.account, lower(v.valid) DESC NULLS LAST
	), tree AS (
		SELECT p.account, p.parent, 0 AS level, p.stands FROM place AS p WHERE p.parent IS NULL
		UNION ALL
		SELECT p.account, p.parent, t.level + 1, p.stands FROM tree AS t JOIN place AS p ON p.parent = t.account
	), figure AS (
		SELECT t.*, coalesce(s.shares, 1) AS shares, coalesce(w.work, 0) AS work, coalesce(w.ahead, 0) AS ahead,
			sum(coalesce(s.shares, 1)) FILTER (WHERE t.stands) OVER beside AS all_shares, sum(coalesce(w.work, 0)) OVER beside AS all_work
		FROM tree AS t
		LEFT JOIN account_work AS w ON w.account = t.account
		LEFT JOIN compute_ledger.account_share AS s ON s.account = t.account AND upper_inf(s.recorded) AND s.valid @> at
		WINDOW beside AS (PARTITION BY t.parent)
	)
	SELECT f.account, a.name, f.parent, f.level, CASE WHEN f.stands THEN f.shares END, CASE WHEN f.stands THEN round(f.shares / nullif(f.all_shares, 0), 9) END,
		compute_ledger.with_basis(f.work::compute_ledger.compute_unit, code), compute_ledger.with_basis(f.ahead::compute_ledger.compute_unit, code),
		round(f.work / nullif(f.all_work, 0), 9),
		CASE WHEN f.stands AND f.work > 0 THEN round(f.shares / nullif(f.all_shares, 0) * f.all_work / f.work, 6) END
	FROM figure AS f JOIN compute_ledger.account AS a ON a.id = f.account
	WHERE f.stands OR f.work > 0
	ORDER BY f.level, f.parent, f.account;
END
$$;
COMMENT ON FUNCTION _fair_share(timestamptz) IS 'what fair_share() does';

CREATE FUNCTION fair_share(now timestamptz DEFAULT NULL)
	RETURNS TABLE (account bigint, account_name text, parent bigint, level integer, shares numeric, part numeric, work compute_unit, ahead compute_unit, used numeric, factor numeric)
	LANGUAGE plpgsql VOLATILE ROWS 1000
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN QUERY SELECT t.* FROM compute_ledger._fair_share(now) AS t;
END
$$;
COMMENT ON FUNCTION fair_share(timestamptz) IS 'what each account has had for its share, level by level of the tree (0: roots): its shares and which part of those beside it they are; the work that it and all below it had done until now, decayed by the half-life of queue_setting, each device-second once, whether reserved or used, and which part of that of those beside it (closed ones too) it is (used); factor: part / used, NULL where nothing was used: who has the higher one comes first. ahead: what is still to come of what the queue has given it, which counts too when requests are served. Shares, part and factor of an account that is closed are NULL, and its work stays where it was done. For billers, auditors and admins. now: another time than the clock''s, by admins only (42501).';
