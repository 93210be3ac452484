-- A million intervals of use in a month, two hours long on average (exponential), in 16
-- regions and by 1000 accounts, on 1 to 8 devices.  The peers get their best form of the same
-- rows: int8 microseconds and GFLOP/s for arithmetic, a stored tstzrange for range_agg.
-- @setup
CREATE TABLE work (region int4 NOT NULL, account int4 NOT NULL, started timestamptz NOT NULL, ended timestamptz NOT NULL,
	devices numeric NOT NULL, rate compute_rate NOT NULL);
CREATE TABLE work_int8 (region int4 NOT NULL, account int4 NOT NULL, started int8 NOT NULL, ended int8 NOT NULL,
	devices int4 NOT NULL, gflops int8 NOT NULL);
CREATE TABLE work_range (account int4 NOT NULL, period tstzrange NOT NULL);
INSERT INTO work_int8
SELECT floor(random() * 16), floor(random() * 1000), s, s + 1 + (-ln(1 - random()) * 7200e6)::int8, d, d * 312000
FROM (SELECT 1767225600000000 + (random() * 30 * 86400e6)::int8 AS s, 1 + floor(random() * 8)::int4 AS d
	FROM generate_series(1, {million})) AS r;
INSERT INTO work
SELECT region, account, timestamptz 'epoch' + started * interval '1 microsecond', timestamptz 'epoch' + ended * interval '1 microsecond',
	devices, compute_rate '1 GFLOPS@bf16' * gflops
FROM work_int8;
INSERT INTO work_range SELECT account, tstzrange(started, ended) FROM work;
VACUUM (FREEZE, ANALYZE) work, work_int8, work_range;
COPY work_int8 TO '{dir}/work.csv' (FORMAT csv, HEADER);
-- @duckdb-setup
CREATE TABLE work AS SELECT * FROM read_csv('{dir}/work.csv', types = {'region': 'INTEGER', 'account': 'INTEGER', 'devices': 'INTEGER'});

-- The contestants are views: what is checked is what is measured.
-- @setup
CREATE VIEW hourly_by_profile AS
SELECT region, (b).period, (b).amount
FROM (SELECT region, buckets(rate_profile(started, ended, rate), interval '1 hour') AS b FROM work GROUP BY region) AS p;
CREATE VIEW hourly_by_bucket_sum AS
SELECT region, (b).period, (b).amount
FROM (SELECT region, unnest(bucket_sum(started, ended, rate, interval '1 hour')) AS b FROM work GROUP BY region) AS p;

-- One row an hour and interval.
CREATE VIEW hourly_by_series AS
SELECT region, hour, sum((least(ended, hour + 3600000000) - greatest(started, hour)) * gflops) AS amount
FROM work_int8, generate_series(started - started % 3600000000, ended - 1, 3600000000) AS hour
GROUP BY region, hour;

-- Two rows an interval: what the changes of the rate in an hour add to that hour, plus the rate
-- left over from the hours before; hours without a change are filled in at the end.
CREATE VIEW hourly_by_difference AS
SELECT region, g AS hour, CASE WHEN g = hour THEN within + 3600000000 * (level - change) ELSE 3600000000 * level END AS amount
FROM (
	SELECT region, hour, within, change, sum(change) OVER w AS level, lead(hour, 1, hour + 1) OVER w AS next
	FROM (
		SELECT region, t - t % 3600000000 AS hour, sum(gflops) AS change, sum(gflops * (3600000000 - t % 3600000000)) AS within
		FROM (SELECT region, started AS t, gflops FROM work_int8 UNION ALL SELECT region, ended, -gflops FROM work_int8) AS e
		GROUP BY 1, 2
	) AS h
	WINDOW w AS (PARTITION BY region ORDER BY hour)
) AS l, generate_series(hour, next - 1, 3600000000) AS g
WHERE g = hour OR level <> 0;

CREATE VIEW peak_by_profile AS
SELECT region, peak(device_profile(started, ended, devices)) AS peak FROM work GROUP BY region;
CREATE VIEW peak_by_window AS
SELECT region, max(level) AS peak
FROM (
	SELECT region, sum(change) OVER (PARTITION BY region ORDER BY t, change ROWS UNBOUNDED PRECEDING) AS level
	FROM (SELECT region, started AS t, devices AS change FROM work_int8 UNION ALL SELECT region, ended, -devices FROM work_int8) AS e
) AS l
GROUP BY region;

-- The same with one int8 to sort by: the region, the instant, and ends before starts.  The level
-- is back at zero where the next region begins.
CREATE VIEW peak_by_packed_key AS
SELECT key >> 56 AS region, max(level) AS peak
FROM (
	SELECT key, sum(change) OVER (ORDER BY key ROWS UNBOUNDED PRECEDING) AS level
	FROM (SELECT (region::int8 << 56) | (started << 1) | 1 AS key, devices AS change FROM work_int8
		UNION ALL SELECT (region::int8 << 56) | (ended << 1), -devices FROM work_int8) AS e
) AS l
GROUP BY 1;

CREATE VIEW busy_by_profile AS
SELECT account, busy(device_profile(started, ended, 1)) AS busy FROM work GROUP BY account;
CREATE VIEW busy_by_range_agg AS
SELECT account, sum(upper(r) - lower(r)) AS busy
FROM (SELECT account, unnest(range_agg(period)) AS r FROM work_range GROUP BY account) AS m
GROUP BY account;
CREATE VIEW busy_by_window AS
SELECT account, sum(greatest(0, ended - greatest(started, before))) AS microseconds
FROM (
	SELECT account, started, ended,
		max(ended) OVER (PARTITION BY account ORDER BY started ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
	FROM work_int8
) AS w
GROUP BY account;

-- @case hourly: 1 million intervals to hourly amounts per region
-- @for v in series difference
-- @check rate_profile and {v} agree
SELECT (SELECT sum(hashtextextended(region::text || lower(period)::text || amount::text, 0)) FROM hourly_by_profile WHERE amount <> '0 FLOP@bf16')
	= (SELECT sum(hashtextextended(region::text || (timestamptz 'epoch' + hour * interval '1 microsecond')::text
		|| (compute_unit '1 kFLOP@bf16' * amount)::text, 0)) FROM hourly_by_{v} WHERE amount <> 0);
-- @end
-- @check bucket_sum and rate_profile agree
SELECT count(*) = 0 FROM (SELECT * FROM hourly_by_bucket_sum EXCEPT SELECT * FROM hourly_by_profile) AS x;
-- @run rate_profile, buckets
SELECT sum(amount) FROM hourly_by_profile;
-- @run bucket_sum
SELECT sum(amount) FROM hourly_by_bucket_sum;
-- @run SQL, generate_series
SELECT sum(amount) FROM hourly_by_series;
-- @run SQL, differences
SELECT sum(amount) FROM hourly_by_difference;
-- @duckdb DuckDB, range
SELECT sum(amount)
FROM (
	SELECT region, hour, sum((least(ended, hour + 3600000000) - greatest(started, hour)) * gflops) AS amount
	FROM (SELECT *, unnest(range(started - started % 3600000000, ended, 3600000000)) AS hour FROM work)
	GROUP BY region, hour
)
-- @duckdb DuckDB, differences
SELECT sum(amount)
FROM (
	SELECT region, unnest(range(hour, next, 3600000000)) AS g,
		CASE WHEN g = hour THEN within + 3600000000 * (level - change) ELSE 3600000000 * level END AS amount
	FROM (
		SELECT region, hour, within, change, sum(change) OVER w AS level, lead(hour, 1, hour + 1) OVER w AS next
		FROM (
			SELECT region, t - t % 3600000000 AS hour, sum(gflops) AS change, sum(gflops * (3600000000 - t % 3600000000)) AS within
			FROM (SELECT region, started AS t, gflops FROM work UNION ALL SELECT region, ended, -gflops FROM work)
			GROUP BY ALL
		)
		WINDOW w AS (PARTITION BY region ORDER BY hour)
	)
)
-- @ratio rate_profile, buckets / SQL, generate_series <= 1/3.5
-- @ratio rate_profile, buckets / SQL, differences <= 1/3.5
-- @ratio bucket_sum / SQL, generate_series <= 1/6
-- @ratio bucket_sum / SQL, differences <= 1/6
-- @ratio bucket_sum / DuckDB, range <= 2
-- @ratio bucket_sum / DuckDB, differences <= 2

-- @case peak: 1 million intervals to the peak per region
-- @for v in window packed_key
-- @check device_profile and {v} agree
SELECT count(*) = 0 FROM (SELECT region, peak FROM peak_by_{v} EXCEPT SELECT region, peak FROM peak_by_profile) AS x;
-- @end
-- @run device_profile, peak
SELECT sum(peak) FROM peak_by_profile;
-- @run SQL, window
SELECT sum(peak) FROM peak_by_window;
-- @run SQL, window over one packed key
SELECT sum(peak) FROM peak_by_packed_key;
-- @duckdb DuckDB, window over a packed key
SELECT sum(peak)
FROM (
	SELECT key >> 56 AS region, max(level) AS peak
	FROM (
		SELECT key, sum(change) OVER (ORDER BY key ROWS UNBOUNDED PRECEDING) AS level
		FROM (SELECT (region::int8 << 56) | (started << 1) | 1 AS key, devices AS change FROM work
			UNION ALL SELECT (region::int8 << 56) | (ended << 1), -devices FROM work)
	)
	GROUP BY 1
)
-- @ratio device_profile, peak / SQL, window <= 1/8
-- @ratio device_profile, peak / SQL, window over one packed key
-- @ratio device_profile, peak / DuckDB, window over a packed key <= 1

-- One worker beside the leader, on two cores; without a core for each of them this says nothing, and by processor
-- time it is the leader's alone.  What a machine gives to two processes at all, a sum of core's by the same plan says.
-- @case parallel-sum: core's sum per region by two processes
-- @run two processes
SET max_parallel_workers_per_gather = 1;
SELECT region, sum(gflops), sum(devices) FROM work_int8 GROUP BY region;
RESET max_parallel_workers_per_gather;
-- @run one
SELECT region, sum(gflops), sum(devices) FROM work_int8 GROUP BY region;
-- @ratio two processes / one
-- @for what,column in peak,peak hourly,amount
-- @case parallel-{what}: {what} per region by two processes
-- @check the same in parallel
SET max_parallel_workers_per_gather = 1;
CREATE TEMP TABLE by_two AS SELECT * FROM {what}_by_profile;
RESET max_parallel_workers_per_gather;
SELECT count(*) = 0 FROM (SELECT * FROM by_two EXCEPT ALL SELECT * FROM {what}_by_profile) AS x;
DROP TABLE by_two;
-- @run two processes
SET max_parallel_workers_per_gather = 1;
SELECT sum({column}) FROM {what}_by_profile;
RESET max_parallel_workers_per_gather;
-- @run one
SELECT sum({column}) FROM {what}_by_profile;
-- @ratio two processes / one <= 1/1.5
-- @end

-- @case busy: distinct busy time per account, 1000 accounts, 1 million intervals
-- @check range_agg and device_profile agree
SELECT count(*) = 0 FROM (SELECT account, extract(epoch FROM busy) FROM busy_by_range_agg
	EXCEPT SELECT account, extract(epoch FROM busy) FROM busy_by_profile) AS x;
-- @check window and device_profile agree
SELECT count(*) = 0 FROM (SELECT account, microseconds / 1000000 FROM busy_by_window
	EXCEPT SELECT account, extract(epoch FROM busy) FROM busy_by_profile) AS x;
-- @run device_profile, busy
SELECT sum(busy) FROM busy_by_profile;
-- @run range_agg
SELECT sum(busy) FROM busy_by_range_agg;
-- @run SQL, window
SELECT sum(microseconds) FROM busy_by_window;
-- @duckdb DuckDB, window
SELECT sum(microseconds)
FROM (
	SELECT account, sum(greatest(0, ended - greatest(started, before))) AS microseconds
	FROM (
		SELECT account, started, ended,
			max(ended) OVER (PARTITION BY account ORDER BY started ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
		FROM work
	)
	GROUP BY account
)
-- @ratio device_profile, busy / range_agg <= 1/2
-- @ratio device_profile, busy / SQL, window
-- @ratio device_profile, busy / DuckDB, window
