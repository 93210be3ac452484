-- What is charged for a whole billing period is of no day: it counts on the first.
CREATE TABLE compute_ledger._spend_daily (
	account bigint NOT NULL,
	payer bigint NOT NULL,
	region integer,
	day date NOT NULL,
	charges bigint NOT NULL,
	timed bigint NOT NULL,
	listed bigint NOT NULL,
	contracted bigint NOT NULL,
	costed bigint NOT NULL,
	accelerator compute_ledger.accelerator,
	book text COLLATE "C" NOT NULL,
	measure text COLLATE "C",
	kind text NOT NULL,
	currency text NOT NULL,
	device_time numeric NOT NULL,
	list_cost numeric NOT NULL,
	contracted_cost numeric NOT NULL,
	cost numeric NOT NULL
) WITH (fillfactor = 90);
COMMENT ON TABLE compute_ledger._spend_daily IS 'what spend_daily shows, of all accounts, kept by refresh_rollups(), with how many of the charges have device time, a list cost, a contracted cost, a cost';

CREATE UNIQUE INDEX _spend_daily_key ON compute_ledger._spend_daily (account, day, book, payer, region, accelerator, measure, kind, currency) NULLS NOT DISTINCT;
CREATE INDEX _spend_daily_day_idx ON compute_ledger._spend_daily (day);
