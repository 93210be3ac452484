-- Only the owner of _usage_record can attach partitions to it.
CREATE FUNCTION compute_ledger._make_usage_partition(month date, wait boolean DEFAULT true) RETURNS name
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	SET datestyle = 'ISO, MDY'
	SET timezone = 'UTC'
AS $body$
DECLARE
	from_month timestamptz := date_trunc('month', month::timestamptz);
	to_month timestamptz := from_month + interval '1 month';
	stem text := 'usage_record_' || to_char(from_month, 'YYYY_MM');
	partition text := stem;
BEGIN
	PERFORM compute_ledger._check_caller();
	PERFORM compute_ledger._require_entrusted('compute_ledger._make_usage_partition(date,boolean)');
	FOR attempt IN 1 .. 2 LOOP
		-- Somebody else may see to partitions, of any width, with a default one or without.
		IF EXISTS (
			SELECT FROM compute_ledger._usage_partitions() AS p
			WHERE p.starts IS NULL OR p.name = stem OR p.starts < to_month AND p.ends > from_month)
		THEN
			RETURN NULL;
		END IF;
		-- One at a time. This does not keep anybody from reading or writing _usage_record.
		IF wait THEN
			LOCK TABLE ONLY compute_ledger._usage_record IN SHARE UPDATE EXCLUSIVE MODE;
		ELSE
			LOCK TABLE ONLY compute_ledger._usage_record IN SHARE UPDATE EXCLUSIVE MODE NOWAIT;
		END IF;
	END LOOP;
	-- A month that was detached keeps its name.
	FOR n IN 2 .. 1000 LOOP
		EXIT WHEN to_regclass(format('compute_ledger.%I', partition)) IS NULL;
		partition := stem || '_' || n;
	END LOOP;
	-- CREATE TABLE PARTITION OF would lock out everybody who reads _usage_record, ATTACH does not.
	EXECUTE format('CREATE TABLE compute_ledger.%I (LIKE compute_ledger._usage_record INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES INCLUDING STORAGE INCLUDING COMMENTS)', partition);
	EXECUTE format('COMMENT ON TABLE compute_ledger.%I IS %L', partition, '_usage_record of ' || to_char(from_month, 'YYYY-MM') || ' (UTC)');
	EXECUTE format('CREATE TRIGGER immutable_truncate BEFORE TRUNCATE ON compute_ledger.%I FOR EACH STATEMENT EXECUTE FUNCTION compute_ledger._refuse_usage_change(%L)', partition, 'superseded');
	PERFORM compute_ledger._share(format('compute_ledger.%I', partition)::regclass);
	EXECUTE format('ALTER TABLE compute_ledger._usage_record ATTACH PARTITION compute_ledger.%I FOR VALUES FROM (%L) TO (%L)', partition, from_month, to_month);
	RETURN partition;
END
$body$;
COMMENT ON FUNCTION compute_ledger._make_usage_partition(date, boolean) IS 'part of accept_usage(): makes the partition of _usage_record for a month (UTC), unless there is one, or another that covers some of it, or a default one; returns its name, or NULL if it made none; 55P03 if another transaction is making one and it is not to be waited for';
