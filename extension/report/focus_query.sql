-- The columns of FOCUS 1.2 over c, which has columns of table charge, and tags: what view focus_1_2 and focus_rated() have in
-- common.
-- OFFSET 0 keeps what several columns need from being computed for each of them.
-- A charge becomes one row, or:
-- a row for each tier that it reaches, and one for each fee of a tier, so that each has one unit price;
-- for what was committed to, a row for the purchase, which is billed, and one for its use (or for
-- what was left unused), to which the cost belongs.
-- What rounding adds or takes is an adjustment, of no quantity, price or place.
SELECT
	CASE WHEN place.level = 'site' THEN where_.name END AS "AvailabilityZone",
	CASE WHEN part.role IN ('used', 'unused') THEN 0 ELSE part.cost END AS "BilledCost",
	c.payer::text AS "BillingAccountId",
	coalesce(payer_version.title, payer.name) AS "BillingAccountName",
	'Payer'::text AS "BillingAccountType",
	c.currency AS "BillingCurrency",
	b.ends_at AS "BillingPeriodEnd",
	b.starts_at AS "BillingPeriodStart",
	CASE WHEN c.kind IN ('reservation used', 'reservation unused') AND part.role IN ('plain', 'tier') THEN c.reservation::text END AS "CapacityReservationId",
	CASE WHEN part.role IN ('plain', 'tier') THEN CASE c.kind WHEN 'reservation used' THEN 'Used' WHEN 'reservation unused' THEN 'Unused' END END AS "CapacityReservationStatus",
	CASE WHEN part.role IN ('purchase', 'fee') THEN 'Purchase' WHEN part.role = 'adjustment' THEN 'Adjustment' ELSE 'Usage' END AS "ChargeCategory",
	CASE WHEN c.corrects IS NOT NULL THEN 'Correction' END AS "ChargeClass",
	CASE WHEN part.role = 'adjustment' THEN CASE c.kind WHEN 'payable' THEN 'Rounding to what is payable' ELSE 'Rounding of the period''s charges' END
		ELSE concat_ws(' ', CASE part.role WHEN 'purchase' THEN 'Commitment:' WHEN 'used' THEN 'Use of commitment:' WHEN 'unused' THEN 'Unused commitment:' WHEN 'fee' THEN 'Fee of tier ' || part.tier || ':' END,
		CASE WHEN part.role IN ('plain', 'tier') THEN CASE c.kind WHEN 'reservation used' THEN 'Use of reservation ' || c.reservation || ':' WHEN 'reservation unused' THEN 'Unused reservation ' || c.reservation || ':' END END,
		trim_scale(part.quantity)::text, CASE WHEN unit.pricing LIKE '% %' THEN 'x' END, unit.pricing, 'of', coalesce(c.accelerator::text, 'any accelerator'), 'in ' || where_.name, CASE WHEN part.tier = 0 THEN '(free)' WHEN part.role = 'tier' THEN '(tier ' || part.tier || ')' END,
		'at ' || trim_scale(part.unit_price) || ' ' || c.currency) END AS "ChargeDescription",
	CASE WHEN part.role IN ('purchase', 'fee') THEN 'Recurring' WHEN part.role = 'adjustment' THEN 'One-Time' ELSE 'Usage-Based' END AS "ChargeFrequency",
	upper(c.period) AS "ChargePeriodEnd",
	lower(c.period) AS "ChargePeriodStart",
	CASE WHEN part.commitment IS NOT NULL THEN CASE c.kind WHEN 'commitment' THEN 'Spend' ELSE 'Usage' END END AS "CommitmentDiscountCategory",
	part.commitment AS "CommitmentDiscountId",
	CASE WHEN part.commitment IS NOT NULL THEN x.title END AS "CommitmentDiscountName",
	CASE WHEN part.commitment IS NOT NULL THEN part.quantity END AS "CommitmentDiscountQuantity",
	CASE part.role WHEN 'used' THEN 'Used' WHEN 'unused' THEN 'Unused' END AS "CommitmentDiscountStatus",
	CASE WHEN part.commitment IS NOT NULL THEN CASE c.kind WHEN 'commitment' THEN 'Minimum Commitment' ELSE 'Committed Capacity' END END AS "CommitmentDiscountType",
	CASE WHEN part.commitment IS NOT NULL THEN unit.commitment END AS "CommitmentDiscountUnit",
	CASE WHEN part.role IN ('plain', 'tier', 'used') THEN part.consumed END AS "ConsumedQuantity",
	CASE WHEN part.role IN ('plain', 'tier', 'used') AND part.consumed IS NOT NULL THEN unit.consumed END AS "ConsumedUnit",
	part.contracted_cost AS "ContractedCost",
	part.unit_price AS "ContractedUnitPrice",
	CASE WHEN part.role = 'purchase' THEN 0 ELSE part.cost END AS "EffectiveCost",
	part.invoice AS "InvoiceId",
	issuer.invoice_issuer AS "InvoiceIssuerName",
	part.list_cost AS "ListCost",
	part.list_unit_price AS "ListUnitPrice",
	CASE WHEN part.role = 'adjustment' THEN NULL WHEN part.role IN ('used', 'unused') THEN 'Committed' WHEN lower(x.title) = 'spot' THEN 'Dynamic' ELSE 'Standard' END AS "PricingCategory",
	c.currency AS "PricingCurrency",
	part.unit_price AS "PricingCurrencyContractedUnitPrice",
	CASE WHEN part.role = 'purchase' THEN 0 ELSE part.cost END AS "PricingCurrencyEffectiveCost",
	part.list_unit_price AS "PricingCurrencyListUnitPrice",
	part.quantity AS "PricingQuantity",
	CASE WHEN part.quantity IS NOT NULL THEN unit.pricing END AS "PricingUnit",
	coalesce(issuer.provider, issuer.invoice_issuer) AS "ProviderName",
	coalesce(issuer.publisher, issuer.provider, issuer.invoice_issuer) AS "PublisherName",
	CASE WHEN place.level = 'site' THEN coalesce(above.name, where_.name) ELSE where_.name END AS "RegionId",
	CASE WHEN place.level = 'site' THEN coalesce(above_place.title, above.name, place.title, where_.name) ELSE coalesce(place.title, where_.name) END AS "RegionName",
	CASE WHEN part.role IN ('purchase', 'unused') THEN part.commitment END AS "ResourceId",
	CASE WHEN part.role IN ('purchase', 'unused') THEN x.title END AS "ResourceName",
	CASE WHEN part.role IN ('purchase', 'unused') THEN 'Commitment' END AS "ResourceType",
	'Compute'::text AS "ServiceCategory",
	'Accelerated Compute'::text AS "ServiceName",
	'Other (Compute)'::text AS "ServiceSubcategory",
	sku.id AS "SkuId",
	sku.meter AS "SkuMeter",
	CASE WHEN part.role <> 'adjustment' THEN jsonb_strip_nulls(jsonb_build_object('GpuCount', CASE WHEN c.unit = 'device-hour' AND strpos(c.accelerator::text, ':') = 0 THEN 1 END,
		'x_Accelerator', c.accelerator::text, 'x_Measure', c.measure, 'x_NumberFormat', c.number_format, 'x_Tier', CASE WHEN part.role IN ('tier', 'fee') THEN part.tier END)) END AS "SkuPriceDetails",
	CASE WHEN part.role <> 'adjustment' THEN concat(sku.id, '#', c.price, CASE WHEN part.role IN ('tier', 'fee') THEN '.' || part.tier END, CASE WHEN part.role = 'fee' THEN '/fee' WHEN part.commitment IS NOT NULL THEN '/commitment' END) END AS "SkuPriceId",
	CASE WHEN c.account <> c.payer THEN c.account::text END AS "SubAccountId",
	CASE WHEN c.account <> c.payer THEN coalesce(account_version.title, account.name, c.account::text) END AS "SubAccountName",
	CASE WHEN c.account <> c.payer THEN 'Account' END AS "SubAccountType",
	c.tags AS "Tags",
	concat(part.charge, CASE WHEN part.role IN ('tier', 'fee') THEN '.' || part.tier END, CASE WHEN part.role IN ('purchase', 'fee') THEN '/' || part.role END) AS "x_ChargeId",
	c.kind AS "x_Kind",
	account.name AS "x_Account",
	c.day AS "x_Day",
	c.accelerator AS "x_Accelerator",
	c.number_format AS "x_NumberFormat",
	c.measure AS "x_Measure",
	c.price AS "x_Price",
	c.list_price AS "x_ListPrice",
	basis.name AS "x_Basis",
	c.rate AS "x_Rate",
	CASE WHEN part.first THEN c.work END AS "x_Work",
	CASE WHEN part.first THEN c.records END AS "x_Records",
	c.corrects AS "x_CorrectsBillingPeriod",
	c.reservation AS "x_Reservation"
FROM c
JOIN compute_ledger.currency AS money ON money.code = c.currency
JOIN compute_ledger.billing_period AS b ON b.id = c.billing_period
CROSS JOIN compute_ledger.focus_issuer AS issuer
LEFT JOIN compute_ledger.account AS account ON account.id = c.account
LEFT JOIN compute_ledger.account_version AS account_version
	ON account_version.account = c.account AND account_version.recorded @> c.as_of AND account_version.valid @> lower(c.period)
LEFT JOIN compute_ledger.account AS payer ON payer.id = c.payer
LEFT JOIN compute_ledger.account_version AS payer_version
	ON payer_version.account = c.payer AND payer_version.recorded @> c.as_of AND payer_version.valid @> lower(c.period)
LEFT JOIN compute_ledger.region AS where_ ON where_.id = c.region
LEFT JOIN compute_ledger.region_version AS place
	ON place.region = c.region AND place.recorded @> c.as_of AND place.valid @> lower(c.period)
LEFT JOIN compute_ledger.region AS above ON above.id = place.parent
LEFT JOIN compute_ledger.region_version AS above_place
	ON above_place.region = place.parent AND above_place.recorded @> c.as_of AND above_place.valid @> lower(c.period)
LEFT JOIN compute_ledger.price AS x ON x.id = c.price
LEFT JOIN compute_ledger.basis AS basis ON basis.code = c.basis AND basis.shipped = (c.basis < 1000)
CROSS JOIN LATERAL (SELECT compute_ledger._focus_unit(c.unit, c.accelerator) AS name OFFSET 0) AS n
CROSS JOIN LATERAL (
	-- everything of the charge, in what no tier or commitment divides
	SELECT 'plain' AS role, NULL::integer AS tier, coalesce(c.quantity, 1) AS quantity, coalesce(c.quantity, 1) AS consumed, c.cost, c.unit_price, c.list_cost, c.list_unit_price, true AS first
	WHERE c.kind NOT IN ('commitment', 'reserved used', 'reserved unused', 'rounding', 'payable') AND (c.tiers IS NULL OR c.corrects IS NOT NULL)
	UNION ALL
	SELECT r.role, NULL, CASE c.kind WHEN 'commitment' THEN c.cost ELSE c.quantity END, c.quantity, c.cost, CASE c.kind WHEN 'commitment' THEN 1 ELSE c.unit_price END,
		c.list_cost, c.list_unit_price, r.role <> 'purchase'
	FROM (VALUES ('purchase'), (CASE c.kind WHEN 'reserved used' THEN 'used' ELSE 'unused' END)) AS r (role)
	WHERE c.kind IN ('commitment', 'reserved used', 'reserved unused')
	UNION ALL
	SELECT 'adjustment', NULL, NULL, NULL, c.cost, NULL, c.cost, NULL, true
	WHERE c.kind IN ('rounding', 'payable')
	UNION ALL
	-- parts of the list cost are differences of rounded running totals, so that they add up
	SELECT 'tier', t.tier, coalesce(t.packages, t.quantity), t.quantity, t.cost - coalesce(round(t.fee, money.ledger_scale), 0), CASE WHEN t.packages IS NULL THEN t.unit_price ELSE x.price END,
		compute_ledger._round_ratio(c.list_cost * t.until, nullif(c.quantity, 0), money.ledger_scale)
			- compute_ledger._round_ratio(c.list_cost * (t.until - t.quantity), nullif(c.quantity, 0), money.ledger_scale),
		CASE WHEN t.packages IS NULL THEN c.list_unit_price END, t.n = 1
	FROM (SELECT *, sum(t.quantity) OVER w AS until, row_number() OVER w AS n
		FROM jsonb_to_recordset(c.tiers) AS t (tier integer, quantity numeric, unit_price numeric, packages numeric, fee numeric, cost numeric)
		WINDOW w AS (ORDER BY t.tier ROWS UNBOUNDED PRECEDING)) AS t
	-- what a commitment shows there is what its minimum is short of
	WHERE c.corrects IS NULL AND c.kind <> 'commitment'
	UNION ALL
	-- list prices have no fee that it could be compared with
	SELECT 'fee', t.tier, 1, NULL, round(t.fee, money.ledger_scale), t.fee, CASE WHEN c.list_cost IS NOT NULL THEN 0 END, CASE WHEN c.list_cost IS NOT NULL THEN 0 END, false
	FROM jsonb_to_recordset(c.tiers) AS t (tier integer, fee numeric)
	WHERE c.corrects IS NULL AND t.fee <> 0
) AS u
CROSS JOIN LATERAL (
	-- the average where there is no one price; nothing is below zero but a quantity
	SELECT CASE WHEN u.unit_price IS NOT NULL THEN u.unit_price WHEN u.quantity = 0 AND u.cost = 0 THEN 0
			WHEN u.quantity <> 0 AND u.cost / u.quantity >= 0 AND c.corrects IS NULL THEN round(u.cost / u.quantity, 30) END AS unit_price,
		-- a list price in another currency gives no list cost
		CASE WHEN u.list_cost IS NULL THEN NULL WHEN u.list_unit_price IS NOT NULL THEN u.list_unit_price
			WHEN u.quantity <> 0 AND u.list_cost / u.quantity >= 0 AND c.corrects IS NULL THEN round(u.list_cost / u.quantity, 30) END AS list_unit_price
	OFFSET 0
) AS p
CROSS JOIN LATERAL (
	SELECT u.role, u.tier, u.first, u.quantity, u.consumed, c.id AS charge, c.close || '-' || c.currency AS invoice,
		CASE WHEN c.kind = 'commitment' THEN 'minimum-' || c.price WHEN c.kind IN ('reserved used', 'reserved unused') THEN 'capacity-' || c.price END AS commitment,
		p.unit_price, u.cost,
		-- 12 decimals of an instance-month are too few for its price: the last digits of these costs come from the quantity
		CASE WHEN c.unit = 'instance-month' AND c.corrects IS NULL AND u.role <> 'adjustment' THEN compute_ledger._round_ratio(p.unit_price * u.quantity, 1, money.ledger_scale) ELSE u.cost END AS contracted_cost,
		-- without a list price, what was agreed is all that there is
		CASE WHEN p.list_unit_price IS NULL THEN p.unit_price ELSE p.list_unit_price END AS list_unit_price,
		CASE WHEN c.unit = 'instance-month' AND c.corrects IS NULL AND u.role <> 'adjustment' THEN compute_ledger._round_ratio(coalesce(p.list_unit_price, p.unit_price) * u.quantity, 1, money.ledger_scale)
			WHEN u.list_cost IS NOT NULL AND (p.list_unit_price IS NOT NULL OR c.corrects IS NOT NULL) THEN u.list_cost ELSE u.cost END AS list_cost
) AS part
CROSS JOIN LATERAL (
	SELECT n.name AS consumed,
		CASE WHEN part.role = 'fee' THEN 'Fees' WHEN c.kind = 'commitment' THEN c.currency
			WHEN x.model = 'package' AND part.role = 'tier' THEN trim_scale(x.package_size) || ' ' || n.name
			ELSE n.name END AS pricing,
		CASE c.kind WHEN 'commitment' THEN c.currency ELSE n.name END AS commitment
) AS unit
CROSS JOIN LATERAL (
	SELECT CASE WHEN part.role = 'adjustment' THEN NULL WHEN c.kind = 'commitment' THEN 'commitment' ELSE concat_ws('|', coalesce(c.accelerator::text, 'any'), where_.name, c.measure, c.number_format) END AS id,
		CASE WHEN part.role = 'adjustment' THEN NULL WHEN c.kind = 'commitment' THEN 'Shortfall of spend' ELSE initcap(c.measure) || CASE
			WHEN c.unit IN ('device-hour', 'slice-hour', 'instance-month') THEN ' time' WHEN c.unit IN ('peak-device', 'percentile-device') THEN ' devices' ELSE ' work' END END AS meter
) AS sku
WHERE c.book = 'sale' AND c.cost IS NOT NULL
