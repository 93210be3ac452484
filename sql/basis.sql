-- Bases of several databases: codes that follow from names, and check_bases().
CREATE DATABASE regress_basis ENCODING 'UTF8' LOCALE 'C' TEMPLATE template0;
\c regress_basis
CREATE EXTENSION compute_ledger;
SET search_path = public, compute_ledger;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';

-- ------------------------------------------------------------------ codes

-- 1000 + (first 8 bytes of SHA-256, big-endian) mod 64536, said elsewhere: Python's hashlib.
INSERT INTO basis (name) VALUES ('beijing.example/rate-card-2026'), ('shanghai.example/rate-card-2026'), ('tops.example/v1'), ('算力-2026') RETURNING code, name;
-- The same with numeric, for many names; all codes are in the range.
SELECT count(*) AS names, count(*) FILTER (WHERE _basis_code_of(name) <> 1000 + mod(sum, 64536)) AS wrong, min(_basis_code_of(name)) >= 1000 AS low, max(_basis_code_of(name)) <= 65535 AS high
FROM (SELECT n.name, sum(get_byte(sha256(convert_to(n.name, 'UTF8')), b) * 256::numeric ^ (7 - b))
	FROM (SELECT 'name ' || i FROM generate_series(1, 20000) AS i) AS n (name), generate_series(0, 7) AS b GROUP BY n.name) AS h (name, sum);
SELECT _basis_code_of(NULL);

-- Two names with one code.
INSERT INTO basis (name) VALUES ('clash.example/191') RETURNING code;
INSERT INTO basis (name) VALUES ('clash.example/301');
INSERT INTO basis (code, name) VALUES (37972, 'clash.example/of-its-own');
INSERT INTO basis (code, name) VALUES (37973, 'clash.example/301') RETURNING code;
-- One name twice is refused as ever, or left alone.
INSERT INTO basis (name) VALUES ('clash.example/191');
INSERT INTO basis (name) VALUES ('clash.example/191') ON CONFLICT DO NOTHING;
INSERT INTO basis (name) VALUES (NULL);

-- ------------------------------------------------------------------ another database

INSERT INTO basis_factor (basis, accelerator, rate, valid) VALUES
	('tops.example/v1', 'nvidia/h100', '2.5 TFLOPS', '[2026-01-01,2027-01-01)'),
	('tops.example/v1', 'nvidia/a100', '1 TFLOPS', '(,)'),
	('tops.example/v1', 'nvidia/l4', '0.5 TFLOPS', '[2026-01-01,)'),
	('beijing.example/rate-card-2026', 'nvidia/h100', '7 TFLOPS', '(,)');
-- What was corrected there does not count.
INSERT INTO basis_factor (basis, accelerator, rate) VALUES ('tops.example/v1', 'nvidia/t4', '3 TFLOPS');
UPDATE basis_factor SET rate = with_basis('0.25 TFLOPS'::compute_rate, basis_code('tops.example/v1')) WHERE accelerator = 'nvidia/t4';

-- The other one as tables of one's own, and as a CSV is loaded: in text, under any name.
CREATE TABLE there (LIKE basis);
CREATE TEMP TABLE "it's; DROP TABLE ""there"" --" (basis text, accelerator text, rate text, valid text, source text, recorded text);
INSERT INTO there SELECT * FROM basis;
INSERT INTO "it's; DROP TABLE ""there"" --" SELECT basis, accelerator, rate, valid, source, recorded FROM basis_factor;
SELECT * FROM check_bases('there');
SELECT * FROM check_bases('there', '"it''s; DROP TABLE ""there"" --"');
-- It does not know one, and has others.
DELETE FROM there WHERE name = 'clash.example/191';
INSERT INTO there (shipped, code, name) VALUES (false, 1000, 'nobody.example/here');
SELECT * FROM check_bases('there');
-- One code with two names, as two databases had it that counted from 1000 on; one name with two codes.
INSERT INTO there (shipped, code, name) VALUES (false, 59800, 'shanghai.example/other');
UPDATE there SET code = 1001 WHERE name = '算力-2026';
SELECT * FROM check_bases('there');
UPDATE there SET name = 'fp9' WHERE code = 7;
SELECT * FROM check_bases('there');
TRUNCATE there;
INSERT INTO there SELECT * FROM basis;
-- The same factor in halves is the same; another rate for a part of the time, a time without, a class more and a class less are not.
UPDATE "it's; DROP TABLE ""there"" --" SET valid = '[2026-01-01,2026-07-01)' WHERE accelerator = 'nvidia/h100' AND basis ~ '^tops';
INSERT INTO "it's; DROP TABLE ""there"" --" VALUES ('tops.example/v1', 'nvidia/h100', '2.5 TFLOPS', '[2026-07-01,2027-01-01)', NULL, '[2026-01-01,)');
SELECT * FROM check_bases('there', '"it''s; DROP TABLE ""there"" --"');
UPDATE "it's; DROP TABLE ""there"" --" SET rate = '2.4 TFLOPS@9020' WHERE valid ~ '2026-07';
UPDATE "it's; DROP TABLE ""there"" --" SET valid = '["2026-03-01 00:00:00+00",)' WHERE accelerator = 'nvidia/l4';
DELETE FROM "it's; DROP TABLE ""there"" --" WHERE accelerator = 'nvidia/a100';
INSERT INTO "it's; DROP TABLE ""there"" --" VALUES ('tops.example/v1', 'nvidia/b200', '9 TFLOPS', '(,)', NULL, '[2026-01-01,)'), ('nobody.example/here', 'nvidia/b200', '9 TFLOPS', '(,)', NULL, '[2026-01-01,)');
SELECT * FROM check_bases('there', '"it''s; DROP TABLE ""there"" --"');
-- Its own code for a name is a fault of that name, not of the factors.
UPDATE there SET code = 2000 WHERE name = 'beijing.example/rate-card-2026';
UPDATE "it's; DROP TABLE ""there"" --" SET rate = '7 TFLOPS@2000' WHERE basis = 'beijing.example/rate-card-2026';
SELECT * FROM check_bases('there', '"it''s; DROP TABLE ""there"" --"') WHERE basis ~ '^beijing';
-- What cannot be compared.
\set VERBOSITY terse
SELECT * FROM check_bases(NULL);
SELECT * FROM check_bases('pg_class');
SELECT * FROM check_bases('there', 'there');
UPDATE "it's; DROP TABLE ""there"" --" SET rate = 'much' WHERE accelerator = 'nvidia/l4';
SELECT * FROM check_bases('there', '"it''s; DROP TABLE ""there"" --"');

\c postgres
DROP DATABASE regress_basis;
