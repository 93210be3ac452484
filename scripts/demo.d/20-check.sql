-- Every row is judged, in sets: "used", "duplicate" or "refused" with every reason there is.
\set ECHO none
SET search_path = demo, public, compute_ledger;
ANALYZE staging;

CREATE TABLE checked AS
WITH typed AS MATERIALIZED (    -- so that each value is worked out once
	SELECT s.*,
		CASE WHEN s.devices ~ '^[+-]?([0-9]{1,7}(\.[0-9]{0,12})?|\.[0-9]{1,12})$' THEN s.devices::numeric END AS devices_value,
		-- Days 1 to 28 of any month are days; the others are asked about one by one.
		CASE WHEN s.started ~ '^[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])[T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?(Z|[+-](0[0-9]|1[0-4]):[0-5][0-9])$'
			THEN s.started::timestamptz
			WHEN s.started ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)? ?(Z|[+-][0-9]{2}(:?[0-9]{2})?)$'
			THEN time_of(s.started) END AS started_value,
		CASE WHEN s.ended ~ '^[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])[T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?(Z|[+-](0[0-9]|1[0-4]):[0-5][0-9])$'
			THEN s.ended::timestamptz
			WHEN s.ended ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)? ?(Z|[+-][0-9]{2}(:?[0-9]{2})?)$'
			THEN time_of(s.ended) END AS ended_value,
		nullif(lower(s.number_format), '') AS format_value,
		CASE WHEN s.achieved ~ '^[0-9]{1,12}(\.[0-9]{1,12})? [kMGTP]?FLOPh?$' THEN s.achieved::compute_unit    -- surely in range
			WHEN s.achieved <> '' THEN work_of(s.achieved) END AS achieved_value
	FROM staging AS s
), judged AS MATERIALIZED (
	SELECT t.line, t.region, t.account, t.name, t.devices_value AS devices, t.started_value AS started, t.ended_value AS ended,
		t.job, t.format_value AS number_format, t.achieved_value AS achieved,
		CASE WHEN t.problem IS NOT NULL THEN t.problem ELSE nullif(concat_ws('; ',
			CASE WHEN t.region = '' THEN 'no region' END,
			CASE WHEN t.account = '' THEN 'no account' END,
			CASE WHEN t.name = '' THEN 'no accelerator' END,
			CASE WHEN t.devices = '' THEN 'no devices'
				WHEN t.devices ~ '^[+]?[0-9]{8,}(\.[0-9]*)?$' THEN 'devices is not below ten million: ' || left(t.devices, 40)
				WHEN t.devices_value IS NULL THEN 'devices is not a decimal number: ' || quote_literal(left(t.devices, 40))
				WHEN t.devices_value <= 0 THEN 'devices is not above 0: ' || t.devices END,
			CASE WHEN t.started = '' THEN 'no start'
				WHEN t.started_value IS NOT NULL AND t.started_value < '2000-01-01 00:00Z' THEN 'start is before the year 2000 (a clock that was never set?)'
				WHEN t.started_value IS NOT NULL THEN NULL
				WHEN t.started ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?$' THEN 'start has no time zone: ' || quote_literal(t.started)
				ELSE 'start is not a time: ' || quote_literal(left(t.started, 40)) END,
			CASE WHEN t.ended = '' THEN 'no end'
				WHEN t.ended_value IS NOT NULL THEN NULL
				WHEN t.ended ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?$' THEN 'end has no time zone: ' || quote_literal(t.ended)
				ELSE 'end is not a time: ' || quote_literal(left(t.ended, 40)) END,
			CASE WHEN t.ended_value < t.started_value THEN 'ends before it starts'
				WHEN t.ended_value > t.started_value + interval '10 years' THEN 'lasts over ten years (an end that was never set?)' END,
			CASE WHEN t.format_value <> ALL (ARRAY(SELECT b.name FROM basis AS b WHERE b.code BETWEEN 1 AND 999)) THEN 'not a number format: ' || quote_literal(left(t.number_format, 40)) END,
			CASE WHEN t.achieved <> '' AND t.achieved_value IS NULL THEN 'achieved_work is not an amount of work: ' || quote_literal(left(t.achieved, 40))
				WHEN basis(t.achieved_value) <> 'flop' THEN 'achieved_work counts operations as such and takes no basis: ' || quote_literal(left(t.achieved, 40))
				WHEN t.achieved_value < '0 FLOP' THEN 'achieved_work is below 0: ' || t.achieved
				WHEN t.achieved_value > '1 QFLOP' THEN 'achieved_work is above 1 QFLOP: ' || t.achieved END), '')
		END AS reason
	FROM typed AS t
), keyed AS (
	-- A job's name, chip and start name one record: the same again is a duplicate, anything else contradicts it.
	SELECT j.*,
		CASE WHEN j.reason IS NULL AND j.job <> '' THEN first_value(j.line) OVER same_key END AS first_line,
		ROW(j.account, j.devices, j.ended, j.number_format, j.achieved)
			IS NOT DISTINCT FROM first_value(ROW(j.account, j.devices, j.ended, j.number_format, j.achieved)) OVER same_key AS same
	FROM judged AS j
	WINDOW same_key AS (PARTITION BY j.reason IS NULL AND j.job <> '', j.region, j.job, j.name, j.started ORDER BY j.line)
)
SELECT k.line, k.region, k.account, k.name, k.devices, k.started, k.ended, k.job, k.number_format, k.achieved,
	CASE WHEN k.reason IS NOT NULL OR (k.first_line < k.line AND NOT k.same) THEN 'refused'
		WHEN k.first_line < k.line THEN 'duplicate'
		ELSE 'used' END AS verdict,
	CASE WHEN k.reason IS NOT NULL THEN k.reason
		WHEN k.first_line < k.line AND NOT k.same THEN 'contradicts line ' || k.first_line || ': same region, job, accelerator and start, but other values'
		WHEN k.first_line < k.line THEN 'same as line ' || k.first_line END AS reason
FROM keyed AS k;
ANALYZE checked;

CREATE TABLE refused AS
SELECT c.line, c.reason, coalesce(s.raw, concat_ws(',', s.region, s.account, s.name, s.devices, s.started, s.ended, s.job, s.number_format, s.achieved)) AS row
FROM checked AS c JOIN staging AS s USING (line)
WHERE c.verdict = 'refused';

-- The two small files go the same way.
CREATE TABLE capacity_checked AS
SELECT s.line, s.region, s.name, CASE WHEN s.devices ~ '^[0-9]{1,9}(\.[0-9]{1,12})?$' THEN s.devices::numeric END AS devices,
	CASE WHEN s.problem IS NOT NULL THEN s.problem ELSE nullif(concat_ws('; ',
		CASE WHEN s.region = '' THEN 'no region' END,
		CASE WHEN s.name = '' THEN 'no accelerator' END,
		CASE WHEN s.devices !~ '^[0-9]{1,9}(\.[0-9]{1,12})?$' THEN 'devices is not a decimal number: ' || quote_literal(left(s.devices, 40)) END), '')
	END AS reason
FROM staging_capacity AS s;
CREATE TABLE price_checked AS
SELECT s.line, class_of(s.class) AS class, CASE lower(s.unit) WHEN 'device-hour' THEN 'device-hour' WHEN 'pfloph' THEN 'PFLOPh' END AS unit, CASE WHEN s.price ~ '^[0-9]{1,12}(\.[0-9]{1,12})?$' THEN s.price::numeric END AS price, s.currency,
	CASE WHEN s.problem IS NOT NULL THEN s.problem ELSE nullif(concat_ws('; ',
		CASE WHEN class_of(s.class) IS NULL THEN 'not an accelerator or a class of them: ' || quote_literal(left(s.class, 40)) END,
		CASE WHEN lower(s.unit) NOT IN ('device-hour', 'pfloph') THEN 'the unit is not device-hour or PFLOPh: ' || quote_literal(left(s.unit, 40)) END,
		CASE WHEN s.price !~ '^[0-9]{1,12}(\.[0-9]{1,12})?$' THEN 'not a price: ' || quote_literal(left(s.price, 40)) END,
		CASE WHEN s.currency <> ALL (ARRAY(SELECT c.code FROM currency AS c)) THEN 'not a currency code: ' || quote_literal(left(s.currency, 40)) END,
		CASE WHEN count(*) OVER (PARTITION BY class_of(s.class)) > 1 AND class_of(s.class) IS NOT NULL THEN 'priced twice: ' || s.class END), '')
	END AS reason
FROM staging_price AS s;
