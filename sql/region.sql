-- Regions: the shipped list, one's own, the tree.
SET search_path = public, compute_ledger;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\set SHOW_CONTEXT never
\set VERBOSITY terse
\pset null '(null)'
-- a ledger of this test's own
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS compute_ledger CASCADE;
CREATE EXTENSION compute_ledger;
RESET client_min_messages;
SELECT create_ledger();

-- The shipped list.
SELECT level, count(*) > 5 AS there, count(*) FILTER (WHERE source IS NULL OR source = '') AS without_source,
	count(*) FILTER (WHERE (jurisdiction IS NULL) <> (level = 'provider')) AS without_jurisdiction,
	count(*) FILTER (WHERE (latitude IS NULL OR longitude IS NULL) AND level = 'site') AS without_place
FROM region_version GROUP BY level ORDER BY level;
SELECT r.name, v.title FROM region AS r JOIN region_version AS v ON v.region = r.id WHERE v.level = 'provider' ORDER BY r.name COLLATE "C";
-- every region's jurisdiction is its country's, and its parent's
SELECT r.name FROM region AS r JOIN region_version AS v ON v.region = r.id JOIN region_version AS p ON p.region = v.parent
WHERE p.jurisdiction IS NOT NULL AND p.jurisdiction <> v.jurisdiction;
-- the only regions without a place are hubs that have several clusters or are as large as a province
SELECT r.name FROM region AS r JOIN region_version AS v ON v.region = r.id WHERE v.level = 'region' AND v.latitude IS NULL ORDER BY r.name COLLATE "C";
-- eight hubs with ten clusters, and four centres
SELECT h.name AS hub, string_agg(c.name, ', ' ORDER BY c.name COLLATE "C") AS clusters
FROM region_tree() AS t JOIN region AS c ON c.id = t.region JOIN region AS h ON h.id = t.ancestor
WHERE t.depth = 1 AND h.name ~ '^east-west/.' AND h.name <> 'east-west/cn'
GROUP BY h.name ORDER BY h.name COLLATE "C";
SELECT r.name, v.latitude, v.longitude FROM region AS r JOIN region_version AS v ON v.region = r.id WHERE r.name LIKE 'centre/%' AND v.level = 'region' ORDER BY r.name COLLATE "C";
-- far from each other where they should be: kilometres over the sphere
WITH place AS (SELECT r.name, radians(v.latitude::float8) AS la, radians(v.longitude::float8) AS lo FROM region AS r JOIN region_version AS v ON v.region = r.id)
SELECT a.name, b.name, round(6371 * acos(sin(a.la) * sin(b.la) + cos(a.la) * cos(b.la) * cos(a.lo - b.lo)) / 100) * 100 AS km
FROM place AS a, place AS b
WHERE (a.name, b.name) IN (('aws/us-east-1', 'aws/us-west-2'), ('aws/cn-north-1', 'aws/cn-northwest-1'), ('gcp/europe-west4', 'gcp/australia-southeast1'), ('centre/beijing', 'centre/guangzhou'), ('azure/brazilsouth', 'azure/southafricanorth'))
ORDER BY a.name COLLATE "C";
SELECT region_id('aws/us-east-1') IS NOT NULL AS known, region_id('us-east-1') AS unknown, region_id(NULL) AS none;
SELECT b.name, t.depth, t.level, t.valid FROM region_tree() AS t JOIN region AS b ON b.id = t.ancestor WHERE t.region = region_id('east-west/jing-jin-ji/zhangjiakou') ORDER BY t.depth;
SELECT load_regions();
UPDATE cloud_region SET title = 'x' WHERE name = 'aws';
INSERT INTO cloud_region (shipped, name, level, title, source) VALUES (true, 'mine', 'region', 'x', 'x');

-- One's own.
SELECT create_region('dc', 'provider', title => 'Our own') > 0 AS dc, create_region('dc/hall-1', 'region', 'dc', 'CN', 'Hall 1', 31.2, 121.5, 'the landlord') > 0 AS hall;
INSERT INTO region (name) VALUES ('dc/rack-1');
INSERT INTO region_version (region, parent, level, jurisdiction) VALUES (region_id('dc/rack-1'), region_id('dc/hall-1'), 'site', 'CN');
SELECT create_region('dc/hall-1');
SELECT create_region('x', parent => 'no such region');
SELECT create_region('x', 'planet');
SELECT create_region('x', jurisdiction => 'XX');
SELECT create_region('x', latitude => 91);
SELECT create_region('x', 'region', parent => 'dc/rack-1');
SELECT create_region('x', 'site', parent => 'dc/rack-1');
UPDATE region SET name = 'x' WHERE name = 'dc';

-- A rack moves to another hall; a parent must be there and of a level above, whenever.
SELECT create_region('dc/hall-2', 'region', 'dc', 'HK', valid_from => '2026-03-01Z') > 0 AS hall;
BEGIN;
UPDATE region_version SET valid = '[,2026-02-01Z)' WHERE region = region_id('dc/rack-1') AND upper_inf(recorded);
INSERT INTO region_version (region, parent, level, jurisdiction, valid) VALUES (region_id('dc/rack-1'), region_id('dc/hall-2'), 'site', 'HK', '[2026-02-01Z,)');
COMMIT;
BEGIN;
UPDATE region_version SET valid = '[,2026-04-01Z)' WHERE region = region_id('dc/rack-1') AND upper_inf(recorded);
INSERT INTO region_version (region, parent, level, jurisdiction, valid) VALUES (region_id('dc/rack-1'), region_id('dc/hall-2'), 'site', 'HK', '[2026-04-01Z,)');
COMMIT;
SELECT b.name, t.depth, t.level, t.valid FROM region_tree() AS t JOIN region AS b ON b.id = t.ancestor WHERE t.region = region_id('dc/rack-1') ORDER BY t.valid, t.depth;
UPDATE region_version SET level = 'site' WHERE region = region_id('dc/hall-2') AND upper_inf(recorded);
DELETE FROM region_version WHERE region = region_id('dc') AND upper_inf(recorded);
UPDATE region_version SET parent = region_id('dc/rack-1') WHERE region = region_id('dc/hall-1') AND upper_inf(recorded);
SELECT count(*) AS closed FROM region_version WHERE NOT upper_inf(recorded);
-- as it was known before
SELECT count(*) AS before FROM region_tree((SELECT upper(recorded) - interval '1 microsecond' FROM region_version WHERE NOT upper_inf(recorded))) AS t WHERE t.region = region_id('dc/rack-1') AND t.depth = 1 AND t.valid = '(,)';
-- and none for those that come after it
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS compute_ledger CASCADE;
CREATE EXTENSION compute_ledger;
RESET client_min_messages;
