CREATE TABLE compute_ledger.access_policy (
	policy text COLLATE "C" NOT NULL CONSTRAINT access_policy_policy_check CHECK (policy <> '' AND policy = btrim(policy) AND octet_length(policy) <= 1000),
	default_effect text NOT NULL DEFAULT 'allow' CONSTRAINT access_policy_default_effect_check CHECK (default_effect IN ('allow', 'deny', 'needs_licence', 'review')),
	title text,
	source text,
	valid tstzrange NOT NULL DEFAULT '(,)',
	recorded tstzrange NOT NULL DEFAULT tstzrange(compute_ledger._ledger_stamp(), NULL),
	CONSTRAINT access_policy_valid_check CHECK (NOT isempty(valid) AND (lower_inc(valid) OR lower_inf(valid)) AND NOT upper_inc(valid)
		AND (lower(valid) < 'infinity') IS NOT FALSE AND (upper(valid) > '-infinity') IS NOT FALSE),
	CONSTRAINT access_policy_recorded_check CHECK (NOT isempty(recorded) AND lower_inc(recorded) AND NOT upper_inc(recorded)),
	-- there are no ranges of text
	CONSTRAINT access_policy_excl EXCLUDE USING gist (int8range(hashtextextended(policy, 0) / 2, hashtextextended(policy, 0) / 2, '[]') WITH =, valid WITH &&, recorded WITH &&)
		DEFERRABLE
);
COMMENT ON TABLE compute_ledger.access_policy IS 'Policies: sets of rules of an operator, and what each says where none of its rules does. What all of them allow is allowed.';
COMMENT ON COLUMN compute_ledger.access_policy.policy IS 'name';
COMMENT ON COLUMN compute_ledger.access_policy.default_effect IS 'what holds where no rule of the policy applies: allow, deny, needs_licence or review';
COMMENT ON COLUMN compute_ledger.access_policy.title IS 'for people';
COMMENT ON COLUMN compute_ledger.access_policy.source IS 'where this is from';
COMMENT ON COLUMN compute_ledger.access_policy.valid IS 'when this holds';
COMMENT ON COLUMN compute_ledger.access_policy.recorded IS 'when the ledger knew it; set by the ledger';

CREATE TRIGGER a_policy BEFORE INSERT OR UPDATE OR DELETE ON compute_ledger.access_policy
	FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._policy_touch();
CREATE TRIGGER a_recorded BEFORE INSERT OR UPDATE OR DELETE ON compute_ledger.access_policy
	FOR EACH ROW EXECUTE FUNCTION compute_ledger._bitemporal_row('policy');
CREATE TRIGGER a_truncate BEFORE TRUNCATE ON compute_ledger.access_policy
	FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._bitemporal_row();
CREATE TRIGGER b_valid BEFORE INSERT OR UPDATE ON compute_ledger.access_policy
	FOR EACH ROW EXECUTE FUNCTION compute_ledger._bitemporal_valid();
CREATE TRIGGER y_updated AFTER UPDATE ON compute_ledger.access_policy
	REFERENCING OLD TABLE AS replaced FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._bitemporal_history();
CREATE TRIGGER y_deleted AFTER DELETE ON compute_ledger.access_policy
	REFERENCING OLD TABLE AS replaced FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._bitemporal_history();

CREATE POLICY visible ON compute_ledger.access_policy FOR SELECT USING (true);
