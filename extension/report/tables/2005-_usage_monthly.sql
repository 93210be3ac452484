CREATE TABLE compute_ledger._usage_monthly (
	payer bigint NOT NULL,
	region integer NOT NULL,
	month date NOT NULL,
	length bigint NOT NULL,
	reserved_length bigint NOT NULL,
	allocated_length bigint NOT NULL,
	used_length bigint NOT NULL,
	accelerator compute_ledger.accelerator NOT NULL,
	reserved_time numeric NOT NULL,
	allocated_time numeric NOT NULL,
	used_time numeric NOT NULL,
	PRIMARY KEY (month, payer, region, accelerator)
) WITH (fillfactor = 90);
COMMENT ON TABLE compute_ledger._usage_monthly IS 'usage by months of UTC and who paid for the account at the time, kept by refresh_rollups(); part of utilization_monthly';
