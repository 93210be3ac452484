-- Bookings by 8 clients at once into one pool, at whole hours of 300 days: beside a function that locks the pool's row and
-- inserts a row like a reservation's, with its indexes and constraints, and checks nothing.
-- @setup
SELECT create_ledger();
SELECT create_account('a', currency => 'USD'), create_region('net');
SELECT count(create_pool('net', 'nvidia/h100-sxm5-80gb', p)) FROM unnest('{empty,full,long}'::text[]) AS p;
SELECT count(*) FROM pool AS p, offer_devices(p.id, 10000000, tstzrange(date_trunc('day', now()), NULL));
CREATE TABLE bare (LIKE reservation INCLUDING ALL);
CREATE FUNCTION bare_book(pool bigint, devices integer, period tstzrange) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	made bigint;
BEGIN
	PERFORM FROM compute_ledger.pool AS p WHERE p.id = bare_book.pool FOR NO KEY UPDATE;
	INSERT INTO bare (booking, booked, pool, account, guest, devices, period, occupies, since, state, held_until)
	VALUES (1, now(), pool, 1, false, devices, period, period, lower(period), 'held', clock_timestamp() + interval '1 day') RETURNING id INTO made;
	RETURN made;
END
$$;
DO $$
BEGIN
	FOR i IN 1 .. {tenth} LOOP
		PERFORM compute_ledger.book('a', p.id, 8, tstzrange(s.at, s.at + interval '1 day'), hold => '10 days')
		FROM compute_ledger.pool AS p, LATERAL (SELECT date_trunc('day', now()) + (24 + floor(random() * 300 * 24)) * interval '1 hour' AS at) AS s
		WHERE p.partition = 'full';
		IF i % 1000 = 0 THEN
			COMMIT;
		END IF;
	END LOOP;
END
$$;
VACUUM (ANALYZE) pool, pool_offer, pool_reduction, pool_day, pool_month, reservation, reservation_change, bare, account, account_version;

-- @case book-day: bookings of 24 h into one pool, 8 clients
-- @check there are so many in the one, and none in the other
SELECT count(*) FILTER (WHERE p.partition = 'full') >= {tenth} AND count(*) FILTER (WHERE p.partition = 'empty') = 0 FROM reservation AS r JOIN pool AS p ON p.id = r.pool;
-- @before empty pool
SET session_replication_role = replica;	-- history is for ever
DELETE FROM reservation_change USING reservation AS r WHERE r.id = reservation_change.reservation AND r.pool = 1;
DELETE FROM reservation WHERE pool = 1;
DELETE FROM pool_day WHERE pool = 1;
DELETE FROM pool_month WHERE pool = 1;
RESET session_replication_role;
VACUUM pool_day, pool_month, reservation, reservation_change;
-- @before 100,000 reservations
VACUUM pool_day, pool_month;
-- @before lock and insert
TRUNCATE bare;
-- @clients empty pool
\set h random(24, 24 * 300)
SELECT book('a', 1, 8, tstzrange(date_trunc('day', now()) + :h * interval '1 hour', date_trunc('day', now()) + (:h + 24) * interval '1 hour'));
-- @clients 100,000 reservations
\set h random(24, 24 * 300)
SELECT book('a', 2, 8, tstzrange(date_trunc('day', now()) + :h * interval '1 hour', date_trunc('day', now()) + (:h + 24) * interval '1 hour'));
-- @clients lock and insert
\set h random(24, 24 * 300)
SELECT bare_book(1, 8, tstzrange(date_trunc('day', now()) + :h * interval '1 hour', date_trunc('day', now()) + (:h + 24) * interval '1 hour'));
-- @ratio 100,000 reservations / empty pool <= 1.25; at least 0.8 x as many
-- @ratio empty pool / lock and insert <= 2.5; at least 0.4 x as many
-- @ratio 100,000 reservations / lock and insert
-- @speed 100,000 reservations per 4000

-- @case book-quarter: bookings of 90 days into one pool, 8 clients
-- @before lock and insert
TRUNCATE bare;
-- @before 90 days
VACUUM pool_day, pool_month;
-- @clients 90 days
\set h random(24, 24 * 270)
SELECT book('a', 3, 8, tstzrange(date_trunc('day', now()) + :h * interval '1 hour', date_trunc('day', now()) + (:h + 24 * 90) * interval '1 hour'));
-- @clients lock and insert
\set h random(24, 24 * 270)
SELECT bare_book(3, 8, tstzrange(date_trunc('day', now()) + :h * interval '1 hour', date_trunc('day', now()) + (:h + 24 * 90) * interval '1 hour'));
-- @ratio 90 days / lock and insert <= 10; at least 0.1 x as many
