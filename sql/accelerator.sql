-- The type accelerator: text, parts, order, containment, operator classes.
SET search_path = public, compute_ledger;
\pset null '(null)'

-- Text in, canonical text out.
SELECT x AS input, x::accelerator AS output, x::accelerator::text::accelerator = x::accelerator AS round_trip
FROM unnest(ARRAY[
	'any', 'nvidia', 'nvidia/h100', 'nvidia/h100-sxm', 'nvidia/h100-sxm5-80gb', 'nvidia/a100-pcie-40gb:1g.5gb',
	'nvidia/a100-80gb', 'google/tpu-v5p', 'huawei/ascend-910b3-64gb', 'biren/br100', 'pci1234/x.1+',
	'NVIDIA/H100-SXM5-80GB', 'pci10de/h100', 'PCI1DA3/gaudi2', 'habana/gaudi2', 'amazon/trainium2', 'T-Head/ppu',
	'amd/mi300x-oam-192gb', 'nvidia/rtx-4090-laptop', 'nvidia/gb200-nvl72-192gb', 'nvidia/a-pcie-b', 'nvidia/80gb-x',
	'nvidia/h100:1g.10gb+me', 'nvidia/b:1g.24gb+gfx+me.all', 'nvidia/b:2g.48gb-me',
	'nvidia/h100~', 'any~', 'nvidia/a100-80gb~', 'nvidia/h100-sxm~', 'nvidia/h100-sxm5-80gb:1g.10gb~',
	'nvidia/abcdefghijkl-maxq-65534gb:14g.65534gb+me.all+gfx'
]) AS x;

-- What cannot be read: every reason once.
CREATE FUNCTION refusal(q text, OUT code text, OUT message text, OUT detail text, OUT hint text)
LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE q;
	message := 'accepted';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
END
$$;
SELECT r.code, r.message, r.detail
FROM unnest(ARRAY[
	'', ' nvidia', '/h100', 'nvida/h100', 'pci10dg/x', 'pci0000', 'pciffff', 'pcifc99/x', 'any/h100', 'nvidia/',
	'nvidia/abcdefghijklm', 'nvidia/h 100', 'nvidia/h100~x', 'nvidia~/h100', 'nvidia/h100-', 'nvidia/-h100', 'nvidia/.5',
	'nvidia/sxm5', 'nvidia/80gb', 'nvidia/h100-80gb-sxm5', 'nvidia/h100-80gb-80gb', 'nvidia/h100-sxm5-sxm5',
	'nvidia/h100-0gb', 'nvidia/h100-080gb', 'nvidia/h100-65535gb', 'nvidia/h100:', 'nvidia/h100:1g', 'nvidia/h100:1g.10g',
	'nvidia/h100:0g.10gb', 'nvidia/h100:15g.10gb', 'nvidia/h100:1g.0gb', 'nvidia/h100:1g.10gb+', 'nvidia/h100:1g.10gb+me+me',
	'nvidia/h100:1g.10gb+me-me', 'nvidia/h100:1g.10gb+x', 'nvidia:1g.10gb'
]) AS x, refusal(pg_catalog.format('SELECT %L::accelerator', x)) AS r;
SELECT x, r.hint
FROM unnest(ARRAY['nvida/h100', 'nvidia/abcdefghijklm', 'nvidia/']) AS x, refusal(pg_catalog.format('SELECT %L::accelerator', x)) AS r;
SELECT (refusal(pg_catalog.format('SELECT %L::accelerator', 'nvidia/' || repeat('x', 100000)))).detail;
SELECT octet_length((refusal(pg_catalog.format('SELECT %L::accelerator', repeat('é', 100000)))).message) < 600 AS clipped;

-- Parts.
SELECT x AS a, vendor(x), to_hex(vendor_id(x)) AS id, model(x), form_factor(x) AS form, memory_gb(x) AS gb,
	mig_profile(x) AS mig, mig_slices(x) AS slices, mig_memory_gb(x) AS mig_gb, specificity(x)
FROM unnest(ARRAY['any', 'nvidia', 'pci1234', 'nvidia/h100', 'nvidia/h100-sxm', 'nvidia/h100-sxm5', 'nvidia/h100-80gb', 'nvidia/h100-sxm-80gb',
	'nvidia/h100-pcie-80gb', 'nvidia/h100-sxm5-80gb:2g.20gb+me', 'nvidia/h100:1g.10gb', 'nvidia/h100~']::accelerator[]) AS x;
SELECT part, accelerator_trunc(part, 'nvidia/a100-sxm4-80gb:1g.10gb+me')
FROM unnest(ARRAY['any', 'vendor', 'model', 'form_factor', 'memory', 'MIG']) AS part;
SELECT accelerator_trunc('chip', 'nvidia');
SELECT make_accelerator(NULL), make_accelerator('NVIDIA'), make_accelerator('nvidia', 'H100', 'SXM5', 80, '1g.10gb+ME'),
	make_accelerator('nvidia', 'a100', memory_gb => 80), make_accelerator('pci8086', 'max-1550', 'oam');
SELECT r.code, r.message, r.detail
FROM unnest(ARRAY[
	$$'nvida'$$, $$'nvidia', ''$$, $$'nvidia', 'abcdefghijklm'$$, $$'nvidia', 'h_100'$$, $$'nvidia', 'h100-80gb'$$, $$'nvidia', 'h100', 'sxm1'$$,
	$$'nvidia', 'h100', NULL, 0$$, $$'nvidia', 'h100', NULL, 65535$$, $$'nvidia', 'h100', NULL, NULL, '1g'$$,
	$$NULL, 'h100'$$, $$'nvidia', NULL, 'sxm5'$$
]) AS x, refusal(pg_catalog.format('SELECT make_accelerator(%s)', x)) AS r;
SELECT vendor, vendor_id, aliases FROM accelerator_vendors() WHERE vendor IN ('nvidia', 'amd', 'huawei', 'aws', 'intel', 'cerebras') ORDER BY vendor COLLATE "C";
SELECT count(*) AS makers,
	count(*) FILTER (WHERE make_accelerator(vendor)::text = vendor AND make_accelerator('pci' || vendor_id) = make_accelerator(vendor)) AS by_id,
	count(DISTINCT vendor_id) AS ids, bool_and(vendor COLLATE "C" > lag OR lag IS NULL) AS ordered
FROM (SELECT *, lag(vendor) OVER () FROM accelerator_vendors()) AS v;
SELECT count(*) AS aliases, bool_and(make_accelerator(trim(a)) = make_accelerator(vendor)) AS read_as
FROM accelerator_vendors(), regexp_split_to_table(aliases, ',') AS a;
SELECT string_agg(form_factor, ' ') AS words,
	bool_and(form_factor(make_accelerator('nvidia', 'x', form_factor)) = form_factor) AS round_trip
FROM accelerator_form_factors();

-- Order: by vendor id, then model, form factor, memory, slice; a part not stated first.
SELECT a FROM unnest(ARRAY['nvidia/h100-sxm5-80gb', 'nvidia/h100', 'google/tpu-v5p', 'nvidia', 'nvidia/h100-sxm', 'amd/mi300x', 'any~', 'nvidia~',
	'nvidia/h100-sxm5-80gb:1g.10gb', 'nvidia/h100-pcie-80gb', 'nvidia/h100-80gb', 'nvidia/h100-nvl-94gb', 'nvidia/h200', 'any', 'nvidia/h100~']::accelerator[]) AS a
ORDER BY a;
SELECT 'nvidia/a100'::accelerator < 'nvidia/h100', 'nvidia/a100'::accelerator <= 'nvidia/a100', 'nvidia/a100'::accelerator = 'nvidia/a100',
	'nvidia/a100'::accelerator <> 'nvidia/a100', 'nvidia/a100'::accelerator >= 'nvidia/h100', 'nvidia/a100'::accelerator > 'amd/mi100';
SELECT min(a), max(a) FROM unnest(ARRAY['nvidia/t4', 'amd/mi250x', NULL, 'nvidia/a10']::accelerator[]) AS a;
SELECT accelerator_send('nvidia/h100-sxm5-80gb:1g.10gb+me'), accelerator_send('any'), accelerator_send('any~');

-- Containment.  A whole device contains its slices.
SELECT class, string_agg(a::text, ' ' ORDER BY a) AS contains
FROM unnest(ARRAY['any', 'nvidia', 'nvidia/h100', 'nvidia/h100-sxm', 'nvidia/h100-80gb', 'nvidia/h100-sxm5-80gb', 'nvidia/h100-sxm5-80gb:1g.10gb', 'nvidia/h100:1g.10gb']::accelerator[]) AS class
LEFT JOIN unnest(ARRAY['amd/mi300x', 'nvidia/h100', 'nvidia/h100-sxm5-80gb', 'nvidia/h100-pcie-80gb', 'nvidia/h100-sxm5-80gb:1g.10gb', 'nvidia/h100-sxm5-80gb:1g.10gb+me']::accelerator[]) AS a
	ON class @> a
GROUP BY class ORDER BY class;
SELECT 'nvidia/a100-80gb'::accelerator && 'nvidia/a100-sxm4' AS may_be_both, 'nvidia/a100-80gb'::accelerator && 'nvidia/a100-40gb' AS may_not,
	'nvidia'::accelerator && 'any' AS any, 'nvidia'::accelerator <@ 'nvidia/h100' AS wider;
-- The end of a class bounds it, and nothing else.
SELECT count(*) AS pairs, bool_and((a BETWEEN c AND class_max(c)) >= (a <@ c)) AS bounds, count(*) FILTER (WHERE a <@ c) AS inside
FROM unnest(ARRAY['any', 'nvidia', 'nvidia/h100', 'nvidia/h100-sxm', 'nvidia/h100-80gb', 'nvidia/h100:1g.10gb']::accelerator[]) AS c,
	unnest(ARRAY['amd/mi300x', 'nvidia', 'nvidia/h100', 'nvidia/h100-sxm4', 'nvidia/h100-sxm5-80gb', 'nvidia/h100-pcie-80gb:1g.10gb', 'nvidia/h100+', 'nvidia/h1000']::accelerator[]) AS a;

-- Operator classes.
SELECT amname, opcname, opcdefault, amvalidate(c.oid)
FROM pg_opclass AS c JOIN pg_am AS a ON a.oid = opcmethod
WHERE opcintype = 'accelerator'::regtype
ORDER BY amname COLLATE "C", opcname COLLATE "C";

-- The most specific of the classes that contain a chip; they never tie.
CREATE TABLE price (class accelerator, valid daterange, price numeric,
	EXCLUDE USING gist (class WITH =, valid WITH &&));
INSERT INTO price VALUES ('any', '[2026-01-01,)', 1), ('nvidia', '[2026-01-01,)', 2), ('nvidia/h100', '[2026-01-01,2026-07-01)', 3),
	('nvidia/h100-sxm', '[2026-01-01,)', 4), ('nvidia/h100-80gb', '[2026-01-01,)', 5), ('nvidia/h100:1g.10gb', '[2026-01-01,)', 6);
INSERT INTO price VALUES ('nvidia/h100', '[2026-06-30,2026-12-31)', 3);
INSERT INTO price VALUES ('nvidia/h100', '[2026-07-01,2026-12-31)', 3.5);
SELECT a, p.class, p.price
FROM unnest(ARRAY['amd/mi300x', 'nvidia/t4', 'nvidia/h100-nvl-94gb', 'nvidia/h100-sxm5', 'nvidia/h100-sxm5-80gb', 'nvidia/h100-sxm5-80gb:1g.10gb']::accelerator[]) AS a
CROSS JOIN LATERAL (SELECT class, price FROM price WHERE class @> a AND valid @> date '2026-08-01' ORDER BY specificity(class) DESC LIMIT 1) AS p
ORDER BY a;
SELECT count(*) AS ties
FROM price AS p JOIN price AS q ON p.class < q.class AND specificity(p.class) = specificity(q.class),
	unnest(ARRAY['nvidia/h100-sxm5-80gb:1g.10gb']::accelerator[]) AS a
WHERE p.class @> a AND q.class @> a;

-- Hash: aggregation, join, partitions.
CREATE TABLE use (accelerator accelerator NOT NULL, n int) PARTITION BY HASH (accelerator);
CREATE TABLE use_0 PARTITION OF use FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE use_1 PARTITION OF use FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO use SELECT ('nvidia/m' || g % 50)::accelerator, g FROM generate_series(1, 1000) AS g;
SELECT count(*) AS groups, sum(n) FROM (SELECT accelerator, count(*) AS n FROM use GROUP BY 1) AS s;
SELECT count(*) > 0 AND count(*) < 1000 AS split FROM use_0;
SELECT count(*) FROM use AS a JOIN use AS b USING (accelerator, n);

-- A domain and an array over it.
CREATE DOMAIN gpu AS accelerator CHECK (VALUE <@ 'nvidia');
SELECT 'nvidia/t4'::gpu;
SELECT 'amd/mi100'::gpu;
SELECT ARRAY['nvidia/t4', NULL]::accelerator[], 'nvidia/t4' = ANY ('{nvidia/t4,amd/mi100}'::accelerator[]);

DROP TABLE price, use;
DROP DOMAIN gpu;
DROP FUNCTION refusal;
