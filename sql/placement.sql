-- Requests and offers: which pools, at what cost, and booking one of them.
-- In a database of its own: what it prints has numbers of pools.
CREATE DATABASE regress_placement;
\c regress_placement
SET client_min_messages = warning;
CREATE EXTENSION compute_ledger;
SET search_path = public, compute_ledger;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\pset format unaligned
\pset tuples_only on
\pset null '-'
SELECT create_ledger() IS NOT NULL;
SELECT create_account('acme', currency => 'USD') AS acme, create_account('zenith', currency => 'USD') AS zenith, create_account('clinic', currency => 'USD') AS clinic \gset
SELECT count(create_region(r, 'country')) FROM unnest('{eu,us}'::text[]) AS r;
SELECT count(create_region(r, parent => p)) FROM (VALUES ('eu-west', 'eu'), ('us-east', 'us')) AS v (r, p);
SELECT count(create_region(r)) FROM unnest('{r1,r2}'::text[]) AS r;
\set noon '''2083-01-04 12:00+00'''

-- What an offer is, shortly; and what of what was asked for is out, and why.
CREATE FUNCTION pg_temp.offers(asked placement_request, now timestamptz, "limit" integer DEFAULT 10) RETURNS TABLE (offer text)
	LANGUAGE sql
AS $$
	SELECT CASE WHEN q.rank IS NULL THEN format('pool %s: %s', q.pool, q.reason) ELSE
		format('%s. %s, %s to %s: %s + %s = %s %s%s', q.rank, (SELECT string_agg(format('%s of pool %s', p.devices, p.pool), ', ') FROM unnest(q.pieces) AS p),
			to_char(q.starts, 'DD HH24:MI'), to_char(q.ends, 'DD HH24:MI'), trim_scale(q.cost), trim_scale(q.transfer_cost), trim_scale(q.total), q.currency,
			CASE WHEN q.keeps_deadline THEN '' ELSE ', late' END) END
	FROM quote(asked, "limit", now) AS q
	WHERE q.reason IS NULL OR q.reason !~ '^is not (of an accelerator|in a region) that was asked for$'
$$;

-- ------------------------------------------------------------------ what can be asked for

\echo a request that cannot be is refused by the name of what is wrong
CREATE FUNCTION pg_temp.refused(asked placement_request) RETURNS text
	LANGUAGE plpgsql
AS $$
BEGIN
	RETURN _check_request(asked)::text;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ': ' || SQLERRM;
END
$$;
SELECT pg_temp.refused(a) FROM (VALUES
	(NULL::placement_request),
	(placement_request(NULL, '{any}', 8, '1 hour')),
	(placement_request('acme', NULL, 8, '1 hour')),
	(placement_request('acme', '{}', 8, '1 hour')),
	(placement_request('acme', '{nvidia,NULL}', 8, '1 hour')),
	(placement_request('acme', '{any}', NULL, '1 hour')),
	(placement_request('acme', '{any}', 0, '1 hour')),
	(placement_request('acme', '{any}', -8, '1 hour')),
	(placement_request('acme', '{any}', 4294967294, '1 hour')),
	(placement_request('acme', '{any}', 9223372036854775807, '1 hour')),
	(placement_request('acme', '{any}', 8, '1000000 years')),
	(placement_request('acme', '{any}', 8, '1 month')),
	(placement_request('acme', '{any}', 8, '0')),
	(placement_request('acme', '{any}', 8)),
	(placement_request('acme', '{any}', 8, '1 hour', work => '1 PFLOPh@bf16')),
	(placement_request('acme', '{any}', 8, work => '1 PFLOPh')),
	(placement_request('acme', '{any}', 8, work => '0 PFLOPh@bf16')),
	(placement_request('acme', '{any}', work => '1 PFLOPh@bf16')),
	(placement_request('acme', '{any}', 8, work => '1 PFLOPh@bf16', basis => 'fp8')),
	(placement_request('acme', '{any}', 8, '1 hour', basis => 'furlongs')),
	(placement_request('acme', '{any}', 8, '1 hour', not_before => 'infinity')),
	(placement_request('acme', '{any}', 8, '1 hour', not_before => '2083-01-02', deadline => '2083-01-01')),
	(placement_request('acme', '{any}', 8, '1 hour', regions => '{}')),
	(placement_request('acme', '{any}', 8, '1 hour', regions => '{r1,NULL}')),
	(placement_request('acme', '{any}', 8, '1 hour', regions => '{atlantis}')),
	(placement_request('acme', '{any}', 8, '1 hour', sites => 0)),
	(placement_request('acme', '{any}', 8, '1 hour', data_gb => 'NaN', data_region => 'r1')),
	(placement_request('acme', '{any}', 8, '1 hour', data_gb => 1)),
	(placement_request('acme', '{any}', 8, '1 hour', results_gb => 1)),
	(placement_request('acme', '{any}', 8, '1 hour', max_latency => '1 s')),
	(placement_request('acme', '{any}', 8, '1 hour', data_region => 'r1', max_latency => '-1 s')),
	(placement_request('acme', '{any}', 8, '1 hour', ceiling => 'NaN')),
	(placement_request('acme', '{any}', 8, '1 hour', delay_value => -1))
) AS v (a);
\echo and what is not said has a default; a day is 24 hours
SELECT to_jsonb(_check_request(placement_request('acme', '{nvidia/h100}', 8, '1 day 1 hour', data_region => 'r1', sites => NULL, workload => NULL)));

-- ------------------------------------------------------------------ two pools, by price and ceiling

SELECT create_pool('r1', 'nvidia/h100-sxm5-80gb') AS p1, create_pool('r2', 'nvidia/h100-sxm5-80gb') AS p2 \gset
SELECT count(*) FROM unnest(ARRAY[:p1, :p2]) AS p CROSS JOIN LATERAL (SELECT offer_devices(p, 8, '[2083-01-01,2084-01-01)', now => '2083-01-01 00:00+00')) AS o;
SELECT count(create_price('nvidia/h100', 'USD', x, region => r)) FROM (VALUES ('r1', 2.00), ('r2', 2.20)) AS v (r, x);
\echo the cheaper one first, and above the ceiling no one
SELECT reason, count(*) FROM quote(placement_request('acme', '{amd}', 8, '4 hours'), now => :noon) GROUP BY 1;
SELECT pg_temp.offers(placement_request('acme', '{nvidia/h100}', 8, '4 hours', ceiling => 2.50), :noon);
SELECT pg_temp.offers(placement_request('acme', '{nvidia/h100}', 8, '4 hours', ceiling => 2.10), :noon);
\echo where the first is taken, the other one, or later
SELECT * FROM reserve(placement_request('acme', '{nvidia/h100}', 8, '4 hours', ceiling => 2.50), confirmed => true, now => :noon);
SELECT pg_temp.offers(placement_request('acme', '{nvidia/h100}', 8, '4 hours', ceiling => 2.50), :noon);
SELECT pg_temp.offers(placement_request('acme', '{nvidia/h100}', 8, '4 hours', ceiling => 2.10), :noon);
\echo a delay that has a price
SELECT pg_temp.offers(placement_request('acme', '{nvidia/h100}', 8, '4 hours', delay_value => v), :noon) FROM unnest(ARRAY[0.1, 0.3]) AS v;

-- ------------------------------------------------------------------ where the data may go

\echo a rule is a rule, and a place that is asked for a wish
SELECT create_pool('us-east', 'nvidia/a100-sxm4-80gb') AS us, create_pool('eu-west', 'nvidia/a100-sxm4-80gb') AS eu \gset
SELECT count(*) FROM unnest(ARRAY[:us, :eu]) AS p CROSS JOIN LATERAL (SELECT offer_devices(p, 8, '[2083-01-01,2084-01-01)', now => '2083-01-01 00:00+00')) AS o;
SELECT count(create_price('nvidia/a100', 'USD', x, region => r)) FROM (VALUES ('us-east', 1.00), ('eu-west', 2.50)) AS v (r, x);
SELECT set_flag('clinic', 'personal-data'), create_policy('privacy'),
	create_access_rule('stays', 'privacy', 'deny', 'annex B: stays in the EU', flags => '{personal-data}', regions_not => '{eu}');
SELECT pg_temp.offers(placement_request('clinic', '{nvidia/a100}', 8, '10 hours', regions => '{us-east}'), :noon);
SELECT pg_temp.offers(placement_request('clinic', '{nvidia/a100}', 8, '10 hours', regions => '{us,eu}'), :noon);
SELECT total, offer #>> '{pieces,0,pool}' = :'eu' FROM quote(placement_request('clinic', '{nvidia/a100}', 8, '10 hours'), now => :noon) WHERE rank = 1;
\echo and where the EU is full, later, or nowhere before the deadline
SELECT count(*) FROM book('zenith', :eu, 8, '[2083-01-04 12:00+00,2083-12-01)', confirmed => true, now => :noon);
SELECT pg_temp.offers(placement_request('clinic', '{nvidia/a100}', 8, '10 hours', regions => '{us,eu}'), :noon);
SELECT * FROM reserve(placement_request('clinic', '{nvidia/a100}', 8, '10 hours', deadline => '2083-02-01'), now => :noon);
SELECT * FROM reserve(placement_request('clinic', '{nvidia/a100}', 8, '100 days'), now => :noon);

-- ------------------------------------------------------------------ an offer that is old

\echo quoted at one price, booked at another
SELECT create_region('r4') AS r4, create_pool('r4', 'nvidia/l40s') AS p4 \gset
SELECT count(*) FROM (SELECT offer_devices(:p4, 8, '[2083-01-01,2084-01-01)', now => '2083-01-01 00:00+00')) AS o;
SELECT create_price('nvidia/l40s', 'USD', 2.50) IS NOT NULL;
SELECT total, offer FROM quote(placement_request('acme', '{nvidia/l40s}', 8, '24 hours', not_before => '2083-01-11', deadline => '2083-01-12'), now => '2083-01-04 23:59+00') WHERE rank = 1 \gset
\echo :total
BEGIN;
\echo midnight alone does not make it old
SELECT period, state FROM reserve(offer => :'offer', now => '2083-01-05 00:03+00');
ROLLBACK;
SELECT create_price('nvidia/l40s', 'USD', 3.00, valid_from => '2083-01-11', valid_until => '2083-01-18', supersede => true) IS NOT NULL, create_price('nvidia/l40s', 'USD', 2.50, valid_from => '2083-01-18') IS NOT NULL;
SELECT period, state FROM reserve(offer => :'offer', now => '2083-01-05 00:03+00');
SELECT count(*) FROM reservation WHERE pool = :p4;
\echo known beforehand it is in the quote
SELECT total, offer FROM quote(placement_request('acme', '{nvidia/l40s}', 8, '24 hours', not_before => '2083-01-11', deadline => '2083-01-12'), now => '2083-01-04 23:59+00') WHERE rank = 1 \gset
\echo :total
SELECT period, state FROM reserve(offer => :'offer', request => 'q1', confirmed => true, now => '2083-01-05 00:03+00');
\echo the same call has the same answer, also when the offer is gone; another one under its id is refused
SELECT period, state FROM reserve(offer => :'offer', request => 'q1', confirmed => true, now => '2083-01-06 00:03+00');
SELECT period, state FROM reserve(offer => :'offer', request => 'q1', now => '2083-01-05 00:03+00');
\echo a piece that is taken, an offer that has expired, one from to come, one that forges its expiry, and none
SELECT period, state FROM reserve(offer => :'offer', now => '2083-01-05 00:03+00');
SELECT offer FROM quote(placement_request('acme', '{nvidia/l40s}', 8, '24 hours', not_before => '2083-01-18', deadline => '2083-01-19'), now => '2083-01-04 23:59+00') WHERE rank = 1 \gset
SELECT period, state FROM reserve(offer => :'offer', now => '2083-01-05 00:14+00');
SELECT period, state FROM reserve(offer => :'offer', now => '2083-01-04 23:58+00');
SELECT period, state FROM reserve(offer => jsonb_set(:'offer', '{expires}', '"2084-01-01"'), now => '2083-01-05 00:14+00');
SELECT period, state FROM reserve(offer => jsonb_set(:'offer', '{pieces,0,devices}', '7'), now => '2083-01-05 00:03+00');
SELECT period, state FROM reserve(offer => '{}');
SELECT period, state FROM reserve(offer => jsonb_set(:'offer', '{pieces}', '[]'), now => '2083-01-05 00:03+00');
SELECT period, state FROM reserve(offer => :'offer'::jsonb - 'total', now => '2083-01-05 00:03+00');
\echo policy that has come to be against it
BEGIN;
SELECT create_access_rule('not there', 'privacy', 'deny', 'annex C', accounts => '{acme}', regions => '{r4}');
SELECT period, state FROM reserve(offer => :'offer', now => '2083-01-05 00:03+00');
ROLLBACK;
\echo what else changes leaves it good
\echo prices are kept between requests, and a price that is new, or taken back, counts at once
SELECT total FROM quote(placement_request('acme', '{nvidia/l40s}', 8, '24 hours', not_before => '2083-01-18'), now => '2083-01-05 00:00+00') WHERE rank = 1;
SELECT total FROM quote(placement_request('acme', '{nvidia/l40s}', 8, '24 hours', not_before => '2083-01-18'), now => '2083-01-05 00:00+00') WHERE rank = 1;
BEGIN;
SAVEPOINT before;
SELECT create_price('nvidia/l40s', 'USD', 1.50, account => 'acme', valid_from => '2083-01-18') IS NOT NULL;
SELECT total FROM quote(placement_request('acme', '{nvidia/l40s}', 8, '24 hours', not_before => '2083-01-18'), now => '2083-01-05 00:00+00') WHERE rank = 1;
ROLLBACK TO before;
SELECT total FROM quote(placement_request('acme', '{nvidia/l40s}', 8, '24 hours', not_before => '2083-01-18'), now => '2083-01-05 00:00+00') WHERE rank = 1;
ROLLBACK;
SELECT create_price('nvidia/l40s', 'USD', 1.00, valid_from => '2083-03-01', supersede => true) IS NOT NULL;
SELECT period, state FROM reserve(offer => :'offer', confirmed => true, now => '2083-01-05 00:03+00');

\echo where the price falls a later start may be worth the wait
SELECT to_char(q.starts, 'MM-DD') AS starts, q.total, q.objective
FROM unnest(ARRAY[0, 0.01, 0.1]) AS v CROSS JOIN LATERAL quote(placement_request('acme', '{nvidia/l40s}', 8, '24 hours', not_before => '2083-02-01', delay_value => v), now => '2083-02-01 00:00+00') AS q
WHERE q.rank = 1;

-- ------------------------------------------------------------------ data and transfers

\echo which way the data goes
SELECT set_region_link('r1', 'r2', 0.02, 'USD', 100, '80 ms'), set_region_link('r2', 'r1', 0.09, 'USD', 100, '80 ms');
SELECT q.total, q.cost, q.transfer_cost, to_char(q.starts, 'DD HH24:MI') AS starts, l
FROM quote(placement_request('acme', '{nvidia/h100}', 8, '4 hours', not_before => '2083-01-05', regions => '{r1,r2}', data_region => 'r1', data_gb => 50000, results_gb => 1000), now => :noon) AS q
LEFT JOIN LATERAL jsonb_array_elements(q.lines) AS l ON l ->> 'what' <> 'compute'
WHERE q.rank IS NOT NULL;
\echo what is not known is not 0; and what is too far is out
SELECT pg_temp.offers(placement_request('acme', '{nvidia/h100,nvidia/l40s}', 8, '4 hours', not_before => '2083-01-05', data_region => 'r1', data_gb => 1), :noon);
SELECT pg_temp.offers(placement_request('acme', '{nvidia/h100}', 8, '4 hours', not_before => '2083-01-05', data_region => 'r1', max_latency => '20 ms'), :noon);
SELECT count(*) FROM (SELECT set_region_link('r1', 'r4', gbps => 1), set_region_link('r1', 'eu', 0.01, 'EUR', 1)) AS l;
SELECT pg_temp.offers(placement_request('acme', '{nvidia}', 8, '4 hours', not_before => '2083-12-05', data_region => 'r1', data_gb => 1), :noon);
\echo data that would be on their way for ever
BEGIN;
SELECT set_region_link('r1', 'r2', 0.02, 'USD', 0.000001);
SELECT pg_temp.offers(placement_request('acme', '{nvidia/h100}', 8, '4 hours', data_region => 'r1', data_gb => 1000000000000, regions => '{r2}'), :noon);
ROLLBACK;
\echo the deepest pair counts, and what was said before is kept
SELECT set_region_link('r1', 'eu-west', 0.03, 'USD', 10), set_region_link('r1', 'eu-west', 0.05, 'USD', 10, valid => '[2084-01-01,)');
SELECT l.price_per_gb, l.valid FROM region_link AS l JOIN region AS f ON f.id = l.from_region JOIN region AS t ON t.id = l.to_region WHERE f.name = 'r1' AND t.name = 'eu-west' AND upper_inf(l.recorded) ORDER BY l.valid;
SELECT count(*) FROM region_link WHERE NOT upper_inf(recorded);
SELECT price_per_gb, currency, within FROM _region_links(ARRAY[region_id('r1')], ARRAY[region_id('eu-west'), region_id('r1')], '2083-06-01') ORDER BY to_region;
SELECT set_region_link('r1', 'r9');
SELECT set_region_link('r1', 'r2', 1);
SELECT set_region_link('r1', 'r2', -1, 'USD');
SELECT set_region_link('r1', 'r2', gbps => 0);
SELECT set_region_link('r1', 'r2', latency => '-1 ms');

-- ------------------------------------------------------------------ work

\echo work: how long it takes follows from the chip, in whole slots, and devices are doubled until they keep the deadline
SELECT pg_temp.offers(placement_request('acme', '{nvidia/l40s}', 8, work => '10 PFLOPh@bf16', not_before => '2083-02-01', deadline => '2083-02-03'), :noon);
SELECT pg_temp.offers(placement_request('acme', '{nvidia/l40s}', work => '10 PFLOPh@bf16', not_before => '2083-02-01', deadline => t::timestamptz), :noon)
FROM unnest('{2083-02-02 12:00+00,2083-02-01 12:00+00,2083-02-01 06:00+00,2083-02-01 01:00+00}'::text[]) AS t;
SELECT price_per_pfloph, lost_device_hours FROM quote(placement_request('acme', '{nvidia/l40s}', 8, '10 hours', not_before => '2083-02-01', delay_value => 1), now => :noon) WHERE rank = 1;
SELECT pg_temp.offers(placement_request('acme', '{nvidia/l40s}', 8, '10 hours', basis => 'fp4', not_before => '2083-02-01'), :noon);

-- ------------------------------------------------------------------ several sites

\echo two sites that do less than one
SELECT count(create_region(r)) FROM unnest('{s1,s2,s3,s4}'::text[]) AS r;
SELECT min(p) AS s1, max(p) AS s4 FROM (SELECT create_pool(r, 'nvidia/h200-sxm', granule => 8, link_class => 'wan') AS p FROM unnest('{s1,s2,s3,s4}'::text[]) AS r) AS p \gset
SELECT count(*) FROM generate_series(:s1, :s4) AS p CROSS JOIN LATERAL (SELECT offer_devices(p, 2000, '[2083-01-01,2084-01-01)', now => '2083-01-01 00:00+00')) AS o;
SELECT create_price('nvidia/h200', 'USD', 2.50) IS NOT NULL, set_scaling_efficiency('wan', 2, 0.45);
SELECT pg_temp.offers(placement_request('acme', '{nvidia/h200}', 4000, '4 hours', sites => 2, regions => '{s1,s2}'), :noon);
SELECT pg_temp.offers(placement_request('acme', '{nvidia/h200}', 2000, '4 hours', sites => 2, regions => '{s1,s2}'), :noon);
\echo without a figure nothing is split
SELECT pg_temp.offers(placement_request('acme', '{nvidia/h200}', 6000, '4 hours', sites => 4), :noon);
\echo four centres of 2,000 for one request of 6,000, and what that costs
SELECT set_scaling_efficiency('wan', k, e) FROM (VALUES (2, 0.95), (3, 0.90), (4, 0.85)) AS v (k, e);
SELECT count(*) FROM generate_series(:s1, :s4) AS p CROSS JOIN LATERAL book('zenith', p, 400, '[2083-01-04 12:00+00,2083-01-20 12:00+00)', confirmed => true, now => :noon) AS b;
SELECT pg_temp.offers(placement_request('acme', '{nvidia/h200}', 6000, '4 hours', sites => 4), :noon);
SELECT efficiency, lost_device_hours, price_per_pfloph > 0 FROM quote(placement_request('acme', '{nvidia/h200}', 6000, '4 hours', sites => 4), now => :noon) WHERE rank = 1;
\echo with 400 to spare 400 more change nothing, and a granule beyond makes it later
SELECT pg_temp.offers(placement_request('acme', '{nvidia/h200}', n, '4 hours', sites => 4, delay_value => 1000), :noon, 1) FROM unnest(ARRAY[6400, 6408]) AS n;
\echo all pieces or none
BEGIN;
SELECT count(DISTINCT booking), sum(devices), array_agg(DISTINCT period) FROM reserve(placement_request('acme', '{nvidia/h200}', 6000, '4 hours', sites => 4, delay_value => 1000), now => :noon);
ROLLBACK;
SELECT offer FROM quote(placement_request('acme', '{nvidia/h200}', 6000, '4 hours', sites => 4, delay_value => 1000), now => :noon) WHERE rank = 1 \gset
SELECT count(*) FROM book('zenith', :s4, 1600, '[2083-01-04 13:00+00,2083-01-04 14:00+00)', confirmed => true, now => :noon);
SELECT count(*) FROM reserve(offer => :'offer', now => :noon);
SELECT count(*) FROM reservation AS r JOIN account AS a ON a.id = r.account WHERE a.name = 'acme' AND r.pool BETWEEN :s1 AND :s4;
\echo refused where the table says that it is not worth it
SELECT set_scaling_efficiency('wan', k, e, 'all-reduce') FROM (VALUES (2, 0.9), (3, 0.5), (4, 0.3)) AS v (k, e);
SELECT pg_temp.offers(placement_request('acme', '{nvidia/h200}', 6000, '4 hours', sites => 4, workload => 'all-reduce', not_before => '2083-02-01'), :noon);
\echo work over several sites takes as long as what is lost makes it
SELECT starts, ends, efficiency, (SELECT sum(devices) FROM unnest(pieces)) AS devices, keeps_deadline FROM quote(placement_request('acme', '{nvidia/h200}', 4000, work => '10000 PFLOPh@bf16', sites => 2, not_before => '2083-02-01'), now => :noon) WHERE rank = 1;
\echo each transfer once: a copy of the data for each piece, its share of the results, and what goes between them
SELECT count(*) FROM (VALUES ('s1', 's2'), ('s2', 's1'), ('r1', 's1'), ('r1', 's2'), ('s1', 'r1'), ('s2', 'r1')) AS v (f, t) CROSS JOIN LATERAL (SELECT set_region_link(f, t, 0.01 * ascii(right(f, 1)) - 0.4, 'USD', 1000)) AS l;
SELECT l ->> 'what' AS what, l ->> 'from' AS "from", l ->> 'to' AS "to", l ->> 'gb' AS gb, l ->> 'cost' AS cost, q.transfer_cost
FROM quote(placement_request('acme', '{nvidia/h200}', 4000, '4 hours', sites => 2, regions => '{s1,s2}', not_before => '2083-02-01', data_region => 'r1', data_gb => 100, results_gb => 10, between_gb => 5), now => :noon) AS q
CROSS JOIN LATERAL jsonb_array_elements(q.lines) AS l
WHERE q.rank = 1 AND l ->> 'what' <> 'compute';
SELECT transfer_cost FROM quote(placement_request('acme', '{nvidia/h200}', 4000, '4 hours', sites => 2, regions => '{s1,s2}', not_before => '2083-02-01', data_region => 'r1', data_gb => 100, data_moved => true), now => :noon) WHERE rank = 1;

-- ------------------------------------------------------------------ prices of other kinds

\echo tiers are counted from the beginning of the offer; packages, free quantities, shares of a list price and work as rating has them
SELECT create_region('t1') AS r5, create_pool('t1', 'nvidia/a40') AS t1, create_pool('t1', 'nvidia/a30') AS t2, create_pool('t1', 'nvidia/a10') AS t3, create_pool('t1', 'nvidia/l4') AS t4, create_pool('t1', 'nvidia/t4') AS t5 \gset
SELECT count(*) FROM generate_series(:t1, :t5) AS p CROSS JOIN LATERAL (SELECT offer_devices(p, 8, '[2083-01-01,2084-01-01)', now => '2083-01-01 00:00+00')) AS o;
SELECT count(*) FROM (SELECT create_price('nvidia/a40', 'USD', tier_bounds => '{16}', tier_prices => '{3,1}'), create_price('nvidia/a30', 'USD', 2, package_size => 10), create_price('nvidia/a10', 'USD', 2, free => 8),
	create_price('nvidia/l4', 'USD', 0.004, unit => 'PFLOPh@bf16'), create_price('nvidia/t4', 'USD', 9, unit => 'peak-device')) AS p;
SELECT pg_temp.offers(placement_request('acme', '{nvidia}', 8, '3 hours', regions => '{t1}'), :noon);
SELECT create_price('nvidia/a40', 'USD', account => 'acme', factor => 0.5) IS NOT NULL;
SELECT pg_temp.offers(placement_request('acme', '{nvidia/a40}', 8, '3 hours', regions => '{t1}'), :noon);
\echo the fewest devices that keep the deadline are taken, whenever they are free
SELECT create_region('f1') AS r7, create_pool('f1', 'nvidia/l40') AS f1 \gset
SELECT count(*) FROM (SELECT offer_devices(:f1, 16, '[2083-01-01,2084-01-01)', now => '2083-01-01 00:00+00'), create_price('nvidia/l40', 'USD', 1)) AS o;
SELECT count(*) FROM book('zenith', :f1, 16, '[2083-01-04 13:00,2083-01-08 12:00)', confirmed => true, now => :noon);
SELECT pg_temp.offers(placement_request('acme', '{nvidia/l40}', work => '2 PFLOPh@bf16', deadline => d::timestamptz, regions => '{f1}'), :noon) FROM unnest('{2083-01-14,2083-01-08}'::text[]) AS d;
\echo what it may cost in all, and a device-hour
SELECT pg_temp.offers(placement_request('acme', '{nvidia/a40}', 8, '3 hours', max_cost => 27.99), :noon);
SELECT pg_temp.offers(placement_request('acme', '{nvidia/a30}', 8, '3 hours', ceiling => 0.24), :noon);

\echo idle capacity is given away where it has a price, and never below its floor
SELECT create_region('i1') AS r6, create_pool('i1', 'nvidia/v100') AS i1 \gset
SELECT count(*) FROM (SELECT offer_devices(:i1, 8, '[2083-01-01,2084-01-01)', now => '2083-01-01 00:00+00')) AS o;
SELECT pg_temp.offers(placement_request('acme', '{nvidia/v100}', 8, '2 hours', preemptible => true), :noon);
SELECT count(*) FROM (SELECT offer_idle(:i1, 0.50, 'USD', notice => '5 minutes')) AS o;
SELECT pg_temp.offers(placement_request('acme', '{nvidia/v100}', 8, '2 hours', preemptible => true), :noon);
SELECT create_price('nvidia/v100', 'USD', 0.10, account => 'acme', region => 'i1', measure => 'preemptible', valid_until => '2083-02-01') IS NOT NULL,
	create_price('nvidia/v100', 'USD', 0.60, account => 'acme', region => 'i1', measure => 'preemptible', valid_from => '2083-02-01') IS NOT NULL;
SELECT q.starts, q.total FROM quote(placement_request('acme', '{nvidia/v100}', 8, '2 hours', preemptible => true), now => :noon) AS q WHERE q.rank IS NOT NULL;
SELECT pg_temp.offers(placement_request('acme', '{nvidia/v100}', 8, '2 hours'), :noon);
\echo of two pools that are alike the one is first in which nobody has to give way, whatever its number
SELECT create_region('i2') AS r8, create_pool('i2', 'nvidia/a10', 'a') AS i2a, create_pool('i2', 'nvidia/a10', 'b') AS i2b \gset
SELECT count(*) FROM (SELECT offer_devices(p, 8, '[2083-01-01,2084-01-01)', now => '2083-01-01 00:00+00') FROM unnest(ARRAY[:i2a, :i2b]) AS p) AS o;
SELECT count(*) FROM (SELECT offer_idle(:i2a, 0.10, 'USD', notice => '5 minutes'), create_price('nvidia/a10', 'USD', 1, region => 'i2')) AS o;
SELECT pool = :i2a, state FROM reserve(placement_request('zenith', '{nvidia/a10}', 4, '9 hours', preemptible => true, regions => '{i2}'), confirmed => true, now => :noon);
SELECT d, q.rank, (q.pieces[1]).pool = :i2b AS is_b, q.starts FROM unnest('{4,8}'::integer[]) AS d CROSS JOIN LATERAL quote(placement_request('acme', '{nvidia/a10}', d, '2 hours', not_before => '2083-01-04 13:00+00', regions => '{i2}'), now => :noon) AS q WHERE q.rank IS NOT NULL ORDER BY d, q.rank;
SELECT pool = :i2b, state FROM reserve(placement_request('acme', '{nvidia/a10}', 8, '2 hours', not_before => '2083-01-04 13:00+00', regions => '{i2}'), confirmed => true, now => :noon);

\echo reserve() books the first offer of quote(), whatever the prices, and with what may be left out of the search
CREATE FUNCTION pg_temp.booked(asked placement_request, now timestamptz) RETURNS text
	LANGUAGE plpgsql
AS $$
DECLARE
	booked text;
BEGIN
	SELECT string_agg(format('%s of %s, %s', r.devices, r.pool, r.period), '; ' ORDER BY r.pool) INTO booked FROM reserve(asked, confirmed => true, now => $2) AS r;
	RAISE SQLSTATE 'ZZ001';
EXCEPTION WHEN SQLSTATE 'ZZ001' THEN
	RETURN booked;
WHEN SQLSTATE 'LC027' THEN
	RETURN NULL;
END
$$;
SELECT count(*) AS asked, count(first) > 60 AS many, count(*) FILTER (WHERE first IS DISTINCT FROM booked) AS unlike
FROM (
	SELECT pg_temp.booked(r.asked, :noon) AS booked, (SELECT string_agg(format('%s of %s, %s', p.devices, p.pool, p.period), '; ' ORDER BY p.pool) FROM quote(r.asked, 1, :noon) AS q CROSS JOIN LATERAL unnest(q.pieces) AS p WHERE q.rank = 1 AND q.keeps_deadline) AS first
	FROM unnest('{8,16,NULL}'::bigint[]) AS d CROSS JOIN unnest('{1,30,400}'::integer[]) AS h CROSS JOIN unnest('{0,0.1,5}'::numeric[]) AS v CROSS JOIN unnest('{NULL,100}'::numeric[]) AS m CROSS JOIN unnest('{1,3}'::integer[]) AS n
	CROSS JOIN LATERAL (SELECT placement_request('acme', '{any}', d, CASE WHEN d IS NOT NULL THEN h * interval '1 hour' END, work => CASE WHEN d IS NULL THEN h * '2 PFLOPh@bf16'::compute_unit END, deadline => CASE WHEN d IS NULL OR n = 3 THEN '2083-01-20'::timestamptz END,
		delay_value => v, max_cost => m, sites => n) AS asked) AS r) AS o;
\echo first starts in many pools at once are those of each by itself
CREATE FUNCTION pg_temp.starts(guest boolean, period tstzrange) RETURNS TABLE (at_once timestamptz[], each_by_itself timestamptz[])
	LANGUAGE sql
AS $$
	WITH tried AS (
		SELECT p.id, d.devices, p.slot_minutes, '{[2083-01-04 12:07+00,2083-01-06),[2083-01-09,2083-02-01)}'::tstzmultirange AS allowed FROM pool AS p CROSS JOIN unnest('{1,8,16}'::bigint[]) AS d (devices)
	)
	SELECT _first_fits(array_agg(t.id ORDER BY t.id DESC, t.devices), array_agg($1), array_agg(t.devices ORDER BY t.id DESC, t.devices), array_agg(interval '3 hours'), array_agg(t.slot_minutes ORDER BY t.id DESC, t.devices), array_agg(t.allowed), $2, '2083-01-04 12:00+00', true),
		array_agg(_first_fit(CASE WHEN $1 THEN _lesser(a.free, g.free) ELSE a.free END, t.devices, '3 hours', t.slot_minutes, t.allowed * tstzmultirange($2)) ORDER BY t.id DESC, t.devices)
	FROM tried AS t
	JOIN _pools_available(ARRAY(SELECT id FROM pool), $2, '2083-01-04 12:00+00', true) AS a ON a.pool = t.id
	JOIN _pools_available(ARRAY(SELECT id FROM pool), $2, '2083-01-04 12:00+00', true, true) AS g ON g.pool = t.id
$$;
SELECT g, s.at_once = s.each_by_itself AS same, cardinality(s.at_once) > 30 AS many, cardinality(array_remove(s.at_once, NULL)) > 20 AS found FROM unnest('{f,t}'::boolean[]) AS g CROSS JOIN LATERAL pg_temp.starts(g, '[2083-01-04,2083-01-31)') AS s;
SELECT cardinality(array_remove(s.at_once, NULL)) FROM pg_temp.starts(false, '[2083-01-07,2083-01-08)') AS s;
SELECT _first_fits('{}', '{}', '{}', '{}', '{}', '{}', '[2083-01-01,2083-01-02)', :noon, false), _first_fits('{1}', '{f}', '{1}', '{1 hour}', '{1}', NULL, '[2083-01-01,2083-01-02)', :noon, false),
	_first_fits('{1}', '{f}', '{1}', '{1 hour}', '{1}', '{"{[2083-01-01,2083-01-02)}"}', 'empty', :noon, false);
SELECT _first_fits('{1}', '{f}', '{1}', '{1 hour}', '{1,2}', '{"{[2083-01-01,2083-01-02)}"}', '[2083-01-01,2083-01-02)', :noon, false);
SELECT _first_fits('{1}', '{f}', '{NULL}', '{1 hour}', '{1}', '{"{[2083-01-01,2083-01-02)}"}', '[2083-01-01,2083-01-02)', :noon, false);
SELECT _first_fits('{1}', '{f}', '{0}', '{1 hour}', '{1}', '{"{[2083-01-01,2083-01-02)}"}', '[2083-01-01,2083-01-02)', :noon, false);
SELECT _first_fits('{4242}', '{f}', '{1}', '{1 hour}', '{1}', '{"{[2083-01-01,2083-01-02)}"}', '[2083-01-01,2083-01-02)', :noon, false);
SELECT _first_fits('{1}', '{f}', '{1}', '{1 hour}', '{1}', '{"{[2083-01-01,2083-01-02)}"}', '[2083-01-01,)', :noon, false);

\echo rows with NULL in any column, and numbers that are none, are refused or answered
CREATE FUNCTION pg_temp.tried(asked placement_request, pool _placement_pool, most integer DEFAULT 1) RETURNS integer
	LANGUAGE plpgsql
AS $$
DECLARE
	query text;
	refused integer := 0;
BEGIN
	FOREACH query IN ARRAY ARRAY['_best_offers($1, ARRAY[$2], $3, ''2083-01-04 12:00+00'', true, true, 1)', '_best_offers($1, ARRAY[$2], $3, ''2083-01-04 12:00+00'', true, false, NULL)',
		'_cost_offers($1, ARRAY[$2], ARRAY[ROW(ARRAY[($2).pool], ''{8}'', ''2083-01-05'', ''2083-01-06'', 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::_placement_offer], ''2083-01-04 12:00+00'', true)',
		'_compute_costs(ARRAY[$2], ARRAY[ROW(1, ($2).pool, 8, ''2083-01-05'', ''2083-01-06'')::_offer_piece])', '_request_pools((SELECT id FROM account WHERE name = ''acme''), $1, ''2083-01-04 12:00+00'')',
		'_pool_efficiencies($1, ($2).link_class)', '_placement_length($1, ($2).rate, 8, 1, ($2).slot_minutes)'] LOOP
		BEGIN
			EXECUTE 'SELECT count(q.q) FROM (SELECT ' || query || ' AS q) AS q' USING asked, pool, most;
		EXCEPTION WHEN OTHERS THEN
			refused := refused + 1;
		END;
	END LOOP;
	RETURN refused;
END
$$;
CREATE TEMPORARY TABLE a_pool AS
	SELECT _check_request(placement_request('acme', '{any}', 8, '1 hour', data_region => 'r1', data_gb => 1, results_gb => 1, delay_value => 0.1)) AS asked, p AS pool
	FROM unnest(_request_pools((SELECT id FROM account WHERE name = 'acme'), _check_request(placement_request('acme', '{any}', 8, '1 hour')), '2083-01-04 12:00+00')) AS p WHERE p.reason IS NULL ORDER BY p.pool LIMIT 1;
SELECT pg_temp.tried(asked, pool) FROM a_pool;
SELECT c.name, pg_temp.tried(asked, jsonb_populate_record(pool, jsonb_build_object(c.name, NULL))) FROM a_pool CROSS JOIN LATERAL (SELECT jsonb_object_keys(to_jsonb(pool)) AS name) AS c ORDER BY c.name COLLATE "C";
SELECT c.name, pg_temp.tried(jsonb_populate_record(asked, jsonb_build_object(c.name, NULL)), pool) FROM a_pool CROSS JOIN LATERAL (SELECT jsonb_object_keys(to_jsonb(asked)) AS name) AS c ORDER BY c.name COLLATE "C";
SELECT c.change, pg_temp.tried(jsonb_populate_record(asked, c.change), jsonb_populate_record(pool, c.change))
FROM a_pool CROSS JOIN unnest('{"{\"delay_value\": \"NaN\"}","{\"delay_value\": \"Infinity\"}","{\"devices\": -8}","{\"devices\": 9000000000000000000}","{\"time_limit\": \"-5 days\"}","{\"not_before\": \"infinity\"}","{\"deadline\": \"-infinity\"}","{\"allowed\": \"{(,)}\"}","{\"allowed\": \"{}\"}","{\"allowed\": \"{[294270-01-01,)}\"}","{\"granule\": -1}","{\"slot_minutes\": -5}","{\"price_per_hour\": \"NaN\"}","{\"hourly\": [null, null]}","{\"priced\": []}","{\"data_gb\": \"-Infinity\"}"}'::jsonb[]) AS c (change);
SELECT m.most, pg_temp.tried(asked, pool, m.most) FROM a_pool CROSS JOIN unnest('{0,-1,1000,2147483647,NULL}'::integer[]) AS m (most);
SELECT _best_offers(asked, ARRAY[pool, NULL], 1, '2083-01-04 12:00+00', true, true, 1) FROM a_pool;
SELECT (_best_offers(asked, '{}', 1, '2083-01-04 12:00+00', true, true, 1)).* FROM a_pool;
-- a view in the place of a table
\set SHOW_CONTEXT never
BEGIN;
ALTER TABLE access_policy RENAME TO was;
CREATE VIEW compute_ledger.access_policy AS SELECT * FROM compute_ledger.was;
SELECT quote(placement_request('acme', '{any}', 8, '1 hour'), now => '2083-01-04 12:00+00');
ROLLBACK;
\set SHOW_CONTEXT errors

\echo a beaten pool is told with the fewest devices; what is kept of chips counts as long as they stay
SELECT count(*) > 0 AS some, bool_and(substring(q.reason FROM 'at least ([0-9.]+)')::numeric < 10000) AS small
FROM quote(placement_request('acme', '{any}', work => '30 PFLOPh@bf16', deadline => '2083-01-20'), 1, '2083-01-04 12:00+00') AS q WHERE q.reason LIKE 'beaten: at least%';
CREATE FUNCTION pg_temp.costs() RETURNS text
	LANGUAGE sql
AS $$
	SELECT string_agg(format('%s %s %s', p.pool, p.price_per_hour, p.rate), ', ' ORDER BY p.pool)
	FROM unnest(_request_pools((SELECT id FROM account WHERE name = 'acme'), _check_request(placement_request('acme', '{any}', 8, '1 hour')), '2083-01-04 12:00+00')) AS p WHERE p.reason IS NULL
$$;
SELECT pg_temp.costs() AS before \gset
BEGIN;
INSERT INTO accelerator_peak (accelerator, number_format, rate) SELECT DISTINCT p.accelerator, 'bf16', '1 PFLOPS@bf16'::compute_rate FROM pool AS p;
SELECT pg_temp.costs() = :'before' AS same;
ROLLBACK;
SELECT pg_temp.costs() = :'before' AS same;

-- ------------------------------------------------------------------ who may ask

\echo a booker asks and reserves for his accounts, and learns nothing of others
CREATE ROLE regress_placement_booker;
SELECT grant_access('regress_placement_booker', 'booker', 'acme');
SET ROLE regress_placement_booker;
SELECT count(*) > 5, count(*) FILTER (WHERE q::text ~* 'zenith') FROM quote(placement_request('acme', '{any}', 8, '1 hour')) AS q;
SELECT count(*) FROM quote(placement_request('zenith', '{any}', 8, '1 hour'));
SELECT count(*) FROM quote(placement_request('nobody', '{any}', 8, '1 hour'));
SELECT count(*) FROM quote(placement_request('acme', '{any}', 8, '1 hour'), now => :noon);
SELECT count(*) FROM quote(placement_request('acme', '{any}', 8, '1 hour'), 0);
SELECT set_region_link('r1', 'r2');
RESET ROLE;
SELECT revoke_access('regress_placement_booker', 'booker', 'acme');
DROP ROLE regress_placement_booker;

\c postgres
DROP DATABASE regress_placement;
