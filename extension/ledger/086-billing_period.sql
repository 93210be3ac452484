-- Billing calendars: periods that are generated once, as instants, and stored.
--
-- Boundary n of a calendar is the local time anchor + n x rule in the calendar's zone.
-- It is always computed from the anchor, so that a calendar anchored on the 31st ends
-- its periods on the last days of shorter months and comes back to the 31st.  What is
-- stored are instants: no later change of a zone's rules moves a period.
--
-- A calendar may go on under another rule from one of its periods on: a row of
-- billing_calendar_change.

CREATE FUNCTION _local_start(local timestamp, time_zone text) RETURNS timestamptz
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	-- AT TIME ZONE means the second of two; where a clock is put back to just this time, it shows nothing earlier in between
	RETURN (local AT TIME ZONE time_zone) - CASE WHEN local AT TIME ZONE time_zone AT TIME ZONE time_zone = local
		THEN greatest(((local AT TIME ZONE time_zone) - interval '1 microsecond') AT TIME ZONE time_zone + interval '1 microsecond' - local, interval '0')
		ELSE interval '0' END;
COMMENT ON FUNCTION _local_start(timestamp, text) IS 'the instant from which on a zone''s clock shows a local time or a later one: days begin at the first of two midnights, as (instant AT TIME ZONE zone)::date has it. A time that the zone skips is as long after the skip''s start as it is past it on the clock';

CREATE FUNCTION _billing_boundary(anchor timestamp, time_zone text, rule interval, n integer) RETURNS timestamptz
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	RETURN compute_ledger._local_start(anchor + rule * n, time_zone);
COMMENT ON FUNCTION _billing_boundary(timestamp, text, interval, integer) IS 'instant at which period n of a calendar starts. A local time that a zone skips is as long after the skip''s start as it is past it on the clock; of one that a zone repeats, the second is meant, but for the time that the clock is put back to.';

CREATE FUNCTION _generate_periods(calendars bigint[], until timestamptz) RETURNS integer
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	added integer;
BEGIN
	-- one session at a time generates for one calendar; the statement after this one sees what the one before did
	PERFORM FROM compute_ledger.billing_calendar AS c
	WHERE c.id = ANY (calendars)
	ORDER BY c.id FOR NO KEY UPDATE;
	WITH calendar AS (
		SELECT c.id, l.number AS previous, coalesce(l.number + 1, 0) AS first, upper(l.period) AS reached
		FROM compute_ledger.billing_calendar AS c
			LEFT JOIN LATERAL (SELECT p.number, p.period FROM compute_ledger.billing_period AS p
				WHERE p.calendar = c.id ORDER BY p.number DESC LIMIT 1) AS l ON true
		WHERE c.id = ANY (calendars)
			AND (l.period IS NULL OR upper(l.period) <= until)
	), segment AS (
		-- the rule from period from_number to the next change's
		SELECT c.*, r.from_number, r.anchor, r.time_zone, r.rule, r.next_number
		FROM calendar AS c CROSS JOIN LATERAL (
			SELECT s.*, lead(s.from_number) OVER (ORDER BY s.from_number) AS next_number
			FROM (SELECT 0 AS from_number, b.anchor, b.time_zone, b.rule
					FROM compute_ledger.billing_calendar AS b WHERE b.id = c.id
				UNION ALL
				SELECT h.from_number, h.anchor, h.time_zone, h.rule
				FROM compute_ledger.billing_calendar_change AS h WHERE h.calendar = c.id) AS s) AS r
	), boundary AS (
		-- starts of periods: of the first that is missing, up to the first that lies beyond until
		SELECT s.id, s.previous, s.first, n AS number,
			CASE WHEN n = s.first AND s.reached IS NOT NULL THEN s.reached
				ELSE compute_ledger._billing_boundary(s.anchor, s.time_zone, s.rule, n - s.from_number) END AS starts_at
		FROM segment AS s CROSS JOIN LATERAL generate_series(
			greatest(s.from_number, s.first),
			least(s.next_number - 1, s.from_number + 2 + greatest(0, (
				-- a rule's months have at least 28 days
				extract(epoch FROM until - (s.anchor AT TIME ZONE s.time_zone))
				/ (86400 * (28 * (extract(year FROM s.rule) * 12 + extract(month FROM s.rule)) + extract(day FROM s.rule))))::integer))) AS n
	), chained AS (
		-- a period that a zone skipped altogether (a day, say) does not exist
		SELECT d.id, d.first, d.previous, d.number, d.starts_at,
			lead(d.starts_at) OVER (PARTITION BY d.id ORDER BY d.number) AS ends_at,
			lag(d.number) OVER (PARTITION BY d.id ORDER BY d.number) AS before
		FROM (SELECT b.*, lead(b.starts_at) OVER (PARTITION BY b.id ORDER BY b.number) AS next_at FROM boundary AS b) AS d
		WHERE d.next_at IS NULL OR d.next_at <> d.starts_at
	)
	INSERT INTO compute_ledger.billing_period (calendar, number, previous, starts_at, ends_at)
	SELECT c.id, c.number, coalesce(c.before, c.previous), c.starts_at, c.ends_at
	FROM chained AS c
	WHERE c.ends_at IS NOT NULL AND c.starts_at <= until
	ORDER BY c.id, c.number
	ON CONFLICT DO NOTHING;
	GET DIAGNOSTICS added = ROW_COUNT;
	RETURN added;
END
$$;
COMMENT ON FUNCTION _generate_periods(bigint[], timestamptz) IS 'what generate_billing_periods does, for several calendars';

CREATE FUNCTION _generate_billing_periods(calendar bigint, until timestamptz) RETURNS integer
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	calendars bigint[];
BEGIN
	PERFORM compute_ledger._require_ledger();
	IF isfinite(until) IS NOT TRUE THEN
		PERFORM compute_ledger._refuse('22023', 'billing periods are generated up to a finite time');
	ELSIF until > CURRENT_TIMESTAMP + interval '100 years' THEN
		PERFORM compute_ledger._refuse('22023', 'billing periods are generated for a hundred years at most');
	END IF;
	calendars := ARRAY(SELECT c.id FROM compute_ledger.billing_calendar AS c
		WHERE c.id = _generate_billing_periods.calendar OR _generate_billing_periods.calendar IS NULL);
	IF calendars = '{}' AND calendar IS NOT NULL THEN
		PERFORM compute_ledger._refuse('42704', format('billing calendar %s does not exist', calendar));
	END IF;
	-- nothing is locked where nothing is missing
	RETURN compute_ledger._generate_periods(ARRAY(
			SELECT c.id FROM unnest(calendars) AS c (id)
			WHERE NOT EXISTS (SELECT FROM compute_ledger.billing_period AS p WHERE p.calendar = c.id AND p.ends_at > until)
				AND EXISTS (SELECT FROM compute_ledger.billing_calendar AS b WHERE b.id = c.id AND b.anchor AT TIME ZONE b.time_zone <= until)),
		until);
END
$$;
COMMENT ON FUNCTION _generate_billing_periods(bigint, timestamptz) IS 'what generate_billing_periods() does';

CREATE FUNCTION generate_billing_periods(calendar bigint, until timestamptz) RETURNS integer
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN compute_ledger._generate_billing_periods(calendar, until);
END
$$;
COMMENT ON FUNCTION generate_billing_periods(bigint, timestamptz) IS 'stores the periods of a billing calendar (NULL: of all) that start up to an instant and are not stored yet, and returns their number; what another session generates at the same time is waited for. 42704 for a calendar that does not exist, 22023 for a time that is infinite or more than a hundred years from now.';

CREATE FUNCTION _billing_period(calendar bigint, at timestamptz) RETURNS bigint
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT p.id FROM compute_ledger.billing_period AS p
	WHERE p.calendar = $1 AND p.starts_at <= $2 AND $2 < p.ends_at
	ORDER BY p.starts_at DESC LIMIT 1
$$;
COMMENT ON FUNCTION _billing_period(bigint, timestamptz) IS 'what billing_period() does';

CREATE FUNCTION billing_period(calendar bigint, at timestamptz) RETURNS bigint
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN compute_ledger._billing_period(calendar, at);
END
$$;
COMMENT ON FUNCTION billing_period(bigint, timestamptz) IS 'id of the stored period of a billing calendar that an instant lies in; NULL before the calendar''s anchor and where periods have not been generated yet';

CREATE FUNCTION _change_billing_calendar(name text, from_number integer, time_zone text DEFAULT NULL, anchor timestamp DEFAULT NULL, rule interval DEFAULT NULL) RETURNS timestamptz
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	this record;
	period record;
	starts timestamptz;
	reached timestamptz;
BEGIN
	PERFORM compute_ledger._require_ledger();
	SELECT c.* INTO this FROM compute_ledger.billing_calendar AS c
	WHERE c.name = _change_billing_calendar.name FOR NO KEY UPDATE;
	IF NOT FOUND THEN
		PERFORM compute_ledger._refuse('42704', format('billing calendar "%s" does not exist', _change_billing_calendar.name));
	ELSIF this.name LIKE 'month/%' THEN
		PERFORM compute_ledger._refuse('55000', format('billing calendar "%s" stays the calendar months of its zone', this.name),
			detail => 'Every account without a calendar is billed by it that is in this zone and has no other account above it.',
			hint => 'Make a calendar of another name, and let those accounts have it whose periods change: change_account().');
	END IF;
	SELECT p.number, p.starts_at, b.number AS before_number, b.starts_at AS before_starts_at,
		coalesce(h.anchor, this.anchor) + coalesce(h.rule, this.rule) * (p.number - coalesce(h.from_number, 0)) AS local_start,
		coalesce(h.time_zone, this.time_zone) AS time_zone, coalesce(h.rule, this.rule) AS rule
	INTO period
	FROM compute_ledger.billing_period AS p
		JOIN compute_ledger.billing_period AS b ON b.calendar = p.calendar AND b.number = p.previous
		LEFT JOIN LATERAL (SELECT c.* FROM compute_ledger.billing_calendar_change AS c
			WHERE c.calendar = p.calendar AND c.from_number <= p.number ORDER BY c.from_number DESC LIMIT 1) AS h ON true
	WHERE p.calendar = this.id AND p.number = _change_billing_calendar.from_number;
	IF NOT FOUND THEN
		PERFORM compute_ledger._refuse('22023', format('billing calendar "%s" has no period %s that another goes before', _change_billing_calendar.name, _change_billing_calendar.from_number),
			hint => 'Take a number from table billing_period; generate_billing_periods() makes later ones.');
	END IF;
	IF EXISTS (SELECT FROM compute_ledger.billing_calendar_change AS c WHERE c.calendar = this.id AND c.from_number >= period.number) THEN
		PERFORM compute_ledger._refuse('55000', format('billing calendar "%s" already has another rule from period %s or a later one on', _change_billing_calendar.name, period.number));
	END IF;
	time_zone := coalesce(time_zone, period.time_zone);
	anchor := coalesce(anchor, period.local_start);
	rule := coalesce(rule, period.rule);
	PERFORM compute_ledger._check_time_zones(ARRAY[time_zone]);
	starts := compute_ledger._local_start(anchor, time_zone);
	IF starts <= period.before_starts_at THEN
		PERFORM compute_ledger._refuse('22023', format('period %s would start before the one before it, at %s', period.number, starts));
	END IF;
	SELECT max(p.starts_at) INTO reached FROM compute_ledger.billing_period AS p WHERE p.calendar = this.id;
	INSERT INTO compute_ledger.billing_calendar_change (calendar, from_number, anchor, time_zone, rule)
	VALUES (this.id, period.number, _change_billing_calendar.anchor, _change_billing_calendar.time_zone, _change_billing_calendar.rule);
	-- the period before ends where this one starts now; what is closed or billed refers to its period and keeps it
	WITH gone AS (
		DELETE FROM compute_ledger.billing_period AS p
		WHERE p.calendar = this.id AND p.number >= period.before_number
		RETURNING p.*
	)
	INSERT INTO compute_ledger.billing_period_replaced (id, calendar, number, previous, starts_at, ends_at, recorded)
	SELECT g.id, g.calendar, g.number, g.previous, g.starts_at, g.ends_at, tstzrange(g.recorded, compute_ledger._ledger_stamp())
	FROM gone AS g
	WHERE g.recorded < compute_ledger._ledger_stamp();
	PERFORM compute_ledger._generate_periods(ARRAY[this.id], greatest(reached, starts));
	RETURN starts;
END
$$;
COMMENT ON FUNCTION _change_billing_calendar(text, integer, text, timestamp, interval) IS 'what change_billing_calendar() does';

CREATE FUNCTION change_billing_calendar(name text, from_number integer, time_zone text DEFAULT NULL, anchor timestamp DEFAULT NULL, rule interval DEFAULT NULL) RETURNS timestamptz
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN compute_ledger._change_billing_calendar(name, from_number, time_zone, anchor, rule);
END
$$;
COMMENT ON FUNCTION change_billing_calendar(text, integer, text, timestamp, interval) IS 'lets a billing calendar go on in another zone, from another local time or by another rule (each as it was if NULL) from one of its periods on, and returns the instant at which that period starts now. The period before it ends there: it is as much longer or shorter as the zones differ, and there is neither gap nor overlap. 23503 if one of the periods that change was closed or billed; 22023 if there is no such period or it would start too early; 55000 if the calendar has another rule later, and for month/ZONE.';

CREATE FUNCTION _billing_periods(as_of timestamptz DEFAULT NULL)
	RETURNS TABLE (id bigint, calendar bigint, number integer, starts_at timestamptz, ends_at timestamptz)
	LANGUAGE sql STABLE PARALLEL SAFE ROWS 1000
	SET search_path = pg_catalog, pg_temp
AS $$
	-- a period that was replaced later; or one that stands, unless it came in place of one, or by a rule of later
	SELECT r.id, r.calendar, r.number, r.starts_at, r.ends_at
	FROM compute_ledger.billing_period_replaced AS r
	WHERE r.recorded @> $1
	UNION ALL
	SELECT p.id, p.calendar, p.number, p.starts_at, p.ends_at
	FROM compute_ledger.billing_period AS p
	WHERE NOT EXISTS (SELECT FROM compute_ledger.billing_period_replaced AS r
		WHERE r.calendar = p.calendar AND r.recorded @> $1 AND tstzrange(r.starts_at, r.ends_at) && p.period)
		AND NOT EXISTS (SELECT FROM compute_ledger.billing_calendar_change AS h
			WHERE h.calendar = p.calendar AND h.recorded > $1 AND p.number >= h.from_number)
$$;
COMMENT ON FUNCTION _billing_periods(timestamptz) IS 'what billing_periods() does';

CREATE FUNCTION billing_periods(as_of timestamptz DEFAULT NULL)
	RETURNS TABLE (id bigint, calendar bigint, number integer, starts_at timestamptz, ends_at timestamptz)
	LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 1000
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN QUERY SELECT t.* FROM compute_ledger._billing_periods(as_of) AS t;
END
$$;
COMMENT ON FUNCTION billing_periods(timestamptz) IS 'the billing periods of all calendars as they were known at a recorded time (NULL: now), those generated later by the same rule included';

-- ------------------------------------------------------------------ triggers

CREATE FUNCTION _check_time_zones(zones text[]) RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	bad text;
BEGIN
	SELECT z.name INTO bad
	FROM unnest(zones) AS z (name) LEFT JOIN pg_timezone_names AS n ON n.name = z.name
	WHERE n.name IS NULL AND z.name IS NOT NULL
	ORDER BY z.name COLLATE "C" LIMIT 1;
	IF FOUND THEN
		PERFORM compute_ledger._refuse('22023', format('time zone "%s" not recognized', bad),
			hint => 'Use a name from pg_timezone_names, spelt as it is there: an abbreviation or an offset has no daylight-saving time.');
	END IF;
END
$$;
COMMENT ON FUNCTION _check_time_zones(text[]) IS 'raises 22023 for a name that is not in pg_timezone_names';

CREATE FUNCTION _billing_calendar_guard() RETURNS trigger
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_name('a billing calendar', NEW.name);
	IF TG_OP = 'INSERT' THEN
		PERFORM compute_ledger._check_time_zones(ARRAY[NEW.time_zone]);
		IF NOT NEW.anchor BETWEEN '1970-01-01' AND '2200-01-01' THEN
			PERFORM compute_ledger._refuse('23514', format('billing calendar "%s" would begin at %s', NEW.name, NEW.anchor), detail => 'The first of its periods starts in the years 1970 to 2199, by the clock of its time zone.',
				"constraint" => 'billing_calendar_anchor_check');
		ELSIF NEW.rule <> date_trunc('day', NEW.rule) OR extract(year FROM NEW.rule) * 12 + extract(month FROM NEW.rule) < 0 OR extract(day FROM NEW.rule) < 0 OR NEW.rule <= interval '0' THEN
			PERFORM compute_ledger._refuse('23514', format('a billing period cannot be %s long', NEW.rule), hint => 'A rule is a number of months or days, or both, above 0: 1 month, 7 days.',
				"constraint" => 'billing_calendar_rule_check');
		ELSIF NEW.name LIKE 'month/%' AND NOT (NEW.name = 'month/' || NEW.time_zone AND NEW.anchor = '2000-01-01'
			AND extract(year FROM NEW.rule) = 0 AND extract(month FROM NEW.rule) = 1 AND extract(day FROM NEW.rule) = 0) THEN
			PERFORM compute_ledger._refuse('23514', format('name "%s" is kept for the calendar months of a time zone', NEW.name), hint => 'Give the calendar a name that does not begin with month/.',
				"constraint" => 'billing_calendar_month_check');
		END IF;
	ELSIF (NEW.id, NEW.anchor, NEW.time_zone, NEW.rule) IS DISTINCT FROM (OLD.id, OLD.anchor, OLD.time_zone, OLD.rule) THEN
		PERFORM compute_ledger._refuse('23001', 'the rule of a billing calendar does not change',
			hint => 'Let it go on under another rule with change_billing_calendar().');
	ELSIF OLD.name LIKE 'month/%' AND NEW.name <> OLD.name THEN
		PERFORM compute_ledger._refuse('23001', format('billing calendar "%s" keeps its name', OLD.name),
			detail => 'Accounts without a calendar of their own are billed by the one of this name.');
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION _billing_calendar_guard() IS 'trigger of billing_calendar: checks the time zone (22023), refuses another rule, and another name of month/ZONE (23001)';

CREATE FUNCTION _billing_calendar_generate() RETURNS trigger
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._generate_periods(ARRAY(SELECT a.id FROM added AS a), CURRENT_TIMESTAMP + interval '1 year');
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION _billing_calendar_generate() IS 'trigger of billing_calendar: stores a new calendar''s periods up to a year from now';
