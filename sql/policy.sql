-- Policy: parties, rules, licences, and what they say.  Nothing here is legal advice.
SET search_path = public, compute_ledger;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\set SHOW_CONTEXT never
\pset null '(null)'
SELECT create_ledger() >= 0 AS made;
SELECT create_account('p', currency => 'USD') > 0 AS a;
-- none is in force
SELECT effect, defaults, used, notice FROM screen('p', 'nvidia/h100', 'aws/us-east-1', '[2027-01-01,2027-01-02)');

-- ------------------------------------------------------------------ the shipped policies
SELECT p, load_policy(p), load_policy(p) AS again FROM unnest('{us-export,remote-access,data-residency,domestic-chips}'::text[]) AS p;
SELECT load_policy('moon');
SELECT create_account('p/free', parent => 'p', jurisdiction => 'SG') > 0 AS a, create_account('p/owned', parent => 'p', jurisdiction => 'SG') > 0 AS b,
	create_account('p/nobody', parent => 'p', jurisdiction => 'SG') > 0 AS c, create_account('p/home', parent => 'p', jurisdiction => 'CN') > 0 AS d;
SELECT set_party('p/free', 'SG', 'SG'), set_party('p/owned', 'SG', 'CN', parent => 'Owner Ltd'), set_party('p/nobody', 'SG', NULL), set_party('p/home', 'CN', 'CN');
CREATE FUNCTION asked(account text, chip accelerator, region text, day date, event text DEFAULT 'transfer', from_region text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws('; ', s.effect, s.rule, s.review, s.reason) FROM compute_ledger.screen(account, chip, region, tstzrange(day, day + 1), event, from_region) AS s
$$;
-- A100 and H100 to a restricted destination under 2022-10; A800 and H800 free under the first and not under the second
SELECT chip, asked('p/free', chip, 'alibaba/cn-beijing', '2022-10-06') AS before, asked('p/free', chip, 'alibaba/cn-beijing', '2022-10-07') AS "2022-10",
	asked('p/free', chip, 'alibaba/cn-beijing', '2023-11-16') AS "the day before", asked('p/free', chip, 'alibaba/cn-beijing', '2023-11-17') AS "2023-10"
FROM unnest('{nvidia/a100,nvidia/h100,nvidia/a800,nvidia/h800}'::accelerator[]) AS chip;
-- where: Macau came later, the Emirates with the second; Israel and Cyprus are in A:6; Hong Kong is China
SELECT region, day, asked('p/free', 'nvidia/h100', region, day)
FROM (VALUES ('aws/me-central-1', date '2023-06-01'), ('aws/me-central-1', '2024-01-01'), ('aws/il-central-1', '2024-01-01'), ('aws/ap-east-1', '2022-12-01'), ('aws/eu-central-1', '2024-01-01')) AS v (region, day);
-- the groups as they were: Belarus in D:4 from the beginning, Nicaragua in D:1 and D:5 later; Cyprus and Cambodia left D:5, Cambodia stayed in D:1
SELECT country, string_agg(name || ' ' || valid, ', ' ORDER BY name) FROM country_group WHERE shipped AND upper_inf(recorded) AND country IN ('BY', 'NI', 'CY', 'KH') GROUP BY country ORDER BY country;
SELECT create_region('kh', 'provider', NULL, 'KH') > 0 AS kh, create_region('ni', 'provider', NULL, 'NI') > 0 AS ni, create_account('p/kh', parent => 'p', jurisdiction => 'SG') > 0 AS owned;
SELECT set_party('p/kh', 'KH', 'KH');
SELECT day, asked('p/free', 'nvidia/h100', 'kh', day) AS "to Cambodia", asked('p/free', 'nvidia/h100', 'ni', day) AS "to Nicaragua", asked('p/kh', 'nvidia/h100', 'aws/ap-southeast-1', day) AS "of Cambodia"
FROM unnest('{2024-03-14,2024-03-15,2025-11-06,2025-11-07}'::date[]) AS day;
-- to a party whose ultimate parent is there only from 2023-11-17, wherever it is
SELECT day, asked('p/owned', 'nvidia/h100', 'aws/ap-southeast-1', day) FROM unnest('{2023-11-16,2023-11-17}'::date[]) AS day;
-- H20 free on 2024-06-01 and not from 2025-04-09; MI308 from 2025-04-15
SELECT chip, day, asked('p/free', chip, 'alibaba/cn-beijing', day)
FROM (VALUES ('nvidia/h20'::accelerator, date '2024-06-01'), ('nvidia/h20', '2025-04-08'), ('nvidia/h20', '2025-04-09'), ('amd/mi308x', '2025-04-14'), ('amd/mi308x', '2025-04-15')) AS v (chip, day);
-- not for data centres: an exception says that License Exception NAC is used
SELECT asked('p/free', 'nvidia/rtx-4090', 'alibaba/cn-beijing', '2024-01-01');
-- the review of 2026 is of exports from the US
SELECT event, from_region, (SELECT string_agg(concat_ws('; ', u ->> 'effect', u ->> 'rule', u ->> 'review', u ->> 'reason'), E'\n' ORDER BY n)
	FROM screen('p/free', 'nvidia/h200-sxm-141gb', 'alibaba/cn-beijing', '[2026-02-01,2026-02-02)', event, from_region) AS s, jsonb_array_elements(s.used) WITH ORDINALITY AS e (u, n)) AS rules
FROM (VALUES ('export', 'aws/us-east-1'), ('export', 'aws/eu-central-1'), ('reexport', 'aws/us-east-1'), ('export', NULL), ('transfer', NULL)) AS v (event, from_region);
-- a cloud account of such a parent: not restricted by the law, by the operator's own policy
SELECT policy, asked('p/owned', 'nvidia/h100', 'aws/us-east-1', '2024-01-10', 'book') FROM (SELECT policy FROM access_policy WHERE policy = 'remote-access') AS p;
BEGIN;
DELETE FROM access_rule WHERE policy = 'remote-access';
SELECT effect, rule, defaults FROM screen('p/owned', 'nvidia/h100', 'aws/us-east-1', '[2024-01-10,2024-01-12)');
ROLLBACK;
-- data that stays, chips that are domestic: in both directions
SELECT set_flag('p/free', 'personal-data', '[2027-01-01,2028-01-01)'), set_flag('p/home', 'publicly-funded');
SELECT region, day, asked('p/free', 'nvidia/t4', region, day, 'book') FROM (VALUES ('aws/us-east-1', date '2026-12-31'), ('aws/us-east-1', '2027-01-01'), ('aws/eu-central-1', '2027-01-01')) AS v (region, day);
SELECT chip, region, asked('p/home', chip, region, '2027-01-01', 'book')
FROM (VALUES ('nvidia/h20'::accelerator, 'alibaba/cn-beijing'), ('huawei/ascend-910b', 'alibaba/cn-beijing'), ('nvidia/h20', 'alibaba/ap-southeast-1')) AS v (chip, region);

-- S28: nobody knows the parent, and nobody a figure; what no rule in force asks for is not missing
SELECT day, asked('p/nobody', 'nvidia/h100', 'aws/us-east-1', day, 'book') FROM unnest('{2023-06-01,2024-01-10}'::date[]) AS day;
INSERT INTO accelerator_model (accelerator, name, data_center) VALUES ('pci0009/x1', 'X1', true);
SELECT asked('p/owned', 'pci0009/x1', 'aws/us-east-1', '2024-01-10', 'book') AS owned, asked('p/free', 'pci0009/x1', 'aws/us-east-1', '2024-01-10', 'book') AS free,
	asked('p/nobody', 'pci0009/x1', 'aws/us-east-1', '2024-01-10', 'book') AS nobody;
-- a class is judged by its worst member: some of these are free, and none is
SELECT asked('p/owned', 'nvidia', 'aws/us-east-1', '2024-01-10', 'book') AS nvidia, asked('p/owned', 'nvidia/t4', 'aws/us-east-1', '2024-01-10', 'book') AS t4,
	asked('p/owned', 'nvidia/h100-sxm5-80gb:1g.10gb', 'aws/us-east-1', '2024-01-10', 'book') AS slice;
-- the strictest over the period, and when it holds
SELECT effect, rule, during FROM screen('p/owned', 'nvidia/h100', 'aws/us-east-1', '[2023-11-10,2023-11-20)');

-- ------------------------------------------------------------------ S26: a broad no and a narrow yes
SELECT create_account('x', currency => 'USD', jurisdiction => 'KP') > 0 AS x, create_account('x/a', parent => 'x', jurisdiction => 'KP') > 0 AS a,
	create_account('x/ab', parent => 'x', jurisdiction => 'FR') > 0 AS ab;
SELECT set_party(a, 'FR', 'FR') FROM unnest('{x,x/a,x/ab}'::text[]) AS a;
SELECT create_policy('house');
BEGIN;
SELECT create_access_rule('rule 1', 'house', 'deny', 'clause 1', jurisdictions => '{KP}', tpp_from => 4800),
	create_access_rule('rule 2', 'house', 'allow', 'clause 2', accounts => '{x/a}', accelerators => '{nvidia/a100}', regions => '{aws/eu-central-1}');
SELECT asked('x/a', 'nvidia/a100', 'aws/eu-central-1', '2027-01-01', 'book');
ROLLBACK;
SELECT create_access_rule('rule 2', 'house', 'allow', 'clause 2', accounts => '{x/a}', accelerators => '{nvidia/a100}', regions => '{aws/eu-central-1}'),
	create_access_rule('rule 1', 'house', 'deny', 'clause 1', jurisdictions => '{KP}', tpp_from => 4800);
SELECT asked('x/a', 'nvidia/a100', 'aws/eu-central-1', '2027-01-01', 'book');
SELECT grant_licence('x/a', 'rule 2', '(,)', 'exception') > 0 AS first;
SELECT asked('x/a', 'nvidia/a100', 'aws/eu-central-1', '2027-01-01', 'book');
-- a licence lifts no denial
SELECT grant_licence('x/a', 'rule 1', '(,)') > 0 AS licence;
SELECT asked('x/a', 'nvidia/a100', 'aws/eu-central-1', '2027-01-01', 'book');
SELECT grant_licence('x/a', 'rule 1', '(,)', 'exception', accelerator => 'nvidia/a100', region => 'aws/de', number => 'board 7') AS exception \gset
SELECT replace(asked('x/a', 'nvidia/a100', 'aws/eu-central-1', '2027-01-01', 'book'), :'exception', 'N') AS lifted,
	asked('x/a', 'nvidia/h100', 'aws/eu-central-1', '2027-01-01', 'book') AS "another chip", asked('x/a', 'nvidia/a100', 'aws/us-east-1', '2027-01-01', 'book') AS "another place",
	asked('x', 'nvidia/a100', 'aws/eu-central-1', '2027-01-01', 'book') AS "the account above";
SELECT grant_licence('x/a', 'rule 3', '(,)');

-- ------------------------------------------------------------------ S27: a licence that ends during the booking
SELECT create_access_rule('licensed', 'house', 'needs_licence', 'clause 3', accounts => '{x/ab}', accelerators => '{nvidia/h100}');
SELECT grant_licence('x', 'licensed', '[2027-01-01,2027-06-01)') AS until_june \gset
CREATE FUNCTION licensed(period tstzrange) RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws('; ', s.effect, regexp_replace(s.reason, '(licence) \d+', '\1 N', 'g'), s.during) FROM compute_ledger.screen('x/ab', 'nvidia/h100', 'aws/us-east-1', period) AS s
$$;
SELECT period, licensed(period) FROM unnest('{"[2027-05-20,2027-06-10)","[2027-05-20,2027-06-01)","[2027-06-01,2027-06-02)","[2027-05-20,2027-06-01]"}'::tstzrange[]) AS period;
-- two licences end to end
SELECT grant_licence('x/ab', 'licensed', '[2027-06-01,2027-07-01)') AS june \gset
SELECT licensed('[2027-05-20,2027-06-10)'), licensed('[2027-05-20,2027-07-10)');
SELECT withdraw_licence(:june, '2027-06-05');
SELECT licensed('[2027-05-20,2027-06-10)');
SELECT withdraw_licence(:june, '2027-06-01'), withdraw_licence(0);
-- what was known then
SELECT known_as_of AS before FROM screen('x/ab', 'nvidia/h100', 'aws/us-east-1', '[2027-05-20,2027-05-21)') \gset
SELECT withdraw_licence(:until_june, '2027-02-01');
SELECT effect, version IS NULL AS past FROM screen('x/ab', 'nvidia/h100', 'aws/us-east-1', '[2027-05-20,2027-05-21)', as_of => :'before')
UNION ALL SELECT effect, version IS NULL FROM screen('x/ab', 'nvidia/h100', 'aws/us-east-1', '[2027-05-20,2027-05-21)');
\set VERBOSITY sqlstate
SELECT screen('x/ab', 'nvidia/h100', 'aws/us-east-1', '[2027-05-20,2027-05-21)', as_of => clock_timestamp() + interval '1 hour');
\set VERBOSITY default

-- ------------------------------------------------------------------ S29: where the data may be; subtrees go by elements of the path
SELECT create_region('eu', 'provider') > 0 AS eu, create_region('eu-north', 'provider') > 0 AS other, create_region('eu/west', 'region', 'eu', 'FR') > 0 AS west, create_region('us-east', 'region', NULL, 'US') > 0 AS us;
SELECT set_flag('x/ab', 'residency');
SELECT create_access_rule('stays in eu', 'house', 'deny', 'article 5', flags => '{residency}', regions_not => '{eu}');
SELECT region, asked('x/ab', 'nvidia/t4', region, '2027-01-01', 'book') FROM unnest('{eu,eu/west,eu-north,us-east}'::text[]) AS region;
SELECT create_access_rule('not under x/a', 'house', 'deny', 'clause 4', accounts => '{x/a}', accelerators => '{nvidia/t4}');
SELECT account, asked(account, 'nvidia/t4', 'eu/west', '2027-01-01', 'book') FROM unnest('{x/a,x/ab}'::text[]) AS account;

-- ------------------------------------------------------------------ defaults
SELECT create_policy('closed', 'deny', valid => '[2030-01-01,2031-01-01)');
SELECT create_access_rule('verified only', 'closed', 'allow', 'clause 5', verified => true), create_access_rule('by licence', 'closed', 'needs_licence', 'clause 6', accelerators => '{nvidia/l4}');
SELECT set_party('p', 'US', 'US', verified => true, subtree => true);
SELECT account, chip, s.effect, s.policy, s.rule, s.reason, s.defaults
FROM (VALUES ('p', 'nvidia/t4'::accelerator), ('x', 'nvidia/t4'), ('p', 'nvidia/l4'), ('p/free', 'nvidia/t4')) AS v (account, chip), screen(account, chip, 'aws/us-east-1', '[2030-06-01,2030-06-02)') AS s;
SELECT effect, during FROM screen('x', 'nvidia/t4', 'aws/us-east-1', '[2029-12-01,2030-06-02)');
-- an allowance that turns on what is not known is a review
SELECT create_access_rule('in France', 'closed', 'allow', 'clause 7', jurisdictions => '{FR}');
SELECT asked('p', 'nvidia/t4', 'aws/us-east-1', '2030-06-01', 'book') AS verified, asked('x/ab', 'nvidia/t4', 'eu/west', '2030-06-01', 'book') AS "in France", asked('x', 'nvidia/t4', 'aws/us-east-1', '2030-06-01', 'book') AS elsewhere;

-- the party of an account above holds for those under it that have none of their own; the same party's jurisdiction, too
SELECT create_account('p/team', parent => 'p') > 0 AS team, create_account('p/team/one', parent => 'p/team') > 0 AS one, create_account('x/team', parent => 'x') > 0 AS other;
SELECT set_party('x', 'KP', 'KP');
SELECT change_account('p', '-infinity', jurisdiction => 'US');
SELECT create_access_rule('who', 'house', 'deny', 'clause 8', jurisdictions => '{KP}', headquarters => '{KP}', accelerators => '{nvidia/k20}');
SELECT account, asked(account, 'nvidia/k20', 'eu/west', '2027-01-01', 'book') FROM unnest('{x,x/team,p/team/one}'::text[]) AS account;
-- a merged account is the other
SELECT merge_account('x/team', 'x', '2027-02-01');
SELECT day, asked('x/team', 'nvidia/k20', 'eu/west', day, 'book') FROM unnest('{2027-01-01,2027-02-01}'::date[]) AS day;

-- ------------------------------------------------------------------ many at once: as one at a time
CREATE TABLE question AS
	SELECT a.account, c.chip, r.region FROM unnest('{p,p/free,p/owned,p/nobody,p/home,x,x/a,x/ab,x/team}'::text[]) AS a (account),
		unnest('{nvidia/h100,nvidia/t4,nvidia/a100,huawei/ascend-910b,pci0009/x1,nvidia/l4,nvidia/k20,nvidia/h20}'::accelerator[]) AS c (chip), unnest('{aws/us-east-1,alibaba/cn-beijing,eu/west,aws/ap-southeast-1}'::text[]) AS r (region);
CREATE TABLE answer AS
	SELECT m.* FROM (SELECT array_agg(account) AS a, array_agg(chip) AS c, array_agg(region) AS r FROM question) AS q,
		screen_many(a, c, r, '[2023-01-01,2031-06-01)') AS m;
SELECT count(*) FROM (SELECT account, accelerator, region FROM answer GROUP BY 1, 2, 3 HAVING range_agg(during) = '{[2023-01-01,2031-06-01)}') AS whole;
SELECT count(*) FROM answer AS a JOIN answer AS b USING (account, accelerator, region) WHERE a.ctid < b.ctid AND a.during && b.during;
SELECT day, count(*) AS asked, count(*) FILTER (WHERE s.effect = m.effect AND (s.effect = 'allow' OR s.rule IS NOT DISTINCT FROM m.rule)) AS same, count(*) FILTER (WHERE s.effect = 'allow') AS allowed
FROM unnest('{2023-12-01,2027-03-03,2030-03-03}'::date[]) AS day
	CROSS JOIN question AS q
	CROSS JOIN LATERAL screen(q.account, q.chip, q.region, tstzrange(day, day + 1)) AS s
	JOIN answer AS m ON m.account = q.account AND m.accelerator = q.chip AND m.region = q.region AND m.during @> day::timestamptz
WHERE s.effect <> 'allow' OR m.effect = 'allow'
GROUP BY day ORDER BY day;
SELECT screen_many('{p}', '{}', '{eu}', '[2027-01-01,2027-01-02)');

-- ------------------------------------------------------------------ what is refused
\set VERBOSITY terse
SELECT screen('p', 'nvidia/h100', 'eu/west', 'empty');
SELECT screen('p', 'nvidia/h100', 'eu/west', '[2027-01-01,)');
SELECT screen('p', 'nvidia/h100', 'eu/west', '[2027-01-01,infinity)');
SELECT screen('p', 'nvidia/h100', 'eu/west', NULL);
SELECT screen('p', NULL, 'eu/west', '[2027-01-01,2027-01-02)');
SELECT screen('p', 'nvidia/h100', 'eu/west', '[2027-01-01,2027-01-02)', 'dream');
SELECT screen('nobody', 'nvidia/h100', 'eu/west', '[2027-01-01,2027-01-02)');
SELECT screen('p', 'nvidia/h100', 'moon', '[2027-01-01,2027-01-02)');
SELECT create_access_rule('r', 'moon', 'deny', 'c');
SELECT create_access_rule('r', 'house', 'maybe', 'c');
SELECT create_access_rule('rule 1', 'house', 'deny', 'c');
SELECT create_access_rule('r', 'house', 'deny', 'c', destinations => '{Moon}');
SELECT create_access_rule('r', 'house', 'deny', 'c', headquarters => '{}');
SELECT create_access_rule('r', 'house', 'deny', 'c', origins => '{US,NULL}');
SELECT create_access_rule('r', 'house', 'deny', 'c', accounts => '{nobody}');
SELECT create_access_rule('r', 'house', 'deny', 'c', regions => '{moon}');
SELECT create_access_rule('r', 'house', 'deny', 'c', accelerators => '{}');
SELECT create_access_rule('r', 'house', 'deny', 'c', export_rule => '1999', export_classes => '{a}');
SELECT create_access_rule('r', 'house', 'deny', 'c', export_rule => '2023-10', export_classes => '{a}');
SELECT create_access_rule('r', 'house', 'deny', 'c', export_rule => '2023-10');
SELECT create_access_rule('r', 'house', 'deny', 'c', number_formats => '{fp7}');
SELECT create_access_rule('r', 'house', 'deny', 'c', events => '{}');
SELECT create_access_rule('r', 'house', 'deny', 'c', valid => 'empty');
SELECT create_access_rule('r', 'house', 'deny', NULL);
SELECT create_policy('house');
SELECT create_policy('', 'deny');
SELECT create_policy('h', 'never');
SELECT set_party('p', 'ZY', NULL);
SELECT set_party('nobody', 'US', NULL);
SELECT set_flag('p', ' x');
SELECT grant_licence('p', 'rule 1', 'empty');
SELECT grant_licence('p', 'rule 1', '(,)', 'favour');
INSERT INTO country_group (name, country) VALUES ('XX', 'FR');
UPDATE shipped_rule SET effect = 'allow';
\set VERBOSITY default

-- history is kept, and all of it counts
UPDATE access_rule SET effect = 'review' WHERE rule = 'not under x/a';
SELECT effect, upper_inf(recorded) AS now FROM access_rule WHERE rule = 'not under x/a' ORDER BY recorded;
CREATE TABLE counted AS SELECT version FROM policy_version;
CREATE FUNCTION counted() RETURNS bigint LANGUAGE sql AS $$
	SELECT p.version - c.version FROM compute_ledger.policy_version AS p, public.counted AS c
$$;
BEGIN; INSERT INTO country_group (name, country) VALUES ('Benelux', 'BE'), ('Benelux', 'NL'); COMMIT;
SELECT counted() AS "country group";
BEGIN; UPDATE accelerator_model SET die_area = 100 WHERE accelerator = 'pci0009/x1'; INSERT INTO accelerator_peak (accelerator, number_format, rate) VALUES ('pci0009/x1', 'int8', '10 TFLOPS@int8'); COMMIT;
SELECT counted() AS "chip, once a transaction";
SELECT create_account('p/new', parent => 'p') > 0 AS made;
SELECT counted() AS account;
UPDATE region_version SET title = 'us' WHERE region = region_id('us-east');
SELECT counted() AS region;
INSERT INTO export_rule (rule, rank, class, tpp_from) VALUES ('own', 1, 'big', 1000);
SELECT counted() AS "export rule";
SELECT set_flag('p', 'seen');
DELETE FROM account_flag WHERE flag = 'seen';
SELECT counted() AS "flag, twice";

-- the tests that come after have no policy
DELETE FROM access_policy WHERE upper_inf(recorded);
DELETE FROM access_rule WHERE upper_inf(recorded);
DELETE FROM licence WHERE upper_inf(recorded);
DELETE FROM account_flag WHERE upper_inf(recorded);
DELETE FROM account_party WHERE upper_inf(recorded);
DELETE FROM country_group WHERE NOT shipped AND upper_inf(recorded);
DELETE FROM export_rule WHERE rule = 'own' AND upper_inf(recorded);
DELETE FROM accelerator_peak WHERE accelerator = 'pci0009/x1' AND upper_inf(recorded);
DELETE FROM accelerator_model WHERE accelerator = 'pci0009/x1' AND upper_inf(recorded);
