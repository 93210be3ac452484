-- By days of UTC, which are the same for all accounts.
CREATE TABLE compute_ledger._utilization_daily (
	account bigint NOT NULL,
	region integer NOT NULL,
	day date NOT NULL,
	length bigint NOT NULL,
	reserved_length bigint NOT NULL,
	allocated_length bigint NOT NULL,
	used_length bigint NOT NULL,
	accelerator compute_ledger.accelerator NOT NULL,
	reserved_time numeric NOT NULL,
	allocated_time numeric NOT NULL,
	used_time numeric NOT NULL,
	unused_time numeric,
	unused_work compute_ledger.compute_unit,
	PRIMARY KEY (account, day, region, accelerator)
) WITH (fillfactor = 90);
COMMENT ON TABLE compute_ledger._utilization_daily IS 'what utilization_daily shows of each account, kept by refresh_rollups(), in 1/1,680,000 device x microsecond, with the lengths of the records whose share is known, in microseconds';

CREATE INDEX _utilization_daily_day_idx ON compute_ledger._utilization_daily (day);
