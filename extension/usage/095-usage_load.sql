-- What the client program compute-ledger needs besides the inbox and accept_usage(): where a load was, and which records
-- are there.

CREATE FUNCTION _record_load(digest bytea, file text, first_line bigint, last_line bigint, batches bigint[], again boolean DEFAULT false) RETURNS void
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
BEGIN
	PERFORM compute_ledger._require_ledger();
	IF again THEN
		INSERT INTO compute_ledger.usage_load AS l (digest, file, first_line, last_line, batches)
		VALUES (digest, file, first_line, last_line, batches)
		ON CONFLICT ON CONSTRAINT usage_load_pkey DO UPDATE
		SET file = excluded.file, first_line = excluded.first_line, last_line = excluded.last_line, batches = excluded.batches, recorded = excluded.recorded;
	ELSE
		INSERT INTO compute_ledger.usage_load (digest, file, first_line, last_line, batches)
		VALUES (digest, file, first_line, last_line, batches);
	END IF;
END
$$;
COMMENT ON FUNCTION _record_load(bytea, text, bigint, bigint, bigint[], boolean) IS 'what record_load() does';

CREATE FUNCTION record_load(digest bytea, file text, first_line bigint, last_line bigint, batches bigint[], again boolean DEFAULT false) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	PERFORM compute_ledger._record_load(digest, file, first_line, last_line, batches, again);
END
$$;
COMMENT ON FUNCTION record_load(bytea, text, bigint, bigint, bigint[], boolean) IS 'notes a chunk of a file in usage_load, in the transaction that loads it, for compute-ledger load: digest is 32 bytes that no other chunk has, under which each session role has its own note, first_line and last_line count from 1, batches are those of accept_usage() (NULL: none). 23505 if the role has noted the digest, unless again is true: then the row is replaced; 23514 for a digest of another length or lines out of order; 23502 for NULL as anything but batches.';

CREATE FUNCTION _compare_usage(source text[], source_id text[], revision integer[], digest bytea[]) RETURNS SETOF text
	LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN k.digest IS NULL THEN 'new' WHEN k.digest = substr(q.digest, 1, 16) AND octet_length(q.digest) = 32 THEN 'there' ELSE 'differs' END
	FROM ROWS FROM (unnest(_compare_usage.source), unnest(_compare_usage.source_id), unnest(_compare_usage.revision), unnest(_compare_usage.digest))
		WITH ORDINALITY AS q (source, source_id, revision, digest, place)
	LEFT JOIN compute_ledger.usage_source AS s ON s.source = q.source
	LEFT JOIN compute_ledger.usage_key AS k ON k.source = s.number AND k.key = compute_ledger._usage_key_of(q.source_id, q.revision)
	ORDER BY q.place
$$;
COMMENT ON FUNCTION _compare_usage(text[], text[], integer[], bytea[]) IS 'what compare_usage() does';

CREATE FUNCTION compare_usage(source text[], source_id text[], revision integer[], digest bytea[]) RETURNS SETOF text
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN QUERY SELECT c.* FROM compute_ledger._compare_usage(source, source_id, revision, digest) AS c;
END
$$;
COMMENT ON FUNCTION compare_usage(text[], text[], integer[], bytea[]) IS 'for each key, the n-th element of the first three arrays, what the ledger has: new (nothing), there (a record that says the same as usage_digest() of this one, the n-th digest; sha256(''retracted'') of a retraction), or differs; in their order. Nothing is written. A key with NULL in it is new.';
