-- Reference data of policies: groups of countries, and examples of policies.  Nothing here is legal advice.

CREATE TABLE country_group (
	shipped boolean NOT NULL DEFAULT false,
	name text NOT NULL CHECK (name <> '' AND name = btrim(name) AND octet_length(name) <= 1000 AND name COLLATE "C" !~ '^[A-Z]{2}$'),
	country text NOT NULL CHECK (country COLLATE "C" ~ '^[A-Z]{2}$'),
	valid daterange NOT NULL DEFAULT '(,)' CHECK (NOT isempty(valid)),
	source text,
	recorded tstzrange NOT NULL DEFAULT tstzrange(CURRENT_TIMESTAMP, NULL)
		CHECK (NOT isempty(recorded))
);
CREATE UNIQUE INDEX country_group_current_idx ON country_group (shipped, name, country, valid) WHERE upper_inf(recorded);
COMMENT ON TABLE country_group IS 'Groups of countries that rules speak of, and which countries were in them when. Rows of the user''s for a group replace all shipped rows of the group of that name.';
COMMENT ON COLUMN country_group.shipped IS 'true for rows that come with the extension; those are read-only and not dumped';
COMMENT ON COLUMN country_group.name IS 'name of the group; not two capital letters, which are a country';
COMMENT ON COLUMN country_group.country IS 'ISO 3166-1 alpha-2 code';
COMMENT ON COLUMN country_group.valid IS 'days, UTC, on which the country was in the group, as far as rules of this table''s time ask for it';
COMMENT ON COLUMN country_group.source IS 'where the row is from';
COMMENT ON COLUMN country_group.recorded IS 'when this database held the row to be true; without an end: it still does';

CREATE TRIGGER a_guard BEFORE INSERT OR UPDATE OR DELETE ON country_group
	FOR EACH ROW EXECUTE FUNCTION _reference_row_guard();
CREATE TRIGGER a_truncate BEFORE TRUNCATE ON country_group
	FOR EACH STATEMENT EXECUTE FUNCTION _reference_row_guard();
CREATE TRIGGER z_history AFTER UPDATE OR DELETE ON country_group
	FOR EACH ROW EXECUTE FUNCTION _reference_row_history();
GRANT SELECT ON country_group TO PUBLIC;
GRANT INSERT, UPDATE, DELETE ON country_group TO pg_database_owner;
SELECT pg_catalog.pg_extension_config_dump('country_group', 'WHERE NOT shipped');
ALTER TABLE country_group REPLICA IDENTITY FULL;

-- @catalog country_group

CREATE TABLE shipped_rule (
	shipped boolean NOT NULL DEFAULT true CHECK (shipped),
	policy text NOT NULL,
	rule text NOT NULL,
	valid daterange NOT NULL,
	effect text NOT NULL,
	review text,
	events text[] NOT NULL,
	headquarters text[],
	flags text[],
	accelerators text[],
	accelerators_not text[],
	export_rule text,
	export_classes text[],
	destinations text[],
	destinations_not text[],
	origins text[],
	origins_not text[],
	clause text NOT NULL,
	source text NOT NULL,
	PRIMARY KEY (policy, rule, valid)
);
COMMENT ON TABLE shipped_rule IS 'Policies that load_policy() copies into access_policy and access_rule: the dated rules of an export law as far as they are about accelerators, and examples of an operator''s own. No legal advice. Read-only.';
COMMENT ON COLUMN shipped_rule.shipped IS 'true';
COMMENT ON COLUMN shipped_rule.policy IS 'name of the policy';
COMMENT ON COLUMN shipped_rule.rule IS 'name of the rule; its rows of other days are what it said then';
COMMENT ON COLUMN shipped_rule.valid IS 'days, UTC, on which the row is in force';
COMMENT ON COLUMN shipped_rule.effect IS 'as in access_rule';
COMMENT ON COLUMN shipped_rule.review IS 'as in access_rule';
COMMENT ON COLUMN shipped_rule.events IS 'as in access_rule';
COMMENT ON COLUMN shipped_rule.headquarters IS 'as in access_rule';
COMMENT ON COLUMN shipped_rule.flags IS 'as in access_rule';
COMMENT ON COLUMN shipped_rule.accelerators IS 'as in access_rule';
COMMENT ON COLUMN shipped_rule.accelerators_not IS 'as in access_rule';
COMMENT ON COLUMN shipped_rule.export_rule IS 'as in access_rule';
COMMENT ON COLUMN shipped_rule.export_classes IS 'as in access_rule';
COMMENT ON COLUMN shipped_rule.destinations IS 'as in access_rule';
COMMENT ON COLUMN shipped_rule.destinations_not IS 'as in access_rule';
COMMENT ON COLUMN shipped_rule.origins IS 'as in access_rule';
COMMENT ON COLUMN shipped_rule.origins_not IS 'as in access_rule';
COMMENT ON COLUMN shipped_rule.clause IS 'as in access_rule';
COMMENT ON COLUMN shipped_rule.source IS 'where the row is from';
CREATE TRIGGER a_guard BEFORE INSERT OR UPDATE OR DELETE ON shipped_rule
	FOR EACH ROW EXECUTE FUNCTION _reference_row_guard('policy', 'rule', 'valid');
CREATE TRIGGER a_truncate BEFORE TRUNCATE ON shipped_rule
	FOR EACH STATEMENT EXECUTE FUNCTION _reference_row_guard();
GRANT SELECT ON shipped_rule TO PUBLIC;
-- whoever tries is told why not; a restore copies no rows into it
GRANT INSERT, UPDATE, DELETE ON shipped_rule TO pg_database_owner;
SELECT pg_catalog.pg_extension_config_dump('shipped_rule', 'WHERE NOT shipped');
ALTER TABLE shipped_rule REPLICA IDENTITY FULL;

-- @catalog shipped_rule
