CREATE TABLE compute_ledger._rollup_zone (
	account bigint NOT NULL,
	owner bigint NOT NULL,
	payer bigint NOT NULL,
	time_zone text NOT NULL,
	since timestamptz NOT NULL,
	until timestamptz NOT NULL,
	was boolean NOT NULL,
	"is" boolean NOT NULL,
	PRIMARY KEY (account, since, until, owner, payer, time_zone)
);
COMMENT ON TABLE compute_ledger._rollup_zone IS 'whose the usage of an account is, who pays for it, and in which days it counts, while it does: what _rollup_zones() said as of rollup_state.as_of; while refresh_rollups() runs, rows of before (was) and of after (is)';
