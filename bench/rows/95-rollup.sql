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
INSERT INTO usage_record (account, started_at, ended_at, recorded, batch, region, revision, basis, accelerator, rate, devices, measure, source, source_id, account_name, region_name, accelerator_name)
SELECT a.id, x.started_at, x.started_at + interval '1 second' * ceil(-ln(1 - random()) * 7200), '2026-05-01', 1, g.id, 0, 5, c.accelerator, c.rate, 1 + x.n % 8, 'allocated', 'bench', x.n::text, a.name, g.name, c.accelerator::text
FROM (SELECT n, 1 + floor(random() * 1000)::int AS account, timestamptz '2026-03-01' + interval '1 second' * floor(random() * 2678400) AS started_at, floor(random() * 4)::int AS chip FROM generate_series(1, {rows}) AS n) AS x
JOIN account AS a ON a.name = 'a' || x.account
JOIN region AS g ON g.name = 'bench/' || x.account % 8
JOIN chip AS c ON c.k = (x.account * 7 + x.chip) % 40;
VACUUM (FREEZE, ANALYZE) usage_record;
SELECT refresh_rollups();
CREATE TABLE more AS SELECT * FROM usage_record LIMIT {tenth} / 10;

-- @case refresh-rollups: refresh of all rollups
-- @check it adds up
SELECT (SELECT sum(device_time) FROM _usage_hourly)
	= (SELECT sum(devices * 1680000 * (extract(epoch FROM ended_at - started_at) * 1000000)::int8) FROM usage_record);
-- @before concurrently
INSERT INTO usage_record (account, started_at, ended_at, batch, region, revision, basis, accelerator, rate, devices, measure, source, source_id, account_name, region_name, accelerator_name)
SELECT account, started_at, ended_at, batch, region, revision, basis, accelerator, rate, devices, measure, source, source_id, account_name, region_name, accelerator_name FROM more;
-- @run concurrently
SELECT refresh_rollups();
-- @run not concurrently
SELECT refresh_rollups(NULL, false);
-- @run one GROUP BY
SELECT count(*), sum(s) FROM (
	SELECT account, region, accelerator, measure, basis, h,
		sum(devices * extract(epoch FROM least(ended_at, h + interval '1 hour') - greatest(started_at, h))) AS s,
		sum(work(rate, tstzrange(greatest(started_at, h), least(ended_at, h + interval '1 hour')), devices)) AS w,
		count(*) FILTER (WHERE started_at >= h) AS started
	FROM usage_record, generate_series(date_trunc('hour', started_at), ended_at - interval '1 microsecond', interval '1 hour') AS h
	WHERE superseded = 'infinity'
	GROUP BY account, region, accelerator, measure, basis, h) AS x;
-- @ratio concurrently / one GROUP BY <= 3; a thousandth of the records is new
-- @ratio not concurrently / one GROUP BY <= 3
