-- Reference tables: models, peak rates, bases and factors, and what reads them.
--
-- Every table has a column shipped.  Rows that ship with the extension are written
-- by its scripts only and are not dumped; the user's rows are dumped, stay over
-- ALTER EXTENSION UPDATE and win over a shipped row for the same thing.  Every key
-- starts with shipped, so that no row of the next version can collide with a user's.

CREATE FUNCTION basis_code(compute_unit) RETURNS integer
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quantity_basis_code';
COMMENT ON FUNCTION basis_code(compute_unit) IS 'code of the basis that an amount is in: 0 to 10 for the built-in ones, from 1000 on for registered ones; NULL for NULL';

CREATE FUNCTION basis_code(compute_rate) RETURNS integer
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quantity_basis_code';
COMMENT ON FUNCTION basis_code(compute_rate) IS 'code of the basis that a rate is in: 0 to 10 for the built-in ones, from 1000 on for registered ones; NULL for NULL';

-- ------------------------------------------------------------------ basis

CREATE TABLE basis (
	shipped boolean NOT NULL DEFAULT false,
	code integer NOT NULL,
	name text NOT NULL,
	description text,
	PRIMARY KEY (shipped, code),
	UNIQUE (shipped, name),
	CONSTRAINT basis_code_check
		CHECK (CASE WHEN shipped THEN code BETWEEN 0 AND 999 ELSE code BETWEEN 1000 AND 65535 END),
	CONSTRAINT basis_name_check
		CHECK (name COLLATE "C" ~ '^[^[:space:][:cntrl:][:digit:]@"'',;][^[:space:][:cntrl:]@"'',;]*$'
			AND pg_catalog.octet_length(name) <= 63
			AND name = pg_catalog.lower(name COLLATE "C")),
	CONSTRAINT basis_reserved_name_check
		CHECK (shipped OR name COLLATE "C" !~ '^(flops?|ops|macs?|any|all|none|null|unknown|[a-z]{0,4}(fp|bf|tf|int|float|posit)[0-9].*)$')
);
COMMENT ON TABLE basis IS 'What a quantity counts: the built-in bases (shipped, code below 1000) and the ones registered here. A registered basis is for ever: its code and name do not change and the row cannot be deleted, because stored quantities carry the code.';
COMMENT ON COLUMN basis.shipped IS 'true for the bases that are built in; those rows are read-only';
COMMENT ON COLUMN basis.code IS 'the number that a quantity stores and prints, 1000 to 65535; by default one that is computed of the name, 1000 + (first 8 bytes of the SHA-256 of the name in UTF-8, big-endian) mod 64536, so that a basis has one code in every database. check_bases() compares databases.';
COMMENT ON COLUMN basis.name IS 'a name for people and other databases, lower case, without spaces, quotes, commas or @, not beginning with a digit; make it globally unique, for example example.org/contract-2026. Names of number formats are reserved.';
COMMENT ON COLUMN basis.description IS 'what is counted, and where the definition is written down';

CREATE FUNCTION _basis_code_of(name text) RETURNS integer
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	-- two halves of 32 bits, because bigint has a sign
	SELECT 1000 + ((('x' || left(h.hex, 8))::bit(32)::bigint % 64536 * (4294967296 % 64536) + ('x' || right(h.hex, 8))::bit(32)::bigint) % 64536)::integer
	FROM (SELECT encode(substr(sha256(convert_to(name, 'UTF8')), 1, 8), 'hex')) AS h (hex)
$$;
COMMENT ON FUNCTION _basis_code_of(text) IS 'the code of a basis that is registered under this name without one: 1000 + (the first 8 bytes of the SHA-256 of the name in UTF-8, as a big-endian number) mod 64536, the same in every database; NULL for NULL';

CREATE FUNCTION _basis_set_code() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	other text;
BEGIN
	NEW.code := coalesce(NEW.code, compute_ledger._basis_code_of(NEW.name));
	SELECT b.name INTO other FROM compute_ledger.basis AS b WHERE NOT b.shipped AND b.code = NEW.code AND b.name <> NEW.name;
	IF FOUND THEN
		RAISE EXCEPTION 'basis "%" has the code % already, which basis "%" would have', other, NEW.code, NEW.name
			USING ERRCODE = 'unique_violation',
				HINT = 'Register it under another name, or with a code of your choice from 1000 to 65535: the same one in every database that has it.',
				SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, COLUMN = 'code';
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION _basis_set_code() IS 'trigger, BEFORE INSERT of basis: gives a basis without a code the one of its name, and refuses a code that another one has (23505)';
-- Before the others, which look at the code.
CREATE TRIGGER a_code BEFORE INSERT ON basis
	FOR EACH ROW WHEN (NOT NEW.shipped) EXECUTE FUNCTION _basis_set_code();
CREATE TRIGGER a_guard BEFORE INSERT OR UPDATE OR DELETE ON basis
	FOR EACH ROW EXECUTE FUNCTION _reference_row_guard('code', 'name');
CREATE TRIGGER a_truncate BEFORE TRUNCATE ON basis
	FOR EACH STATEMENT EXECUTE FUNCTION _reference_row_guard();

GRANT SELECT ON basis TO PUBLIC;
GRANT INSERT, UPDATE ON basis TO pg_database_owner;
-- a publication of rows that are NOT shipped takes changes only where that column is a part of the identity
SELECT pg_catalog.pg_extension_config_dump('basis', 'WHERE NOT shipped');
ALTER TABLE basis REPLICA IDENTITY FULL;

-- @catalog basis

CREATE FUNCTION basis_code(name text) RETURNS integer
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	RETURN (SELECT b.code FROM compute_ledger.basis AS b
		WHERE b.name = lower(basis_code.name COLLATE "C") OR b.code::text = basis_code.name
		ORDER BY b.shipped DESC LIMIT 1);
COMMENT ON FUNCTION basis_code(text) IS 'code of the basis of this name, built in or registered; a number stands for itself if a basis has it; NULL for a name or number that nothing is registered under, and for NULL';

CREATE FUNCTION basis_name(code integer) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	RETURN (SELECT b.name FROM compute_ledger.basis AS b WHERE b.code = basis_name.code);
COMMENT ON FUNCTION basis_name(integer) IS 'name of the basis with this code, built in or registered; NULL for an unassigned code and for NULL';

CREATE FUNCTION basis_name(compute_unit) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	RETURN (SELECT b.name FROM compute_ledger.basis AS b WHERE b.code = compute_ledger.basis_code($1));
COMMENT ON FUNCTION basis_name(compute_unit) IS 'name of the basis that an amount is in, as it is to be given to another database; NULL if its code is not registered here, and for NULL';

CREATE FUNCTION basis_name(compute_rate) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	RETURN (SELECT b.name FROM compute_ledger.basis AS b WHERE b.code = compute_ledger.basis_code($1));
COMMENT ON FUNCTION basis_name(compute_rate) IS 'name of the basis that a rate is in, as it is to be given to another database; NULL if its code is not registered here, and for NULL';

CREATE FUNCTION with_basis(compute_unit, basis integer) RETURNS compute_unit
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quantity_with_basis_code';
COMMENT ON FUNCTION with_basis(compute_unit, integer) IS 'the same amount, said to be in the basis with this code: with_basis(q, basis_code(''example.org/contract-2026'')); it relabels, it does not convert; LC002 for a code that no basis can have; NULL for NULL';

CREATE FUNCTION with_basis(compute_rate, basis integer) RETURNS compute_rate
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quantity_with_basis_code';
COMMENT ON FUNCTION with_basis(compute_rate, integer) IS 'the same rate, said to be in the basis with this code; it relabels, it does not convert; LC002 for a code that no basis can have; NULL for NULL';

-- ------------------------------------------------------------------ accelerator_model

CREATE TABLE accelerator_model (
	shipped boolean NOT NULL DEFAULT false,
	accelerator accelerator NOT NULL,
	name text NOT NULL,
	vendor text,
	family text,
	architecture text,
	launched date,
	memory_gb numeric CHECK (memory_gb > 0),
	memory_bandwidth numeric CHECK (memory_bandwidth > 0),
	io_bandwidth numeric CHECK (io_bandwidth > 0),
	tdp numeric CHECK (tdp > 0),
	die_area numeric CHECK (die_area > 0),
	link text,
	mig_slices integer CHECK (mig_slices BETWEEN 1 AND 14 AND 1680000 % mig_slices = 0),
	devices_per_module integer CHECK (devices_per_module >= 1),
	devices_per_package integer CHECK (devices_per_package >= 1),
	data_center boolean,
	class text CHECK (class IN ('general', 'intelligent', 'super')),
	source text,
	recorded tstzrange NOT NULL DEFAULT tstzrange(CURRENT_TIMESTAMP, NULL)
		CHECK (NOT isempty(recorded)),
	CONSTRAINT accelerator_model_devices_check
		CHECK (coalesce(devices_per_package, 1) <= coalesce(devices_per_module, 1)),
	CONSTRAINT accelerator_model_recorded_excl EXCLUDE USING gist (
		int4range(shipped::integer, shipped::integer, '[]') WITH =, accelerator WITH =, recorded WITH &&)
);
CREATE UNIQUE INDEX accelerator_model_current_idx ON accelerator_model (shipped, accelerator) WHERE upper_inf(recorded);
COMMENT ON TABLE accelerator_model IS 'Properties of accelerators, or of whole classes of them. A question about a chip is answered by the row of the most specific class that contains it. The figures are of one device: what the maker''s driver lists, in the mode that it ships in. NULL: not known.';
COMMENT ON COLUMN accelerator_model.shipped IS 'true for rows that come with the extension; those are read-only and not dumped';
COMMENT ON COLUMN accelerator_model.accelerator IS 'the chip, or a class of chips that all have these properties';
COMMENT ON COLUMN accelerator_model.name IS 'the maker''s name for it';
COMMENT ON COLUMN accelerator_model.vendor IS 'the maker';
COMMENT ON COLUMN accelerator_model.family IS 'product family';
COMMENT ON COLUMN accelerator_model.architecture IS 'architecture or generation';
COMMENT ON COLUMN accelerator_model.launched IS 'date of announcement or first availability, as the source has it';
COMMENT ON COLUMN accelerator_model.memory_gb IS 'device memory in GB, as the maker states it';
COMMENT ON COLUMN accelerator_model.memory_bandwidth IS 'DRAM bandwidth of the device in GB/s';
COMMENT ON COLUMN accelerator_model.io_bandwidth IS 'aggregate bidirectional bandwidth to other chips, memory excluded, in GB/s; of devices that share a package, a device''s share';
COMMENT ON COLUMN accelerator_model.tdp IS 'thermal design power of the device in W; NULL where only that of a module of several devices is known';
COMMENT ON COLUMN accelerator_model.die_area IS 'area in mm2 of all logic dies made in a process with non-planar transistors, memory stacks excluded';
COMMENT ON COLUMN accelerator_model.link IS 'link to other chips; the links of a package of several devices are shared by them';
COMMENT ON COLUMN accelerator_model.mig_slices IS 'compute slices that the whole device is divided into, by MIG or by the compute partitions of an AMD Instinct (an XCD is a slice), 1 to 8, 10, 12 or 14: a slice is a whole number of 1/1,680,000 of a device; NULL where it cannot be';
COMMENT ON COLUMN accelerator_model.devices_per_module IS 'devices on the board, module or superchip that is sold under the name: 2 of a Tesla K80, an MI250X, a GB200; NULL: one';
COMMENT ON COLUMN accelerator_model.devices_per_package IS 'devices that share one integrated-circuit package, at most devices_per_module: 2 of an MI250X, whose dies are one circuit for export rules; NULL: one, as on a Tesla K80';
COMMENT ON COLUMN accelerator_model.data_center IS 'designed or marketed for data centres; NULL where not known';
COMMENT ON COLUMN accelerator_model.class IS 'general (CPU), intelligent (low-precision matrix arithmetic) or super (fp64), as national statistics class compute';
COMMENT ON COLUMN accelerator_model.source IS 'where the figures are from';
COMMENT ON COLUMN accelerator_model.recorded IS 'when this database held the row to be true; without an end: it still does';

-- ------------------------------------------------------------------ accelerator_peak

CREATE TABLE accelerator_peak (
	shipped boolean NOT NULL DEFAULT false,
	accelerator accelerator NOT NULL,
	number_format text NOT NULL,
	rate compute_rate NOT NULL,
	source text,
	recorded tstzrange NOT NULL DEFAULT tstzrange(CURRENT_TIMESTAMP, NULL)
		CHECK (NOT isempty(recorded)),
	CONSTRAINT accelerator_peak_number_format_check
		CHECK (compute_ledger.basis_code(rate) BETWEEN 1 AND 999 AND number_format = compute_ledger.basis(rate)),
	CONSTRAINT accelerator_peak_rate_check
		CHECK (rate::numeric > 0),
	CONSTRAINT accelerator_peak_recorded_excl EXCLUDE USING gist (
		int4range(shipped::integer, shipped::integer, '[]') WITH =, accelerator WITH =,
		int4range(compute_ledger.basis_code(rate), compute_ledger.basis_code(rate), '[]') WITH =, recorded WITH &&)
);
CREATE UNIQUE INDEX accelerator_peak_current_idx ON accelerator_peak (shipped, accelerator, number_format) WHERE upper_inf(recorded);
COMMENT ON TABLE accelerator_peak IS 'Peak dense rate of one device by number format: the rate without structured sparsity, of the matrix units where the format has them.';
COMMENT ON COLUMN accelerator_peak.shipped IS 'true for rows that come with the extension; those are read-only and not dumped';
COMMENT ON COLUMN accelerator_peak.accelerator IS 'the chip, or a class of chips that all have this rate; a laptop part (form laptop or maxq) has only those of classes that say so, a MIG slice without a row of its own counts its share of the device';
COMMENT ON COLUMN accelerator_peak.number_format IS 'fp64 fp32 tf32 fp16 bf16 fp8 fp6 fp4 int8 or int4: the basis that the rate is in';
COMMENT ON COLUMN accelerator_peak.rate IS 'peak rate of one device, dense, in that format, for example 989.4 TFLOPS@bf16';
COMMENT ON COLUMN accelerator_peak.source IS 'where the figure is from';
COMMENT ON COLUMN accelerator_peak.recorded IS 'when this database held the row to be true; without an end: it still does';

CREATE FUNCTION _peak_is_for(class accelerator, chip accelerator) RETURNS boolean
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'peak_is_for';
COMMENT ON FUNCTION _peak_is_for(accelerator, accelerator) IS 'whether a peak rate of a class is one of a chip: the class contains it, and where it is a laptop part (form laptop or maxq) and the class states a model, the class states the form too; NULL for NULL';

-- ------------------------------------------------------------------ basis_factor

CREATE TABLE basis_factor (
	shipped boolean NOT NULL DEFAULT false,
	basis text NOT NULL,
	accelerator accelerator NOT NULL,
	rate compute_rate NOT NULL,
	valid tstzrange NOT NULL DEFAULT tstzrange(NULL, NULL)
		CHECK (NOT isempty(valid)),
	source text,
	recorded tstzrange NOT NULL DEFAULT tstzrange(CURRENT_TIMESTAMP, NULL)
		CHECK (NOT isempty(recorded)),
	CONSTRAINT basis_factor_basis_check
		CHECK (compute_ledger.basis_code(rate) >= 1000),
	CONSTRAINT basis_factor_rate_check
		CHECK (rate::numeric >= 0),
	CONSTRAINT basis_factor_valid_excl EXCLUDE USING gist (
		int4range(shipped::integer, shipped::integer, '[]') WITH =, accelerator WITH =,
		int4range(compute_ledger.basis_code(rate), compute_ledger.basis_code(rate), '[]') WITH =,
		valid WITH &&, recorded WITH &&)
);
COMMENT ON TABLE basis_factor IS 'What one device of a class counts for in a registered basis, and when. The row of the most specific class that is valid at the time decides. Two rows of one basis and class are never valid at the same time.';
COMMENT ON COLUMN basis_factor.shipped IS 'true for rows that come with the extension; those are read-only and not dumped';
COMMENT ON COLUMN basis_factor.basis IS 'name of the basis, as registered in table basis';
COMMENT ON COLUMN basis_factor.accelerator IS 'the class of chips that the factor is for; a MIG slice without a row of its own counts its share of the device';
COMMENT ON COLUMN basis_factor.rate IS 'normalised rate of one device in that basis; a rate without @basis takes it from the basis named';
COMMENT ON COLUMN basis_factor.valid IS 'when the factor applies to usage; by default always';
COMMENT ON COLUMN basis_factor.source IS 'where the figure is from: a contract, a benchmark result';
COMMENT ON COLUMN basis_factor.recorded IS 'when this database held the row to be true; without an end: it still does';

-- This and the next trigger do what a foreign key would.  A parallel restore may
-- load basis_factor before basis (pg_dump keeps no order between the rows of an
-- extension's tables), so a row that says when it was recorded, as restored rows do,
-- may come before its basis.  Bases are never renamed or deleted, so there is
-- nothing else that a foreign key would have to watch.
CREATE FUNCTION _basis_factor_label() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	code integer;
	code_is_taken boolean;
BEGIN
	-- one statement, one snapshot: the basis may be committed at any moment
	SELECT max(b.code) FILTER (WHERE b.name = NEW.basis), count(*) FILTER (WHERE b.code = compute_ledger.basis_code(NEW.rate)) > 0
	INTO code, code_is_taken
	FROM compute_ledger.basis AS b;
	IF code IS NULL
		AND TG_OP = 'INSERT'
		AND compute_ledger.basis_code(NEW.rate) >= 1000
		AND lower(NEW.recorded) < CURRENT_TIMESTAMP
		AND NOT code_is_taken
	THEN
		RETURN NEW;
	ELSIF code IS NULL THEN
		RAISE EXCEPTION 'basis "%" does not exist', NEW.basis
			USING ERRCODE = 'LC002',
				HINT = 'Register it first: INSERT INTO compute_ledger.basis (name, description).',
				SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, COLUMN = 'basis';
	ELSIF compute_ledger.basis_code(NEW.rate) = 0 THEN
		NEW.rate := compute_ledger.with_basis(NEW.rate, code);
	ELSIF compute_ledger.basis_code(NEW.rate) <> code THEN
		RAISE EXCEPTION 'rate is in basis "%", not in basis "%"', compute_ledger.basis(NEW.rate), NEW.basis
			USING ERRCODE = 'LC001',
				DETAIL = format('The code of basis "%s" is %s.', NEW.basis, code),
				HINT = 'Write the rate without @basis.',
				SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, COLUMN = 'rate';
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION _basis_factor_label() IS 'trigger, BEFORE INSERT OR UPDATE of basis_factor: puts a rate that names no basis into the basis that its row names; a rate in another basis (LC001) and a basis that is not registered (LC002) are errors';
CREATE FUNCTION _basis_check_factors() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF EXISTS (SELECT FROM compute_ledger.basis_factor AS f
		WHERE (f.basis = NEW.name) <> (compute_ledger.basis_code(f.rate) = NEW.code))
	THEN
		RAISE EXCEPTION 'basis "%" with code % does not agree with table "basis_factor"', NEW.name, NEW.code
			USING ERRCODE = 'LC001',
				DETAIL = 'There are factors with this name and another code, or with this code and another name.',
				SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME;
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION _basis_check_factors() IS 'trigger, BEFORE INSERT of basis: refuses a name and code that do not agree with factors which a restore has brought already (LC001)';
CREATE TRIGGER b_check BEFORE INSERT ON basis
	FOR EACH ROW WHEN (NOT NEW.shipped) EXECUTE FUNCTION _basis_check_factors();
-- Before a_guard, which compares the row with what was there.
CREATE TRIGGER a_factor BEFORE INSERT OR UPDATE ON basis_factor
	FOR EACH ROW EXECUTE FUNCTION _basis_factor_label();

-- ------------------------------------------------------------------ bases of another database

CREATE FUNCTION check_bases(bases regclass, factors regclass DEFAULT NULL, OUT fault text, OUT basis text, OUT detail text) RETURNS SETOF record
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	IF bases IS NULL THEN
		PERFORM compute_ledger._refuse('22004', 'there is no table of bases to compare with',
			hint => 'Give a foreign table, a view or a table with the columns of table "basis".');
	END IF;
	RETURN QUERY EXECUTE format($query$
		WITH there AS (
			SELECT b.code::integer AS code, b.name::text COLLATE "C" AS name FROM %s AS b
		)
		SELECT 'one code, two names', h.name, format('Code %%s is "%%s" here and "%%s" there.', h.code, h.name, t.name)
		FROM compute_ledger.basis AS h JOIN there AS t ON t.code = h.code AND t.name <> h.name
		UNION ALL
		SELECT 'one name, two codes', h.name, format('It has the code %%s here and %%s there.', h.code, t.code)
		FROM compute_ledger.basis AS h JOIN there AS t ON t.name = h.name AND t.code <> h.code
		ORDER BY 1, 2, 3$query$, bases);
	IF factors IS NULL THEN
		RETURN;
	END IF;
	-- Ranges are put together, so that one factor for a year is two for its halves.
	RETURN QUERY EXECUTE format($query$
		WITH here AS MATERIALIZED (
			SELECT f.basis COLLATE "C" AS basis, f.accelerator, compute_ledger.with_basis(f.rate, 0) AS rate, range_agg(f.valid) AS valid
			FROM compute_ledger.basis_factor AS f WHERE upper_inf(f.recorded)
			GROUP BY 1, 2, 3
		), there AS MATERIALIZED (
			SELECT f.basis::text COLLATE "C" AS basis, f.accelerator::compute_ledger.accelerator AS accelerator,
				compute_ledger.with_basis(f.rate::compute_ledger.compute_rate, 0) AS rate, range_agg(f.valid::tstzrange) AS valid
			FROM %s AS f WHERE upper_inf(f.recorded::tstzrange)
			GROUP BY 1, 2, 3
		), shared AS MATERIALIZED (
			SELECT b.name COLLATE "C" AS name FROM compute_ledger.basis AS b WHERE EXISTS (SELECT FROM %s AS t WHERE t.name::text COLLATE "C" = b.name)
		), difference AS (
			SELECT h.basis, h.accelerator, h.rate AS here, t.rate AS there, h.valid * t.valid AS valid
			FROM here AS h
			JOIN there AS t ON t.basis = h.basis AND t.accelerator OPERATOR(compute_ledger.=) h.accelerator AND t.rate OPERATOR(compute_ledger.<>) h.rate
			UNION ALL
			SELECT h.basis, h.accelerator, h.rate, NULL, h.valid - coalesce(
				(SELECT range_agg(r.range) FROM there AS t CROSS JOIN unnest(t.valid) AS r (range)
				WHERE t.basis = h.basis AND t.accelerator OPERATOR(compute_ledger.=) h.accelerator), '{}')
			FROM here AS h
			UNION ALL
			SELECT t.basis, t.accelerator, NULL, t.rate, t.valid - coalesce(
				(SELECT range_agg(r.range) FROM here AS h CROSS JOIN unnest(h.valid) AS r (range)
				WHERE h.basis = t.basis AND h.accelerator OPERATOR(compute_ledger.=) t.accelerator), '{}')
			FROM there AS t
		)
		SELECT 'other factors', d.basis, format('%%s counts for %%s here and %%s there, in %%s.',
			d.accelerator, coalesce(d.here::text, 'nothing'), coalesce(d.there::text, 'nothing'), d.valid)
		FROM difference AS d JOIN shared AS s ON s.name = d.basis
		WHERE NOT isempty(d.valid)
		ORDER BY 2, d.accelerator, d.valid, 3$query$, factors, bases);
END
$$;
COMMENT ON FUNCTION check_bases(regclass, regclass) IS 'what this database and another understand otherwise by bases: a row for each code with two names, name with two codes, and class of chips that counts for something else, in the years that the range says, under one name; none where both mean the same. bases has the columns code and name, factors basis, accelerator, rate, valid and recorded, as tables "basis" and "basis_factor" have them or in text: foreign tables, views over dblink(), or tables that a CSV was loaded into. Without factors (NULL), codes and names only. Runs with the rights of the caller. 22004 for NULL as bases.';

-- ------------------------------------------------------------------ what the three have in common

CREATE TRIGGER a_guard BEFORE INSERT OR UPDATE OR DELETE ON accelerator_model
	FOR EACH ROW EXECUTE FUNCTION _reference_row_guard();
CREATE TRIGGER a_truncate BEFORE TRUNCATE ON accelerator_model
	FOR EACH STATEMENT EXECUTE FUNCTION _reference_row_guard();
CREATE TRIGGER z_history AFTER UPDATE OR DELETE ON accelerator_model
	FOR EACH ROW EXECUTE FUNCTION _reference_row_history();

-- Before the table's checks, which cannot say what is missing.
CREATE FUNCTION _accelerator_peak_format() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	RAISE EXCEPTION USING
		ERRCODE = 'check_violation',
		MESSAGE = CASE WHEN compute_ledger.basis_code(NEW.rate) BETWEEN 1 AND 999
			THEN format('rate "%s" is in "%s", not in number format "%s"', NEW.rate, compute_ledger.basis(NEW.rate), NEW.number_format)
			ELSE format('rate "%s" names no number format', NEW.rate) END,
		HINT = CASE WHEN compute_ledger.basis_code(NEW.number_format) BETWEEN 1 AND 999
			THEN format('Say the same in both: number_format ''%1$s'', rate ''%2$s''.', lower(NEW.number_format), compute_ledger.with_basis(NEW.rate, lower(NEW.number_format)))
			ELSE 'Number formats are fp64, fp32, tf32, fp16, bf16, fp8, fp6, fp4, int8 and int4.' END,
		SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, COLUMN = 'rate', CONSTRAINT = 'accelerator_peak_number_format_check';
END
$$;
COMMENT ON FUNCTION _accelerator_peak_format() IS 'trigger, BEFORE INSERT OR UPDATE of accelerator_peak, of a rate that does not name the number format of its row: says what is missing or wrong (23514)';
CREATE TRIGGER a_format BEFORE INSERT OR UPDATE ON accelerator_peak
	FOR EACH ROW WHEN (NOT (compute_ledger.basis_code(NEW.rate) BETWEEN 1 AND 999 AND NEW.number_format = compute_ledger.basis(NEW.rate)))
	EXECUTE FUNCTION _accelerator_peak_format();
CREATE TRIGGER a_guard BEFORE INSERT OR UPDATE OR DELETE ON accelerator_peak
	FOR EACH ROW EXECUTE FUNCTION _reference_row_guard();
CREATE TRIGGER a_truncate BEFORE TRUNCATE ON accelerator_peak
	FOR EACH STATEMENT EXECUTE FUNCTION _reference_row_guard();
CREATE TRIGGER z_history AFTER UPDATE OR DELETE ON accelerator_peak
	FOR EACH ROW EXECUTE FUNCTION _reference_row_history();

CREATE TRIGGER a_guard BEFORE INSERT OR UPDATE OR DELETE ON basis_factor
	FOR EACH ROW EXECUTE FUNCTION _reference_row_guard();
CREATE TRIGGER a_truncate BEFORE TRUNCATE ON basis_factor
	FOR EACH STATEMENT EXECUTE FUNCTION _reference_row_guard();
CREATE TRIGGER z_history AFTER UPDATE OR DELETE ON basis_factor
	FOR EACH ROW EXECUTE FUNCTION _reference_row_history();

GRANT SELECT ON accelerator_model, accelerator_peak, basis_factor TO PUBLIC;
GRANT INSERT, UPDATE, DELETE ON accelerator_model, accelerator_peak, basis_factor TO pg_database_owner;
SELECT pg_catalog.pg_extension_config_dump('accelerator_model', 'WHERE NOT shipped');
ALTER TABLE accelerator_model REPLICA IDENTITY FULL;
SELECT pg_catalog.pg_extension_config_dump('accelerator_peak', 'WHERE NOT shipped');
ALTER TABLE accelerator_peak REPLICA IDENTITY FULL;
SELECT pg_catalog.pg_extension_config_dump('basis_factor', 'WHERE NOT shipped');
ALTER TABLE basis_factor REPLICA IDENTITY FULL;

-- @catalog accelerator_model
-- @catalog accelerator_peak

-- ------------------------------------------------------------------ slices

CREATE FUNCTION device_share(accelerator) RETURNS integer
	LANGUAGE c STABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION device_share(accelerator) IS 'the part of a device that one of an accelerator is, in 1/1,680,000: for a MIG slice, its compute slices over mig_slices of the device, from the current row of accelerator_model of the most specific class that contains the device, the user''s before a shipped one, or what all its variants agree on; NULL for a slice of a device that is not known to have that many; 1680000 for all else; NULL for NULL';

-- ------------------------------------------------------------------ rates

CREATE FUNCTION peak_rate(accelerator accelerator, number_format text) RETURNS compute_rate
	LANGUAGE c STABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION peak_rate(accelerator, text) IS 'peak dense rate of one device in a number format (fp64 fp32 tf32 fp16 bf16 fp8 fp6 fp4 int8 int4), from the current row of accelerator_peak of the most specific class that contains it, the user''s before a shipped one; a row of a model without a form is none of its laptop parts; a MIG slice without a row of its own gets its share of the device''s slices, rounded half to even to 1 MFLOPS; NULL without such a row, for an unknown format, and for NULL';

CREATE FUNCTION peak_rate_strict(accelerator accelerator, number_format text) RETURNS compute_rate
	LANGUAGE c STABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION peak_rate_strict(accelerator, text) IS 'as peak_rate, but an error where that is NULL: LC004 without a row, LC002 for an unknown format; NULL for NULL';

CREATE FUNCTION normalized_rate(accelerator accelerator, basis text) RETURNS compute_rate
	LANGUAGE c STABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION normalized_rate(accelerator, text) IS 'what one device counts for in a basis now: the peak rate for a number format, the factor valid at the transaction''s start for a registered basis; most specific class first, the user''s row before a shipped one, a MIG slice its share; NULL without such a row, for basis flop, for an unknown basis, and for NULL';

CREATE FUNCTION normalized_rate(accelerator accelerator, basis text, at timestamptz) RETURNS compute_rate
	LANGUAGE c STABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'normalized_rate_at';
COMMENT ON FUNCTION normalized_rate(accelerator, text, timestamptz) IS 'what one device counts for in a basis at a time of use: the peak rate for a number format, the factor valid at that time for a registered basis, both as this database knows them now; NULL without such a row, for basis flop, for an unknown basis, and for NULL';

CREATE FUNCTION normalized_rate(accelerator accelerator, basis text, at timestamptz, as_of timestamptz) RETURNS compute_rate
	LANGUAGE c STABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'normalized_rate_as_of';
COMMENT ON FUNCTION normalized_rate(accelerator, text, timestamptz, timestamptz) IS 'as normalized_rate(accelerator, basis, at), from the rows that this database held to be true at a recorded time, as_of: what an old bill was made from; NULL without such a row, for basis flop, for an unknown basis, and for NULL';

CREATE FUNCTION normalized_rate_strict(accelerator accelerator, basis text) RETURNS compute_rate
	LANGUAGE c STABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION normalized_rate_strict(accelerator, text) IS 'as normalized_rate(accelerator, basis), but an error where that is NULL: LC004 without a rate, LC002 for an unknown basis; NULL for NULL';

CREATE FUNCTION normalized_rate_strict(accelerator accelerator, basis text, at timestamptz) RETURNS compute_rate
	LANGUAGE c STABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'normalized_rate_strict_at';
COMMENT ON FUNCTION normalized_rate_strict(accelerator, text, timestamptz) IS 'as normalized_rate(accelerator, basis, at), but an error where that is NULL: LC004 without a rate, LC002 for an unknown basis; NULL for NULL';

CREATE FUNCTION normalized_rates(basis text, OUT accelerator accelerator, OUT valid_from timestamptz, OUT valid_to timestamptz, OUT rate compute_rate)
	RETURNS SETOF record
	LANGUAGE c STABLE STRICT PARALLEL SAFE COST 1000 ROWS 300 AS 'MODULE_PATHNAME', 'normalized_rates';
COMMENT ON FUNCTION normalized_rates(text) IS 'for every accelerator and class in the reference tables that has a rate in this basis: what one device counts for, and when, from valid_from (included) to valid_to (excluded), which are -infinity and infinity for a number format: the set form of normalized_rate(accelerator, basis, at), for joins on accelerator and time; an error (LC002) for an unknown basis; no rows for NULL';

CREATE FUNCTION normalized_rates(basis text, at timestamptz, OUT accelerator accelerator, OUT rate compute_rate)
	RETURNS SETOF record
	LANGUAGE c STABLE STRICT PARALLEL SAFE COST 1000 ROWS 300 AS 'MODULE_PATHNAME', 'normalized_rates_at';
COMMENT ON FUNCTION normalized_rates(text, timestamptz) IS 'for every accelerator and class in the reference tables that has a rate in this basis at this time: what one device counts for: the set form of normalized_rate(accelerator, basis, at) for joins on accelerator; an error (LC002) for an unknown basis; no rows for NULL';
