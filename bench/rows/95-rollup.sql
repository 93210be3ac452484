-- Refreshing the rollups of a month of usage records beside one GROUP BY that makes the finest of
-- them: 1000 accounts in five time zones, each with four of 40 chips in one of 8 regions, two hours a
-- record on average (exponential), 1 to 8 devices.  The peer takes the records apart at full hours
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
INSERT INTO _usage_record (account, started_at, ended_at, recorded, batch, kind, revision, devices, source_id, account_name)
SELECT a.id, x.started_at, x.started_at + interval '1 second' * ceil(-ln(1 - random()) * 7200), '2026-05-01', 1,
	_usage_kind('bench', g.id, g.name, c.accelerator, c.accelerator::text, 1680000, c.rate, NULL, 5, 'allocated', NULL), 0, 1 + x.n % 8, x.n::text, a.name
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
INSERT INTO _usage_record (account, started_at, ended_at, batch, kind, revision, devices, source_id, account_name)
SELECT account, started_at, ended_at, batch, kind, revision, devices, source_id, account_name FROM more;
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

-- @case read-rollups: reading the rollups
-- @before usage_hourly, a day
DROP TABLE IF EXISTS bare_hour, bare_day, bare_use;
CREATE TABLE bare_hour AS SELECT account, region, accelerator, measure, hour, device_hours FROM usage_hourly;
CREATE INDEX ON bare_hour (hour);
CREATE INDEX ON bare_hour (account, hour);
CREATE TABLE bare_day AS SELECT account, region, accelerator, measure, day, device_hours FROM usage_daily;
CREATE INDEX ON bare_day (day);
CREATE INDEX ON bare_day (account, day);
CREATE TABLE bare_use AS SELECT account, region, accelerator, day, allocated_hours, capacity_hours FROM utilization_daily;
CREATE INDEX ON bare_use (day);
ANALYZE bare_hour, bare_day, bare_use, _usage_hourly, _usage_daily, _utilization_daily, _fleet_hourly, _fleet_daily;
-- @run usage_hourly, a day
SELECT region, accelerator, sum(device_hours) FROM usage_hourly WHERE hour >= '2026-03-30Z' AND hour < '2026-03-31Z' GROUP BY region, accelerator;
-- @run bare, a day
SELECT region, accelerator, sum(device_hours) FROM bare_hour WHERE hour >= '2026-03-30Z' AND hour < '2026-03-31Z' GROUP BY region, accelerator;
-- @run usage_daily, 30 days
SELECT region, accelerator, sum(device_hours) FROM usage_daily WHERE day >= '2026-03-01' AND day < '2026-03-31' GROUP BY region, accelerator;
-- @run bare, 30 days
SELECT region, accelerator, sum(device_hours) FROM bare_day WHERE day >= '2026-03-01' AND day < '2026-03-31' GROUP BY region, accelerator;
-- @run usage_daily, an account and month
SELECT day, sum(device_hours) FROM usage_daily WHERE account = (SELECT id FROM account WHERE name = 'a7') AND day >= '2026-03-01' AND day < '2026-04-01' GROUP BY day;
-- @run bare, an account and month
SELECT day, sum(device_hours) FROM bare_day WHERE account = (SELECT id FROM account WHERE name = 'a7') AND day >= '2026-03-01' AND day < '2026-04-01' GROUP BY day;
-- @run utilization_daily, 30 days
SELECT region, accelerator, sum(allocated_hours), sum(capacity_hours) FROM utilization_daily WHERE account IS NULL AND day >= '2026-03-01' AND day < '2026-03-31' GROUP BY region, accelerator;
-- @run bare utilization, 30 days
SELECT region, accelerator, sum(allocated_hours), sum(capacity_hours) FROM bare_use WHERE account IS NULL AND day >= '2026-03-01' AND day < '2026-03-31' GROUP BY region, accelerator;
-- @ratio usage_hourly, a day / bare, a day <= 3
-- @ratio usage_daily, 30 days / bare, 30 days <= 3
-- @ratio usage_daily, an account and month / bare, an account and month <= 3
-- @ratio utilization_daily, 30 days / bare utilization, 30 days <= 3
