-- accelerator: which chip, or class of chips, is meant, in 16 bytes.

CREATE TYPE accelerator;

CREATE FUNCTION accelerator_in(cstring) RETURNS accelerator
	AS 'MODULE_PATHNAME' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION accelerator_in(cstring) IS 'I/O';

CREATE FUNCTION accelerator_out(accelerator) RETURNS cstring
	AS 'MODULE_PATHNAME' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION accelerator_out(accelerator) IS 'I/O';

CREATE FUNCTION accelerator_recv(internal) RETURNS accelerator
	AS 'MODULE_PATHNAME' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION accelerator_recv(internal) IS 'I/O';

CREATE FUNCTION accelerator_send(accelerator) RETURNS bytea
	AS 'MODULE_PATHNAME' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION accelerator_send(accelerator) IS 'I/O; the 16 bytes of the value, in the order of the type';

CREATE FUNCTION accelerator_typanalyze(internal) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE c STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION accelerator_typanalyze(internal) IS
'statistics of accelerator columns: the standard ones, with four times the default target';

CREATE TYPE accelerator (
	INPUT = accelerator_in,
	OUTPUT = accelerator_out,
	RECEIVE = accelerator_recv,
	SEND = accelerator_send,
	ANALYZE = accelerator_typanalyze,
	INTERNALLENGTH = 16,
	ALIGNMENT = char,
	STORAGE = plain
);
COMMENT ON TYPE accelerator IS
'Which accelerator, or class of accelerators, is meant: vendor/model[-form][-<n>gb][:<slices>g.<n>gb], e.g. nvidia/h100-sxm5-80gb, nvidia/a100-pcie-40gb:1g.5gb, nvidia/h100, nvidia, any. A value that leaves parts out is the class of all that state them. 22P02 for bad text, 22P03 for bad binary.';

-- Comparison

CREATE FUNCTION accelerator_eq(accelerator, accelerator) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION accelerator_eq(accelerator, accelerator) IS 'implementation of = operator';

CREATE FUNCTION accelerator_ne(accelerator, accelerator) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION accelerator_ne(accelerator, accelerator) IS 'implementation of <> operator';

CREATE FUNCTION accelerator_lt(accelerator, accelerator) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION accelerator_lt(accelerator, accelerator) IS 'implementation of < operator';

CREATE FUNCTION accelerator_le(accelerator, accelerator) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION accelerator_le(accelerator, accelerator) IS 'implementation of <= operator';

CREATE FUNCTION accelerator_gt(accelerator, accelerator) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION accelerator_gt(accelerator, accelerator) IS 'implementation of > operator';

CREATE FUNCTION accelerator_ge(accelerator, accelerator) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION accelerator_ge(accelerator, accelerator) IS 'implementation of >= operator';

CREATE FUNCTION accelerator_cmp(accelerator, accelerator) RETURNS integer
	AS 'MODULE_PATHNAME' LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION accelerator_cmp(accelerator, accelerator) IS 'less, equal or greater: negative, 0 or positive; NULL gives NULL';

CREATE OPERATOR = (
	FUNCTION = accelerator_eq, LEFTARG = accelerator, RIGHTARG = accelerator,
	COMMUTATOR = =, NEGATOR = <>, RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES
);
COMMENT ON OPERATOR = (accelerator, accelerator) IS 'equal: the same parts are stated, and are the same';

CREATE OPERATOR <> (
	FUNCTION = accelerator_ne, LEFTARG = accelerator, RIGHTARG = accelerator,
	COMMUTATOR = <>, NEGATOR = =, RESTRICT = neqsel, JOIN = neqjoinsel
);
COMMENT ON OPERATOR <> (accelerator, accelerator) IS 'not equal';

CREATE OPERATOR < (
	FUNCTION = accelerator_lt, LEFTARG = accelerator, RIGHTARG = accelerator,
	COMMUTATOR = >, NEGATOR = >=, RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR < (accelerator, accelerator) IS 'less than: by PCI vendor id, model, form factor, memory and MIG slice, a part not stated first';

CREATE OPERATOR <= (
	FUNCTION = accelerator_le, LEFTARG = accelerator, RIGHTARG = accelerator,
	COMMUTATOR = >=, NEGATOR = >, RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR <= (accelerator, accelerator) IS 'less than or equal';

CREATE OPERATOR > (
	FUNCTION = accelerator_gt, LEFTARG = accelerator, RIGHTARG = accelerator,
	COMMUTATOR = <, NEGATOR = <=, RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR > (accelerator, accelerator) IS 'greater than';

CREATE OPERATOR >= (
	FUNCTION = accelerator_ge, LEFTARG = accelerator, RIGHTARG = accelerator,
	COMMUTATOR = <=, NEGATOR = <, RESTRICT = scalargesel, JOIN = scalargejoinsel
);
COMMENT ON OPERATOR >= (accelerator, accelerator) IS 'greater than or equal';

-- Containment

CREATE FUNCTION accelerator_contained_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION accelerator_contained_support(internal) IS 'planner support: an index condition for accelerator <@ class';

CREATE FUNCTION accelerator_contains_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION accelerator_contains_support(internal) IS 'planner support: an index condition for class @> accelerator';

CREATE FUNCTION accelerator_contained(accelerator, accelerator) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
	SUPPORT accelerator_contained_support;
COMMENT ON FUNCTION accelerator_contained(accelerator, accelerator) IS 'implementation of <@ operator';

CREATE FUNCTION accelerator_contains(accelerator, accelerator) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
	SUPPORT accelerator_contains_support;
COMMENT ON FUNCTION accelerator_contains(accelerator, accelerator) IS 'implementation of @> operator';

CREATE FUNCTION accelerator_overlaps(accelerator, accelerator) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION accelerator_overlaps(accelerator, accelerator) IS 'implementation of && operator';

CREATE FUNCTION accelerator_contained_sel(internal, oid, internal, integer) RETURNS double precision
	AS 'MODULE_PATHNAME' LANGUAGE c STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION accelerator_contained_sel(internal, oid, internal, integer) IS 'restriction selectivity of <@ over accelerators';

CREATE FUNCTION accelerator_contains_sel(internal, oid, internal, integer) RETURNS double precision
	AS 'MODULE_PATHNAME' LANGUAGE c STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION accelerator_contains_sel(internal, oid, internal, integer) IS 'restriction selectivity of @> over accelerators';

CREATE FUNCTION accelerator_overlaps_sel(internal, oid, internal, integer) RETURNS double precision
	AS 'MODULE_PATHNAME' LANGUAGE c STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION accelerator_overlaps_sel(internal, oid, internal, integer) IS 'restriction selectivity of && over accelerators';

CREATE FUNCTION accelerator_contained_joinsel(internal, oid, internal, smallint, internal) RETURNS double precision
	AS 'MODULE_PATHNAME' LANGUAGE c STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION accelerator_contained_joinsel(internal, oid, internal, smallint, internal) IS 'join selectivity of <@ over accelerators';

CREATE FUNCTION accelerator_contains_joinsel(internal, oid, internal, smallint, internal) RETURNS double precision
	AS 'MODULE_PATHNAME' LANGUAGE c STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION accelerator_contains_joinsel(internal, oid, internal, smallint, internal) IS 'join selectivity of @> over accelerators';

CREATE FUNCTION accelerator_overlaps_joinsel(internal, oid, internal, smallint, internal) RETURNS double precision
	AS 'MODULE_PATHNAME' LANGUAGE c STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION accelerator_overlaps_joinsel(internal, oid, internal, smallint, internal) IS 'join selectivity of && over accelerators';

CREATE OPERATOR <@ (
	FUNCTION = accelerator_contained, LEFTARG = accelerator, RIGHTARG = accelerator, COMMUTATOR = @>,
	RESTRICT = accelerator_contained_sel, JOIN = accelerator_contained_joinsel
);
COMMENT ON OPERATOR <@ (accelerator, accelerator) IS
'is in the class: every part that the right value states is the same in the left one; served by btree, BRIN minmax and GiST';

CREATE OPERATOR @> (
	FUNCTION = accelerator_contains, LEFTARG = accelerator, RIGHTARG = accelerator, COMMUTATOR = <@,
	RESTRICT = accelerator_contains_sel, JOIN = accelerator_contains_joinsel
);
COMMENT ON OPERATOR @> (accelerator, accelerator) IS
'the class contains: every part that the left value states is the same in the right one; with the class in a column, served by GiST';

CREATE OPERATOR && (
	FUNCTION = accelerator_overlaps, LEFTARG = accelerator, RIGHTARG = accelerator, COMMUTATOR = &&,
	RESTRICT = accelerator_overlaps_sel, JOIN = accelerator_overlaps_joinsel
);
COMMENT ON OPERATOR && (accelerator, accelerator) IS
'overlap: no part that both state differs, so that one accelerator may be in both; served by GiST';

-- Parts

CREATE FUNCTION vendor(accelerator) RETURNS text
	AS 'MODULE_PATHNAME', 'accelerator_vendor' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vendor(accelerator) IS
'the maker: its word, or pci and four hexadecimal digits; NULL for the class any';

CREATE FUNCTION vendor_id(accelerator) RETURNS integer
	AS 'MODULE_PATHNAME', 'accelerator_vendor_id' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vendor_id(accelerator) IS
'the maker''s PCI-SIG vendor id (10de is 4318); NULL for the class any';

CREATE FUNCTION model(accelerator) RETURNS text
	AS 'MODULE_PATHNAME', 'accelerator_model' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION model(accelerator) IS 'the model, e.g. h100; NULL if not stated';

CREATE FUNCTION form_factor(accelerator) RETURNS text
	AS 'MODULE_PATHNAME', 'accelerator_form_factor' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION form_factor(accelerator) IS 'the form factor, e.g. sxm5; NULL if not stated';

CREATE FUNCTION memory_gb(accelerator) RETURNS integer
	AS 'MODULE_PATHNAME', 'accelerator_memory_gb' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION memory_gb(accelerator) IS
'memory of the whole device in GB, as the maker rounds it; NULL if not stated';

CREATE FUNCTION mig_profile(accelerator) RETURNS text
	AS 'MODULE_PATHNAME', 'accelerator_mig_profile' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION mig_profile(accelerator) IS 'the MIG slice, e.g. 1g.10gb+me; NULL if the value is no slice';

CREATE FUNCTION mig_slices(accelerator) RETURNS integer
	AS 'MODULE_PATHNAME', 'accelerator_mig_slices' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION mig_slices(accelerator) IS 'compute slices of the MIG slice, 1 to 14; NULL if the value is no slice';

CREATE FUNCTION mig_memory_gb(accelerator) RETURNS integer
	AS 'MODULE_PATHNAME', 'accelerator_mig_memory_gb' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION mig_memory_gb(accelerator) IS 'memory of the MIG slice in GB; NULL if the value is no slice';

CREATE FUNCTION make_accelerator(vendor text, model text DEFAULT NULL, form_factor text DEFAULT NULL,
		memory_gb integer DEFAULT NULL, mig_profile text DEFAULT NULL) RETURNS accelerator
	AS 'MODULE_PATHNAME' LANGUAGE c IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION make_accelerator(text, text, text, integer, text) IS
'the accelerator or class with these parts; NULL = not stated, all NULL = any; memory in GB; 22023 for a part that cannot be';

CREATE FUNCTION accelerator_trunc(part text, accelerator) RETURNS accelerator
	AS 'MODULE_PATHNAME' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION accelerator_trunc(text, accelerator) IS
'the class that states the parts up to the one named (any, vendor, model, form_factor, memory, mig) and no more: accelerator_trunc(''memory'', a) is the device that a MIG slice is of; 22023 for another word; NULL gives NULL';

CREATE FUNCTION specificity(accelerator) RETURNS integer
	AS 'MODULE_PATHNAME', 'accelerator_specificity' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION specificity(accelerator) IS
'which parts are stated: vendor 1, model 2, form factor 4 (3 for a family of form factors, such as sxm), memory 8, MIG slice 16; of two different classes that contain one chip, the longer has the greater number; NULL gives NULL';

CREATE FUNCTION class_max(accelerator) RETURNS accelerator
	AS 'MODULE_PATHNAME', 'accelerator_class_max' LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION class_max(accelerator) IS
'the end of a class: the upper bound, in the type''s order, of what the class contains; prints as the class and ~; NULL gives NULL';

CREATE FUNCTION accelerator_vendors(OUT vendor text, OUT vendor_id text, OUT name text, OUT aliases text, OUT source text) RETURNS SETOF record
	AS 'MODULE_PATHNAME' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 75;
COMMENT ON FUNCTION accelerator_vendors() IS
'the makers that the type has a word for: the word, the vendor id in hexadecimal, the name, other words that are read as it, and where the id is from';

CREATE FUNCTION accelerator_form_factors(OUT form_factor text, OUT description text) RETURNS SETOF record
	AS 'MODULE_PATHNAME' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 28;
COMMENT ON FUNCTION accelerator_form_factors() IS 'the words of the form factors, in the order of the type';

-- Aggregates

CREATE FUNCTION accelerator_larger(accelerator, accelerator) RETURNS accelerator
	AS 'MODULE_PATHNAME' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION accelerator_larger(accelerator, accelerator) IS 'the greater of two; NULL gives NULL';

CREATE FUNCTION accelerator_smaller(accelerator, accelerator) RETURNS accelerator
	AS 'MODULE_PATHNAME' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION accelerator_smaller(accelerator, accelerator) IS 'the smaller of two; NULL gives NULL';

CREATE AGGREGATE max(accelerator) (
	SFUNC = accelerator_larger, STYPE = accelerator, COMBINEFUNC = accelerator_larger,
	SORTOP = >, PARALLEL = SAFE
);
COMMENT ON AGGREGATE max(accelerator) IS 'the greatest in the type''s order; NULLs are left out, NULL over none';

CREATE AGGREGATE min(accelerator) (
	SFUNC = accelerator_smaller, STYPE = accelerator, COMBINEFUNC = accelerator_smaller,
	SORTOP = <, PARALLEL = SAFE
);
COMMENT ON AGGREGATE min(accelerator) IS 'the smallest in the type''s order; NULLs are left out, NULL over none';

-- Operator classes

CREATE FUNCTION accelerator_sortsupport(internal) RETURNS void
	AS 'MODULE_PATHNAME' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION accelerator_sortsupport(internal) IS 'sort support';

CREATE OPERATOR CLASS accelerator_ops DEFAULT FOR TYPE accelerator USING btree AS
	OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >,
	FUNCTION 1 accelerator_cmp(accelerator, accelerator),
	FUNCTION 2 accelerator_sortsupport(internal),
	FUNCTION 4 pg_catalog.btequalimage(oid);

CREATE FUNCTION accelerator_hash(accelerator) RETURNS integer
	AS 'MODULE_PATHNAME' LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION accelerator_hash(accelerator) IS 'hash';

CREATE FUNCTION accelerator_hash_extended(accelerator, bigint) RETURNS bigint
	AS 'MODULE_PATHNAME' LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION accelerator_hash_extended(accelerator, bigint) IS 'hash';

CREATE OPERATOR CLASS accelerator_ops DEFAULT FOR TYPE accelerator USING hash AS
	OPERATOR 1 =,
	FUNCTION 1 accelerator_hash(accelerator),
	FUNCTION 2 accelerator_hash_extended(accelerator, bigint);

CREATE OPERATOR CLASS accelerator_minmax_ops DEFAULT FOR TYPE accelerator USING brin AS
	OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >,
	FUNCTION 1 pg_catalog.brin_minmax_opcinfo(internal),
	FUNCTION 2 pg_catalog.brin_minmax_add_value(internal, internal, internal, internal),
	FUNCTION 3 pg_catalog.brin_minmax_consistent(internal, internal, internal),
	FUNCTION 4 pg_catalog.brin_minmax_union(internal, internal, internal);

CREATE FUNCTION accelerator_distance(internal, internal) RETURNS double precision
	AS 'MODULE_PATHNAME' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION accelerator_distance(internal, internal) IS 'BRIN support: how far apart two values are in the type''s order';

CREATE OPERATOR CLASS accelerator_minmax_multi_ops FOR TYPE accelerator USING brin AS
	OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >,
	FUNCTION 1 pg_catalog.brin_minmax_multi_opcinfo(internal),
	FUNCTION 2 pg_catalog.brin_minmax_multi_add_value(internal, internal, internal, internal),
	FUNCTION 3 pg_catalog.brin_minmax_multi_consistent(internal, internal, internal, integer),
	FUNCTION 4 pg_catalog.brin_minmax_multi_union(internal, internal, internal),
	FUNCTION 5 pg_catalog.brin_minmax_multi_options(internal),
	FUNCTION 11 accelerator_distance(internal, internal);

CREATE OPERATOR CLASS accelerator_bloom_ops FOR TYPE accelerator USING brin AS
	OPERATOR 1 =,
	FUNCTION 1 pg_catalog.brin_bloom_opcinfo(internal),
	FUNCTION 2 pg_catalog.brin_bloom_add_value(internal, internal, internal, internal),
	FUNCTION 3 pg_catalog.brin_bloom_consistent(internal, internal, internal, integer),
	FUNCTION 4 pg_catalog.brin_bloom_union(internal, internal, internal),
	FUNCTION 5 pg_catalog.brin_bloom_options(internal),
	FUNCTION 11 accelerator_hash(accelerator);

-- GiST

CREATE TYPE accelerator_span;

CREATE FUNCTION accelerator_span_in(cstring) RETURNS accelerator_span
	AS 'MODULE_PATHNAME' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION accelerator_span_in(cstring) IS 'I/O; refuses everything (0A000)';

CREATE FUNCTION accelerator_span_out(accelerator_span) RETURNS cstring
	AS 'MODULE_PATHNAME' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION accelerator_span_out(accelerator_span) IS 'I/O';

CREATE TYPE accelerator_span (
	INPUT = accelerator_span_in,
	OUTPUT = accelerator_span_out,
	INTERNALLENGTH = 32,
	ALIGNMENT = char,
	STORAGE = plain
);
COMMENT ON TYPE accelerator_span IS 'what GiST indexes on accelerators store: the lowest and the highest value under a key; has no input';

CREATE FUNCTION accelerator_gist_consistent(internal, accelerator, smallint, oid, internal) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION accelerator_gist_consistent(internal, accelerator, smallint, oid, internal) IS 'GiST support';

CREATE FUNCTION accelerator_gist_union(internal, internal) RETURNS accelerator_span
	AS 'MODULE_PATHNAME' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION accelerator_gist_union(internal, internal) IS 'GiST support';

CREATE FUNCTION accelerator_gist_compress(internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION accelerator_gist_compress(internal) IS 'GiST support';

CREATE FUNCTION accelerator_gist_fetch(internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION accelerator_gist_fetch(internal) IS 'GiST support';

CREATE FUNCTION accelerator_gist_penalty(internal, internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION accelerator_gist_penalty(internal, internal, internal) IS 'GiST support';

CREATE FUNCTION accelerator_gist_picksplit(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION accelerator_gist_picksplit(internal, internal) IS 'GiST support';

CREATE FUNCTION accelerator_gist_same(accelerator_span, accelerator_span, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION accelerator_gist_same(accelerator_span, accelerator_span, internal) IS 'GiST support';

CREATE OPERATOR CLASS accelerator_ops DEFAULT FOR TYPE accelerator USING gist AS
	OPERATOR 3 &&, OPERATOR 7 @>, OPERATOR 8 <@, OPERATOR 18 =,
	FUNCTION 1 accelerator_gist_consistent(internal, accelerator, smallint, oid, internal),
	FUNCTION 2 accelerator_gist_union(internal, internal),
	FUNCTION 3 accelerator_gist_compress(internal),
	FUNCTION 5 accelerator_gist_penalty(internal, internal, internal),
	FUNCTION 6 accelerator_gist_picksplit(internal, internal),
	FUNCTION 7 accelerator_gist_same(accelerator_span, accelerator_span, internal),
	FUNCTION 9 accelerator_gist_fetch(internal),
	FUNCTION 11 accelerator_sortsupport(internal),
	STORAGE accelerator_span;

COMMENT ON OPERATOR CLASS accelerator_ops USING btree IS 'order; serves <@ as a range';
COMMENT ON OPERATOR CLASS accelerator_ops USING hash IS 'equality';
COMMENT ON OPERATOR CLASS accelerator_minmax_ops USING brin IS 'order, by ranges of blocks; serves <@ as a range';
COMMENT ON OPERATOR CLASS accelerator_minmax_multi_ops USING brin IS 'order, by several ranges for each range of blocks';
COMMENT ON OPERATOR CLASS accelerator_bloom_ops USING brin IS 'equality, by ranges of blocks';
COMMENT ON OPERATOR CLASS accelerator_ops USING gist IS 'containment, overlap and equality; serves exclusion constraints';
COMMENT ON OPERATOR FAMILY accelerator_ops USING btree IS 'order of accelerators';
COMMENT ON OPERATOR FAMILY accelerator_ops USING hash IS 'equality of accelerators';
COMMENT ON OPERATOR FAMILY accelerator_minmax_ops USING brin IS 'order of accelerators';
COMMENT ON OPERATOR FAMILY accelerator_minmax_multi_ops USING brin IS 'order of accelerators';
COMMENT ON OPERATOR FAMILY accelerator_bloom_ops USING brin IS 'equality of accelerators';
COMMENT ON OPERATOR FAMILY accelerator_ops USING gist IS 'containment, overlap and equality of accelerators';

-- Keys WITHOUT OVERLAPS, which came with PostgreSQL 18, find equality through this.
DO $$
BEGIN
	IF pg_catalog.current_setting('server_version_num')::pg_catalog.int4 OPERATOR(pg_catalog.>=) 180000 THEN
		EXECUTE 'ALTER OPERATOR FAMILY compute_ledger.accelerator_ops USING gist
			ADD FUNCTION 12 ("any", "any") pg_catalog.gist_translate_cmptype_common(integer)';
	END IF;
END
$$;
