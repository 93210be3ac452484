\set ECHO none
SET search_path = demo, public, compute_ledger;
\pset null '-'

SELECT to_regclass('demo.offered') IS NOT NULL AS some \gset pools_
\if :pools_some
-- what an hour of a card of each pool is to cost, by the price list
CREATE TABLE hourly AS
SELECT o.region, o.accelerator, o.pool, o.period, i.devices::bigint AS cards, p.currency,
	round(CASE p.unit WHEN 'PFLOPh' THEN p.price * normalized_rate(o.accelerator, :'basis')::numeric / 1000000000000000 ELSE p.price END, 2) AS price
FROM offered AS o JOIN inventory AS i USING (region, accelerator)
CROSS JOIN LATERAL (SELECT * FROM price_list AS l WHERE l.class @> o.accelerator AND l.unit <> 'slice-hour' ORDER BY specificity(l.class) DESC LIMIT 1) AS p
WHERE p.currency = (SELECT currency FROM book);
DELETE FROM hourly WHERE price IS NULL;
SELECT count(DISTINCT region) > 1 AND EXISTS (SELECT FROM usage AS u WHERE u.account IS NOT NULL AND u.cards >= 1 AND NOT isempty(u.period)) AS some FROM hourly \gset pools_
\endif
\if :pools_some
SELECT (sum(cards) * 3 / 4)::bigint AS wanted, greatest(least(count(*), 8), 2) AS most, count(DISTINCT region) AS centres,
	min(date_trunc('hour', lower(period) + (upper(period) - lower(period)) / 2)) AS at, min(region) AS data FROM hourly \gset big_
SELECT max(cards) AS largest FROM (SELECT sum(cards) AS cards FROM hourly GROUP BY region) AS r \gset big_
SELECT u.account FROM usage AS u WHERE u.account IS NOT NULL GROUP BY u.account ORDER BY sum(u.cards * (upper(u.period) - lower(u.period))) DESC, u.account COLLATE "C" LIMIT 1 \gset big_
\echo '== 13. The centres as one: who goes where, what it costs, and what joining them brings'
\echo
\echo 'Somebody wants' :big_wanted 'cards together for a day, on any chip. No centre has more than' :big_largest'.'
\echo 'He asks at' :big_at', when the agent of each centre has just reported what its'
\echo 'own jobs hold, and until when. All the rest is on offer; the trial bookings of section 12 are gone.'
\echo
\set ECHO queries
SELECT count(cancel_reservation(reservation, 'a trial', now => at)) AS cancelled
FROM asked WHERE reservation IS NOT NULL;

SELECT count(*) AS drained
FROM hourly AS h, tstzrange(lower(h.period), upper(h.period) + interval '90 days') AS p,
     offer_devices(h.pool, h.cards, p, now => lower(h.period));

CREATE TABLE taken AS    -- whole cards, each until the last job on it may end
SELECT pool, upper(s.period) AS until,
       (ceil(level) - lead(ceil(level), 1, 0.0) OVER (PARTITION BY pool ORDER BY s.period))::bigint
           AS devices
FROM (SELECT h.pool, device_profile(tstzrange(:'big_at',
                                              upper(u.period)), u.cards) AS profile
      FROM usage AS u JOIN hourly AS h ON h.region = u.region AND h.accelerator @> u.accelerator
      WHERE u.period @> :'big_at'::timestamptz
      GROUP BY h.pool) AS r, steps(profile) AS s;
\echo

SELECT count(report_pool(pool, uses, now => :'big_at')) AS reports,
       sum(cards) AS "cards in use"
FROM (SELECT pool, sum(devices) AS cards,
             array_agg(ROW(devices, until, NULL, NULL)::pool_use ORDER BY until) AS uses
      FROM taken WHERE devices > 0 GROUP BY pool) AS h;
\set ECHO none
\echo 'What an hour of a card costs if it is reserved, what lies between the centres, and what part of its'
\echo 'work a card still does if the job is spread over so many pools. These figures are INVENTED.'
\echo
\set ECHO queries
SELECT count(create_price(h.accelerator::text, h.currency, h.price,
                          measure => 'reserved')) AS prices
FROM (SELECT DISTINCT accelerator, currency, price FROM hourly) AS h;

SELECT count(set_region_link(f.region, t.region, 0.25, f.currency, gbps => 40)) AS links
FROM (SELECT DISTINCT region, currency FROM hourly) AS f
JOIN (SELECT DISTINCT region FROM hourly) AS t ON t.region <> f.region;

SELECT count(set_scaling_efficiency('', n, 1 - 0.02 * n)) AS "most work",
       count(set_scaling_efficiency('', n, 0.9 / n, 'chatty')) AS "work that talks all the time"
FROM generate_series(2, 8) AS n;
\set ECHO none
\echo 'The request, and what quote() offers for it: pools, start and end, what computing and transfers'
\echo 'cost, and what splitting costs: the card-hours of which no work comes.'
\echo
\set ECHO queries
CREATE FUNCTION big(workload text, regions text[] DEFAULT NULL) RETURNS placement_request
RETURN placement_request(:'big_account', '{any}', :big_wanted, '1 day', basis => :'basis',
                         sites => :big_most, workload => workload, regions => regions,
                         data_region => :'big_data', data_gb => 100000, data_moved => true,
                         delay_value => 0.5);
CREATE TABLE offer AS
SELECT q.* FROM quote(big(''), "limit" => 3, now => :'big_at') AS q;
\echo

SELECT rank, cardinality(pieces) AS pools, to_char(starts, 'DD HH24:MI') AS starts,
       round(cost) AS compute, round(transfer_cost) AS transfer, round(total) AS total,
       efficiency, round(lost_device_hours) AS "lost hours",
       round(price_per_pfloph, 2) AS "a PFLOPh"
FROM offer WHERE rank IS NOT NULL ORDER BY rank;
\set ECHO none
SELECT count(*) > 0 AS some FROM offer WHERE rank = 1 \gset offer_
\if :offer_some
\echo 'The first offer, piece by piece: what each pool had free at the start, and what is taken of it.'
\echo
\set ECHO queries
SELECT h.region, h.accelerator, h.cards, level_at(f.free, o.starts) AS free, p.devices AS taken,
       round((l.line ->> 'cost')::numeric) AS compute, round(t.cost) AS transfer
FROM offer AS o, unnest(o.pieces) AS p JOIN hourly AS h USING (pool)
CROSS JOIN pool_availability(h.pool, tstzrange(o.starts, o.ends),
                             :'big_at') AS f (free)
LEFT JOIN LATERAL (SELECT e.line FROM jsonb_array_elements(o.lines) AS e (line)
                   WHERE (e.line ->> 'pool')::bigint = p.pool) AS l ON true
LEFT JOIN LATERAL (SELECT sum((e.line ->> 'cost')::numeric) AS cost
                   FROM jsonb_array_elements(o.lines) AS e (line)
                   WHERE e.line ->> 'to' = h.region) AS t ON true
WHERE o.rank = 1 ORDER BY 1, 5 DESC;
\set ECHO none
\endif
\echo 'Each pool that is in none of these offers, and why; and what each centre would say alone.'
\echo
\set ECHO queries
SELECT h.region, h.accelerator, o.reason
FROM offer AS o JOIN hourly AS h USING (pool) ORDER BY 1, 2;

SELECT r.region, r.cards, regexp_replace(min(q.reason), '^.*; ', '') AS alone
FROM (SELECT region, sum(cards) AS cards FROM hourly GROUP BY region) AS r,
     quote(big('', ARRAY[r.region]), now => :'big_at') AS q
WHERE q.reason !~ 'not in a region' GROUP BY 1, 2 ORDER BY 1;
\set ECHO none
\echo 'The same request, if its work talks all the time: spread so far it would do less than fewer pools'
\echo 'do. It is not worth it, and there is no offer.'
\echo
\set ECHO queries
SELECT q.reason, count(*) AS pools
FROM (SELECT rank, regexp_replace(reason, '^.*; ', '') AS reason
      FROM quote(big('chatty'), now => :'big_at')) AS q
GROUP BY q.reason ORDER BY 2 DESC, 1;
\set ECHO none
-- ------------------------------------------------------------------ the queue
SELECT least(upper(period), lower(period) + interval '30 days') AS until, lower(period) AS since FROM stretch \gset sample_
SELECT date_bin('1 hour', :'sample_since'::timestamptz - interval '17472 hours', '2000-01-01Z') AS since,
	date_bin('1 hour', :'sample_until'::timestamptz - interval '17472 hours', '2000-01-01Z') AS until \gset sample_
CREATE TABLE sample AS
SELECT row_number() OVER (ORDER BY at, source_id COLLATE "C", source COLLATE "C") AS id, j.*, NULL::bigint AS request, NULL::text AS refused
FROM (SELECT u.source, u.source_id, u.account, h.region, h.accelerator AS chip, u.cards::bigint AS devices,
		ARRAY(SELECT DISTINCT o.accelerator FROM hourly AS o WHERE o.accelerator = h.accelerator
			OR normalized_rate(o.accelerator, :'basis') >= normalized_rate(h.accelerator, :'basis')) AS chips,
		date_bin('1 hour', lower(u.period) - interval '17472 hours', '2000-01-01Z') AS at,
		make_interval(mins => greatest(ceil(extract(epoch FROM upper(u.period) - lower(u.period)) / 60), 1)::int) AS length
	FROM usage AS u
	CROSS JOIN LATERAL (SELECT * FROM hourly AS f WHERE f.region = u.region AND f.accelerator @> u.accelerator ORDER BY specificity(f.accelerator) DESC LIMIT 1) AS h
	WHERE u.account IS NOT NULL AND u.cards >= 1 AND u.cards = floor(u.cards) AND lower(u.period) < :'sample_until'::timestamptz + interval '17472 hours'
	ORDER BY u.cards DESC, u.source_id COLLATE "C", u.source COLLATE "C" LIMIT 1300) AS j;
SELECT count(*) AS jobs, min(devices) AS narrowest, round(sum(devices * extract(epoch FROM length)) / 3600) AS hours,
	least(greatest(ceil(100 * sum(devices * extract(epoch FROM length)) / 0.9
		/ (SELECT sum(cards) * extract(epoch FROM :'sample_until'::timestamptz - :'sample_since') FROM hourly)), 1), 100) AS percent FROM sample \gset sample_
\echo 'Now the queue. The' :sample_jobs 'widest jobs of the month (of' :sample_narrowest 'cards and more) ask for their cards when'
\echo 'they began. Every centre gives the same part of its cards to them,' :sample_percent'%, so that they would'
\echo 'fill about 90% of these. It is run twice, in simulated time, with a pass of the queue each hour:'
\echo 'first each job waits for its own chip in its own centre; then for any chip that is as fast, in any'
\echo 'centre. Both happen two years earlier, where the ledger knows of nothing else, and are rolled back.'
\echo
\set ECHO queries
CREATE PROCEDURE run_sample(anywhere boolean) LANGUAGE plpgsql AS $$
DECLARE
    clock timestamptz;
    j demo.sample;
    why text;
BEGIN
    PERFORM offer_devices(pool, ceil(cards * share)::bigint,
                          tstzrange(since, until + interval '30 days'), now => since)
    FROM demo.hourly, demo.given;
    FOR clock IN SELECT generate_series(since, until - interval '1 hour', '1 hour')
                 FROM demo.given LOOP
        FOR j IN SELECT * FROM demo.sample WHERE at = clock ORDER BY id LOOP
            BEGIN
                UPDATE demo.sample SET request = submit_request(placement_request(j.account,
                    CASE WHEN anywhere THEN j.chips ELSE ARRAY[j.chip] END, j.devices, j.length,
                    regions => CASE WHEN NOT anywhere THEN ARRAY[j.region] END), now => clock)
                WHERE id = j.id;
            EXCEPTION WHEN SQLSTATE 'LC029' THEN
                GET STACKED DIAGNOSTICS why = PG_EXCEPTION_DETAIL;
                UPDATE demo.sample SET refused = why WHERE id = j.id;
            END;
        END LOOP;
        PERFORM schedule(now => clock);
    END LOOP;
END
$$;
\echo
\set ECHO none
CREATE TABLE given AS SELECT :'sample_since'::timestamptz AS since, :'sample_until'::timestamptz AS until, :sample_percent / 100.0 AS share;
CREATE VIEW outcome AS
SELECT s.id, r.pool, CASE WHEN r.state = 'placed' THEN lower(r.planned) END AS starts, s.refused
FROM sample AS s LEFT JOIN request AS r ON r.id = s.request;
\set ECHO queries
BEGIN;
CALL run_sample(anywhere => false);
\set ECHO none
SELECT jsonb_agg(o) AS outcome FROM outcome AS o \gset alone_
\set ECHO queries
ROLLBACK;
BEGIN;
CALL run_sample(anywhere => true);
\set ECHO none
SELECT jsonb_agg(o) AS outcome FROM outcome AS o \gset joined_
SELECT count(*) > 0 AS some, min(request) AS request FROM (SELECT request FROM queue WHERE planned IS NOT NULL ORDER BY place LIMIT 1) AS q \gset waiting_
\if :waiting_some
\echo
\echo 'Why one of them still waits at the end: the first in the queue.'
\echo
\set ECHO queries
SELECT said AS "why it waits"
FROM explain_request(:waiting_request, now => :'sample_until') AS said
WHERE said !~ 'not of an accelerator';
\endif
\set ECHO queries
ROLLBACK;
\set ECHO none
CREATE TABLE alone AS SELECT * FROM jsonb_to_recordset(:'alone_outcome') AS o (id bigint, pool bigint, starts timestamptz, refused text);
CREATE TABLE joined AS SELECT * FROM jsonb_to_recordset(:'joined_outcome') AS o (id bigint, pool bigint, starts timestamptz, refused text);
CREATE VIEW ran AS
SELECT s.id, s.account, s.region, s.devices, o.anywhere, o.refused, h.region AS ran_in, o.starts, h.price,
	extract(epoch FROM coalesce(o.starts, g.until) - s.at) / 3600 AS waited,
	s.devices * extract(epoch FROM least(o.starts + s.length, g.until) - o.starts) / 3600 AS hours
FROM sample AS s
JOIN (SELECT false AS anywhere, * FROM alone UNION ALL SELECT true, * FROM joined) AS o USING (id)
CROSS JOIN given AS g
LEFT JOIN hourly AS h ON h.pool = o.pool AND o.starts IS NOT NULL;
\echo
\echo 'The jobs of each centre: how many began, how many of them elsewhere, and how many hours they waited'
\echo 'on average (those that still wait, until the end of the month).'
\echo
\set ECHO queries
SELECT coalesce(region, 'all') AS "jobs of", count(*) FILTER (WHERE anywhere) AS jobs,
       count(starts) FILTER (WHERE NOT anywhere) AS "began: alone",
       count(starts) FILTER (WHERE anywhere) AS joined,
       count(*) FILTER (WHERE ran_in <> region) AS "of them elsewhere",
       round(avg(waited) FILTER (WHERE refused IS NULL AND NOT anywhere), 1) AS "waited: alone",
       round(avg(waited) FILTER (WHERE refused IS NULL AND anywhere), 1) AS "joined "
FROM ran GROUP BY GROUPING SETS ((region), ()) ORDER BY grouping(region), region;

SELECT coalesce(h.region, 'all') AS centre, sum(h.cards) AS cards,
       round(100 * sum(r.alone) / sum(h.all_hours), 1) AS "in use: alone %",
       round(100 * sum(r.joined) / sum(h.all_hours), 1) AS "joined %",
       round(sum(r.alone_cost) / nullif(sum(r.alone), 0), 2) AS "a card-hour: alone",
       round(sum(r.joined_cost) / nullif(sum(r.joined), 0), 2) AS "joined "
FROM (SELECT region, sum(ceil(cards * share)) AS cards,
             sum(ceil(cards * share) * extract(epoch FROM until - since) / 3600) AS all_hours
      FROM hourly, given GROUP BY region) AS h
LEFT JOIN (SELECT ran_in AS region, sum(hours) FILTER (WHERE NOT anywhere) AS alone,
                  sum(hours) FILTER (WHERE anywhere) AS joined,
                  sum(hours * price) FILTER (WHERE NOT anywhere) AS alone_cost,
                  sum(hours * price) FILTER (WHERE anywhere) AS joined_cost
           FROM ran WHERE starts IS NOT NULL GROUP BY 1) AS r USING (region)
GROUP BY GROUPING SETS ((h.region), ()) ORDER BY grouping(h.region), 1;
\set ECHO none
\echo 'Where they went, and who was refused, by which clause, or because no pool that he may use is wide'
\echo 'enough: each kind of refusal, with how often it was given.'
\echo
\set ECHO queries
SELECT region AS "jobs of",
       string_agg(format('%s %s', ran_in, n), ', ' ORDER BY n DESC, ran_in) AS "joined, began in"
FROM (SELECT region, ran_in, count(*) AS n
      FROM ran WHERE anywhere AND ran_in IS NOT NULL GROUP BY 1, 2) AS w GROUP BY 1 ORDER BY 1;

SELECT why, count(*) FILTER (WHERE NOT anywhere) AS alone,
       count(*) FILTER (WHERE anywhere) AS joined
FROM (SELECT anywhere,
             coalesce(substring(refused FROM 'policy denies it: [^;]*?, ([^;]*?)[.;]'),
                      CASE WHEN refused ~ 'for so long' THEN 'no pool of his is wide enough'
                           ELSE refused END) AS why
      FROM ran WHERE refused IS NOT NULL) AS r GROUP BY 1 ORDER BY 2 DESC, 1;
\set ECHO none
-- for the lines that sum up
CREATE TABLE joining AS
SELECT :big_wanted::numeric AS cards, o.total, o.currency, 100 * r.alone / a.hours AS alone, 100 * r.joined / a.hours AS joined
FROM (SELECT sum(hours) FILTER (WHERE NOT anywhere) AS alone, sum(hours) FILTER (WHERE anywhere) AS joined FROM ran) AS r
CROSS JOIN (SELECT sum(ceil(cards * share) * extract(epoch FROM until - since)) / 3600 AS hours FROM hourly, given) AS a
LEFT JOIN offer AS o ON o.rank = 1;
\else
CREATE TABLE joining (cards numeric, total numeric, currency text, alone numeric, joined numeric);
\echo '(There is only one centre with prices and usage, or no inventory, so nothing can be joined.)'
\echo
\endif
