-- Rollups: usage by hour and day, utilization of capacity, and spend, as materialized views.
--
-- One pass over the records makes the cells of _usage_hourly: an hour of UTC in one day
-- of the account's time zone.  Everything else is a sum of cells.  A materialized view is
-- granted to nobody, because row-level security does not cover it; what users read is a
-- view with a security barrier over it.

CREATE TYPE _usage_cell AS (
	hour timestamptz,
	day date,
	device_hours numeric,
	device_time numeric,
	work compute_unit,
	achieved compute_unit,
	started bigint
);
COMMENT ON TYPE _usage_cell IS 'row of _usage_cells: what was used in one hour of UTC that is in one local day';

CREATE FUNCTION _usage_cells_accum(internal, started timestamptz, ended timestamptz, "from" timestamptz, "to" timestamptz, time_zone text, devices numeric, rate compute_rate, achieved compute_unit) RETURNS internal
	LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'usage_cells_accum';
COMMENT ON FUNCTION _usage_cells_accum(internal, timestamptz, timestamptz, timestamptz, timestamptz, text, numeric, compute_rate, compute_unit) IS 'Transition of _usage_cells.';
CREATE FUNCTION _usage_cells_combine(internal, internal) RETURNS internal
	LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'usage_cells_combine';
COMMENT ON FUNCTION _usage_cells_combine(internal, internal) IS 'Combines two states of _usage_cells.';
CREATE FUNCTION _usage_cells_serialize(internal) RETURNS bytea
	LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'usage_cells_serialize';
COMMENT ON FUNCTION _usage_cells_serialize(internal) IS 'Writes a state of _usage_cells for another process.';
CREATE FUNCTION _usage_cells_deserialize(bytea, internal) RETURNS internal
	LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'usage_cells_deserialize';
COMMENT ON FUNCTION _usage_cells_deserialize(bytea, internal) IS 'Reads a state of _usage_cells from another process.';
CREATE FUNCTION _usage_cells_final(internal) RETURNS _usage_cell[]
	LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'usage_cells_final';
COMMENT ON FUNCTION _usage_cells_final(internal) IS 'Ends _usage_cells.';

CREATE AGGREGATE _usage_cells(started timestamptz, ended timestamptz, "from" timestamptz, "to" timestamptz, time_zone text, devices numeric, rate compute_rate, achieved compute_unit) (
	SFUNC = _usage_cells_accum, STYPE = internal, SSPACE = 16384, FINALFUNC = _usage_cells_final,
	COMBINEFUNC = _usage_cells_combine, SERIALFUNC = _usage_cells_serialize, DESERIALFUNC = _usage_cells_deserialize,
	PARALLEL = safe
);
COMMENT ON AGGREGATE _usage_cells(timestamptz, timestamptz, timestamptz, timestamptz, text, numeric, compute_rate, compute_unit) IS 'usage of one group of records by hours of UTC and days of a time zone: an array of _usage_cell in order, with the hours in which there was some. A row gives a record''s start and end, the part of it to add, the zone of that part, its devices, the rate of one device and the work achieved by the whole record; the last two may be NULL, rows with another NULL are left out. device_time is exact, in 1/1,680,000 device x microsecond; device_hours are rounded so that they add up; work and achieved are in FLOP, parts of a record adding up to the rounded whole; started counts the records that begin. Errors: LC001 rates of different bases; 22003 an amount out of range; 22000 a part that is not within its record; 22023 an unknown time zone.';

CREATE FUNCTION _device_hours(device_time numeric) RETURNS numeric
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	-- twenty decimals of the quotient tell a half, which has thirteen, from all that is near one
	AS $$ SELECT compute_ledger._round_half_even(device_time * 1.00000000000000000000 / 6048000000000000, 12) $$;
COMMENT ON FUNCTION _device_hours(numeric) IS 'device-hours, rounded half to even to 12 decimals, of a device time in 1/1,680,000 device x microsecond';

-- ------------------------------------------------------------------ tables and views

CREATE FUNCTION _create_rollup() RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	CREATE TABLE compute_ledger.rollup_state (
		single boolean PRIMARY KEY DEFAULT true CHECK (single),
		as_of timestamptz NOT NULL DEFAULT '-infinity',
		refreshed_at timestamptz,
		refreshed_by name
	);
	COMMENT ON TABLE compute_ledger.rollup_state IS 'what the rollups show: one row, written by refresh_rollups()';
	COMMENT ON COLUMN compute_ledger.rollup_state.single IS 'there is one row';
	COMMENT ON COLUMN compute_ledger.rollup_state.as_of IS 'the recorded time that the rollups show: what was recorded later is not in them, and usage without an end yet counts up to here; -infinity before the first refresh';
	COMMENT ON COLUMN compute_ledger.rollup_state.refreshed_at IS 'when refresh_rollups() was last run';
	COMMENT ON COLUMN compute_ledger.rollup_state.refreshed_by IS 'by whom';
	INSERT INTO compute_ledger.rollup_state DEFAULT VALUES;
	PERFORM compute_ledger._protect('compute_ledger.rollup_state', 'true');

	CREATE TABLE compute_ledger.capacity (
		region integer NOT NULL REFERENCES compute_ledger.region,
		accelerator compute_ledger.accelerator NOT NULL,
		devices numeric NOT NULL CHECK (devices >= 0 AND devices <= 1000000000),
		valid tstzrange NOT NULL CHECK (NOT lower_inf(valid)),
		source text,
		recorded tstzrange NOT NULL DEFAULT tstzrange(compute_ledger.ledger_stamp(), NULL),
		CONSTRAINT capacity_valid_excl EXCLUDE USING gist (
			int4range(region, region, '[]') WITH =, accelerator WITH OPERATOR(compute_ledger.=), valid WITH &&, recorded WITH &&)
	);
	COMMENT ON TABLE compute_ledger.capacity IS 'how many devices of a kind there are in a region, and when. Change it with INSERT, UPDATE and DELETE: what is replaced stays, with the time until which it was held to be true.';
	COMMENT ON COLUMN compute_ledger.capacity.region IS 'where the devices are; usage counts against the capacity of the same region';
	COMMENT ON COLUMN compute_ledger.capacity.accelerator IS 'the chip, as usage is identified; usage counts against the capacity of the same chip';
	COMMENT ON COLUMN compute_ledger.capacity.devices IS 'number of devices in service';
	COMMENT ON COLUMN compute_ledger.capacity.valid IS 'when they are there; it has a start';
	COMMENT ON COLUMN compute_ledger.capacity.source IS 'where the number is from';
	COMMENT ON COLUMN compute_ledger.capacity.recorded IS 'when the ledger held the row to be true; without an end: it still does';
	PERFORM compute_ledger._bitemporal('compute_ledger.capacity', 'region', 'accelerator');
	PERFORM compute_ledger._protect('compute_ledger.capacity');

	-- One pass.  Where no version of an account says what zone it is in, days are UTC.
	CREATE MATERIALIZED VIEW compute_ledger._usage_hourly AS
	WITH state AS MATERIALIZED (
		SELECT s.as_of FROM compute_ledger.rollup_state AS s
	), segment AS MATERIALIZED (
		SELECT p.account, p.time_zone, p.valid
		FROM compute_ledger.payer((SELECT s.as_of FROM state AS s)) AS p
	), zone AS MATERIALIZED (
		SELECT v.account, v.time_zone, coalesce(lower(v.valid), '-infinity') AS since, coalesce(upper(v.valid), 'infinity') AS until
		FROM (
			SELECT s.account, s.time_zone, unnest(range_agg(s.valid)) AS valid
			FROM segment AS s
			GROUP BY s.account, s.time_zone
			UNION ALL
			SELECT a.id, 'UTC', unnest('{(,)}'::tstzmultirange - coalesce(range_agg(s.valid), '{}'))
			FROM compute_ledger.account AS a LEFT JOIN segment AS s ON s.account = a.id
			GROUP BY a.id
		) AS v
	)
	SELECT g.account, g.region, g.accelerator, g.measure, g.basis,
		c.hour, c.day, c.device_hours, c.device_time, c.work, c.achieved, c.started
	FROM (
		SELECT r.account, r.region, r.accelerator, r.measure, r.basis,
			compute_ledger._usage_cells(r.started_at, r.ended_at, greatest(r.started_at, z.since), least(r.ended_at, z.until),
				z.time_zone, r.devices, r.rate, r.achieved_work) AS cells
		FROM (
			SELECT u.account, u.region, u.accelerator, u.measure, u.basis, u.devices, u.rate, u.achieved_work, u.started_at,
				CASE WHEN u.ended_at = 'infinity' THEN (SELECT s.as_of FROM state AS s) ELSE u.ended_at END AS ended_at
			FROM compute_ledger.usage_record AS u
			WHERE u.recorded <= (SELECT s.as_of FROM state AS s) AND u.superseded > (SELECT s.as_of FROM state AS s)
		) AS r
		JOIN zone AS z ON z.account = r.account AND z.since < r.ended_at AND z.until > r.started_at
		WHERE r.started_at < r.ended_at
		GROUP BY r.account, r.region, r.accelerator, r.measure, r.basis
	) AS g, unnest(g.cells) AS c;
	CREATE UNIQUE INDEX _usage_hourly_key ON compute_ledger._usage_hourly (account, region, accelerator, measure, basis, hour, day) NULLS NOT DISTINCT;

	CREATE MATERIALIZED VIEW compute_ledger._usage_daily AS
	SELECT h.account, h.region, h.accelerator, h.measure, h.basis, h.day,
		sum(h.device_hours) AS device_hours, sum(h.device_time) AS device_time,
		compute_ledger.sum(h.work) AS work, compute_ledger.sum(h.achieved) AS achieved, sum(h.started)::bigint AS started
	FROM compute_ledger._usage_hourly AS h
	GROUP BY h.account, h.region, h.accelerator, h.measure, h.basis, h.day;
	CREATE UNIQUE INDEX _usage_daily_key ON compute_ledger._usage_daily (account, region, accelerator, measure, basis, day) NULLS NOT DISTINCT;

	-- By days of UTC, which are the same for all accounts.  Without an account: all of them, and days on which there was only capacity.
	CREATE MATERIALIZED VIEW compute_ledger._utilization_daily AS
	WITH state AS MATERIALIZED (
		SELECT s.as_of FROM compute_ledger.rollup_state AS s
	), usage AS MATERIALIZED (
		SELECT h.account, h.region, h.accelerator, (h.hour AT TIME ZONE 'UTC')::date AS day,
			sum(h.device_time) FILTER (WHERE h.measure = 'reserved') AS reserved,
			sum(h.device_time) FILTER (WHERE h.measure = 'allocated') AS allocated,
			sum(h.device_time) FILTER (WHERE h.measure = 'used') AS used
		FROM compute_ledger._usage_hourly AS h
		GROUP BY h.account, h.region, h.accelerator, (h.hour AT TIME ZONE 'UTC')::date
	), held AS (
		SELECT c.region, c.accelerator, c.devices, lower(c.valid) AS since, least(upper(c.valid), (SELECT s.as_of FROM state AS s)) AS until
		FROM compute_ledger.capacity AS c
		WHERE c.recorded @> (SELECT s.as_of FROM state AS s)
	), capacity AS MATERIALIZED (
		SELECT c.region, c.accelerator, d.day::date AS day,
			sum(compute_ledger._round_half_even(c.devices * 1680000, 0)
				* (extract(epoch FROM least(c.until, (d.day + interval '1 day') AT TIME ZONE 'UTC') - greatest(c.since, d.day AT TIME ZONE 'UTC')) * 1000000)::bigint) AS capacity
		FROM held AS c,
			generate_series(date_trunc('day', c.since AT TIME ZONE 'UTC'), (c.until - interval '1 microsecond') AT TIME ZONE 'UTC', interval '1 day') AS d (day)
		WHERE c.since < c.until
		GROUP BY c.region, c.accelerator, d.day
	), fleet AS (
		SELECT u.region, u.accelerator, u.day, sum(u.reserved) AS reserved, sum(u.allocated) AS allocated, sum(u.used) AS used
		FROM usage AS u
		GROUP BY u.region, u.accelerator, u.day
	)
	SELECT t.account, t.region, t.accelerator, t.day, t.capacity_time, t.reserved_time, t.allocated_time, t.used_time,
		compute_ledger._device_hours(t.capacity_time) AS capacity_hours, compute_ledger._device_hours(t.reserved_time) AS reserved_hours,
		compute_ledger._device_hours(t.allocated_time) AS allocated_hours, compute_ledger._device_hours(t.used_time) AS used_hours
	FROM (
		SELECT u.account, u.region, u.accelerator, u.day, c.capacity AS capacity_time, u.reserved AS reserved_time, u.allocated AS allocated_time, u.used AS used_time
		FROM usage AS u LEFT JOIN capacity AS c ON c.region = u.region AND c.accelerator OPERATOR(compute_ledger.=) u.accelerator AND c.day = u.day
		UNION ALL
		SELECT NULL, coalesce(f.region, c.region), coalesce(f.accelerator, c.accelerator), coalesce(f.day, c.day), c.capacity, f.reserved, f.allocated, f.used
		FROM fleet AS f FULL JOIN capacity AS c ON c.region = f.region AND c.accelerator OPERATOR(compute_ledger.=) f.accelerator AND c.day = f.day
	) AS t;
	CREATE UNIQUE INDEX _utilization_daily_key ON compute_ledger._utilization_daily (account, region, accelerator, day) NULLS NOT DISTINCT;

	-- What is charged for a whole billing period is of no day: it counts on the first.
	CREATE MATERIALIZED VIEW compute_ledger._spend_daily AS
	SELECT c.book, c.payer, c.account, c.region, c.accelerator, c.measure, c.kind,
		coalesce(c.day, (lower(c.period) AT TIME ZONE coalesce(z.time_zone, 'UTC'))::date) AS day, c.currency,
		compute_ledger._device_hours(sum(c.amount)) AS device_hours, sum(c.amount) AS device_time, sum(c.list_cost) AS list_cost, sum(c.contracted_cost) AS contracted_cost, sum(c.cost) AS cost, count(*) AS charges
	FROM compute_ledger.charge AS c
	LEFT JOIN (
		SELECT p.account, p.time_zone, p.valid
		FROM compute_ledger.payer((SELECT s.as_of FROM compute_ledger.rollup_state AS s)) AS p
	) AS z ON c.day IS NULL AND z.account = c.account AND z.valid @> lower(c.period)
	WHERE c.recorded <= (SELECT s.as_of FROM compute_ledger.rollup_state AS s)
	GROUP BY c.book, c.payer, c.account, c.region, c.accelerator, c.measure, c.kind,
		coalesce(c.day, (lower(c.period) AT TIME ZONE coalesce(z.time_zone, 'UTC'))::date), c.currency;
	CREATE UNIQUE INDEX _spend_daily_key ON compute_ledger._spend_daily (account, day, book, payer, region, accelerator, measure, kind, currency) NULLS NOT DISTINCT;

	PERFORM compute_ledger._share(v) FROM unnest(ARRAY['compute_ledger._usage_hourly', 'compute_ledger._usage_daily', 'compute_ledger._utilization_daily',
		'compute_ledger._spend_daily']::regclass[]) AS v;
	COMMENT ON MATERIALIZED VIEW compute_ledger._usage_hourly IS 'what usage_hourly shows, of all accounts';
	COMMENT ON MATERIALIZED VIEW compute_ledger._usage_daily IS 'what usage_daily shows, of all accounts';
	COMMENT ON MATERIALIZED VIEW compute_ledger._spend_daily IS 'what spend_daily shows, of all accounts';
	COMMENT ON MATERIALIZED VIEW compute_ledger._utilization_daily IS 'what utilization_daily shows, of all accounts, in 1/1,680,000 device x microsecond';

	-- What readers read.  These views look at the tables as their owner, so they have to say themselves who sees what.
	CREATE VIEW compute_ledger.usage_hourly WITH (security_barrier = true) AS
	SELECT h.account, a.name AS account_name, h.region, r.name AS region_name, h.accelerator, h.measure, h.basis,
		h.hour, h.day, h.device_hours, h.device_time, h.work, h.achieved, h.started
	FROM compute_ledger._usage_hourly AS h
	JOIN compute_ledger.account AS a ON a.id = h.account
	JOIN compute_ledger.region AS r ON r.id = h.region
	WHERE h.account IN (SELECT compute_ledger.visible_accounts());
	COMMENT ON VIEW compute_ledger.usage_hourly IS 'Usage by hours of UTC, as of rollup_state.as_of: what the accounts that you see used in each hour in which they used anything. An hour in which a day of the account''s time zone begins otherwise than on the hour has a row for either day.';
	COMMENT ON COLUMN compute_ledger.usage_hourly.account IS 'account that used it';
	COMMENT ON COLUMN compute_ledger.usage_hourly.account_name IS 'its name';
	COMMENT ON COLUMN compute_ledger.usage_hourly.region IS 'region where';
	COMMENT ON COLUMN compute_ledger.usage_hourly.region_name IS 'its name';
	COMMENT ON COLUMN compute_ledger.usage_hourly.accelerator IS 'chip or class that it was identified as';
	COMMENT ON COLUMN compute_ledger.usage_hourly.measure IS 'reserved, allocated or used';
	COMMENT ON COLUMN compute_ledger.usage_hourly.basis IS 'code of the basis that work is in';
	COMMENT ON COLUMN compute_ledger.usage_hourly.hour IS 'start of the hour';
	COMMENT ON COLUMN compute_ledger.usage_hourly.day IS 'day of the account''s time zone that it is in';
	COMMENT ON COLUMN compute_ledger.usage_hourly.device_hours IS 'device-hours, rounded to 12 decimals so that the hours of one account, region, accelerator, measure and basis add up to their rounded sum';
	COMMENT ON COLUMN compute_ledger.usage_hourly.device_time IS 'the same exactly: an integer, in 1/1,680,000 device x microsecond; 6,048,000,000,000,000 are a device-hour';
	COMMENT ON COLUMN compute_ledger.usage_hourly.work IS 'nominal work: rate x devices x time, as the records froze the rate; NULL if no rate was known for any of it';
	COMMENT ON COLUMN compute_ledger.usage_hourly.achieved IS 'work that was really done, by the share of its records'' time, in basis flop whatever basis it was given in; NULL if none of the records says';
	COMMENT ON COLUMN compute_ledger.usage_hourly.started IS 'records that begin in it; adds up to the number of records';

	CREATE VIEW compute_ledger.usage_daily WITH (security_barrier = true) AS
	SELECT d.account, a.name AS account_name, d.region, r.name AS region_name, d.accelerator, d.measure, d.basis,
		d.day, d.device_hours, d.device_time, d.work, d.achieved, d.started
	FROM compute_ledger._usage_daily AS d
	JOIN compute_ledger.account AS a ON a.id = d.account
	JOIN compute_ledger.region AS r ON r.id = d.region
	WHERE d.account IN (SELECT compute_ledger.visible_accounts());
	COMMENT ON VIEW compute_ledger.usage_daily IS 'Usage by days of the account''s time zone, as of rollup_state.as_of: the sums of usage_hourly.';
	COMMENT ON COLUMN compute_ledger.usage_daily.account IS 'account that used it';
	COMMENT ON COLUMN compute_ledger.usage_daily.account_name IS 'its name';
	COMMENT ON COLUMN compute_ledger.usage_daily.region IS 'region where';
	COMMENT ON COLUMN compute_ledger.usage_daily.region_name IS 'its name';
	COMMENT ON COLUMN compute_ledger.usage_daily.accelerator IS 'chip or class that it was identified as';
	COMMENT ON COLUMN compute_ledger.usage_daily.measure IS 'reserved, allocated or used';
	COMMENT ON COLUMN compute_ledger.usage_daily.basis IS 'code of the basis that work is in';
	COMMENT ON COLUMN compute_ledger.usage_daily.day IS 'day of the account''s time zone: 23 to 25 hours where clocks change';
	COMMENT ON COLUMN compute_ledger.usage_daily.device_hours IS 'device-hours, rounded as those of usage_hourly, whose sum it is';
	COMMENT ON COLUMN compute_ledger.usage_daily.device_time IS 'the same exactly: an integer, in 1/1,680,000 device x microsecond';
	COMMENT ON COLUMN compute_ledger.usage_daily.work IS 'nominal work; NULL if no rate was known for any of it';
	COMMENT ON COLUMN compute_ledger.usage_daily.achieved IS 'work that was really done, in basis flop; NULL if none of the records says';
	COMMENT ON COLUMN compute_ledger.usage_daily.started IS 'records that begin on that day; adds up to the number of records';

	CREATE VIEW compute_ledger.utilization_daily WITH (security_barrier = true) AS
	SELECT u.account, a.name AS account_name, u.region, r.name AS region_name, u.accelerator, u.day,
		CASE WHEN e.everything THEN u.capacity_hours END AS capacity_hours, u.reserved_hours, u.allocated_hours, u.used_hours,
		CASE WHEN e.everything THEN round(u.allocated_time / nullif(u.capacity_time, 0), 6) END AS allocation,
		CASE WHEN e.everything THEN round(u.used_time / nullif(u.capacity_time, 0), 6) END AS utilization,
		round(u.used_time / nullif(u.allocated_time, 0), 6) AS use_of_allocated
	FROM compute_ledger._utilization_daily AS u
	CROSS JOIN (SELECT compute_ledger.sees_everything()) AS e (everything)
	JOIN compute_ledger.region AS r ON r.id = u.region
	LEFT JOIN compute_ledger.account AS a ON a.id = u.account
	WHERE e.everything OR u.account IN (SELECT compute_ledger.visible_accounts());
	COMMENT ON VIEW compute_ledger.utilization_daily IS 'How well the devices in a region are used, by days of UTC, as of rollup_state.as_of: a row for each account, and for roles that see the whole ledger one without an account, which is all accounts together and also there on days on which there was only capacity. Leave one or the other out before you add up.';
	COMMENT ON COLUMN compute_ledger.utilization_daily.account IS 'account that used them; NULL: all accounts together';
	COMMENT ON COLUMN compute_ledger.utilization_daily.account_name IS 'its name; NULL for all accounts together';
	COMMENT ON COLUMN compute_ledger.utilization_daily.region IS 'region where';
	COMMENT ON COLUMN compute_ledger.utilization_daily.region_name IS 'its name';
	COMMENT ON COLUMN compute_ledger.utilization_daily.accelerator IS 'chip or class that it was identified as';
	COMMENT ON COLUMN compute_ledger.utilization_daily.day IS 'day of UTC; the last one as far as as_of';
	COMMENT ON COLUMN compute_ledger.utilization_daily.capacity_hours IS 'device-hours that table capacity holds for that day; NULL if it holds none, and for roles that do not see the whole ledger';
	COMMENT ON COLUMN compute_ledger.utilization_daily.reserved_hours IS 'device-hours of measure reserved; NULL if there are none';
	COMMENT ON COLUMN compute_ledger.utilization_daily.allocated_hours IS 'device-hours of measure allocated; NULL if there are none';
	COMMENT ON COLUMN compute_ledger.utilization_daily.used_hours IS 'device-hours of measure used; NULL if there are none';
	COMMENT ON COLUMN compute_ledger.utilization_daily.allocation IS 'allocated over capacity, to 6 decimals; NULL if either is not known';
	COMMENT ON COLUMN compute_ledger.utilization_daily.utilization IS 'used over capacity, to 6 decimals; NULL if either is not known';
	COMMENT ON COLUMN compute_ledger.utilization_daily.use_of_allocated IS 'used over allocated, to 6 decimals; NULL if either is not known';
	CREATE VIEW compute_ledger.spend_daily WITH (security_barrier = true) AS
	SELECT s.book, s.payer, p.name AS payer_name, s.account, a.name AS account_name, s.region, r.name AS region_name, s.accelerator, s.measure, s.kind,
		s.day, s.currency, s.device_hours, s.device_time, s.list_cost, s.contracted_cost, s.cost, s.charges
	FROM compute_ledger._spend_daily AS s
	JOIN compute_ledger.account AS a ON a.id = s.account
	JOIN compute_ledger.account AS p ON p.id = s.payer
	LEFT JOIN compute_ledger.region AS r ON r.id = s.region
	WHERE s.account IN (SELECT compute_ledger.visible_accounts())
		AND (s.book = 'sale' OR (SELECT compute_ledger.sees_everything()));
	COMMENT ON VIEW compute_ledger.spend_daily IS 'What was charged, by days of the account''s time zone, as of rollup_state.as_of: the sums of table charge, that is of closed billing periods. What the open one comes to is for rate_usage() to say. Books other than sale are for roles that see the whole ledger.';
	COMMENT ON COLUMN compute_ledger.spend_daily.book IS 'price book';
	COMMENT ON COLUMN compute_ledger.spend_daily.payer IS 'account that is billed';
	COMMENT ON COLUMN compute_ledger.spend_daily.payer_name IS 'its name';
	COMMENT ON COLUMN compute_ledger.spend_daily.account IS 'account whose usage it is';
	COMMENT ON COLUMN compute_ledger.spend_daily.account_name IS 'its name';
	COMMENT ON COLUMN compute_ledger.spend_daily.region IS 'region where; NULL for what is charged for none';
	COMMENT ON COLUMN compute_ledger.spend_daily.region_name IS 'its name';
	COMMENT ON COLUMN compute_ledger.spend_daily.accelerator IS 'chip or class that it was identified as; NULL for what is charged for none';
	COMMENT ON COLUMN compute_ledger.spend_daily.measure IS 'measure that was billed; NULL for what is charged for none';
	COMMENT ON COLUMN compute_ledger.spend_daily.kind IS 'kind of charge; unpriced usage has no cost';
	COMMENT ON COLUMN compute_ledger.spend_daily.day IS 'day of the account''s time zone; of what is charged for a whole billing period, its first';
	COMMENT ON COLUMN compute_ledger.spend_daily.currency IS 'currency of the costs';
	COMMENT ON COLUMN compute_ledger.spend_daily.device_hours IS 'device-hours charged, rounded to 12 decimals';
	COMMENT ON COLUMN compute_ledger.spend_daily.device_time IS 'the same exactly: an integer, in 1/1,680,000 device x microsecond';
	COMMENT ON COLUMN compute_ledger.spend_daily.list_cost IS 'cost at list prices; NULL if none of it has one';
	COMMENT ON COLUMN compute_ledger.spend_daily.contracted_cost IS 'cost at the prices that won';
	COMMENT ON COLUMN compute_ledger.spend_daily.cost IS 'what is billed; corrections count on the day of the usage';
	COMMENT ON COLUMN compute_ledger.spend_daily.charges IS 'number of charges';
	PERFORM compute_ledger._share(v) FROM unnest(ARRAY['compute_ledger.usage_hourly', 'compute_ledger.usage_daily', 'compute_ledger.utilization_daily',
		'compute_ledger.spend_daily']::regclass[]) AS v;

	-- Only its owner may refresh a materialized view.
	CREATE FUNCTION compute_ledger._refresh_rollup(rollup text, concurrent boolean) RETURNS void
		LANGUAGE plpgsql VOLATILE SECURITY DEFINER
		SET search_path = pg_catalog, pg_temp
	AS $function$
	BEGIN
		IF rollup NOT IN ('_usage_hourly', '_usage_daily', '_utilization_daily', '_spend_daily') THEN
			RAISE EXCEPTION '"%" is not a rollup of the ledger', rollup USING ERRCODE = 'invalid_parameter_value';
		END IF;
		EXECUTE format('REFRESH MATERIALIZED VIEW %s compute_ledger.%I', CASE WHEN concurrent THEN 'CONCURRENTLY' ELSE '' END, rollup);
	END
	$function$;
	COMMENT ON FUNCTION compute_ledger._refresh_rollup(text, boolean) IS 'refreshes one materialized view of the ledger on behalf of its owner; part of refresh_rollups()';
	PERFORM compute_ledger._entrust('compute_ledger._refresh_rollup(text, boolean)');
END
$$;
COMMENT ON FUNCTION _create_rollup() IS 'part of create_ledger()';

-- ------------------------------------------------------------------ refreshing

CREATE FUNCTION refresh_rollups(as_of timestamptz DEFAULT NULL, concurrent boolean DEFAULT true) RETURNS timestamptz
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	watermark timestamptz;
	rollup text;
BEGIN
	PERFORM compute_ledger._require_ledger();
	-- one at a time, and the watermark only when it is our turn
	PERFORM FROM compute_ledger.rollup_state AS s FOR UPDATE;
	watermark := compute_ledger.ledger_watermark();
	IF as_of > watermark THEN
		RAISE EXCEPTION 'as_of % is beyond the ledger''s watermark %', as_of, watermark
			USING ERRCODE = 'LC012',
				DETAIL = 'Something may yet be recorded before it.';
	END IF;
	UPDATE compute_ledger.rollup_state AS s
	SET as_of = coalesce(refresh_rollups.as_of, watermark), refreshed_at = clock_timestamp(), refreshed_by = session_user;
	-- what has no rows, or was restored without, is filled faster than it is compared
	FOREACH rollup IN ARRAY '{_usage_hourly,_usage_daily,_utilization_daily,_spend_daily}'::text[] LOOP
		PERFORM compute_ledger._refresh_rollup(rollup, concurrent AND c.relispopulated AND pg_relation_size(c.oid) > 0)
		FROM pg_class AS c
		WHERE c.oid = format('compute_ledger.%I', rollup)::regclass;
	END LOOP;
	RETURN (SELECT s.as_of FROM compute_ledger.rollup_state AS s);
END
$$;
ALTER FUNCTION refresh_rollups(timestamptz, boolean) OWNER TO pg_database_owner;
REVOKE ALL ON FUNCTION refresh_rollups(timestamptz, boolean) FROM PUBLIC;
COMMENT ON FUNCTION refresh_rollups(timestamptz, boolean) IS 'computes usage_hourly, usage_daily, utilization_daily and spend_daily anew from what was recorded up to as_of, by default ledger_watermark(), and returns that. They are read while it runs, unless concurrent is false, which is faster; the first time nobody can wait for rows that there were not, so it is always the faster way. Errors: LC012 as_of beyond the watermark; 55000 no ledger.';
