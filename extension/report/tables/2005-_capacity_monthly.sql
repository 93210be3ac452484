CREATE TABLE compute_ledger._capacity_monthly (
	region integer NOT NULL,
	month date NOT NULL,
	length bigint NOT NULL,
	unknown bigint NOT NULL,
	accelerator compute_ledger.accelerator NOT NULL,
	device_time numeric NOT NULL,
	PRIMARY KEY (month, region, accelerator)
) WITH (fillfactor = 90);
COMMENT ON TABLE compute_ledger._capacity_monthly IS 'capacity by months of UTC, kept by refresh_rollups(); part of utilization_monthly';
