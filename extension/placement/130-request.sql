-- What is asked of the placement: where may it run, how much, how long, with which data, at what price.

CREATE TYPE placement_request AS (
	account text,
	accelerators accelerator[],
	devices bigint,
	time_limit interval,
	work compute_unit,
	basis text,
	not_before timestamptz,
	deadline timestamptz,
	regions text[],
	sites integer,
	workload text,
	data_region text,
	data_gb numeric,
	data_moved boolean,
	results_gb numeric,
	results_region text,
	between_gb numeric,
	max_latency interval,
	ceiling numeric,
	max_cost numeric,
	delay_value numeric,
	preemptible boolean
);
COMMENT ON TYPE placement_request IS 'What quote(), reserve() and submit_request() are asked for; made by placement_request().';
COMMENT ON COLUMN placement_request.account IS 'account that it is for';
COMMENT ON COLUMN placement_request.accelerators IS 'acceptable chips or classes of chips: a pool whose chip is within one may be taken';
COMMENT ON COLUMN placement_request.devices IS 'how many devices, over all pieces, which begin and end together; NULL with work: the fewest that keep the deadline';
COMMENT ON COLUMN placement_request.time_limit IS 'how long they are booked for; or work';
COMMENT ON COLUMN placement_request.work IS 'amount of work, from which the time follows; or time_limit';
COMMENT ON COLUMN placement_request.basis IS 'basis of the work, and of the price of work; a pool whose chip has no rate in it is out';
COMMENT ON COLUMN placement_request.not_before IS 'earliest start; NULL: now';
COMMENT ON COLUMN placement_request.deadline IS 'what ends later does not keep it; NULL: none';
COMMENT ON COLUMN placement_request.regions IS 'where it may run: regions, with all under them; NULL: anywhere';
COMMENT ON COLUMN placement_request.sites IS 'over how many pools it may be split';
COMMENT ON COLUMN placement_request.workload IS 'key into scaling_efficiency; empty: the general one';
COMMENT ON COLUMN placement_request.data_region IS 'where its data lie';
COMMENT ON COLUMN placement_request.data_gb IS 'how much data, in GB of 10^9 bytes';
COMMENT ON COLUMN placement_request.data_moved IS 'each piece gets its share of the data, by devices; false: each gets a copy of all';
COMMENT ON COLUMN placement_request.results_gb IS 'how much comes back, in GB of 10^9 bytes, of each piece its share';
COMMENT ON COLUMN placement_request.results_region IS 'where results go';
COMMENT ON COLUMN placement_request.between_gb IS 'how much goes from each piece to each other, in GB of 10^9 bytes';
COMMENT ON COLUMN placement_request.max_latency IS 'a pool that is farther from the data is out; NULL: none is';
COMMENT ON COLUMN placement_request.ceiling IS 'most that a device-hour may cost, without transfers, in the currency of who pays; NULL: anything';
COMMENT ON COLUMN placement_request.max_cost IS 'most that all may cost, with transfers, in the currency of who pays; NULL: anything';
COMMENT ON COLUMN placement_request.delay_value IS 'value of an hour''s delay of a device, in the currency of who pays; 0: cheapest first';
COMMENT ON COLUMN placement_request.preemptible IS 'takes idle capacity, and gives way to others with the pool''s notice';

CREATE FUNCTION _placement_request(account text, accelerators accelerator[], devices bigint DEFAULT NULL, time_limit interval DEFAULT NULL, work compute_unit DEFAULT NULL,
		basis text DEFAULT NULL, not_before timestamptz DEFAULT NULL, deadline timestamptz DEFAULT NULL, regions text[] DEFAULT NULL, sites integer DEFAULT 1, workload text DEFAULT '',
		data_region text DEFAULT NULL, data_gb numeric DEFAULT 0, data_moved boolean DEFAULT false, results_gb numeric DEFAULT 0, results_region text DEFAULT NULL, between_gb numeric DEFAULT 0,
		max_latency interval DEFAULT NULL, ceiling numeric DEFAULT NULL, max_cost numeric DEFAULT NULL, delay_value numeric DEFAULT 0, preemptible boolean DEFAULT false) RETURNS placement_request
	-- a function in SQL would be planned at every call
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN ROW(account, accelerators, devices, time_limit, work, basis, not_before, deadline, regions, sites, workload, data_region, data_gb, data_moved, results_gb, results_region, between_gb,
		max_latency, ceiling, max_cost, delay_value, preemptible)::compute_ledger.placement_request;
END
$$;
COMMENT ON FUNCTION _placement_request(text, accelerator[], bigint, interval, compute_unit, text, timestamptz, timestamptz, text[], integer, text, text, numeric, boolean, numeric, text, numeric, interval, numeric, numeric, numeric, boolean) IS 'what placement_request() does';

CREATE FUNCTION placement_request(account text, accelerators accelerator[], devices bigint DEFAULT NULL, time_limit interval DEFAULT NULL, work compute_unit DEFAULT NULL,
		basis text DEFAULT NULL, not_before timestamptz DEFAULT NULL, deadline timestamptz DEFAULT NULL, regions text[] DEFAULT NULL, sites integer DEFAULT 1, workload text DEFAULT '',
		data_region text DEFAULT NULL, data_gb numeric DEFAULT 0, data_moved boolean DEFAULT false, results_gb numeric DEFAULT 0, results_region text DEFAULT NULL, between_gb numeric DEFAULT 0,
		max_latency interval DEFAULT NULL, ceiling numeric DEFAULT NULL, max_cost numeric DEFAULT NULL, delay_value numeric DEFAULT 0, preemptible boolean DEFAULT false) RETURNS placement_request
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN compute_ledger._placement_request(account, accelerators, devices, time_limit, work, basis, not_before, deadline, regions, sites, workload, data_region, data_gb, data_moved,
		results_gb, results_region, between_gb, max_latency, ceiling, max_cost, delay_value, preemptible);
END
$$;
COMMENT ON FUNCTION placement_request(text, accelerator[], bigint, interval, compute_unit, text, timestamptz, timestamptz, text[], integer, text, text, numeric, boolean, numeric, text, numeric, interval, numeric, numeric, numeric, boolean) IS
'a request for quote(), reserve() or submit_request(), which check it: devices of one of some chips or classes of chips, 1 to 1,000,000,000, all of them together and from start to end, for a time limit of at most 100 years, or for an amount of work in a basis, whose time is the work over what the devices do; without a number of devices the fewest, doubled from the pool''s granule on, that do the work before the deadline. not_before, deadline: instants; regions: where it may run (NULL: anywhere); sites: over how many pools it may be split, 1 to 8, where scaling_efficiency has a figure for the workload. data_gb lie in data_region, and are copied to each piece, or moved, to each its share; results_gb go to results_region (NULL: data_region); between_gb go from each piece to each other; GB are 10^9 bytes, and what a GB costs is said by set_region_link(). max_latency: how far a pool may be from data_region. ceiling: of a device-hour; max_cost: of all; delay_value: of an hour''s delay of a device: offers with the smallest sum of money and delay come first. preemptible: takes idle capacity and gives way to others.';

CREATE FUNCTION _check_request(asked placement_request) RETURNS placement_request
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	-- years have no length
	is_long CONSTANT interval := interval '36500 days';
	fault text;
	hint text;
BEGIN
	-- placement_request() has filled them in
	IF num_nulls(asked.sites, asked.workload, asked.data_gb, asked.data_moved, asked.results_gb, asked.between_gb, asked.delay_value, asked.preemptible) > 0 THEN
		asked.sites := coalesce(asked.sites, 1);
		asked.workload := coalesce(asked.workload, '');
		asked.data_gb := coalesce(asked.data_gb, 0);
		asked.data_moved := coalesce(asked.data_moved, false);
		asked.results_gb := coalesce(asked.results_gb, 0);
		asked.between_gb := coalesce(asked.between_gb, 0);
		asked.delay_value := coalesce(asked.delay_value, 0);
		asked.preemptible := coalesce(asked.preemptible, false);
	END IF;
	asked.results_region := coalesce(asked.results_region, asked.data_region);
	IF asked.account IS NULL THEN
		fault := 'a request needs an account';
	ELSIF coalesce(cardinality(asked.accelerators), 0) NOT BETWEEN 1 AND 100 THEN
		fault := 'a request needs accelerators, at least one and at most 100';
		hint := 'Name chips or classes of chips, such as {nvidia/h100,amd/mi300x}, or {any}.';
	ELSIF num_nulls(VARIADIC asked.accelerators) > 0 THEN
		fault := 'an accelerator of a request is NULL';
	ELSIF (asked.time_limit IS NULL) = (asked.work IS NULL) THEN
		fault := CASE WHEN asked.work IS NULL THEN 'a request needs a time limit, or an amount of work' ELSE 'a request has a time limit or an amount of work, not both' END;
	ELSIF asked.devices IS NULL AND asked.work IS NULL THEN
		fault := 'a request needs a number of devices';
	ELSIF asked.devices IS NULL AND asked.deadline IS NULL THEN
		fault := 'work without a number of devices needs a deadline';
		hint := 'As many are taken as keep it.';
	ELSIF asked.devices <= 0 THEN
		fault := format('a number of devices is above 0: %s', asked.devices);
	ELSIF asked.devices > 1000000000 THEN
		fault := format('%s devices can never fit', asked.devices);
	ELSIF asked.time_limit <= interval '0' THEN
		fault := format('a time limit is above 0: %s', asked.time_limit);
	ELSIF asked.time_limit > is_long THEN
		fault := format('a time limit of %s can never fit', asked.time_limit);
	ELSIF extract(year FROM asked.time_limit) <> 0 OR extract(month FROM asked.time_limit) <> 0 THEN
		fault := format('a time limit has no months or years, whose lengths differ: %s', asked.time_limit);
		hint := 'Say it in days or hours.';
	ELSIF compute_ledger.flop_hours(asked.work) <= 0 THEN
		fault := format('an amount of work is above 0: %s', asked.work);
	ELSIF asked.work IS NOT NULL AND (compute_ledger.basis_name(asked.work) IS NULL OR compute_ledger.basis_name(asked.work) = 'flop') THEN
		fault := 'work of a request is in a basis in which chips have rates';
		hint := 'Write it as ''12 PFLOPh@bf16''.';
	ELSIF asked.basis IS NOT NULL AND compute_ledger.basis_code(asked.basis) IS NULL THEN
		PERFORM compute_ledger._refuse('LC002', format('unknown basis: "%s"', left(asked.basis, 80)));
	ELSIF asked.basis IS NOT NULL AND asked.work IS NOT NULL AND compute_ledger.basis_code(asked.basis) <> compute_ledger.basis_code(asked.work) THEN
		fault := format('work in basis %s is asked for in basis %s', compute_ledger.basis_name(asked.work), asked.basis);
	ELSIF NOT isfinite(asked.not_before) OR NOT isfinite(asked.deadline) THEN
		fault := 'not_before and deadline are instants, or NULL';
	ELSIF asked.deadline <= asked.not_before THEN
		fault := format('the deadline, %s, is not after the earliest start, %s', asked.deadline, asked.not_before);
	ELSIF cardinality(asked.regions) NOT BETWEEN 1 AND 1000 OR array_position(asked.regions, NULL) IS NOT NULL THEN
		fault := 'regions of a request are names, or NULL: anywhere';
	ELSIF asked.sites NOT BETWEEN 1 AND 8 THEN
		fault := format('a request is split over 1 to 8 sites, not %s', asked.sites);
	ELSIF octet_length(asked.workload) > 1000 THEN
		fault := 'the name of a workload has at most 1000 bytes';
	ELSIF NOT (asked.data_gb BETWEEN 0 AND 1e12 AND asked.results_gb BETWEEN 0 AND 1e12 AND asked.between_gb BETWEEN 0 AND 1e12) THEN
		fault := 'GB of a request are from 0 to 1e12';
	ELSIF asked.data_gb > 0 AND asked.data_region IS NULL THEN
		fault := 'data of a request lie in a region';
	ELSIF asked.results_gb > 0 AND asked.results_region IS NULL THEN
		fault := 'results of a request go to a region';
	ELSIF asked.max_latency < interval '0' OR asked.max_latency > is_long THEN
		fault := format('a latency is not below 0, and has an end: %s', asked.max_latency);
	ELSIF asked.max_latency IS NOT NULL AND asked.data_region IS NULL THEN
		fault := 'a latency of a request is that to its data, which lie in no region';
	ELSIF NOT (coalesce(asked.ceiling, 0) BETWEEN 0 AND 1e18 AND coalesce(asked.max_cost, 0) BETWEEN 0 AND 1e18 AND asked.delay_value BETWEEN 0 AND 1e18) THEN
		fault := 'ceiling, max_cost and delay_value of a request are amounts of money from 0 to 1e18';
	END IF;
	IF fault IS NOT NULL THEN
		PERFORM compute_ledger._refuse('22023', fault, hint => hint);
	END IF;
	IF num_nonnulls(asked.regions, asked.data_region, asked.results_region) > 0 THEN
		PERFORM compute_ledger._region_numbers(array_remove(asked.regions || asked.data_region || asked.results_region, NULL));
	END IF;
	-- days as 24 hours, whatever the session's time zone
	asked.time_limit := make_interval(secs => extract(epoch FROM asked.time_limit)::double precision);
	IF asked.work IS NOT NULL THEN
		asked.basis := compute_ledger.basis_name(asked.work);
	END IF;
	RETURN asked;
END
$$;
COMMENT ON FUNCTION _check_request(placement_request) IS 'a request with its defaults filled in: results_region is data_region, basis that of the work, days are 24 hours; 22023, with the name of what is wrong, for one that cannot be; LC002 unknown basis, LC007 unknown region. Whose account it is and what may be booked for it, _booking_account() says';

CREATE FUNCTION _request_said(asked placement_request) RETURNS jsonb
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	SET timezone = 'UTC'
	SET intervalstyle = 'postgres'
	RETURN to_jsonb(asked);
COMMENT ON FUNCTION _request_said(placement_request) IS 'a request as the calls that carry a caller''s id are told apart by it: the same from every session, whatever its time zone and its style of intervals';
