-- The list of cards and the list of prices are judged here: the ledger has an inbox for usage only.
\set ECHO none
SET search_path = demo, public, compute_ledger;

CREATE TABLE capacity_checked AS
SELECT s.line, s.region, s.name, CASE WHEN s.devices ~ '^[0-9]{1,9}(\.[0-9]{1,12})?$' THEN s.devices::numeric END AS devices,
	nullif(concat_ws('; ',
		CASE WHEN s.region = '' THEN 'no region' END,
		CASE WHEN s.name = '' THEN 'no accelerator' END,
		CASE WHEN s.devices !~ '^[0-9]{1,9}(\.[0-9]{1,12})?$' THEN 'devices is not a decimal number: ' || quote_literal(left(s.devices, 40)) END), '') AS reason
FROM staging_capacity AS s;
CREATE TABLE price_checked AS
SELECT s.line, class_of(s.class) AS class, CASE lower(s.unit) WHEN 'device-hour' THEN 'device-hour' WHEN 'slice-hour' THEN 'slice-hour' WHEN 'pfloph' THEN 'PFLOPh' END AS unit, CASE WHEN s.price ~ '^[0-9]{1,12}(\.[0-9]{1,12})?$' THEN s.price::numeric END AS price, s.currency,
	nullif(concat_ws('; ',
		CASE WHEN class_of(s.class) IS NULL THEN 'not an accelerator or a class of them: ' || quote_literal(left(s.class, 40)) END,
		CASE WHEN lower(s.unit) NOT IN ('device-hour', 'slice-hour', 'pfloph') THEN 'the unit is not device-hour, slice-hour or PFLOPh: ' || quote_literal(left(s.unit, 40)) END,
		CASE WHEN lower(s.unit) = 'slice-hour' AND mig_slices(class_of(s.class)) IS NULL THEN 'a price by the slice-hour is for a MIG slice: ' || quote_literal(left(s.class, 40)) END,
		CASE WHEN s.price !~ '^[0-9]{1,12}(\.[0-9]{1,12})?$' THEN 'not a price: ' || quote_literal(left(s.price, 40)) END,
		CASE WHEN s.currency <> ALL (ARRAY(SELECT c.code FROM currency AS c)) THEN 'not a currency code: ' || quote_literal(left(s.currency, 40)) END,
		CASE WHEN count(*) OVER (PARTITION BY class_of(s.class)) > 1 AND class_of(s.class) IS NOT NULL THEN 'priced twice: ' || s.class END), '') AS reason
FROM staging_price AS s;

-- Spellings of one chip are one line; an unknown name is a line of its own.
CREATE TABLE inventory AS
SELECT region, min(name) AS name, accelerator, sum(devices) AS devices
FROM (SELECT region, name, devices, identify(:name_source) AS accelerator FROM capacity_checked WHERE reason IS NULL) AS c
GROUP BY region, accelerator, CASE WHEN accelerator IS NULL THEN name END;
CREATE TABLE price_list AS
SELECT class, unit, price, currency FROM price_checked WHERE reason IS NULL;

-- The payer of all, under another name where the file has an account of this one.
CREATE TABLE book AS
SELECT 'everyone' || repeat('_', (SELECT count(*)::int FROM (SELECT DISTINCT account FROM usage_inbox) AS u WHERE account ~ '^everyone_*$')) AS root,
	coalesce((SELECT currency FROM price_list GROUP BY currency ORDER BY count(*) DESC, currency LIMIT 1), 'CNY') AS currency,
	NULL::tstzrange AS billed;
ANALYZE usage_inbox;
