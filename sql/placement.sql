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
SELECT create_account('acme', currency => 'USD') AS acme, create_account('zenith', currency => 'USD') AS zenith \gset
SELECT count(create_region(r, 'country')) FROM unnest('{eu,us}'::text[]) AS r;
SELECT count(create_region(r, parent => p)) FROM (VALUES ('eu-west', 'eu'), ('us-east', 'us')) AS v (r, p);
SELECT count(create_region(r)) FROM unnest('{r1,r2}'::text[]) AS r;
\set noon '''2083-01-04 12:00+00'''

-- What an offer is, shortly; and what is out, and why.
CREATE FUNCTION pg_temp.offers(asked placement_request, now timestamptz, "limit" integer DEFAULT 10) RETURNS TABLE (offer text)
	LANGUAGE sql
AS $$
	SELECT CASE WHEN q.rank IS NULL THEN format('pool %s: %s', q.pool, q.reason) ELSE
		format('%s. %s, %s to %s: %s + %s = %s %s%s', q.rank, (SELECT string_agg(format('%s of pool %s', p.devices, p.pool), ', ') FROM unnest(q.pieces) AS p),
			to_char(q.starts, 'DD HH24:MI'), to_char(q.ends, 'DD HH24:MI'), trim_scale(q.cost), trim_scale(q.transfer_cost), trim_scale(q.total), q.currency,
			CASE WHEN q.keeps_deadline THEN '' ELSE ', late' END) END
	FROM quote(asked, "limit", now) AS q
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
SELECT count(*) FROM unnest(ARRAY[:p1, :p2]) AS p CROSS JOIN LATERAL offer_devices(p, 8, '[2083-01-01,2084-01-01)', now => '2083-01-01 00:00+00');
SELECT count(create_price('nvidia/h100', 'USD', x, region => r)) FROM (VALUES ('r1', 2.00), ('r2', 2.20)) AS v (r, x);
\echo the cheaper one first, and above the ceiling no one
SELECT pg_temp.offers(placement_request('acme', '{nvidia/h100}', 8, '4 hours', ceiling => 2.50), :noon);
SELECT pg_temp.offers(placement_request('acme', '{nvidia/h100}', 8, '4 hours', ceiling => 2.10), :noon);
\echo where the first is taken, the other one, or later
SELECT * FROM reserve(placement_request('acme', '{nvidia/h100}', 8, '4 hours', ceiling => 2.50), confirmed => true, now => :noon);
SELECT pg_temp.offers(placement_request('acme', '{nvidia/h100}', 8, '4 hours', ceiling => 2.50), :noon);
SELECT pg_temp.offers(placement_request('acme', '{nvidia/h100}', 8, '4 hours', ceiling => 2.10), :noon);
\echo a delay that has a price
SELECT pg_temp.offers(placement_request('acme', '{nvidia/h100}', 8, '4 hours', delay_value => v), :noon) FROM unnest(ARRAY[0.1, 0.3]) AS v;

\c postgres
DROP DATABASE regress_placement;
