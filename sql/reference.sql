-- Reference tables, bases, peak_rate and normalized_rate.
SET search_path = public, compute_ledger;
SET timezone = 'UTC';
\set SHOW_CONTEXT never
\pset null '(null)'
-- without the rows that other tests left, and without the ledger that they made
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS compute_ledger CASCADE;
CREATE EXTENSION compute_ledger;
RESET client_min_messages;

-- What every reference table promises.
SELECT c.relname,
	has_table_privilege('pg_database_owner', c.oid, 'INSERT') AS owner_inserts,
	has_table_privilege('public', c.oid, 'SELECT') AS all_read,
	has_table_privilege('public', c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE') AS all_write,
	e.extcondition[array_position(e.extconfig, c.oid)] AS dumped
FROM pg_class AS c, pg_extension AS e
WHERE e.extname = 'compute_ledger'
	AND c.oid IN ('basis'::regclass, 'basis_factor'::regclass, 'accelerator_model'::regclass, 'accelerator_peak'::regclass)
ORDER BY c.relname COLLATE "C";
SELECT count(*) AS keys_without_shipped
FROM pg_index AS i
WHERE i.indrelid IN ('basis'::regclass, 'basis_factor'::regclass, 'accelerator_model'::regclass, 'accelerator_peak'::regclass)
	AND (i.indisunique OR i.indisexclusion)
	AND pg_get_indexdef(i.indexrelid, 1, false) NOT LIKE '%shipped%';

-- The built-in bases are those that the types know.
SELECT count(*) AS bases,
	bool_and(basis(with_basis('1 FLOP'::compute_unit, code)) = name) AS names_agree,
	bool_and(basis_code(with_basis('1 FLOP'::compute_unit, name)) = code) AS codes_agree
FROM basis WHERE shipped;

-- A basis of one's own.
INSERT INTO basis (code, name, description) VALUES (1000, 'example.org/weights-2026', 'made up') RETURNING code, name;
INSERT INTO basis (code, name) VALUES (2000, 'example.org/weights-2027');
SELECT basis_code('example.org/weights-2026'), basis_code('Example.org/Weights-2026') AS folded, basis_code('1000') AS number,
	basis_code('bf16') AS built_in, basis_code('4711') AS unregistered, basis_code('nobody') AS unknown;
SELECT basis_name(1000), basis_name(5) AS built_in, basis_name(4711) AS unregistered,
	basis_name('1 PFLOPh@1000'::compute_unit) AS of_unit, basis_name('1 TFLOPS@bf16'::compute_rate) AS of_rate;
SELECT with_basis('2 PFLOPh'::compute_unit, basis_code('example.org/weights-2027')) AS unit,
	with_basis('2 TFLOPS'::compute_rate, basis_code('example.org/weights-2027')) AS rate;
SELECT with_basis('1 FLOP'::compute_unit, 999);

-- Bad bases.
INSERT INTO basis (code, name) VALUES (999, 'example.org/low');
INSERT INTO basis (code, name) VALUES (65536, 'example.org/high');
INSERT INTO basis (code, name) VALUES (2000, 'example.org/twice');
INSERT INTO basis (code, name) VALUES (2001, 'example.org/weights-2027');
DO $$
DECLARE
	bad text;
BEGIN
	FOREACH bad IN ARRAY ARRAY['', ' ', 'a b', 'A', '1st', 'x@y', 'a,b', 'a''b', repeat('a', 64),
		'flop', 'bf16', 'fp2', 'mxfp8', 'nvfp4', 'int2', 'uint8', 'posit16', 'tf32x', 'none', 'unknown']
	LOOP
		BEGIN
			INSERT INTO compute_ledger.basis (name) VALUES (bad);
			RAISE NOTICE 'taken: %', bad;
		EXCEPTION WHEN check_violation OR unique_violation THEN
			NULL;
		END;
	END LOOP;
END
$$;
INSERT INTO basis (code, name) VALUES (3000, repeat('a', 63)), (3001, '算力-2026'), (3002, 'tops.example/v1') RETURNING code;
UPDATE basis SET code = 2002 WHERE code = 2000;
UPDATE basis SET name = 'example.org/renamed' WHERE code = 2000;
UPDATE basis SET description = 'next year''s' WHERE code = 2000 RETURNING description;
DELETE FROM basis WHERE code = 2000;
TRUNCATE basis;
INSERT INTO basis (shipped, code, name) VALUES (true, 11, 'fp2');
UPDATE basis SET description = 'mine' WHERE code = 5;

-- Chips of a maker of one's own, so that no later catalog changes what follows.
INSERT INTO accelerator_model (accelerator, name, mig_slices) VALUES
	('pci0001/x1-sxm-80gb', 'X1 SXM', 7), ('pci0001/x1-pcie-80gb', 'X1 PCIe', 7), ('pci0001/x2', 'X2', NULL),
	('pci0001/x4', 'X4', 4);
INSERT INTO accelerator_peak (accelerator, number_format, rate) VALUES
	('pci0001/x1-sxm', 'bf16', '989.4 TFLOPS@bf16'),
	('pci0001/x1-pcie', 'bf16', '756 TFLOPS@bf16'),
	('pci0001/x2', 'bf16', '100 TFLOPS@bf16'),
	('pci0001/x2-pcie', 'bf16', '50 TFLOPS@bf16'),
	('pci0001/x2-pcie-16gb', 'bf16', '40 TFLOPS@bf16'),
	('pci0001/x2-16gb', 'bf16', '30 TFLOPS@bf16'),
	('pci0001/x4', 'bf16', '123456789 MFLOPS@bf16'),
	('pci0001/x4:2g.10gb', 'bf16', '7 TFLOPS@bf16');

-- Most specific wins.
SELECT a, peak_rate(a, 'bf16') FROM unnest(ARRAY[
	'pci0001/x1-sxm-80gb', 'pci0001/x1-pcie-80gb', 'pci0001/x1', 'pci0001/x2', 'pci0001/x2-oam', 'pci0001/x2-pcie',
	'pci0001/x2-pcie-32gb', 'pci0001/x2-pcie-16gb', 'pci0001/x2-oam-16gb', 'pci0001']::accelerator[]) AS a;
-- No guess, and what to do about it.
SELECT peak_rate('pci0001/x2', 'fp64') AS no_row, peak_rate('pci0001/x2', 'fp99') AS no_format,
	peak_rate('pci0001/x2', 'example.org/weights-2026') AS no_peak, normalized_rate('pci0001/x2', 'flop') AS achieved,
	normalized_rate('pci0001/x2', 'nobody') AS no_basis, peak_rate(NULL, 'bf16') AS no_chip, peak_rate('pci0001/x2', NULL) AS nothing;
DO $$
DECLARE
	q text;
	s text; m text; d text; h text;
BEGIN
	FOREACH q IN ARRAY ARRAY[
		$q$peak_rate_strict('pci0001/x2', 'fp64')$q$,
		$q$peak_rate_strict('pci0001/x1', 'bf16')$q$,
		$q$peak_rate_strict('pci0001/x2', 'fp99')$q$,
		$q$peak_rate_strict('pci0001/x2', 'example.org/weights-2026')$q$,
		$q$peak_rate_strict('pci0001/x2:1g.5gb', 'bf16')$q$,
		$q$peak_rate_strict('pci0001/x1-sxm-80gb:8g.80gb', 'bf16')$q$,
		$q$normalized_rate_strict('pci0001/x2', 'nobody')$q$,
		$q$normalized_rate_strict('pci0001/x2', 'flop')$q$,
		$q$normalized_rate_strict('pci0001/x2', 'example.org/weights-2026')$q$]
	LOOP
		BEGIN
			EXECUTE 'SELECT compute_ledger.' || q;
			RAISE EXCEPTION 'no error: %', q;
		EXCEPTION WHEN SQLSTATE 'LC002' OR SQLSTATE 'LC004' THEN
			GET STACKED DIAGNOSTICS s = RETURNED_SQLSTATE, m = MESSAGE_TEXT, d = PG_EXCEPTION_DETAIL, h = PG_EXCEPTION_HINT;
			RAISE NOTICE E'% %\n% %', s, m, d, h;
		END;
	END LOOP;
END
$$;

-- A laptop part shares the name of a card and little else: only what is said of laptops is said of it.
BEGIN;
INSERT INTO accelerator_peak (accelerator, number_format, rate) VALUES
	('pci0001/x8', 'bf16', '200 TFLOPS@bf16'), ('pci0001/x8-16gb', 'fp16', '200 TFLOPS@fp16'), ('pci0001/x8-laptop', 'fp8', '80 TFLOPS@fp8'),
	('pci0001', 'int8', '1 TFLOPS@int8');
INSERT INTO basis_factor (basis, accelerator, rate) VALUES ('example.org/weights-2026', 'pci0001/x8', '3 TFLOPS');
SELECT a, peak_rate(a, 'bf16') AS bf16, peak_rate(a, 'fp16') AS fp16, peak_rate(a, 'fp8') AS fp8, peak_rate(a, 'int8') AS int8, tpp(a),
	normalized_rate(a, 'example.org/weights-2026') AS factor
FROM unnest(ARRAY['pci0001/x8', 'pci0001/x8-pcie-16gb', 'pci0001/x8-laptop', 'pci0001/x8-maxq-16gb', 'pci0001/x8-laptop-16gb']::accelerator[]) AS a;
SELECT a, peak_rate(a, 'bf16') FROM unnest(ARRAY['nvidia/rtx-5090', 'nvidia/rtx-5090-laptop', 'nvidia/rtx-3080-ti-laptop', 'nvidia/rtx-4090-laptop', 'nvidia/rtx-4060-maxq']::accelerator[]) AS a;
SELECT count(*) AS listed_with_a_card FROM normalized_rates('bf16', now()) AS r
WHERE form_factor(r.accelerator) IN ('laptop', 'maxq') AND NOT EXISTS (SELECT FROM accelerator_peak AS p WHERE p.accelerator @> r.accelerator AND form_factor(p.accelerator) IN ('laptop', 'maxq'));
SELECT rate, recorded FROM _usage_rates(ARRAY['pci0001/x8-laptop'::accelerator], 'bf16');
ROLLBACK;
-- A MIG slice counts its share, unless it has a row of its own; seven sevenths are the whole, to 3.5 MFLOPS.
SELECT a, peak_rate(a, 'bf16') FROM unnest(ARRAY[
	'pci0001/x1-sxm-80gb:1g.10gb', 'pci0001/x1-sxm-80gb:7g.80gb', 'pci0001/x1-pcie-80gb:3g.40gb', 'pci0001/x4:1g.6gb',
	'pci0001/x4:2g.10gb', 'pci0001/x4:3g.20gb+me', 'pci0001/x2:1g.5gb']::accelerator[]) AS a;
SELECT max(abs(whole - 7 * slice)) <= 3500000 AS within, count(*) > 20 AS enough
FROM (SELECT peak_rate(m.accelerator, f)::numeric AS whole,
		peak_rate((m.accelerator::text || ':1g.10gb')::accelerator, f)::numeric AS slice
	FROM accelerator_model AS m, unnest(ARRAY['fp64', 'fp32', 'tf32', 'fp16', 'bf16', 'fp8', 'int8', 'int4']) AS f
	WHERE m.mig_slices = 7 AND upper_inf(m.recorded)) AS x
WHERE whole IS NOT NULL;
-- A compute partition of an Instinct is a slice: CPX is eighths of an MI300X and sixths of an MI300A, DPX halves; SPX is the device.
SELECT a, device_share(a), peak_rate(a, 'fp16') FROM unnest(ARRAY[
	'amd/mi300x', 'amd/mi300x:1g.24gb', 'amd/mi300x:2g.48gb', 'amd/mi300x:4g.96gb', 'amd/mi300a:1g.21gb', 'amd/mi325x:1g.32gb',
	'amd/mi250x', 'amd/mi250x:1g.8gb']::accelerator[]) AS a;
-- The class x1 has no row of its own, but its variants agree on their slices.
INSERT INTO basis_factor (basis, accelerator, rate) VALUES ('example.org/weights-2026', 'pci0001/x1', '7 TFLOPS');
SELECT normalized_rate('pci0001/x1:2g.20gb', 'example.org/weights-2026');

-- Factors: the rate takes its basis from the row, or must be in it.
INSERT INTO basis_factor (basis, accelerator, rate, valid) VALUES
	('example.org/weights-2026', 'pci0001/x2', '1 TFLOPS', '[2026-01-01,2026-07-01)'),
	('example.org/weights-2026', 'pci0001/x2', '2 TFLOPS@1000', '[2026-07-01,)'),
	('example.org/weights-2026', 'pci0001/x2-pcie', '5 TFLOPS', '(2026-03-01,2026-03-31 23:59:59.999999]');
SELECT basis, accelerator, rate, valid FROM basis_factor WHERE accelerator <@ 'pci0001/x2' ORDER BY accelerator, valid;
INSERT INTO basis_factor (basis, accelerator, rate) VALUES ('example.org/weights-2026', 'pci0001/x4', '1 TFLOPS@2000');
INSERT INTO basis_factor (basis, accelerator, rate) VALUES ('example.org/nobody', 'pci0001/x4', '1 TFLOPS@1000');
INSERT INTO basis_factor (basis, accelerator, rate) VALUES ('example.org/nobody', 'pci0001/x4', '1 TFLOPS@4711');
-- A restore may bring a factor before its basis; then the basis must be the one that was meant.
BEGIN;
INSERT INTO basis_factor (basis, accelerator, rate, recorded) VALUES ('example.org/nobody', 'pci0001/x4', '1 TFLOPS@4711', '[2026-01-01,2026-02-01)');
SAVEPOINT s;
INSERT INTO basis (code, name) VALUES (4711, 'example.org/other');
ROLLBACK TO s;
INSERT INTO basis (code, name) VALUES (4712, 'example.org/nobody');
ROLLBACK TO s;
INSERT INTO basis (code, name) VALUES (4711, 'example.org/nobody');
ROLLBACK;
INSERT INTO basis_factor (basis, accelerator, rate, recorded) VALUES ('example.org/nobody', 'pci0001/x4', '1 TFLOPS@1000', '[2026-01-01,2026-02-01)');
\set VERBOSITY terse
INSERT INTO basis_factor (basis, accelerator, rate) VALUES ('bf16', 'pci0001/x4', '1 TFLOPS');
INSERT INTO basis_factor (basis, accelerator, rate) VALUES ('example.org/weights-2026', 'pci0001/x4', '-1 TFLOPS');
INSERT INTO basis_factor (basis, accelerator, rate, valid) VALUES ('example.org/weights-2026', 'pci0001/x4', '1 TFLOPS', 'empty');
-- One basis and class, two rows valid at one time: refused, but not across bases or classes.
INSERT INTO basis_factor (basis, accelerator, rate, valid) VALUES ('example.org/weights-2026', 'pci0001/x2', '9 TFLOPS', '[2026-06-30,2026-07-02)');
INSERT INTO basis_factor (basis, accelerator, rate, valid) VALUES ('example.org/weights-2027', 'pci0001/x2', '9 TFLOPS', '[2026-06-30,2026-07-02)');
-- Bad peaks.
INSERT INTO accelerator_peak (accelerator, number_format, rate) VALUES ('pci0001/x9', 'bf16', '1 TFLOPS@fp16');
INSERT INTO accelerator_peak (accelerator, number_format, rate) VALUES ('pci0001/x9', 'flop', '1 TFLOPS');
INSERT INTO accelerator_peak (accelerator, number_format, rate) VALUES ('pci0001/x9', '1000', '1 TFLOPS@1000');
INSERT INTO accelerator_peak (accelerator, number_format, rate) VALUES ('pci0001/x9', 'bf16', '0 TFLOPS@bf16');
\set VERBOSITY default
-- A peak without @format, or in another one, says what is missing.
INSERT INTO accelerator_peak (accelerator, number_format, rate) VALUES ('pci0001/x9', 'bf16', '512 TFLOPS');
INSERT INTO accelerator_peak (accelerator, number_format, rate) VALUES ('pci0001/x9', 'mxfp8', '512 TFLOPS');
INSERT INTO accelerator_peak (accelerator, number_format, rate) VALUES ('pci0001/x9', 'BF16', '512 TFLOPS@bf16');
UPDATE accelerator_peak SET rate = '7 TFLOPS' WHERE accelerator = 'pci0001/x4:2g.10gb';
INSERT INTO accelerator_peak (accelerator, number_format, rate) VALUES ('pci0001/x9', NULL, '512 TFLOPS');

-- A maker of one's own: a range of ids that stays free, its word, its chips.
SELECT count(*) AS taken FROM accelerator_vendors() WHERE vendor_id LIKE 'fd%';
BEGIN;
INSERT INTO accelerator_model (accelerator, name, memory_gb) VALUES ('pcifd00/x1', 'Acme X1', 32), ('pcifdff/omega', 'Omega', NULL);
INSERT INTO accelerator_peak (accelerator, number_format, rate) VALUES ('pcifd00/x1', 'bf16', '100 TFLOPS@bf16');
INSERT INTO accelerator_word (kind, word, meaning) VALUES ('vendor', 'acme', 'pcifd00'), ('model', 'x1', 'pcifd00/x1'), ('product', 'omega', 'pcifdff/omega'), ('vendor', 'omegacorp', 'pcifdff');
SELECT n, identify(n), peak_rate(identify(n), 'bf16') FROM unnest(ARRAY['Acme X1', 'ACME-X1-32GB', 'acme.com/x1', 'OmegaCorp Omega', 'Acme Omega']) AS n;
ROLLBACK;
SELECT 'pciffff/x1'::accelerator;
SELECT 'acme/x1'::accelerator;

-- At a time: bounds as the ranges have them, most specific first among what is valid then.
SELECT at, normalized_rate('pci0001/x2', 'example.org/weights-2026', at) AS x2,
	normalized_rate('pci0001/x2-pcie', 'example.org/weights-2026', at) AS x2_pcie,
	normalized_rate('pci0001/x2', '1000', at) AS by_code, peak_rate('pci0001/x2', 'bf16') = normalized_rate('pci0001/x2', 'bf16', at) AS peak
FROM unnest(ARRAY['-infinity', '2025-12-31 23:59:59.999999', '2026-01-01', '2026-03-01', '2026-03-01 00:00:00.000001',
	'2026-03-31 23:59:59.999999', '2026-04-01', '2026-06-30 23:59:59.999999', '2026-07-01', 'infinity']::timestamptz[]) AS at;
SELECT normalized_rate_strict('pci0001/x2', 'example.org/weights-2026', '2025-06-01');
-- A factor that is valid after the last instant never is.
BEGIN;
INSERT INTO basis_factor (basis, accelerator, rate, valid) VALUES
	('example.org/weights-2026', 'pci0007/late', '5 TFLOPS', '(infinity,)'), ('example.org/weights-2026', 'pci0007/last', '6 TFLOPS', '[infinity,)');
SELECT at, normalized_rate('pci0007/late', '1000', at) AS late, normalized_rate('pci0007/last', '1000', at) AS last
FROM unnest(ARRAY['-infinity', '2026-03-01', 'infinity']::timestamptz[]) AS at;
SELECT accelerator, valid_from FROM normalized_rates('1000') WHERE accelerator <@ 'pci0007';
ROLLBACK;
-- The number of a basis that is not registered is no basis.
SELECT normalized_rate('pci0001/x2', '1999');
SELECT normalized_rate_strict('pci0001/x2', '1999');
SELECT * FROM normalized_rates('1999');
-- A moment of knowledge for every row, more of them than a call site keeps tables of.
SELECT count(*) AS asked, count(normalized_rate('pci0001/x2', 'bf16', at, at)) AS answered, count(DISTINCT normalized_rate('pci0001/x2', 'bf16', at, at)) AS answers
FROM (SELECT now() + i % 300 * interval '1 day' AS at FROM generate_series(1, 1000) AS i) AS x;
SELECT normalized_rate('pci0001/x2', 'example.org/weights-2026') = normalized_rate('pci0001/x2', 'example.org/weights-2026', now()) AS now;

-- The same against plain SQL, on every chip in the tables and many instants.
WITH probe AS (
	SELECT a.accelerator, '2025-12-01'::timestamptz + h * interval '61 hours' AS at
	FROM (SELECT accelerator FROM accelerator_model UNION SELECT accelerator FROM basis_factor) AS a, generate_series(0, 120) AS h
	WHERE mig_slices(a.accelerator) IS NULL
), answer AS (
	SELECT p.*, normalized_rate(p.accelerator, 'example.org/weights-2026', p.at) AS got,
		(SELECT f.rate FROM basis_factor AS f
			WHERE f.basis = 'example.org/weights-2026' AND f.accelerator @> p.accelerator AND f.valid @> p.at AND upper_inf(f.recorded)
			ORDER BY specificity(f.accelerator) DESC LIMIT 1) AS want
	FROM probe AS p
)
SELECT count(*) > 30000 AS many, count(want) > 400 AS with_rate, count(*) FILTER (WHERE got IS DISTINCT FROM want) AS wrong FROM answer;

-- The set forms say the same.
SELECT * FROM normalized_rates('example.org/weights-2026') ORDER BY 1, 2;
SELECT * FROM normalized_rates('example.org/weights-2026', '2026-03-15') ORDER BY 1;
SELECT * FROM normalized_rates('bf16') WHERE accelerator <@ 'pci0001' ORDER BY 1, 2;
SELECT count(*) > 100 AS many, bool_and(r.rate = peak_rate(r.accelerator, 'bf16')) AS same FROM normalized_rates('bf16', now()) AS r;
SELECT count(*) AS forgotten FROM accelerator_model AS m
WHERE peak_rate(m.accelerator, 'bf16') IS NOT NULL AND m.accelerator NOT IN (SELECT accelerator FROM normalized_rates('bf16', now()));
SELECT * FROM normalized_rates('nobody');
SELECT count(*) FROM normalized_rates(NULL);

-- The user's row wins over a shipped one for the same class, and goes again.
SELECT peak_rate('nvidia/a100-sxm4-80gb', 'bf16');
INSERT INTO accelerator_peak (accelerator, number_format, rate, source) VALUES ('nvidia/a100', 'bf16', '300 TFLOPS@bf16', 'our power cap');
SELECT peak_rate('nvidia/a100-sxm4-80gb', 'bf16');
DELETE FROM accelerator_peak WHERE accelerator = 'nvidia/a100' AND NOT shipped;
SELECT peak_rate('nvidia/a100-sxm4-80gb', 'bf16');

-- Shipped rows are read-only.
UPDATE accelerator_peak SET rate = '1 TFLOPS@bf16' WHERE accelerator = 'nvidia/a100' AND number_format = 'bf16' AND shipped;
DELETE FROM accelerator_model WHERE accelerator = 'nvidia/a100' AND shipped;
INSERT INTO accelerator_model (shipped, accelerator, name) VALUES (true, 'pci0001/x5', 'X5');
TRUNCATE accelerator_model;
-- One current row a class.
\set VERBOSITY terse
INSERT INTO accelerator_model (accelerator, name) VALUES ('pci0001/x2', 'X2 again');
\set VERBOSITY default
INSERT INTO accelerator_model (accelerator, name) VALUES ('pci0001/x2', 'X2 in full')
	ON CONFLICT (shipped, accelerator) WHERE upper_inf(recorded) DO UPDATE SET name = excluded.name RETURNING name;

-- Recorded time: an update closes the row and adds its successor.
SELECT name, upper_inf(recorded) AS current FROM accelerator_model WHERE accelerator = 'pci0001/x2' ORDER BY lower(recorded);
UPDATE accelerator_model SET name = 'X2 in full' WHERE accelerator = 'pci0001/x2' AND upper_inf(recorded);
SELECT count(*) AS still_two FROM accelerator_model WHERE accelerator = 'pci0001/x2';
-- Nor does an update to the same rate, written without its basis.
WITH u AS (UPDATE basis_factor SET rate = with_basis(rate, 'flop') WHERE accelerator <@ 'pci0001' AND upper_inf(recorded) RETURNING 1)
SELECT count(*) > 0 AS updated FROM u;
SELECT count(*) AS closed FROM basis_factor WHERE accelerator <@ 'pci0001' AND NOT upper_inf(recorded);
UPDATE basis_factor SET basis = 'example.org/nothing', rate = with_basis(rate, 1999) WHERE accelerator <@ 'pci0001' AND upper_inf(recorded);
SELECT now() AS then \gset
SELECT pg_sleep(0.01) \g /dev/null
UPDATE basis_factor SET rate = '20 TFLOPS@1000' WHERE accelerator = 'pci0001/x2' AND lower_inf(valid) IS FALSE AND upper_inf(valid) AND upper_inf(recorded);
SELECT normalized_rate('pci0001/x2', '1000', '2026-08-01') AS now, normalized_rate('pci0001/x2', '1000', '2026-08-01', :'then') AS then,
	normalized_rate('pci0001/x2', '1000', '2026-08-01', '-infinity') AS long_ago;
DELETE FROM basis_factor WHERE accelerator = 'pci0001/x2' AND basis = 'example.org/weights-2026' AND upper_inf(recorded);
SELECT normalized_rate('pci0001/x2', '1000', '2026-08-01') AS now, normalized_rate('pci0001/x2', '1000', '2026-08-01', :'then') AS then;
SELECT rate, valid, upper_inf(recorded) AS current FROM basis_factor WHERE accelerator = 'pci0001/x2' AND basis LIKE '%2026' ORDER BY lower(recorded), valid, rate;
SELECT count(*) AS gaps FROM (
	SELECT upper(recorded) AS ended, lead(lower(recorded)) OVER (PARTITION BY valid ORDER BY recorded) AS next
	FROM basis_factor WHERE accelerator = 'pci0001/x2' AND basis LIKE '%2026') AS x
WHERE next IS NOT NULL AND next <> ended;
UPDATE basis_factor SET rate = '3 TFLOPS@1000' WHERE accelerator = 'pci0001/x2' AND NOT upper_inf(recorded);
DELETE FROM basis_factor WHERE accelerator = 'pci0001/x2' AND NOT upper_inf(recorded);
-- What one transaction makes and takes back leaves no trace.
BEGIN;
INSERT INTO accelerator_model (accelerator, name) VALUES ('pci0001/x6', 'X6');
UPDATE accelerator_model SET name = 'X6b' WHERE accelerator = 'pci0001/x6';
DELETE FROM accelerator_model WHERE accelerator = 'pci0001/x6';
COMMIT;
SELECT count(*) FROM accelerator_model WHERE accelerator = 'pci0001/x6';

-- A look-up sees what its statement sees: own writes, savepoints, loops.
BEGIN;
SELECT normalized_rate('pci0001/x4', '1000') AS before;
INSERT INTO basis_factor (basis, accelerator, rate) VALUES ('example.org/weights-2026', 'pci0001/x4', '4 TFLOPS');
SELECT normalized_rate('pci0001/x4', '1000') AS own;
ROLLBACK;
SELECT normalized_rate('pci0001/x4', '1000') AS after;
CREATE FUNCTION loop_rates() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	r compute_rate;
BEGIN
	FOR i IN 1..6 LOOP
		BEGIN
			IF i IN (2, 4) THEN
				INSERT INTO basis_factor (basis, accelerator, rate) VALUES ('example.org/weights-2026', 'pci0001/x4', i * '1 TFLOPS'::compute_rate);
			END IF;
			r := normalized_rate('pci0001/x4', '1000');		-- one call site, many snapshots
			RETURN NEXT i || ': ' || coalesce(r::text, 'null');
			IF i = 2 THEN
				RAISE division_by_zero;
			END IF;
		EXCEPTION WHEN division_by_zero THEN
			NULL;
		END;
		IF i = 5 THEN
			DELETE FROM basis_factor WHERE accelerator = 'pci0001/x4';
		END IF;
	END LOOP;
END
$$;
SELECT loop_rates();
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT loop_rates();
ROLLBACK;
-- A cursor goes on seeing what it saw.
BEGIN;
DECLARE c CURSOR FOR SELECT i, normalized_rate('pci0001/x4', '1000') FROM generate_series(1, 4) AS i;
FETCH 2 FROM c;
INSERT INTO basis_factor (basis, accelerator, rate) VALUES ('example.org/weights-2026', 'pci0001/x4', '4 TFLOPS');
SELECT normalized_rate('pci0001/x4', '1000') AS new;
FETCH 2 FROM c;
COMMIT;

-- Many chips, many bases and many times at one call site.
SELECT count(*) AS rows, count(DISTINCT rate) > 500 AS many_rates, count(*) FILTER (WHERE rate IS DISTINCT FROM want) AS wrong FROM (
	SELECT normalized_rate(m.accelerator, f.f) AS rate,
		CASE WHEN f.f = '1000' THEN (SELECT x.rate FROM basis_factor AS x WHERE x.accelerator @> m.accelerator AND basis(x.rate) = '1000'
			AND upper_inf(x.recorded) AND x.valid @> now() ORDER BY specificity(x.accelerator) DESC LIMIT 1)
		ELSE (SELECT x.rate FROM accelerator_peak AS x WHERE x.accelerator @> m.accelerator AND x.number_format = f.f
			AND (form_factor(m.accelerator) IN ('laptop', 'maxq') AND form_factor(x.accelerator) IS NULL) IS NOT TRUE
			AND upper_inf(x.recorded) ORDER BY specificity(x.accelerator) DESC, x.shipped LIMIT 1) END AS want
	FROM (SELECT DISTINCT accelerator FROM accelerator_model) AS m, unnest(ARRAY['1000', 'fp64', 'fp32', 'tf32', 'fp16', 'bf16', 'fp8', 'fp6', 'fp4', 'int8', 'int4']) AS f
	WHERE m.accelerator <> 'pci0001/x4'
) AS x \gset many_
SELECT :many_rows > 2000 AS enough, :'many_many_rates' AS many_rates, :many_wrong AS wrong;

-- Parallel workers.
CREATE TABLE reference_usage AS
SELECT (ARRAY['pci0001/x1-sxm-80gb', 'pci0001/x2', 'pci0001/x4', 'nvidia/a100-sxm4-80gb'])[1 + i % 4]::accelerator AS accelerator,
	'2026-01-01'::timestamptz + i * interval '17 minutes' AS at
FROM generate_series(1, 40000) AS i;
ANALYZE reference_usage;
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
EXPLAIN (COSTS OFF) SELECT sum(normalized_rate(accelerator, 'bf16')) FROM reference_usage;
SELECT sum(normalized_rate(accelerator, 'bf16')) FROM reference_usage;
SET max_parallel_workers_per_gather = 0;
SELECT sum(normalized_rate(accelerator, 'bf16')) FROM reference_usage;
-- The set form joins by hash; what it does not list is asked for by itself.
EXPLAIN (COSTS OFF) SELECT sum(r.rate) FROM reference_usage AS u JOIN normalized_rates('bf16', now()) AS r USING (accelerator);
SELECT sum(r.rate) FROM reference_usage AS u JOIN normalized_rates('bf16', now()) AS r USING (accelerator);
SELECT sum(coalesce(r.rate, normalized_rate(u.accelerator, '1000', u.at))) AS set_form, sum(normalized_rate(u.accelerator, '1000', u.at)) AS function_form
FROM reference_usage AS u LEFT JOIN normalized_rates('1000') AS r ON r.accelerator = u.accelerator AND u.at >= r.valid_from AND u.at < r.valid_to;

DROP TABLE reference_usage;
DROP FUNCTION loop_rates;
