CREATE TABLE compute_ledger.access_rule (
	policy text COLLATE "C" NOT NULL,
	rule text COLLATE "C" NOT NULL CONSTRAINT access_rule_rule_check CHECK (rule <> '' AND rule = btrim(rule) AND octet_length(rule) <= 1000),
	effect text NOT NULL CONSTRAINT access_rule_effect_check CHECK (effect IN ('allow', 'deny', 'needs_licence', 'review')),
	review text CONSTRAINT access_rule_review_check CHECK (review IN ('presumption of denial', 'case by case')),
	clause text NOT NULL,
	events text[] NOT NULL DEFAULT '{book}' CONSTRAINT access_rule_events_check CHECK (events <@ '{book,export,reexport,transfer}' AND events <> '{}'),
	accounts bigint[],
	accounts_not bigint[],
	jurisdictions text[],
	jurisdictions_not text[],
	headquarters text[],
	headquarters_not text[],
	verified boolean,
	flags text[],
	flags_not text[],
	accelerators compute_ledger.accelerator[],
	accelerators_not compute_ledger.accelerator[],
	export_rule text,
	export_classes text[],
	tpp_from numeric,
	tpp_below numeric,
	density_from numeric,
	density_below numeric,
	number_formats text[],
	regions integer[],
	regions_not integer[],
	destinations text[],
	destinations_not text[],
	origins text[],
	origins_not text[],
	source text,
	valid tstzrange NOT NULL DEFAULT '(,)',
	recorded tstzrange NOT NULL DEFAULT tstzrange(compute_ledger._ledger_stamp(), NULL),
	CONSTRAINT access_rule_valid_check CHECK (NOT isempty(valid) AND (lower_inc(valid) OR lower_inf(valid)) AND NOT upper_inc(valid)
		AND (lower(valid) < 'infinity') IS NOT FALSE AND (upper(valid) > '-infinity') IS NOT FALSE),
	CONSTRAINT access_rule_recorded_check CHECK (NOT isempty(recorded) AND lower_inc(recorded) AND NOT upper_inc(recorded)),
	-- there are no ranges of text
	CONSTRAINT access_rule_excl EXCLUDE USING gist (int8range(hashtextextended(rule, 0) / 2, hashtextextended(rule, 0) / 2, '[]') WITH =, valid WITH &&, recorded WITH &&)
		DEFERRABLE,
	CONSTRAINT access_rule_export_check CHECK ((export_rule IS NULL) = (export_classes IS NULL))
);
COMMENT ON TABLE compute_ledger.access_rule IS 'Rules: who may use what where. A rule applies where all of its conditions hold; one that is NULL is none. What it says then stands, whatever other rules say, until a licence or an exception that names it lifts it. A condition that turns on a fact that is not known makes it a review. Changed with INSERT, UPDATE and DELETE of the rows whose recorded range is open.';
COMMENT ON COLUMN compute_ledger.access_rule.policy IS 'the policy that it belongs to';
COMMENT ON COLUMN compute_ledger.access_rule.rule IS 'name, by which licences and exceptions name it; rows of one name hold at different times';
COMMENT ON COLUMN compute_ledger.access_rule.effect IS 'deny; needs_licence; review: it is decided by people, and until then nothing is booked; allow: where the policy''s default is stricter. The strictest stands.';
COMMENT ON COLUMN compute_ledger.access_rule.review IS 'how an application is reviewed: presumption of denial, or case by case; NULL: not said';
COMMENT ON COLUMN compute_ledger.access_rule.clause IS 'the clause that it stands on, for whom it stops';
COMMENT ON COLUMN compute_ledger.access_rule.events IS 'what it is about: book (compute is used), or a device is brought: export, reexport, transfer';
COMMENT ON COLUMN compute_ledger.access_rule.accounts IS 'condition: the account is one of these or under one';
COMMENT ON COLUMN compute_ledger.access_rule.accounts_not IS 'condition: the account is none of these and under none';
COMMENT ON COLUMN compute_ledger.access_rule.jurisdictions IS 'condition: the account''s jurisdiction is one of these countries, or in one of these groups of table country_group';
COMMENT ON COLUMN compute_ledger.access_rule.jurisdictions_not IS 'and in none of these';
COMMENT ON COLUMN compute_ledger.access_rule.headquarters IS 'condition: the headquarters of the account''s party or of its ultimate parent are in one of these countries or groups';
COMMENT ON COLUMN compute_ledger.access_rule.headquarters_not IS 'and in none of these';
COMMENT ON COLUMN compute_ledger.access_rule.verified IS 'condition: the party was verified (true), or it was not or none is stated (false)';
COMMENT ON COLUMN compute_ledger.access_rule.flags IS 'condition: the account, or one above it, has one of these flags';
COMMENT ON COLUMN compute_ledger.access_rule.flags_not IS 'condition: it has none of these';
COMMENT ON COLUMN compute_ledger.access_rule.accelerators IS 'condition: the device is of one of these classes';
COMMENT ON COLUMN compute_ledger.access_rule.accelerators_not IS 'condition: it is of none of these';
COMMENT ON COLUMN compute_ledger.access_rule.export_rule IS 'rule of table export_rule under which the device is classed';
COMMENT ON COLUMN compute_ledger.access_rule.export_classes IS 'condition: the class under export_rule is one of these';
COMMENT ON COLUMN compute_ledger.access_rule.tpp_from IS 'condition: total processing performance is this or more';
COMMENT ON COLUMN compute_ledger.access_rule.tpp_below IS 'condition: it is less than this';
COMMENT ON COLUMN compute_ledger.access_rule.density_from IS 'condition: performance density is this or more, per mm2';
COMMENT ON COLUMN compute_ledger.access_rule.density_below IS 'condition: it is less than this';
COMMENT ON COLUMN compute_ledger.access_rule.number_formats IS 'condition: a peak rate in one of these number formats is known';
COMMENT ON COLUMN compute_ledger.access_rule.regions IS 'condition: the region is one of these or under one';
COMMENT ON COLUMN compute_ledger.access_rule.regions_not IS 'condition: it is none of these and under none';
COMMENT ON COLUMN compute_ledger.access_rule.destinations IS 'condition: the region''s jurisdiction, or that of the nearest region above that has one, is one of these countries or groups';
COMMENT ON COLUMN compute_ledger.access_rule.destinations_not IS 'and in none of these';
COMMENT ON COLUMN compute_ledger.access_rule.origins IS 'condition: so is that of the region that a device comes from';
COMMENT ON COLUMN compute_ledger.access_rule.origins_not IS 'and in none of these';
COMMENT ON COLUMN compute_ledger.access_rule.source IS 'where this is from';
COMMENT ON COLUMN compute_ledger.access_rule.valid IS 'when this holds';
COMMENT ON COLUMN compute_ledger.access_rule.recorded IS 'when the ledger knew it; set by the ledger';

CREATE TRIGGER a_policy BEFORE INSERT OR UPDATE OR DELETE ON compute_ledger.access_rule
	FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._policy_touch();
CREATE TRIGGER a_recorded BEFORE INSERT OR UPDATE OR DELETE ON compute_ledger.access_rule
	FOR EACH ROW EXECUTE FUNCTION compute_ledger._bitemporal_row('rule', 'policy');
CREATE TRIGGER a_truncate BEFORE TRUNCATE ON compute_ledger.access_rule
	FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._bitemporal_row();
CREATE TRIGGER b_valid BEFORE INSERT OR UPDATE ON compute_ledger.access_rule
	FOR EACH ROW EXECUTE FUNCTION compute_ledger._bitemporal_valid();
CREATE TRIGGER c_guard BEFORE INSERT OR UPDATE ON compute_ledger.access_rule
	FOR EACH ROW EXECUTE FUNCTION compute_ledger._access_rule_guard();
CREATE TRIGGER y_updated AFTER UPDATE ON compute_ledger.access_rule
	REFERENCING OLD TABLE AS replaced FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._bitemporal_history();
CREATE TRIGGER y_deleted AFTER DELETE ON compute_ledger.access_rule
	REFERENCING OLD TABLE AS replaced FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._bitemporal_history();

CREATE POLICY visible ON compute_ledger.access_rule FOR SELECT USING (true);
