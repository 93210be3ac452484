-- Refreshing the rollups of a month of usage records beside one GROUP BY that makes the finest of
-- them: 1000 accounts in five time zones, each with four of 40 chips in one of 8 regions, two hours a
-- record on average (exponential), 1 to 8 devices, eight runs an account.  The peer takes the records apart at full hours
-- with generate_series, counts in UTC only, and writes nothing.
-- @setup
SELECT create_ledger();
SELECT create_account('org', time_zone => 'UTC', currency => 'EUR');
SELECT count(create_account('a' || n, parent => 'org', time_zone => (ARRAY['UTC', 'Europe/Berlin', 'Asia/Shanghai', 'America/New_York', 'Asia/Kolkata'])[1 + n % 5])) FROM generate_series(1, 1000) AS n;
SELECT count(create_region('bench/' || n, 'provider')) FROM generate_series(0, 7) AS n;
SELECT _make_usage_partition('2026-03-01'), _make_usage_partition('2026-04-01');
CREATE TABLE chip AS
SELECT row_number() OVER (ORDER BY c.accelerator) - 1 AS k, c.accelerator, normalized_rate(c.accelerator, 'bf16') AS rate
FROM (SELECT DISTINCT p.accelerator FROM accelerator_peak AS p WHERE p.number_format = 'bf16' AND upper_inf(p.recorded) ORDER BY p.accelerator LIMIT 40) AS c;
INSERT INTO _usage_record (account, started_at, ended_at, recorded, batch, kind, revision, devices, source_id, account_name, run)
SELECT a.id, x.started_at, x.started_at + interval '1 second' * ceil(-ln(1 - random()) * 7200), '2026-05-01', 1,
	_usage_kind('bench', g.id, g.name, c.accelerator, c.accelerator::text, 1680000, c.rate, NULL, 5, 'allocated', NULL), 0, 1 + x.n % 8, x.n::text, a.name, 'run ' || x.n % 8
FROM (SELECT n, 1 + floor(random() * 1000)::int AS account, timestamptz '2026-03-01' + interval '1 second' * floor(random() * 2678400) AS started_at, floor(random() * 4)::int AS chip FROM generate_series(1, {rows}) AS n) AS x
JOIN account AS a ON a.name = 'a' || x.account
JOIN region AS g ON g.name = 'bench/' || x.account % 8
JOIN chip AS c ON c.k = (x.account * 7 + x.chip) % 40;
VACUUM (FREEZE, ANALYZE) _usage_record;
SELECT refresh_rollups();
CREATE TABLE more AS SELECT * FROM _usage_record LIMIT 1000;

-- @case refresh-rollups: refresh of all rollups, everything computed anew
-- @check it adds up
SELECT (SELECT sum(device_time) FROM _usage_hourly)
	= (SELECT sum(devices * 1680000 * (extract(epoch FROM ended_at - started_at) * 1000000)::int8) FROM usage_record);
-- @run everything
SELECT refresh_rollups(NULL, false);
-- @run everything, beside readers
SELECT refresh_rollups((SELECT as_of - interval '1 microsecond' FROM rollup_state));
-- @run check
SELECT count(*) FROM _check_rollups();
-- @run one GROUP BY
SELECT count(*), sum(s) FROM (
	SELECT account, region, accelerator, measure, basis, h,
		sum(devices * extract(epoch FROM least(ended_at, h + interval '1 hour') - greatest(started_at, h))) AS s,
		sum(work(rate, tstzrange(greatest(started_at, h), least(ended_at, h + interval '1 hour')), devices)) AS w,
		count(*) FILTER (WHERE started_at >= h) AS started
	FROM usage_record, generate_series(date_trunc('hour', started_at), ended_at - interval '1 microsecond', interval '1 hour') AS h
	WHERE superseded = 'infinity'
	GROUP BY account, region, accelerator, measure, basis, h) AS x;
-- @before 1,000 new records
INSERT INTO _usage_record (account, started_at, ended_at, batch, kind, revision, devices, source_id, account_name, run)
SELECT account, started_at, ended_at, batch, kind, revision, devices, source_id, account_name, run FROM more;
-- @run 1,000 new records
SELECT refresh_rollups();
-- @before a merger
SELECT merge_account(name, 'org', '2026-03-01') FROM (SELECT v.name FROM account AS v WHERE v.name ~ '^a' AND NOT EXISTS (SELECT FROM account_merge AS m WHERE m.account = v.id) ORDER BY v.id LIMIT 10) AS a;
-- @run a merger
SELECT refresh_rollups();
-- @ratio everything / one GROUP BY <= 3
-- @ratio everything, beside readers / everything <= 1
-- @ratio check / everything <= 1
-- @ratio 1,000 new records / everything <= 0.02
-- @ratio a merger / everything <= 0.05; of ten accounts, with a hundredth of the records

-- What people look at: the last day by the hour and 30 days by the day, of all accounts by region and chip, and a month of one account, as the
-- owner and as a reader of that account.  Beside each stands the same on a bare table of the view's rows with an index that fits.
-- @case read-rollups: reading the rollups
-- @before usage_hourly, all accounts
DO $$
DECLARE
	view text;
	at text;
	who text;
BEGIN
	RESET ROLE;
	IF to_regclass('bare_usage_hourly') IS NOT NULL THEN
		RETURN;
	END IF;
	INSERT INTO price (accelerator, currency, price) VALUES ('any', 'EUR', 2);
	-- known at the watermark that the period is closed as of
	COMMIT;
	PERFORM close_period('org', '[2026-03-01Z,2026-04-01Z)', waive => (SELECT array_agg(name) FROM account));
	COMMIT;
	PERFORM refresh_rollups();
	CREATE ROLE bench_reader;
	GRANT USAGE ON SCHEMA compute_ledger, public TO bench_reader;
	PERFORM grant_access('bench_reader', 'reader', 'a997');
	FOR view, at, who IN VALUES ('usage_hourly', 'hour', 'account'), ('usage_daily', 'day', 'account'), ('utilization_hourly', 'hour', 'account'), ('utilization_daily', 'day', 'account'),
		('utilization_monthly', 'month', 'payer'), ('spend_daily', 'day', 'account'), ('spend_monthly', 'month', 'payer'), ('spend_label', 'day', 'account')
	LOOP
		EXECUTE format('CREATE TABLE bare_%1$s AS SELECT * FROM %1$s; GRANT SELECT ON bare_%1$s TO bench_reader', view);
		EXECUTE format('CREATE INDEX ON bare_%1$s (%2$s); CREATE INDEX ON bare_%1$s (%3$s, %2$s)', view, at, who);
	END LOOP;
END $$;
ANALYZE;
-- @for view,sum,at,since,until,who in usage_hourly,device_hours,hour,2026-03-30,2026-03-31,account usage_daily,device_hours,day,2026-03-01,2026-03-31,account utilization_hourly,allocated_hours,hour,2026-03-30,2026-03-31,account utilization_daily,allocated_hours,day,2026-03-01,2026-03-31,account spend_daily,cost,day,2026-03-01,2026-03-31,account spend_label,cost,day,2026-03-01,2026-03-31,account utilization_monthly,allocated_hours,month,2026-03-01,2026-04-01,payer spend_monthly,cost,month,2026-03-01,2026-04-01,payer
-- @for bare in {view} bare_{view}
-- @run {bare}, all accounts
SELECT region, accelerator, sum({sum}) FROM {bare} WHERE {at} >= '{since}' AND {at} < '{until}' AND {who} > 0 GROUP BY region, accelerator;
-- @end
-- @ratio {view}, all accounts / bare_{view}, all accounts <= 3
-- @end
-- @for view,sum,at in usage_hourly,device_hours,hour usage_daily,device_hours,day utilization_hourly,allocated_hours,hour utilization_daily,allocated_hours,day spend_daily,cost,day spend_label,cost,day
-- @for bare in {view} bare_{view}
-- @run {bare}, an account and month
SELECT {at}, sum({sum}) FROM {bare} WHERE account = (SELECT id FROM account WHERE name = 'a997') AND {at} >= '2026-03-01' AND {at} < '2026-04-01' GROUP BY {at};
-- @end
-- @ratio {view}, an account and month / bare_{view}, an account and month <= 3
-- @end
-- @for view,at,since,until in utilization_hourly,hour,2026-03-30,2026-03-31 utilization_daily,day,2026-03-01,2026-03-31
-- @for bare in {view} bare_{view}
-- @run {bare}, fleet
SELECT region, accelerator, sum(allocated_hours), sum(capacity_hours) FROM {bare} WHERE account IS NULL AND {at} >= '{since}' AND {at} < '{until}' GROUP BY region, accelerator;
-- @end
-- @ratio {view}, fleet / bare_{view}, fleet <= 3
-- @end
-- @for view,sum,at,since,until in usage_hourly,device_hours,hour,2026-03-30,2026-03-31 usage_daily,device_hours,day,2026-03-01,2026-03-31 spend_daily,cost,day,2026-03-01,2026-03-31 spend_label,cost,day,2026-03-01,2026-03-31
-- @run my_{view}
SET ROLE bench_reader;
SELECT region, accelerator, sum({sum}) FROM my_{view} WHERE {at} >= '{since}' AND {at} < '{until}' GROUP BY region, accelerator;
RESET ROLE;
-- @run bare_{view} of a reader
SET ROLE bench_reader;
SELECT region, accelerator, sum({sum}) FROM bare_{view} WHERE account = 998 AND {at} >= '{since}' AND {at} < '{until}' GROUP BY region, accelerator;
RESET ROLE;
-- @ratio my_{view} / bare_{view} of a reader <= 3
-- @end
