CREATE TABLE compute_ledger._fleet_hourly (
	region integer NOT NULL,
	hour timestamptz NOT NULL,
	length bigint NOT NULL,
	reserved_length bigint NOT NULL,
	allocated_length bigint NOT NULL,
	used_length bigint NOT NULL,
	capacity_length bigint NOT NULL,
	unknown_length bigint NOT NULL,
	accelerator compute_ledger.accelerator NOT NULL,
	reserved_time numeric NOT NULL,
	allocated_time numeric NOT NULL,
	used_time numeric NOT NULL,
	capacity_time numeric NOT NULL,
	unused_time numeric,
	unused_work compute_ledger.compute_unit,
	PRIMARY KEY (hour, region, accelerator)
) WITH (fillfactor = 90);
COMMENT ON TABLE compute_ledger._fleet_hourly IS 'what utilization_hourly shows of all accounts together, and capacity, by hours of UTC, kept by refresh_rollups(); lengths of capacity too, and of that whose share is not known';
