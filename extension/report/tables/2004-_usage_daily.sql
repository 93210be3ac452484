CREATE TABLE compute_ledger._usage_daily (
	account bigint NOT NULL,
	region integer NOT NULL,
	basis integer NOT NULL,
	day date NOT NULL,
	started bigint NOT NULL,
	length bigint NOT NULL,
	shared bigint NOT NULL,
	rated bigint NOT NULL,
	achieving bigint NOT NULL,
	accelerator compute_ledger.accelerator NOT NULL,
	measure text COLLATE "C" NOT NULL,
	device_time numeric NOT NULL,
	work compute_ledger.compute_unit,
	achieved compute_ledger.compute_unit,
	PRIMARY KEY (account, day, region, accelerator, measure, basis)
) WITH (fillfactor = 90);
COMMENT ON TABLE compute_ledger._usage_daily IS 'what usage_daily shows, of all accounts: the sums of _usage_hourly, kept by refresh_rollups()';

CREATE INDEX _usage_daily_day_idx ON compute_ledger._usage_daily (day);
