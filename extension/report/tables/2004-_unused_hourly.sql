CREATE TABLE compute_ledger._unused_hourly (
	account bigint NOT NULL,
	region integer NOT NULL,
	basis integer NOT NULL,
	hour timestamptz NOT NULL,
	length bigint NOT NULL,
	shared bigint NOT NULL,
	rated bigint NOT NULL,
	accelerator compute_ledger.accelerator NOT NULL,
	device_time numeric NOT NULL,
	work compute_ledger.compute_unit,
	PRIMARY KEY (account, hour, region, accelerator, basis)
);
COMMENT ON TABLE compute_ledger._unused_hourly IS 'what is reserved and not drawn, by hours of UTC, of all accounts, kept by refresh_rollups(): device time in 1/1,680,000 device x microsecond, and its work at the rate that the records of the reservations have; of MIG slices, the device; part of utilization_daily and utilization_hourly';

CREATE INDEX _unused_hourly_hour_idx ON compute_ledger._unused_hourly (region, accelerator, hour);
