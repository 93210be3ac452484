-- The cells that all rollups of usage are sums of.  An amount is NULL as long as there was never one; what has gone again is 0, and
-- its length says that there is none.
CREATE TABLE compute_ledger._usage_hourly (
	account bigint NOT NULL,
	region integer NOT NULL,
	basis integer NOT NULL,
	day date NOT NULL,
	hour timestamptz NOT NULL,
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
	PRIMARY KEY (account, hour, region, accelerator, measure, basis, day)
) WITH (fillfactor = 90);
COMMENT ON TABLE compute_ledger._usage_hourly IS 'what usage_hourly shows, of all accounts, kept by refresh_rollups(): an hour of UTC in one day of the account''s time zone, with the lengths of all records in it, in microseconds, and of those that have a share, a rate, achieved work';

CREATE INDEX _usage_hourly_hour_idx ON compute_ledger._usage_hourly (hour);
