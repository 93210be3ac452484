-- FOCUS 1.2: the check of rows that are not ours against the specification.
SET search_path = public, compute_ledger;
SET TimeZone = 'UTC';
\pset format unaligned
\pset tuples_only on
\set SHOW_CONTEXT never

SELECT decided, count(*) FROM focus_rule GROUP BY decided ORDER BY decided;
SELECT level, count(*), count(*) FILTER (WHERE nullable) FROM focus_column GROUP BY level ORDER BY level;

-- A bill with all columns in the types of the specification, and every kind of charge.
SELECT format('CREATE TABLE bill ("x_ChargeId" text, %s)', string_agg(format('%I %s', focus_column,
	CASE data_type WHEN 'Decimal' THEN 'numeric' WHEN 'Date/Time' THEN 'timestamptz' WHEN 'JSON' THEN 'jsonb' ELSE 'text' END), ', ' ORDER BY number))
FROM focus_column \gexec
CREATE TABLE kind (kind text PRIMARY KEY, charge jsonb NOT NULL);
INSERT INTO kind VALUES ('all', '{"BillingAccountId": "a", "BillingAccountName": "A", "BillingAccountType": "payer", "BillingCurrency": "USD",
	"BillingPeriodStart": "2026-01-01", "BillingPeriodEnd": "2026-02-01", "ChargePeriodStart": "2026-01-05", "ChargePeriodEnd": "2026-01-06",
	"ChargeDescription": "d", "InvoiceId": "i1", "InvoiceIssuerName": "I", "PricingCurrency": "USD", "ProviderName": "P", "PublisherName": "P",
	"ServiceCategory": "Compute", "ServiceSubcategory": "Virtual Machines", "ServiceName": "rental", "RegionId": "r", "RegionName": "R",
	"SubAccountId": "s", "SubAccountName": "S", "SubAccountType": "project"}');
INSERT INTO kind SELECT k.kind, a.charge || k.charge::jsonb FROM kind AS a, (VALUES
	('usage', '{"ChargeCategory": "Usage", "ChargeFrequency": "Usage-Based", "BilledCost": 12.34567891, "EffectiveCost": 12.34567891, "ListCost": 24.69135782, "ContractedCost": 12.34567891,
		"ListUnitPrice": 2.469135782, "ContractedUnitPrice": 1.2345678912, "PricingQuantity": 10, "PricingUnit": "H100-Hours", "PricingCategory": "Standard",
		"PricingCurrencyContractedUnitPrice": 1.2345678912, "PricingCurrencyListUnitPrice": 2.469135782, "PricingCurrencyEffectiveCost": 12.34567891,
		"ConsumedQuantity": 10, "ConsumedUnit": "H100-Hours", "SkuId": "h100", "SkuPriceId": "h100-1", "SkuMeter": "time", "SkuPriceDetails": {"GpuCount": 1, "InstanceType": "x", "x_Form": "sxm5"},
		"ResourceId": "vm", "ResourceName": "my vm", "ResourceType": "vm", "Tags": {"team": "ops", "paid": true, "none": null, "n": 1}}'),
	('purchase', '{"ChargeCategory": "Purchase", "ChargeFrequency": "Recurring", "BilledCost": 30, "EffectiveCost": 0, "ListCost": 30, "ContractedCost": 30,
		"ListUnitPrice": 3, "ContractedUnitPrice": 3, "PricingQuantity": 10, "PricingUnit": "H100-Hours", "PricingCategory": "Standard",
		"PricingCurrencyContractedUnitPrice": 3, "PricingCurrencyListUnitPrice": 3, "PricingCurrencyEffectiveCost": 0, "SkuId": "h100", "SkuPriceId": "h100-c",
		"CommitmentDiscountId": "c", "CommitmentDiscountCategory": "Usage", "CommitmentDiscountName": "C", "CommitmentDiscountType": "reserved", "CommitmentDiscountQuantity": 10, "CommitmentDiscountUnit": "H100-Hours",
		"ResourceId": "c", "ResourceType": "commitment"}'),
	('used', '{"ChargeCategory": "Usage", "ChargeFrequency": "Usage-Based", "BilledCost": 0, "EffectiveCost": 21, "ListCost": 35, "ContractedCost": 21,
		"ListUnitPrice": 5, "ContractedUnitPrice": 3, "PricingQuantity": 7, "PricingUnit": "H100-Hours", "PricingCategory": "Committed",
		"PricingCurrencyContractedUnitPrice": 3, "PricingCurrencyListUnitPrice": 5, "PricingCurrencyEffectiveCost": 21, "SkuId": "h100", "SkuPriceId": "h100-c",
		"ConsumedQuantity": 7, "ConsumedUnit": "H100-Hours", "CapacityReservationId": "cr", "CapacityReservationStatus": "Used",
		"CommitmentDiscountId": "c", "CommitmentDiscountCategory": "Usage", "CommitmentDiscountName": "C", "CommitmentDiscountType": "reserved", "CommitmentDiscountQuantity": 7, "CommitmentDiscountUnit": "H100-Hours", "CommitmentDiscountStatus": "Used"}'),
	('unused', '{"ChargeCategory": "Usage", "ChargeFrequency": "Usage-Based", "BilledCost": 0, "EffectiveCost": 9, "ListCost": 15, "ContractedCost": 9,
		"ListUnitPrice": 5, "ContractedUnitPrice": 3, "PricingQuantity": 3, "PricingUnit": "H100-Hours", "PricingCategory": "Committed",
		"PricingCurrencyContractedUnitPrice": 3, "PricingCurrencyListUnitPrice": 5, "PricingCurrencyEffectiveCost": 9, "SkuId": "h100", "SkuPriceId": "h100-c",
		"CapacityReservationId": "cr", "CapacityReservationStatus": "Unused",
		"CommitmentDiscountId": "c", "CommitmentDiscountCategory": "Usage", "CommitmentDiscountName": "C", "CommitmentDiscountType": "reserved", "CommitmentDiscountQuantity": 3, "CommitmentDiscountUnit": "H100-Hours", "CommitmentDiscountStatus": "Unused"}'),
	('tax', '{"ChargeCategory": "Tax", "ChargeFrequency": "Recurring", "BilledCost": 1, "EffectiveCost": 1, "ListCost": 1, "ContractedCost": 1, "PricingCurrencyEffectiveCost": 1}'),
	('credit', '{"ChargeCategory": "Credit", "ChargeFrequency": "One-Time", "BilledCost": -1, "EffectiveCost": -1, "ListCost": -1, "ContractedCost": -1, "PricingCurrencyEffectiveCost": -1}'),
	('correction', '{"ChargeCategory": "Usage", "ChargeClass": "Correction", "ChargeFrequency": "Usage-Based", "BilledCost": -2, "EffectiveCost": -2, "ListCost": -7, "ContractedCost": -2,
		"ListUnitPrice": 3, "PricingQuantity": 1, "PricingUnit": "H100-Hours", "PricingCurrencyEffectiveCost": -2}')
) AS k (kind, charge);
DELETE FROM kind WHERE kind = 'all';
INSERT INTO bill SELECT (jsonb_populate_record(NULL::bill, charge || jsonb_build_object('x_ChargeId', kind))).* FROM kind;
SELECT * FROM focus_check('bill');

-- One breach after the other, each in a row of its own: found, and nothing else is.
CREATE TABLE breach (id text PRIMARY KEY, kind text NOT NULL REFERENCES kind, change jsonb NOT NULL, found text[] NOT NULL);
INSERT INTO breach VALUES
	('no account', 'usage', '{"BillingAccountId": null, "BillingAccountType": null}', '{BillingAccountId-4}'),
	('no type', 'usage', '{"BillingAccountType": null}', '{BillingAccountType-6}'),
	('blank', 'usage', '{"ProviderName": " "}', '{ProviderName-3}'),
	('word null', 'usage', '{"PublisherName": "NULL"}', '{PublisherName-3}'),
	('currency', 'usage', '{"BillingCurrency": "Usd", "InvoiceId": null}', '{BillingCurrency-4,BillingCurrency-7}'),
	('reversed', 'usage', '{"ChargePeriodEnd": "2026-01-05"}', '{ChargePeriodEnd-5}'),
	('last second', 'usage', '{"BillingPeriodEnd": "2026-01-31 23:59:59"}', '{BillingPeriodEnd-5}'),
	('for ever', 'usage', '{"BillingPeriodEnd": "infinity"}', '{BillingPeriodEnd-3}'),
	('category', 'usage', '{"ChargeCategory": "usage", "ConsumedQuantity": null, "ConsumedUnit": null}', '{ChargeCategory-4}'),
	('class', 'tax', '{"ChargeClass": "Refund"}', '{ChargeClass-6}'),
	('frequency', 'purchase', '{"ChargeFrequency": "Usage-Based", "CommitmentDiscountId": null, "CommitmentDiscountCategory": null, "CommitmentDiscountName": null, "CommitmentDiscountType": null, "CommitmentDiscountQuantity": null, "CommitmentDiscountUnit": null}', '{ChargeFrequency-5}'),
	('frequency 2', 'tax', '{"ChargeFrequency": "Monthly"}', '{ChargeFrequency-4}'),
	('NaN', 'tax', '{"BilledCost": "NaN"}', '{BilledCost-5}'),
	('no cost', 'tax', '{"ListCost": null}', '{ListCost-4}'),
	('list', 'usage', '{"ListCost": 24.69135783}', '{ListCost-10,ListUnitPrice-11,PricingQuantity-10}'),
	('contracted', 'usage', '{"PricingQuantity": 11, "ListCost": 27.160493602}', '{ContractedCost-10,ContractedUnitPrice-12,PricingQuantity-10}'),
	('no list', 'usage', '{"ListUnitPrice": null}', '{ListUnitPrice-6}'),
	('negative', 'usage', '{"PricingQuantity": -1, "ListUnitPrice": -1, "ListCost": 1, "ContractedCost": -1.2345678912}', '{ListUnitPrice-9}'),
	('priced tax', 'tax', '{"PricingQuantity": 1, "PricingUnit": "Taxes"}', '{PricingQuantity-5}'),
	('unit', 'usage', '{"PricingUnit": null}', '{PricingUnit-7}'),
	('no quantity', 'tax', '{"PricingUnit": "Hours"}', '{PricingUnit-6}'),
	('credit', 'credit', '{"EffectiveCost": 0, "ListCost": 0}', '{EffectiveCost-11,ListCost-9}'),
	('consumed', 'usage', '{"ConsumedQuantity": null}', '{ConsumedQuantity-7,ConsumedUnit-6}'),
	('consumed unused', 'unused', '{"ConsumedQuantity": 3, "ConsumedUnit": "H100-Hours"}', '{ConsumedQuantity-5}'),
	('no discount', 'used', '{"CommitmentDiscountId": null}', '{CommitmentDiscountCategory-4,CommitmentDiscountId-6,CommitmentDiscountName-5,CommitmentDiscountQuantity-8,CommitmentDiscountStatus-4,CommitmentDiscountType-5}'),
	('status', 'used', '{"CommitmentDiscountStatus": null, "EffectiveCost": 0}', '{CommitmentDiscountStatus-5}'),
	('status 2', 'used', '{"CommitmentDiscountStatus": "Spent", "EffectiveCost": 0}', '{CommitmentDiscountStatus-6}'),
	('discount kind', 'used', '{"CommitmentDiscountCategory": "Money", "EffectiveCost": 0}', '{CommitmentDiscountCategory-6}'),
	('discount quantity', 'used', '{"CommitmentDiscountQuantity": null, "EffectiveCost": 0}', '{CommitmentDiscountQuantity-6,CommitmentDiscountUnit-6}'),
	('not amortized', 'purchase', '{"EffectiveCost": 30, "BilledCost": 0}', '{EffectiveCost-6}'),
	('committed', 'used', '{"PricingCategory": "Standard", "EffectiveCost": 0}', '{PricingCategory-10}'),
	('pricing', 'usage', '{"PricingCategory": "On-Demand"}', '{PricingCategory-8}'),
	('reserved', 'used', '{"CapacityReservationStatus": null, "EffectiveCost": 0}', '{CapacityReservationStatus-5}'),
	('reserved 2', 'unused', '{"CapacityReservationId": null, "EffectiveCost": 0}', '{CapacityReservationId-6,CapacityReservationStatus-4}'),
	('region', 'usage', '{"RegionName": null}', '{RegionName-6}'),
	('zone', 'usage', '{"RegionId": null, "RegionName": null, "AvailabilityZone": "z"}', '{RegionId-5}'),
	('resource', 'usage', '{"ResourceId": null}', '{ResourceId-6,ResourceName-5,ResourceType-5}'),
	('sub', 'usage', '{"SubAccountName": null, "SubAccountType": null}', '{SubAccountName-6,SubAccountType-6}'),
	('service', 'usage', '{"ServiceCategory": "GPU", "ServiceName": "other"}', '{ServiceCategory-4}'),
	('subservice', 'usage', '{"ServiceSubcategory": "Block Storage"}', '{ServiceSubcategory-5}'),
	('subservice 2', 'usage', '{"ServiceSubcategory": "GPU"}', '{ServiceSubcategory-4}'),
	('sku', 'usage', '{"SkuId": null}', '{SkuId-13,SkuMeter-5}'),
	('details', 'usage', '{"SkuPriceId": null}', '{SkuPriceDetails-5,SkuPriceDetails-8,SkuPriceId-6}'),
	('tags', 'usage', '{"Tags": {"a": [1]}}', '{Tags-2}'),
	('tags 2', 'usage', '{"Tags": "text"}', '{Tags-2}'),
	('pricing currency', 'usage', '{"PricingCurrency": "usd"}', '{PricingCurrency-4}'),
	('pricing price', 'usage', '{"PricingCurrencyListUnitPrice": null}', '{PricingCurrencyListUnitPrice-9}');
INSERT INTO bill
SELECT (jsonb_populate_record(NULL::bill, k.charge || b.change || jsonb_build_object('x_ChargeId', b.id) || CASE WHEN k.charge ? 'CommitmentDiscountId' THEN '{"CommitmentDiscountId": null}'::jsonb ELSE '{}' END || b.change)).*
FROM breach AS b JOIN kind AS k USING (kind) WHERE NOT k.charge ? 'CommitmentDiscountId' OR b.change ? 'CommitmentDiscountId'
UNION ALL
-- on a discount of their own, so that the sums of the sound one hold
SELECT (jsonb_populate_record(NULL::bill, k.charge || jsonb_build_object('x_ChargeId', b.id, 'CommitmentDiscountId', b.id) || b.change)).*
FROM breach AS b JOIN kind AS k USING (kind) WHERE k.charge ? 'CommitmentDiscountId' AND NOT b.change ? 'CommitmentDiscountId';
WITH f AS (
	SELECT row_reference, array_agg(requirement ORDER BY requirement COLLATE "C") AS found
	FROM focus_check('bill') WHERE row_reference IS NOT NULL GROUP BY row_reference
)
SELECT coalesce(b.id, f.row_reference), b.found AS expected, f.found
FROM breach AS b FULL JOIN f ON f.row_reference = b.id
WHERE b.found IS DISTINCT FROM f.found ORDER BY 1;
SELECT count(*), count(DISTINCT r) FROM breach, unnest(found) AS r;

-- Rows that share a value.
TRUNCATE bill;
INSERT INTO bill SELECT (jsonb_populate_record(NULL::bill, charge || jsonb_build_object('x_ChargeId', kind))).* FROM kind;
INSERT INTO bill SELECT (jsonb_populate_record(NULL::bill, k.charge || c.change)).* FROM kind AS k, (VALUES
	('{"x_ChargeId": "g1", "ServiceCategory": "Storage", "ServiceSubcategory": "Block Storage"}'::jsonb),
	('{"x_ChargeId": "g2", "SkuId": "h200"}'),
	('{"x_ChargeId": "g3", "BillingCurrency": "EUR"}'),
	('{"x_ChargeId": "g4", "BillingAccountId": "b"}'),
	('{"x_ChargeId": "g5", "SkuPriceDetails": {"gpucount": 1, "x_GpuCount": 1, "CoreCount": "8", "DiskType": true, "Colour": "red"}}')) AS c (change)
WHERE k.kind = 'usage';
INSERT INTO bill SELECT (jsonb_populate_record(NULL::bill, k.charge || c.change)).* FROM kind AS k, (VALUES
	('{"x_ChargeId": "g6", "EffectiveCost": 1, "ContractedCost": 21, "CommitmentDiscountUnit": "Hours"}'::jsonb)) AS c (change)
WHERE k.kind = 'used';
SELECT * FROM focus_check('bill') ORDER BY requirement COLLATE "C", detail COLLATE "C";

-- What a discount's usage costs adds up to its purchases over its whole term, and a file may hold a part of that.
CREATE TABLE term (file text, "ChargeCategory" text, "ChargeFrequency" text, "BilledCost" numeric, "EffectiveCost" numeric, "CommitmentDiscountId" text, "CommitmentDiscountStatus" text,
	"BillingPeriodStart" timestamptz, "BillingPeriodEnd" timestamptz, "ChargePeriodStart" text, "ChargePeriodEnd" text);
INSERT INTO term SELECT file, category, frequency, billed, effective, file, CASE category WHEN 'Usage' THEN 'Used' END, date_trunc('month', starts, 'UTC'), date_trunc('month', starts, 'UTC') + interval '1 month',
	to_char(starts, 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), to_char(ends, 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
FROM (VALUES
	('a year bought, a month used', 'Purchase', 'One-Time', 8760, 0, timestamptz '2026-01-01', timestamptz '2027-01-01'),
	('a year bought, a month used', 'Usage', 'Usage-Based', 0, 744, '2026-01-01', '2026-02-01'),
	('half paid upfront, in an earlier file', 'Purchase', 'Recurring', 372, 0, '2026-01-01', '2026-02-01'),
	('half paid upfront, in an earlier file', 'Usage', 'Usage-Based', 0, 744, '2026-01-01', '2026-02-01'),
	('half paid upfront, in this file', 'Purchase', 'One-Time', 4380, 0, '2026-01-01', '2027-01-01'),
	('half paid upfront, in this file', 'Purchase', 'Recurring', 372, 0, '2026-01-01', '2026-02-01'),
	('half paid upfront, in this file', 'Usage', 'Usage-Based', 0, 744, '2026-01-01', '2026-02-01'),
	('stated as bought for its first hour', 'Purchase', 'One-Time', 8760, 0, '2026-01-01', '2026-01-01 01:00'),
	('stated as bought for its first hour', 'Usage', 'Usage-Based', 0, 744, '2026-01-01', '2026-02-01'),
	('begun amid the last month, goes on', 'Purchase', 'Recurring', 100, 0, '2026-03-15', '2026-04-01'),
	('begun amid the last month, goes on', 'Usage', 'Usage-Based', 0, 99, '2026-03-15', '2026-04-01'),
	('bought before', 'Usage', 'Usage-Based', 0, 1, '2026-01-01', '2026-02-01'),
	('files of the first and last month of three', 'Purchase', 'One-Time', 90, 0, '2026-01-01', '2026-04-01'),
	('files of the first and last month of three', 'Usage', 'Usage-Based', 0, 30, '2026-01-01', '2026-02-01'),
	('files of the first and last month of three', 'Usage', 'Usage-Based', 0, 30, '2026-03-01', '2026-04-01'),
	('all three, sound', 'Purchase', 'One-Time', 90, 0, '2026-01-01', '2026-04-01'),
	('all three, sound', 'Usage', 'Usage-Based', 0, 31, '2026-01-01', '2026-02-01'),
	('all three, sound', 'Usage', 'Usage-Based', 0, 28, '2026-02-01', '2026-03-01'),
	('all three, sound', 'Usage', 'Usage-Based', 0, 31, '2026-03-01', '2026-04-01'),
	('all three, one short', 'Purchase', 'One-Time', 90, 0, '2026-01-01', '2026-04-01'),
	('all three, one short', 'Usage', 'Usage-Based', 0, 30, '2026-01-01', '2026-02-01'),
	('all three, one short', 'Usage', 'Usage-Based', 0, 28, '2026-02-01', '2026-03-01'),
	('all three, one short', 'Usage', 'Usage-Based', 0, 31, '2026-03-01', '2026-04-01'),
	('a day amid the files, one short', 'Purchase', 'Recurring', 24, 0, '2026-02-02', '2026-02-03'),
	('a day amid the files, one short', 'Usage', 'Usage-Based', 0, 23, '2026-02-02', '2026-02-03'),
	('reversed', 'Purchase', 'One-Time', 24, 0, '2026-02-03', '2026-02-02'),
	('reversed', 'Usage', 'Usage-Based', 0, 23, '2026-02-03', '2026-02-02')) AS x (file, category, frequency, billed, effective, starts, ends);
SELECT detail FROM focus_check('term') WHERE requirement = 'EffectiveCost-13' ORDER BY detail COLLATE "C";
-- without frequencies and billing periods, a purchase is what it says
ALTER TABLE term DROP "ChargeFrequency", DROP "BillingPeriodStart", DROP "BillingPeriodEnd";
DELETE FROM term WHERE file LIKE 'half%' OR file LIKE 'files%';
SELECT detail FROM focus_check('term') WHERE requirement = 'EffectiveCost-13' ORDER BY detail COLLATE "C";

-- The specification's own examples of numbers, and of properties of a SKU price (which ends in a comma that JSON has not).
CREATE TABLE number_example ("BilledCost" text, "SkuPriceDetails" text);
INSERT INTO number_example VALUES ('-100.2'), ('-3'), ('4'), ('35.2E-7'), ('1.234'), ('1 1/2'), ('35.2E+7'), ('35.24 x 10^7'), ('[3,5,8]'), ('[4:5]'), ('5i + 4'), ('sqrt(2)'), ('2.3^3'), ('32 GiB'), ('$32'), ('3,432,342'), ('+333');
INSERT INTO number_example VALUES ('1', '{"StorageClass": "Archive", "CoreCount": 4, "x_PremiumProcessing": true, }'), ('1', '{"StorageClass": "Archive", "CoreCount": 4, "x_PremiumProcessing": true}');
SELECT requirement, row_reference FROM focus_check('number_example', 'BilledCost') WHERE requirement IN ('BilledCost-3', 'SkuPriceDetails-2') ORDER BY 1, row_reference COLLATE "C";

-- As text, with names folded to lower case: what cannot be read, and what is not written as it should be.
SELECT format('CREATE TABLE bill_text (%s)', string_agg(lower(focus_column) || ' varchar', ', ' ORDER BY number)) FROM focus_column \gexec
INSERT INTO bill_text SELECT (jsonb_populate_record(NULL::bill_text, r.charge)).*
FROM (SELECT kind, jsonb_object_agg(lower(e.key), CASE WHEN c.data_type = 'Date/Time' THEN to_jsonb(e.value || 'T00:00:00Z') ELSE to_jsonb(e.value) END) AS charge
	FROM kind, jsonb_each_text(charge) AS e JOIN focus_column AS c ON c.focus_column = e.key GROUP BY kind) AS r;
UPDATE bill_text SET chargedescription = chargecategory || coalesce(commitmentdiscountstatus, '') || coalesce(chargeclass, '');
SELECT * FROM focus_check('bill_text', 'chargedescription');
UPDATE bill_text SET billedcost = '+12.34567891', listcost = '1E3', tags = '{"a": 1, "a": 2}', chargeperiodstart = '2026-01-05 00:00:00', effectivecost = ''
WHERE chargedescription = 'Usage';
UPDATE bill_text SET billedcost = '$ 0', listcost = '35.0e-400', contractedcost = '1e99999', chargeperiodstart = '2026-02-29T00:00:00Z', billingperiodstart = '2025-12-31T19:00:00-05', tags = '{'
WHERE chargedescription = 'UsageUsed';
SELECT * FROM focus_check('bill_text', 'chargedescription') ORDER BY row_reference COLLATE "C", requirement COLLATE "C";

-- Columns that are missing, or declared as something else; rows of a table without a key, of its partitions, and of a view.
CREATE TABLE part ("BilledCost" boolean, "ChargePeriodStart" date, "ChargePeriodEnd" timestamp, "SubAccountId" bigint, "PricingCategory" text, "Tags" json, tags jsonb) PARTITION BY LIST ("SubAccountId");
CREATE TABLE part_1 PARTITION OF part FOR VALUES IN (1);
INSERT INTO part VALUES (true, '2026-01-01', '2026-01-01', 1, 'Committed', '{"a": 1, "a": 2}'), (NULL, NULL, '2026-01-01', 1, '', '{"a": {}}');
SELECT * FROM focus_check('part') WHERE detail NOT LIKE '%(required: is there)' ORDER BY requirement COLLATE "C", row_reference;
SELECT count(*) FROM focus_check('part') WHERE detail LIKE '%(required: is there)';
CREATE VIEW part_view AS SELECT * FROM part ORDER BY "BilledCost";
SELECT requirement, row_reference FROM focus_check('part_view') WHERE row_reference IS NOT NULL ORDER BY requirement COLLATE "C", row_reference;
CREATE TABLE " ""'; DROP TABLE part; --" ("BilledCost" numeric, " ""'; DROP TABLE part; --" text);
INSERT INTO " ""'; DROP TABLE part; --" VALUES (NULL, '''; DROP TABLE part; --');
SELECT * FROM focus_check('" ""''; DROP TABLE part; --"', ' "''; DROP TABLE part; --') WHERE row_reference IS NOT NULL;
SELECT count(*) FROM part;

-- Every rule that rows can decide finds something somewhere.
CREATE TABLE found AS SELECT DISTINCT r FROM breach, unnest(found) AS r;
INSERT INTO found SELECT requirement FROM focus_check('bill') UNION SELECT requirement FROM focus_check('bill_text') UNION SELECT requirement FROM focus_check('part');
-- no column, but those that show what a provider supports
CREATE TABLE bare_1 ("CommitmentDiscountStatus" text, "CapacityReservationId" text, "ConsumedUnit" text, "RegionName" text, "ResourceType" text, "SubAccountType" text, "SkuPriceId" text, "ListCost" numeric, "ContractedCost" numeric,
	"PricingCurrency" text, "PricingCurrencyContractedUnitPrice" numeric);
INSERT INTO bare_1 VALUES ('Used', 'x', 'x', 'x', 'x', 'x', 'x', 2, 1, 'TOKENS', 1);
CREATE TABLE bare_2 ("CommitmentDiscountId" text, "CapacityReservationStatus" text, "ConsumedQuantity" numeric, "RegionId" text, "ResourceId" text, "SubAccountId" text, "ListUnitPrice" numeric,
	"PricingCurrency" text, "PricingCurrencyListUnitPrice" numeric);
INSERT INTO bare_2 VALUES ('x', 'Used', 1, 'x', 'x', 'x', 1, 'TOKENS', 1);
CREATE TABLE bare_3 ("PricingCurrencyListUnitPrice" numeric);
INSERT INTO bare_3 VALUES (1);
-- types that do not do, texts that are blank or cannot be read, nulls
SELECT format('CREATE TABLE wrong (%s)', string_agg(format('%I point', focus_column), ', ')) FROM focus_column \gexec
SELECT format('CREATE TABLE unread (%s)', string_agg(format('%I text', focus_column), ', ')) FROM focus_column \gexec
INSERT INTO unread SELECT (jsonb_populate_record(NULL::unread, jsonb_object_agg(focus_column, x))).* FROM focus_column, (VALUES (' '), ('x')) AS v (x) GROUP BY x;
CREATE TABLE empty AS SELECT * FROM bill LIMIT 0;
INSERT INTO empty VALUES (NULL);
INSERT INTO empty SELECT (jsonb_populate_record(NULL::empty, jsonb_object_agg(focus_column, CASE focus_column WHEN 'ChargeCategory' THEN c.category ELSE CASE data_type WHEN 'Decimal' THEN d.value WHEN 'JSON' THEN '{}' WHEN 'Date/Time' THEN '2026-01-01' ELSE 'x' END END))).*
FROM focus_column, (VALUES ('Tax'), ('Purchase'), ('Adjustment'), ('Usage')) AS c (category), (VALUES ('NaN'), ('-1'), (NULL)) AS d (value) GROUP BY c.category, d.value;
INSERT INTO empty ("ChargeCategory", "CommitmentDiscountStatus", "CapacityReservationStatus", "RegionName", "SkuMeter", "SkuPriceDetails", "ResourceName", "SubAccountName", "PricingCategory", "AvailabilityZone", "BillingAccountType", "PricingQuantity", "PricingUnit", "CommitmentDiscountQuantity", "ConsumedUnit")
	VALUES ('Usage', 'Unused', 'Unused', 'x', 'x', '{}', 'x', 'x', 'Committed', 'x', 'x', NULL, 'x', NULL, 'x'), ('Usage', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1, NULL, 1, NULL);
INSERT INTO empty ("ChargeCategory", "CommitmentDiscountId", "CommitmentDiscountUnit", "ConsumedQuantity", "EffectiveCost", "PricingCurrencyEffectiveCost", "BilledCost", "ContractedCost", "ResourceId")
	VALUES ('Usage', 'd', 'Hours', 1, 3, 3, 0, 1, 'x'), ('Purchase', 'd', NULL, 1, 3, 3, 2, 1, 'x'), ('Credit', NULL, NULL, NULL, 0, 0, 2, 1, 'x');
INSERT INTO found SELECT requirement FROM focus_check('bare_1') UNION SELECT requirement FROM focus_check('bare_2') UNION SELECT requirement FROM focus_check('bare_3')
	UNION SELECT requirement FROM focus_check('wrong') UNION SELECT requirement FROM focus_check('unread') UNION SELECT requirement FROM focus_check('empty');
SELECT requirement, rule FROM focus_rule WHERE decided <> 'no' AND requirement NOT IN (SELECT r FROM found) ORDER BY requirement COLLATE "C";
SELECT count(DISTINCT r) FROM found;

-- In a parallel plan: what reads JSON from text starts a subtransaction for each, which no worker can.
CREATE TABLE export AS
SELECT i::text AS "x_ChargeId", '1.5' AS "BilledCost", CASE i % 1000 WHEN 0 THEN '{' ELSE format('{"k": "%s"}', i) END AS "Tags" FROM generate_series(1, 5000) AS i;
ANALYZE export;
SELECT count(*) FROM pg_settings, set_config(name, 'on', false) WHERE name IN ('force_parallel_mode', 'debug_parallel_query');
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SELECT requirement, row_reference FROM focus_check('export') WHERE row_reference IS NOT NULL ORDER BY row_reference COLLATE "C", requirement COLLATE "C";
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
SELECT count(*) FROM pg_settings, set_config(name, 'off', false) WHERE name IN ('force_parallel_mode', 'debug_parallel_query');

-- Another's relation needs no ledger; the view does.
SELECT * FROM focus_check();
SELECT * FROM focus_check('bill', 'nothing');
-- what stands in the names of a relation and its columns is no mark of a rule
CREATE TABLE "t{BilledCost}" ("BilledCost" text, "{Tags}" text);
INSERT INTO "t{BilledCost}" VALUES ('none', 'a{BilledCost}');
SELECT requirement, focus_column, row_reference FROM focus_check('"t{BilledCost}"', '{Tags}') WHERE focus_column = 'BilledCost';
DROP TABLE "t{BilledCost}";
