-- What is used, in few rows: a record of usage has the number of a row of usage_kind.

CREATE FUNCTION _usage_kind_digest(source text, region integer, region_name text, accelerator accelerator, accelerator_name text, share integer,
		rate compute_rate, rate_recorded timestamptz, basis integer, measure text, number_format text) RETURNS bytea
	LANGUAGE c IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE AS 'MODULE_PATHNAME', 'usage_kind_digest';
COMMENT ON FUNCTION _usage_kind_digest(text, integer, text, accelerator, text, integer, compute_rate, timestamptz, integer, text, text) IS 'usage_kind.digest: the first 16 bytes of the SHA-256 of a kind, from values, the same on every version and in every database; NULL arguments are values of their own, and the result is never NULL';

CREATE FUNCTION _add_usage_kind(source text, region integer, region_name text, accelerator accelerator, accelerator_name text, share integer,
		rate compute_rate, rate_recorded timestamptz, basis integer, measure text, number_format text) RETURNS integer
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	kind_digest bytea := compute_ledger._usage_kind_digest(source, region, region_name, accelerator, accelerator_name, share, rate, rate_recorded, basis, measure, number_format);
	result integer;
BEGIN
	LOOP
		SELECT k.number INTO result FROM compute_ledger.usage_kind AS k WHERE k.digest = kind_digest;
		IF NOT FOUND THEN
			-- Who takes usage of a source has locked it, and a kind is of one source: somebody else adds this one only by hand.
			INSERT INTO compute_ledger.usage_kind AS k (source, region, region_name, accelerator, accelerator_name, share, rate, rate_recorded, basis, measure, number_format, digest)
			VALUES (source, region, region_name, accelerator, accelerator_name, share, rate, rate_recorded, basis, measure, number_format, kind_digest)
			ON CONFLICT ON CONSTRAINT usage_kind_digest_key DO NOTHING
			RETURNING k.number INTO result;
		END IF;
		EXIT WHEN FOUND;
	END LOOP;
	RETURN result;
END
$$;
COMMENT ON FUNCTION _add_usage_kind(text, integer, text, accelerator, text, integer, compute_rate, timestamptz, integer, text, text) IS 'part of accept_usage() and of _usage_kind(): looks for a kind, and adds it if it is new';

CREATE FUNCTION _usage_kind(source text, region integer, region_name text, accelerator accelerator, accelerator_name text, share integer,
		rate compute_rate, rate_recorded timestamptz, basis integer, measure text, number_format text) RETURNS integer
	LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'usage_kind';
COMMENT ON FUNCTION _usage_kind(text, integer, text, accelerator, text, integer, compute_rate, timestamptz, integer, text, text) IS 'part of record_usage() and reidentify(): the number of a kind of usage in usage_kind, to which it is added if it is new; 23502 and 23514 for what no kind can be';

CREATE FUNCTION _insert_usage_record() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	INSERT INTO compute_ledger._usage_record (id, account, started_at, ended_at, recorded, superseded, batch, kind, revision, identification, devices, achieved_work,
		reservation, reservation_name, source_id, account_name, run, labels, first_recorded)
	VALUES (NEW.id, NEW.account, NEW.started_at, NEW.ended_at, NEW.recorded, NEW.superseded, NEW.batch,
		compute_ledger._usage_kind(NEW.source, NEW.region, NEW.region_name, NEW.accelerator, NEW.accelerator_name, NEW.share, NEW.rate, NEW.rate_recorded, NEW.basis, NEW.measure,
			NEW.number_format),
		NEW.revision, NEW.identification, NEW.devices, NEW.achieved_work, NEW.reservation, NEW.reservation_name, NEW.source_id, NEW.account_name, NEW.run, NEW.labels, NEW.first_recorded);
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION _insert_usage_record() IS 'trigger, INSTEAD OF INSERT ON usage_record: inserts the row as it stands in the table, with its kind';
