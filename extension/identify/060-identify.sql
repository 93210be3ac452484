-- Names: which accelerator a name means, as a system prints it.
--
-- Four tables drive it (docs/identify.md): aliases, which are whole names; the words
-- of a grammar; the variants of a model that there are; instance types.  In each of
-- them the user's rows win over the shipped ones.

CREATE FUNCTION accelerator_name_key(name text) RETURNS text
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION accelerator_name_key(text) IS 'what names that differ only in case and separators have in common: lower case, separators dropped but for a dash between two digits; of a PCI id its canonical form, vvvv:dddd, vvvv:dddd:ssss:ssss or vvvv:dddd/rr; empty for a text without letters and digits or of more than 256 bytes; NULL for NULL';

CREATE FUNCTION _accelerator_word_check(kind text, word text, meaning text, family text) RETURNS boolean
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'accelerator_word_check';
COMMENT ON FUNCTION _accelerator_word_check(text, text, text, text) IS 'true if a row of accelerator_word can be used, else an error (22023) that says what is wrong with it; NULL if kind or word is NULL';

CREATE FUNCTION _accelerator_form_check(form text) RETURNS boolean
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'accelerator_form_check';
COMMENT ON FUNCTION _accelerator_form_check(text) IS 'whether a text is the word of a form factor as type accelerator has them (sxm, sxm5, pcie, ...); NULL for NULL';

-- ------------------------------------------------------------------ aliases

CREATE TABLE accelerator_alias (
	shipped boolean NOT NULL DEFAULT false,
	alias text NOT NULL,
	system text NOT NULL DEFAULT '',
	accelerator accelerator,
	source text,
	recorded tstzrange NOT NULL DEFAULT tstzrange(CURRENT_TIMESTAMP, NULL)
		CHECK (NOT isempty(recorded)),
	CONSTRAINT accelerator_alias_alias_check
		CHECK (compute_ledger.accelerator_name_key(alias) <> ''),
	CONSTRAINT accelerator_alias_system_check
		CHECK (system = lower(system COLLATE "C") AND system = btrim(system))
);
CREATE UNIQUE INDEX accelerator_alias_current_idx
	ON accelerator_alias (compute_ledger.accelerator_name_key(alias), system, shipped) WHERE upper_inf(recorded);
COMMENT ON TABLE accelerator_alias IS 'Names of accelerators that no rule explains, PCI ids, and names that mean something else in one system than elsewhere. Case and separators do not count. The user''s row wins over a shipped one, and one for the source given over one for any.';
COMMENT ON COLUMN accelerator_alias.shipped IS 'true for rows that come with the extension; those are read-only and not dumped';
COMMENT ON COLUMN accelerator_alias.alias IS 'the whole name, or a PCI id: vvvv:dddd, with subsystem vvvv:dddd:ssss:ssss, with revision vvvv:dddd/rr';
COMMENT ON COLUMN accelerator_alias.system IS 'the source, as given to identify(), for which the alias holds, in lower case; empty: for any';
COMMENT ON COLUMN accelerator_alias.accelerator IS 'the chip or class that is meant; NULL: the name is known not to tell';
COMMENT ON COLUMN accelerator_alias.source IS 'where this is from';
COMMENT ON COLUMN accelerator_alias.recorded IS 'when this database held the row to be true; without an end: it still does';

-- ------------------------------------------------------------------ grammar

CREATE TABLE accelerator_word (
	shipped boolean NOT NULL DEFAULT false,
	kind text NOT NULL,
	word text NOT NULL,
	meaning text,
	family text,
	source text,
	recorded tstzrange NOT NULL DEFAULT tstzrange(CURRENT_TIMESTAMP, NULL)
		CHECK (NOT isempty(recorded)),
	CONSTRAINT accelerator_word_check
		CHECK (compute_ledger._accelerator_word_check(kind, word, meaning, family))
);
CREATE UNIQUE INDEX accelerator_word_current_idx
	ON accelerator_word (word, kind, (coalesce(meaning, '')), (coalesce(family, '')), shipped) WHERE upper_inf(recorded);
COMMENT ON TABLE accelerator_word IS 'The words that names of accelerators are made of. A name is known if words, memory sizes and MIG profiles cover all of it and agree.';
COMMENT ON COLUMN accelerator_word.shipped IS 'true for rows that come with the extension; those are read-only and not dumped';
COMMENT ON COLUMN accelerator_word.kind IS 'vendor: names a maker; chip: a die or an architecture, which only has to agree with the maker; model: names a model; product: names a model if its maker is named too; vgpu: names a model before the profile of a vGPU (A100X-40C); suffix: turns a model of its family into another; form: a form factor; memory_type; system: names more than one device, and perhaps their form factor; noise: says nothing; rewrite: stands for other letters';
COMMENT ON COLUMN accelerator_word.word IS 'the word or words, in lower case: a blank is where a separator may stand, # is one digit; between a letter and a digit a separator may always stand';
COMMENT ON COLUMN accelerator_word.meaning IS 'vendor and chip: a vendor; model and product: an accelerator in which each # is the digit read at the # of the same number; vgpu: an accelerator and, after a blank, the memory of the card where the accelerator does not state it (nvidia/a100 40gb); suffix: what is added to the model; form: a form factor; system: a form factor or NULL; memory_type: its name; rewrite: the other letters; noise: NULL';
COMMENT ON COLUMN accelerator_word.family IS 'of a model: the suffixes that it takes; of a suffix: the models that take it';
COMMENT ON COLUMN accelerator_word.source IS 'where this is from';
COMMENT ON COLUMN accelerator_word.recorded IS 'when this database held the row to be true; without an end: it still does';

CREATE TABLE accelerator_variant (
	shipped boolean NOT NULL DEFAULT false,
	accelerator accelerator NOT NULL,
	form text,
	memory_gb integer CHECK (memory_gb BETWEEN 1 AND 65534),
	memory_type text,
	source text,
	recorded tstzrange NOT NULL DEFAULT tstzrange(CURRENT_TIMESTAMP, NULL)
		CHECK (NOT isempty(recorded)),
	CONSTRAINT accelerator_variant_form_check
		CHECK (compute_ledger._accelerator_form_check(form)),
	CONSTRAINT accelerator_variant_accelerator_check
		CHECK (compute_ledger.model(accelerator) IS NOT NULL)
);
CREATE UNIQUE INDEX accelerator_variant_current_idx
	ON accelerator_variant (accelerator, (coalesce(form, '')), (coalesce(memory_gb, 0)), (coalesce(memory_type, '')), shipped) WHERE upper_inf(recorded);
COMMENT ON TABLE accelerator_variant IS 'The variants of a model that there are. A name that leaves one of them means that one; a name that leaves several means the class of them. A model without rows here is taken as the name states it.';
COMMENT ON COLUMN accelerator_variant.shipped IS 'true for rows that come with the extension; those are read-only and not dumped';
COMMENT ON COLUMN accelerator_variant.accelerator IS 'the variant, in its canonical text; a model that there is only one of needs neither form factor nor memory in it';
COMMENT ON COLUMN accelerator_variant.form IS 'form factor that a name may state; NULL: any';
COMMENT ON COLUMN accelerator_variant.memory_gb IS 'memory in GB that a name may state; NULL: any. A variant whose memory is printed in several ways has several rows.';
COMMENT ON COLUMN accelerator_variant.memory_type IS 'kind of memory that a name may state, for example hbm3; NULL: any';
COMMENT ON COLUMN accelerator_variant.source IS 'where this is from';
COMMENT ON COLUMN accelerator_variant.recorded IS 'when this database held the row to be true; without an end: it still does';

-- ------------------------------------------------------------------ instance types

CREATE TABLE accelerator_instance (
	shipped boolean NOT NULL DEFAULT false,
	sku text NOT NULL,
	provider text NOT NULL,
	accelerator accelerator NOT NULL,
	devices numeric CHECK (devices > 0),
	source text,
	recorded tstzrange NOT NULL DEFAULT tstzrange(CURRENT_TIMESTAMP, NULL)
		CHECK (NOT isempty(recorded)),
	-- every further * multiplies the ways in which a name may match
	CONSTRAINT accelerator_instance_sku_check
		CHECK (sku COLLATE "C" ~ '^[^A-Z_[:space:]]{1,128}$' AND length(sku) - length(replace(sku, '*', '')) <= 3),
	CONSTRAINT accelerator_instance_provider_check
		CHECK (provider COLLATE "C" ~ '^[a-z0-9.-]+( [a-z0-9.-]+)*$')
);
CREATE UNIQUE INDEX accelerator_instance_current_idx
	ON accelerator_instance (sku, provider, shipped) WHERE upper_inf(recorded);
COMMENT ON TABLE accelerator_instance IS 'What accelerators the instance types (machine types, VM sizes) of cloud providers have, and how many. The user''s row wins over a shipped one, then the pattern with more literal characters.';
COMMENT ON COLUMN accelerator_instance.shipped IS 'true for rows that come with the extension; those are read-only and not dumped';
COMMENT ON COLUMN accelerator_instance.sku IS 'the type in lower case, with a dash for a blank and for an underscore; # stands for a number, * (at most three) for letters and digits or none, % for a number that is how many devices there are';
COMMENT ON COLUMN accelerator_instance.provider IS 'the provider in lower case; further words are other names of it';
COMMENT ON COLUMN accelerator_instance.accelerator IS 'the chip or class in it';
COMMENT ON COLUMN accelerator_instance.devices IS 'how many, a fraction if shared; with a % in sku: for how many each of them counts, by default 1; NULL: not known';
COMMENT ON COLUMN accelerator_instance.source IS 'where this is from';
COMMENT ON COLUMN accelerator_instance.recorded IS 'when this database held the row to be true; without an end: it still does';

-- ------------------------------------------------------------------ what the four have in common

CREATE TRIGGER a_guard BEFORE INSERT OR UPDATE OR DELETE ON accelerator_alias
	FOR EACH ROW EXECUTE FUNCTION _reference_row_guard();
CREATE TRIGGER a_truncate BEFORE TRUNCATE ON accelerator_alias
	FOR EACH STATEMENT EXECUTE FUNCTION _reference_row_guard();
CREATE TRIGGER z_history AFTER UPDATE OR DELETE ON accelerator_alias
	FOR EACH ROW EXECUTE FUNCTION _reference_row_history();

CREATE TRIGGER a_guard BEFORE INSERT OR UPDATE OR DELETE ON accelerator_word
	FOR EACH ROW EXECUTE FUNCTION _reference_row_guard();
CREATE TRIGGER a_truncate BEFORE TRUNCATE ON accelerator_word
	FOR EACH STATEMENT EXECUTE FUNCTION _reference_row_guard();
CREATE TRIGGER z_history AFTER UPDATE OR DELETE ON accelerator_word
	FOR EACH ROW EXECUTE FUNCTION _reference_row_history();

CREATE TRIGGER a_guard BEFORE INSERT OR UPDATE OR DELETE ON accelerator_variant
	FOR EACH ROW EXECUTE FUNCTION _reference_row_guard();
CREATE TRIGGER a_truncate BEFORE TRUNCATE ON accelerator_variant
	FOR EACH STATEMENT EXECUTE FUNCTION _reference_row_guard();
CREATE TRIGGER z_history AFTER UPDATE OR DELETE ON accelerator_variant
	FOR EACH ROW EXECUTE FUNCTION _reference_row_history();

CREATE TRIGGER a_guard BEFORE INSERT OR UPDATE OR DELETE ON accelerator_instance
	FOR EACH ROW EXECUTE FUNCTION _reference_row_guard();
CREATE TRIGGER a_truncate BEFORE TRUNCATE ON accelerator_instance
	FOR EACH STATEMENT EXECUTE FUNCTION _reference_row_guard();
CREATE TRIGGER z_history AFTER UPDATE OR DELETE ON accelerator_instance
	FOR EACH ROW EXECUTE FUNCTION _reference_row_history();

GRANT SELECT ON accelerator_alias, accelerator_word, accelerator_variant, accelerator_instance TO PUBLIC;
GRANT INSERT, UPDATE, DELETE ON accelerator_alias, accelerator_word, accelerator_variant, accelerator_instance TO pg_database_owner;
SELECT pg_catalog.pg_extension_config_dump('accelerator_alias', 'WHERE NOT shipped');
ALTER TABLE accelerator_alias REPLICA IDENTITY FULL;
SELECT pg_catalog.pg_extension_config_dump('accelerator_word', 'WHERE NOT shipped');
ALTER TABLE accelerator_word REPLICA IDENTITY FULL;
SELECT pg_catalog.pg_extension_config_dump('accelerator_variant', 'WHERE NOT shipped');
ALTER TABLE accelerator_variant REPLICA IDENTITY FULL;
SELECT pg_catalog.pg_extension_config_dump('accelerator_instance', 'WHERE NOT shipped');
ALTER TABLE accelerator_instance REPLICA IDENTITY FULL;

-- @catalog accelerator_alias
-- @catalog accelerator_word
-- @catalog accelerator_variant
-- @catalog accelerator_instance

-- ------------------------------------------------------------------ functions

CREATE FUNCTION identify(name text, source text DEFAULT NULL) RETURNS accelerator
	LANGUAGE c STABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION identify(text, text) IS 'the accelerator that a name means, as a system prints it: nvidia-smi and NVML names, Kubernetes labels and resource names, Slurm GRES types and TRES lists, PCI ids, instance types, MIG device names, profiles of vGPUs (the card), marketing names, canonical text, and a number of any of these. source says which system printed it, where that matters. A name that does not tell the variant gives the class of all it may mean; NULL for a name that is not known, and for NULL. Never an error.';

CREATE FUNCTION identify_strict(name text, source text DEFAULT NULL) RETURNS accelerator
	LANGUAGE c STABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION identify_strict(text, text) IS 'as identify, but a name that is not known is an error (LC003) whose hint gives the most similar names; NULL for NULL';

CREATE FUNCTION identify_instance(sku text, provider text DEFAULT NULL, OUT accelerator accelerator, OUT devices numeric)
	LANGUAGE c STABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION identify_instance(text, text) IS 'what accelerators an instance type of a cloud provider has, and how many, a fraction where one is shared; or any name that identify() knows, with a number (8x H100, V100:8, gpu:a100:4, a TRES list), alone as one, a vGPU as its part of a device by memory; devices is NULL where the name does not tell; both NULL for a name that is not known, and for NULL. provider restricts the search for instance types to one provider, and is the source for names.';

CREATE FUNCTION _vgpu_share(name text, source text) RETURNS integer
	LANGUAGE c STABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'vgpu_share';
COMMENT ON FUNCTION _vgpu_share(text, text) IS 'the part of its card that the vGPU of a profile is, by memory, in 1/1,680,000: 840000 for A10-12Q; 0 where the memory of the card is not known; NULL for a name of anything else, and for NULL';

CREATE FUNCTION _accelerator_share(name text, source text, accelerator accelerator) RETURNS integer
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN v.share IS NULL THEN compute_ledger.device_share(accelerator) ELSE nullif(v.share, 0) END
	FROM compute_ledger._vgpu_share(name, source) AS v (share)
$$;
COMMENT ON FUNCTION _accelerator_share(text, text, accelerator) IS 'the part of a device that one of what a name means is, in 1/1,680,000: of a vGPU by memory, of anything else device_share() of the accelerator that it means; NULL where that is not known, and for an accelerator that is NULL';

CREATE FUNCTION _vgpu_rate(rate compute_rate, vgpu integer) RETURNS compute_rate
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
	SELECT CASE WHEN $2 IS NULL THEN $1 WHEN $2 OPERATOR(pg_catalog.>) 0 THEN $1 OPERATOR(compute_ledger.*) $2 OPERATOR(compute_ledger./) 1680000 END
$$;
COMMENT ON FUNCTION _vgpu_rate(compute_rate, integer) IS 'the rate of one of what a name means, from that of the accelerator and _vgpu_share() of the name: the same part of it, rounded half to even; NULL where the part is not known';
