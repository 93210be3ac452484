-- Reservations: booking, and changing what is booked.
\set VERBOSITY terse
CREATE DATABASE regress_reservation;
\c regress_reservation
CREATE EXTENSION compute_ledger;
SET search_path = public, compute_ledger;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SELECT create_ledger() IS NOT NULL;
SELECT create_account('acme', currency => 'USD'), create_account('lab', parent => 'acme'), create_account('zenith', currency => 'USD');
SELECT create_region('north') IS NOT NULL AND create_region('south') IS NOT NULL;
CREATE FUNCTION pg_temp.sqlstate(command text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE command;
	RETURN 'done';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;
SELECT create_pool('north', 'nvidia/h100-sxm5-80gb') AS p \gset
SELECT offer_devices(:p, 8, '[2027-01-01,)', now => '2027-01-01 08:00Z');

\echo touching periods
SELECT devices, period, state, held_until FROM book('acme', :p, 8, '[2027-01-02 09:00Z,2027-01-02 13:00Z)', now => '2027-01-01 12:00Z');
SELECT devices, period, state, held_until FROM book('acme', :p, 8, '[2027-01-02 13:00Z,2027-01-02 17:00Z)', confirmed => true, now => '2027-01-01 12:00Z');
SELECT pg_temp.sqlstate(format('SELECT book(''acme'', %s, 8, ''[2027-01-02 12:59Z,2027-01-02 17:00Z)'', now => ''2027-01-01 12:00Z'')', :p));
SELECT devices, period, state, held_until FROM book('acme', :p, 8, '[2027-01-02 17:00Z,2027-01-02 18:00Z)', now => '2027-01-01 12:00Z');
SELECT day, base, peak, profile FROM pool_day;
SELECT month, base FROM pool_month;
SELECT confirm_reservation(1, now => '2027-01-01 12:14:59.9Z');
SELECT confirm_reservation(1, now => '2027-01-01 12:14:59.9Z');
SELECT confirm_reservation(3, now => '2027-01-01 12:15Z');
SELECT cancel_reservation(1, now => '2027-01-01 13:15Z'), cancel_reservation(1, now => '2027-01-01 13:15Z');
SELECT id, period, occupies, state, usage_due FROM reservation ORDER BY id;
SELECT reservation, action, at, state, occupies FROM reservation_change ORDER BY id;
SELECT day, base, peak, profile FROM pool_day;
-- a lapsed hold is not in the way
SELECT devices, period, state, held_until FROM book('acme', :p, 8, '[2027-01-02 17:00Z,2027-01-02 18:00Z)', now => '2027-01-01 12:15Z');
SELECT reservation, action, at, state, occupies FROM reservation_change ORDER BY id;
SELECT day, base, peak, profile FROM pool_day;

\c postgres
DROP DATABASE regress_reservation;
