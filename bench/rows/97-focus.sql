-- focus_check() beside a count(*) for each column that must not be null: 20 of the 276 rules that it
-- checks, a scan each, the way a validator with a query for each rule goes about it.  The rows have all
-- 57 columns of FOCUS 1.2 and breach nothing.
-- @setup
SELECT format('CREATE TABLE bill (%s)', string_agg(format('%I %s', focus_column,
	CASE data_type WHEN 'Decimal' THEN 'numeric' WHEN 'Date/Time' THEN 'timestamptz' WHEN 'JSON' THEN 'jsonb' ELSE 'text' END), ', ' ORDER BY number)) FROM focus_column \gexec
INSERT INTO bill ("BillingAccountId", "BillingAccountName", "BillingAccountType", "BillingCurrency", "BillingPeriodStart", "BillingPeriodEnd", "ChargePeriodStart", "ChargePeriodEnd",
	"ChargeCategory", "ChargeDescription", "ChargeFrequency", "BilledCost", "EffectiveCost", "ListCost", "ContractedCost", "ListUnitPrice", "ContractedUnitPrice", "PricingQuantity", "PricingUnit", "PricingCategory",
	"PricingCurrency", "PricingCurrencyContractedUnitPrice", "PricingCurrencyListUnitPrice", "PricingCurrencyEffectiveCost", "ConsumedQuantity", "ConsumedUnit",
	"InvoiceId", "InvoiceIssuerName", "ProviderName", "PublisherName", "ServiceCategory", "ServiceSubcategory", "ServiceName", "RegionId", "RegionName", "SubAccountId", "SubAccountName", "SubAccountType",
	"SkuId", "SkuPriceId", "SkuMeter", "SkuPriceDetails", "ResourceId", "ResourceName", "ResourceType", "Tags")
SELECT 'payer-' || n % 100, 'Payer ' || n % 100, 'Payer', 'USD', '2026-03-01', '2026-04-01', timestamptz '2026-03-01' + n % 31 * interval '1 day', timestamptz '2026-03-02' + n % 31 * interval '1 day',
	'Usage', q || ' H100-Hours of nvidia/h100 in region ' || n % 8, 'Usage-Based', round(q * 2.13, 8), round(q * 2.13, 8), round(q * 2.5, 8), round(q * 2.13, 8), 2.5, 2.13, q, 'H100-Hours', 'Standard',
	'USD', 2.13, 2.5, round(q * 2.13, 8), q, 'H100-Hours',
	'invoice-' || n % 100, 'Issuer', 'Provider', 'Publisher', 'Compute', 'Other (Compute)', 'Accelerated Compute', 'region-' || n % 8, 'Region ' || n % 8, 'account-' || n % 1000, 'Account ' || n % 1000, 'Account',
	'h100-' || n % 8, 'h100-' || n % 8 || '-' || n % 40, 'Allocated time', '{"GpuCount": 1, "x_Accelerator": "nvidia/h100"}', 'vm-' || n, 'vm ' || n, 'vm', '{"team": "ops", "env": "prod"}'
FROM (SELECT n, round((random() * 1000)::numeric, 12) AS q FROM generate_series(1, {million}) AS n) AS g;
VACUUM (FREEZE, ANALYZE) bill;

-- @case focus-check: focus_check() of rows that breach nothing
-- @check it finds nothing
SELECT count(*) = 0 FROM focus_check('bill');
-- @run check
SELECT count(*) FROM focus_check('bill');
-- @run twenty counts
SELECT count(*) FROM bill WHERE "BilledCost" IS NULL
UNION ALL SELECT count(*) FROM bill WHERE "BillingAccountId" IS NULL
UNION ALL SELECT count(*) FROM bill WHERE "BillingCurrency" IS NULL
UNION ALL SELECT count(*) FROM bill WHERE "BillingPeriodEnd" IS NULL
UNION ALL SELECT count(*) FROM bill WHERE "BillingPeriodStart" IS NULL
UNION ALL SELECT count(*) FROM bill WHERE "ChargeCategory" IS NULL
UNION ALL SELECT count(*) FROM bill WHERE "ChargeFrequency" IS NULL
UNION ALL SELECT count(*) FROM bill WHERE "ChargePeriodEnd" IS NULL
UNION ALL SELECT count(*) FROM bill WHERE "ChargePeriodStart" IS NULL
UNION ALL SELECT count(*) FROM bill WHERE "ContractedCost" IS NULL
UNION ALL SELECT count(*) FROM bill WHERE "EffectiveCost" IS NULL
UNION ALL SELECT count(*) FROM bill WHERE "InvoiceIssuerName" IS NULL
UNION ALL SELECT count(*) FROM bill WHERE "ListCost" IS NULL
UNION ALL SELECT count(*) FROM bill WHERE "PricingCurrency" IS NULL
UNION ALL SELECT count(*) FROM bill WHERE "PricingCurrencyEffectiveCost" IS NULL
UNION ALL SELECT count(*) FROM bill WHERE "ProviderName" IS NULL
UNION ALL SELECT count(*) FROM bill WHERE "PublisherName" IS NULL
UNION ALL SELECT count(*) FROM bill WHERE "ServiceCategory" IS NULL
UNION ALL SELECT count(*) FROM bill WHERE "ServiceName" IS NULL
UNION ALL SELECT count(*) FROM bill WHERE "ServiceSubcategory" IS NULL;
-- @ratio check / twenty counts; 276 rules against 20
-- @speed check per {million}
