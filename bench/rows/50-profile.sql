-- Stored profiles: rolling them up, and looking for a hole in one.
-- @setup
CREATE TABLE work AS
SELECT owner, s AS started, s + interval '1 microsecond' + -ln(1 - random()) * interval '2 hours' AS ended, (1 + floor(random() * 8))::numeric AS devices
FROM generate_series(1, 1000) AS owner,
	LATERAL (SELECT timestamptz '2026-01-01' + random() * interval '30 days' AS s FROM generate_series(1, greatest(1, {million} / 2000) + 0 * owner)) AS r;
CREATE TABLE stored AS SELECT owner, device_profile(started, ended, devices) AS profile FROM work GROUP BY owner;
VACUUM (FREEZE, ANALYZE) work, stored;


-- What 8,000 devices leave free over the month (for a million steps; less for fewer), and 3,000
-- devices more for thirteen hours of the 27th day.  A search for 4,000 finds levels far below
-- that until then ("quiet"), one for 1,850 crosses the level again and again ("restless").
-- @setup
CREATE TABLE free (steps int8, profile device_profile);
-- @for n in 100 10 1
INSERT INTO free
SELECT {million} / {n}, device_profile('2026-01-01', '2026-02-02', {million} * 0.008 / {n})
	+ device_profile('2026-01-27 10:00', '2026-01-27 23:00', {million} * 0.003 / {n})
	- (SELECT sum(profile) FROM stored WHERE owner <= 1000 / {n});
-- @end
CREATE TABLE free_step (started timestamptz, ended timestamptz, devices numeric);
INSERT INTO free_step SELECT lower(s.period), upper(s.period), s.level FROM free, steps(profile) AS s WHERE free.steps = {million};
CREATE INDEX ON free_step (started) INCLUDE (ended, devices);
VACUUM (FREEZE, ANALYZE) free, free_step;

-- @case merge: merge of 1,000 stored profiles of 1,000 steps
-- @check both give the same profile
SELECT (SELECT sum(profile) FROM stored) = (SELECT device_profile(started, ended, devices) FROM work);
-- @run sum(profile)
SELECT peak(sum(profile)) FROM stored;
-- @run device_profile over the intervals
SELECT peak(device_profile(started, ended, devices)) FROM work;
-- @ratio sum(profile) / device_profile over the intervals <= 1/2

-- Plain SQL: the gaps between steps with too few devices, in the order of the index, until one is long
-- enough.
-- @for kind,share in quiet,0.004 restless,0.00185
-- @case fit-{kind}: earliest_fit, 1 million steps, {kind}
-- @check both find the same start
SELECT (SELECT earliest_fit(profile, {million} * {share}, interval '12 hours', '[2026-01-03, 2026-02-01)') FROM free WHERE steps = {million})
	= (SELECT gap FROM (SELECT started, ended AS gap, lead(started, 1, '2026-02-01') OVER (ORDER BY started) AS until
			FROM free_step WHERE devices < {million} * {share} AND started >= '2026-01-03' AND started < '2026-02-01') AS g
		WHERE until - gap >= interval '12 hours' ORDER BY started LIMIT 1);
-- @run earliest_fit
SELECT earliest_fit(profile, {million} * {share}, interval '12 hours', '[2026-01-03, 2026-02-01)') FROM free WHERE steps = {million};
-- @run SQL, window
SELECT gap FROM (SELECT started, ended AS gap, lead(started, 1, '2026-02-01') OVER (ORDER BY started) AS until
		FROM free_step WHERE devices < {million} * {share} AND started >= '2026-01-03' AND started < '2026-02-01') AS g
	WHERE until - gap >= interval '12 hours' ORDER BY started LIMIT 1;
-- @ratio earliest_fit / SQL, window <= 1/500
-- @end

-- @case fit-growth: earliest_fit by the number of steps
-- @for n in 100 10 1
-- @run 1/{n} of the steps
SELECT earliest_fit(profile, {million} * 0.004 / {n}, interval '12 hours', '[2026-01-03, 2026-02-01)') FROM free WHERE steps = {million} / {n};
-- @end
-- @ratio 1/1 of the steps / 1/10 of the steps <= 5; 10 would be linear
-- @ratio 1/1 of the steps / 1/100 of the steps <= 25; 100 would be linear
