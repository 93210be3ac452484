-- A million questions to 200 rules: 1000 accounts in a tree, each with four of 40 chips in two of 16 regions, for a day of a
-- month each.  The peer is a join of the same rows with a table of their distinct triples, ready made.
-- @setup
SELECT create_ledger();
SELECT create_account('org', currency => 'EUR', jurisdiction => 'DE');
SELECT count(create_account('team-' || n, parent => 'org')) FROM generate_series(0, 9) AS n;
SELECT count(create_account('a' || n, parent => 'team-' || n % 10, jurisdiction => (ARRAY['DE', 'FR', 'US', 'CN', 'SG', 'IN', 'AE', 'JP'])[1 + n % 8])) FROM generate_series(1, 1000) AS n;
SELECT count(set_party('a' || n, (ARRAY['DE', 'US', 'CN', 'SG'])[1 + n % 4], (ARRAY['DE', 'US', 'CN', 'SG', 'JP'])[1 + n % 5])) FROM generate_series(1, 1000) AS n;
SELECT count(set_flag('a' || n, 'flag-' || n % 20)) FROM generate_series(1, 1000, 3) AS n;
SELECT count(create_region('bench/' || n, 'provider', NULL, (ARRAY['DE', 'FR', 'US', 'CN', 'SG', 'IN', 'AE', 'JP'])[1 + n % 8])) FROM generate_series(0, 15) AS n;
CREATE TABLE chip AS
SELECT row_number() OVER (ORDER BY c.accelerator) - 1 AS k, c.accelerator
FROM (SELECT DISTINCT p.accelerator FROM accelerator_peak AS p WHERE p.number_format = 'bf16' AND upper_inf(p.recorded) ORDER BY p.accelerator LIMIT 40) AS c;
SELECT load_policy('us-export', '{book,export,reexport,transfer}');
SELECT create_policy('house');
-- 18 are there; of these each account, or chip, or region, is met by some
SELECT count(create_access_rule('account ' || n, 'house', 'deny', 'clause', accounts => ARRAY['a' || n * 10], regions => ARRAY['bench/' || n % 16])) FROM generate_series(1, 63) AS n;
SELECT count(create_access_rule('flag ' || n, 'house', 'needs_licence', 'clause', flags => ARRAY['flag-' || n % 20], destinations => ARRAY[(ARRAY['DE', 'FR', 'US', 'CN', 'SG', 'IN', 'AE', 'JP'])[1 + n % 8]])) FROM generate_series(1, 40) AS n;
SELECT count(create_access_rule('country ' || n, 'house', 'review', 'clause', headquarters => ARRAY[(ARRAY['CN', 'SG', 'JP'])[1 + n % 3]], tpp_from => 1000 * n, destinations_not => ARRAY[(ARRAY['DE', 'FR', 'US', 'CN', 'SG', 'IN', 'AE', 'JP'])[1 + n % 8]],
	valid => tstzrange(timestamptz '2026-03-01' + n * interval '12 hours', NULL))) FROM generate_series(1, 40) AS n;
SELECT count(create_access_rule('team ' || n, 'house', 'deny', 'clause', accounts => ARRAY['team-' || n % 10], accelerators => ARRAY[c.accelerator])) FROM generate_series(1, 39) AS n JOIN chip AS c ON c.k = n;
SELECT count(grant_licence('a' || n, 'flag ' || 1 + n % 40, '[2026-03-05,2026-03-20)')) FROM generate_series(1, 1000, 5) AS n;
CREATE TABLE request AS
SELECT n, 'a' || a.k AS account, c.accelerator, 'bench/' || (a.k + a.r * 5) % 16 AS region, tstzrange(x.at, x.at + interval '1 day') AS period
FROM (SELECT n, timestamptz '2026-03-01' + interval '1 minute' * floor(random() * 43200) AS at, 1 + floor(random() * 1000)::int AS k, floor(random() * 4)::int AS chip, floor(random() * 2)::int AS r FROM generate_series(1, {million}) AS n) AS x (n, at, k, chip, r)
CROSS JOIN LATERAL (SELECT x.k, x.r, x.chip) AS a
JOIN chip AS c ON c.k = (a.k * 7 + a.chip) % 40;
CREATE TABLE triple AS SELECT DISTINCT account, accelerator, region, 1 AS one FROM request;
VACUUM (FREEZE, ANALYZE) request, triple;

-- @case screen: screen_many, 1 million questions, 200 rules
-- @check there are 200 rules, and some say yes and some no
SELECT (SELECT count(*) = 200 FROM access_rule WHERE upper_inf(recorded)) AND count(DISTINCT s.effect) = 4
FROM (SELECT array_agg(account) AS a, array_agg(accelerator) AS c, array_agg(region) AS r FROM triple) AS q CROSS JOIN LATERAL screen_many(a, c, r, '[2026-03-01,2026-04-02)') AS s;
-- @run screen_many
SELECT count(*), count(*) FILTER (WHERE s.effect = 'allow')
FROM (SELECT array_agg(account) AS a, array_agg(accelerator) AS c, array_agg(region) AS r FROM (SELECT DISTINCT account, accelerator, region FROM request) AS t) AS q
CROSS JOIN LATERAL screen_many(a, c, r, '[2026-03-01,2026-04-02)') AS s
JOIN request AS r USING (account, accelerator, region)
WHERE s.during && r.period;
-- @run equi-join
SELECT count(*), sum(t.one) FROM request AS r JOIN triple AS t USING (account, accelerator, region);
-- @ratio screen_many / equi-join <= 5
