-- Normalised rates for usage rows: 40 chips, the k-th with a share of 1/k.  The peer keys its
-- usage and its own table of rates by int4.  "contract" is a registered basis whose factors
-- change once in the month.
-- @setup
CREATE TABLE chip AS
SELECT (row_number() OVER (ORDER BY launched DESC NULLS LAST, accelerator))::int4 AS k, accelerator
FROM accelerator_model AS m
WHERE upper_inf(recorded) AND EXISTS (SELECT FROM accelerator_peak AS p
	WHERE p.accelerator = m.accelerator AND p.number_format = 'bf16' AND upper_inf(p.recorded))
LIMIT 40;
CREATE TABLE pick AS
SELECT array_agg(accelerator ORDER BY k) AS chips, array_agg(bound ORDER BY k) AS bounds
FROM (SELECT k, accelerator, (sum(1.0 / k) OVER (ORDER BY k))::float8 AS bound FROM chip) AS z;
CREATE TABLE usage_int4 (region int4 NOT NULL, account int4 NOT NULL, at timestamptz NOT NULL, chip int4 NOT NULL);
INSERT INTO usage_int4
SELECT floor(random() * 16), floor(random() * 1000), timestamptz '2026-01-01' + random() * interval '31 days',
	least(40, 1 + width_bucket(random() * bounds[40], bounds)) FROM pick, generate_series(1, {million});
CREATE TABLE usage (region int4 NOT NULL, account int4 NOT NULL, at timestamptz NOT NULL, chip accelerator NOT NULL);
INSERT INTO usage SELECT region, account, at, chips[chip] FROM usage_int4, pick;
INSERT INTO basis (name, description) VALUES ('bench.example/contract', 'weights of a contract');
INSERT INTO basis_factor (basis, accelerator, rate, valid)
SELECT 'bench.example/contract', accelerator, compute_rate '1 TFLOPS' * k * weight, valid
FROM chip, (VALUES (2, tstzrange(NULL, '2026-01-16')), (3, tstzrange('2026-01-16', NULL))) AS v (weight, valid);
CREATE TABLE factor AS SELECT k AS chip, normalized_rate(accelerator, 'bf16') AS rate FROM chip;
CREATE TABLE dated_factor AS
SELECT k AS chip, valid_from, valid_to, rate FROM chip JOIN normalized_rates('bench.example/contract') USING (accelerator);
VACUUM (FREEZE, ANALYZE) usage, usage_int4, factor, dated_factor;

-- @case rate: normalized_rate, 1 million usage rows, 40 chips
-- @check there are 40 chips
SELECT count(*) = 40 AND (SELECT count(DISTINCT chip) = 40 FROM usage) FROM chip;
-- @check all ways give the same sum
SELECT (SELECT sum(r.rate) FROM usage AS u JOIN normalized_rates('bf16', now()) AS r ON r.accelerator = u.chip)
		= (SELECT sum(f.rate) FROM usage_int4 AS u JOIN factor AS f USING (chip))
	AND (SELECT sum(normalized_rate(chip, 'bf16')) FROM usage)
		= (SELECT sum(f.rate) FROM usage_int4 AS u JOIN factor AS f USING (chip));
-- @run set form
SELECT sum(r.rate) FROM usage AS u JOIN normalized_rates('bf16', now()) AS r ON r.accelerator = u.chip;
-- @run function
SELECT sum(normalized_rate(chip, 'bf16')) FROM usage;
-- @run join on int4
SELECT sum(f.rate) FROM usage_int4 AS u JOIN factor AS f USING (chip);
-- @ratio set form / join on int4 <= 1.3
-- @ratio function / join on int4 <= 1.5

-- @case rate-at: the same, valid at the row's time
-- @check all ways give the same sum
SELECT (SELECT sum(r.rate) FROM usage AS u JOIN normalized_rates('bench.example/contract') AS r
			ON r.accelerator = u.chip AND u.at >= r.valid_from AND u.at < r.valid_to)
		= (SELECT sum(f.rate) FROM usage_int4 AS u JOIN dated_factor AS f ON f.chip = u.chip AND u.at >= f.valid_from AND u.at < f.valid_to)
	AND (SELECT sum(normalized_rate(chip, 'bench.example/contract', at)) FROM usage)
		= (SELECT sum(f.rate) FROM usage_int4 AS u JOIN dated_factor AS f ON f.chip = u.chip AND u.at >= f.valid_from AND u.at < f.valid_to);
-- @run set form
SELECT sum(r.rate) FROM usage AS u JOIN normalized_rates('bench.example/contract') AS r
	ON r.accelerator = u.chip AND u.at >= r.valid_from AND u.at < r.valid_to;
-- @run function
SELECT sum(normalized_rate(chip, 'bench.example/contract', at)) FROM usage;
-- @run join on int4
SELECT sum(f.rate) FROM usage_int4 AS u JOIN factor AS f USING (chip);
-- @run join on int4, valid at
SELECT sum(f.rate) FROM usage_int4 AS u JOIN dated_factor AS f ON f.chip = u.chip AND u.at >= f.valid_from AND u.at < f.valid_to;
-- @ratio set form / join on int4 <= 1.8; the join without validity
-- @ratio set form / join on int4, valid at
-- @ratio function / join on int4; the join without validity
-- @ratio function / join on int4, valid at
