-- Taking usage: from the inbox, one record at a time, from what was rejected.
--
-- All four ways are one statement, in _take_usage(): read the cells, resolve the names,
-- compare with the keys that are there, and write keys, records and rejections.  Whoever
-- takes records of a source first locks the row of usage_source, in the order of the names, so that writers
-- of one source take turns and nothing they compare with changes meanwhile.

-- ------------------------------------------------------------------ cells

CREATE FUNCTION _usage_timestamptz(cell text) RETURNS timestamptz
	LANGUAGE c STABLE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'usage_timestamptz';
COMMENT ON FUNCTION _usage_timestamptz(text) IS 'the instant that a cell of usage_inbox means; NULL if it is empty or cannot be read, and for NULL';

CREATE FUNCTION _usage_month(cell text) RETURNS date
	LANGUAGE c STABLE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'usage_month';
COMMENT ON FUNCTION _usage_month(text) IS 'first day of the month, in UTC, of the instant that a cell of usage_inbox means; NULL if it is infinite, empty or cannot be read, and for NULL';

CREATE FUNCTION _usage_numeric(cell text) RETURNS numeric
	LANGUAGE c IMMUTABLE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'usage_numeric';
COMMENT ON FUNCTION _usage_numeric(text) IS 'the number that a cell of usage_inbox means, without trailing zeros; NULL if it is empty or cannot be read, and for NULL';

CREATE FUNCTION _usage_revision(cell text) RETURNS integer
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'usage_revision';
COMMENT ON FUNCTION _usage_revision(text) IS 'the revision, from 0 on, that a cell of usage_inbox means; NULL if it is empty or no such number, and for NULL';

CREATE FUNCTION _usage_boolean(cell text) RETURNS boolean
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'usage_boolean';
COMMENT ON FUNCTION _usage_boolean(text) IS 'what a cell of usage_inbox means, in the words of type boolean; NULL if it is empty or cannot be read, and for NULL';

CREATE FUNCTION _usage_labels(cell text) RETURNS jsonb
	LANGUAGE c IMMUTABLE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'usage_labels';
COMMENT ON FUNCTION _usage_labels(text) IS 'the JSON object in a cell of usage_inbox; NULL if it is empty or no object, and for NULL';

CREATE FUNCTION _usage_work(cell text) RETURNS compute_unit
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'usage_work';
COMMENT ON FUNCTION _usage_work(text) IS 'the amount of work that a cell of usage_inbox means; NULL if it is empty or cannot be read, and for NULL';

CREATE FUNCTION _usage_cell_error(name text, cell text, OUT sqlstate text, OUT reason text, OUT detail text)
	LANGUAGE c STABLE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'usage_cell_error';
COMMENT ON FUNCTION _usage_cell_error(text, text) IS 'why a cell of usage_inbox cannot be read, given the name of its column; NULL if it can, and for NULL';

CREATE FUNCTION usage_digest(account text, region text, accelerator text, devices numeric, started_at timestamptz, ended_at timestamptz,
	measure text, number_format text, achieved_work compute_unit, run text, labels jsonb) RETURNS bytea
	LANGUAGE c IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION usage_digest(text, text, text, numeric, timestamptz, timestamptz, text, text, compute_unit, text, jsonb) IS 'SHA-256 of what a usage record says besides its key, from values: 8 and 8.0 are the same, one instant in two zones is the same, so are objects with their keys in another order; the same on every version and in every database. NULL arguments are values of their own (ended_at: infinity for one that goes on); the result is never NULL.';

-- ------------------------------------------------------------------ the one way in

CREATE FUNCTION _lock_usage_sources(sources text[], batch bigint) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	INSERT INTO compute_ledger.usage_source (source)
	SELECT s.source FROM unnest(sources) AS s (source)
	WHERE NOT EXISTS (SELECT FROM compute_ledger.usage_source AS u WHERE u.source = s.source)
	ORDER BY s.source COLLATE "C"
	ON CONFLICT DO NOTHING;
	PERFORM FROM compute_ledger.usage_source AS u
	WHERE u.source = ANY (sources)
	ORDER BY u.source
	FOR UPDATE;
	-- A transaction with one snapshot that does not see the last writer's keys fails here (40001).
	UPDATE compute_ledger.usage_source AS u SET last_batch = batch
	WHERE u.source = ANY (sources);
END
$$;
REVOKE ALL ON FUNCTION _lock_usage_sources(text[], bigint) FROM PUBLIC;
ALTER FUNCTION _lock_usage_sources(text[], bigint) OWNER TO pg_database_owner;
COMMENT ON FUNCTION _lock_usage_sources(text[], bigint) IS 'part of accept_usage(): waits for the other writers of these sources and keeps them waiting until the transaction ends';

-- kind 'accept': rows of the inbox up to id last; 'retry': the rejected rows ids, with the cells in mend instead of
-- theirs; 'record': the one row in given.
CREATE FUNCTION _take_usage(kind text, basis text, last bigint DEFAULT NULL, ids bigint[] DEFAULT NULL, mend jsonb DEFAULT NULL, given jsonb DEFAULT NULL,
		OUT batch bigint, OUT taken bigint, OUT accepted bigint, OUT duplicate bigint, OUT rejected bigint)
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	-- the number of rows decides on the plan, and it is not the same the next time
	SET plan_cache_mode = force_custom_plan
	SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	sources text[];
	months date[];
	stamp timestamptz;
	code integer := compute_ledger.basis_code(basis);
	basis_word text := compute_ledger.basis_name(code);
	old_records bigint[];
	old_starts timestamptz[];
	m date;
BEGIN
	IF code IS NULL THEN
		RAISE EXCEPTION 'unknown basis "%"', basis
			USING ERRCODE = 'LC002', HINT = 'Register it in table "basis", or use one that is there.';
	END IF;
	-- What there is to take: sources to lock, months to have partitions of.
	CASE kind
		WHEN 'accept' THEN
			SELECT array_agg(DISTINCT s.source), array_agg(DISTINCT s.month)
			INTO sources, months
			FROM (SELECT CASE WHEN octet_length(i.source) <= 1000 THEN i.source ELSE '' END, compute_ledger._usage_month(i.started_at)
				FROM compute_ledger.usage_inbox AS i
				WHERE last IS NULL OR i.id <= last
				GROUP BY 1, 2) AS s (source, month);
		WHEN 'retry' THEN
			SELECT array_agg(DISTINCT CASE WHEN octet_length(s.source) <= 1000 THEN s.source ELSE '' END), array_agg(DISTINCT compute_ledger._usage_month(s.started_at))
			INTO sources, months
			FROM (SELECT CASE WHEN mend ? 'source' THEN mend ->> 'source' ELSE r.source END, CASE WHEN mend ? 'started_at' THEN mend ->> 'started_at' ELSE r.started_at END
				FROM compute_ledger.usage_rejected AS r WHERE r.id = ANY (ids)) AS s (source, started_at);
		ELSE
			sources := ARRAY[CASE WHEN octet_length(given ->> 'source') <= 1000 THEN given ->> 'source' ELSE '' END];
			months := ARRAY[compute_ledger._usage_month(given ->> 'started_at')];
	END CASE;
	taken := 0;
	accepted := 0;
	duplicate := 0;
	rejected := 0;
	IF sources IS NULL THEN
		RETURN;
	END IF;
	batch := nextval(pg_get_serial_sequence('compute_ledger.usage_batch', 'id'));
	PERFORM compute_ledger._lock_usage_sources(sources, batch);
	-- Not before the lock: who comes later records later.
	stamp := compute_ledger.ledger_stamp();
	FOR m IN
		SELECT n.month FROM unnest(months) AS n (month)
		WHERE n.month <= stamp + (SELECT max(u.clock_tolerance) FROM compute_ledger.usage_source AS u WHERE u.source = ANY (sources)) + interval '1 day'
		ORDER BY 1
	LOOP
		PERFORM compute_ledger._make_usage_partition(m);
	END LOOP;

	WITH inbox AS (
		DELETE FROM compute_ledger.usage_inbox AS i
		WHERE kind = 'accept' AND (last IS NULL OR i.id <= last)
			AND CASE WHEN octet_length(i.source) <= 1000 THEN i.source ELSE '' END = ANY (sources)
			-- what came after the look above waits for the next call, if it needs a partition
			AND coalesce(compute_ledger._usage_month(i.started_at) = ANY (months), true)
		RETURNING i.*
	), retried AS (
		UPDATE compute_ledger.usage_rejected AS r SET retried_in = _take_usage.batch
		WHERE kind = 'retry' AND r.id = ANY (ids) AND r.retried_in IS NULL
		RETURNING r.*
	), taken AS (
		SELECT i.* FROM inbox AS i
		UNION ALL
		SELECT p.*
		FROM retried AS r
		CROSS JOIN LATERAL jsonb_populate_record(
			ROW(r.id, r.received_at, r.received_by, r.source, r.source_id, r.revision, r.account, r.region, r.accelerator, r.devices, r.started_at,
				r.ended_at, r.measure, r.number_format, r.achieved_work, r.run, r.labels, r.retracted)::compute_ledger.usage_inbox, mend) AS p
		UNION ALL
		SELECT p.*
		FROM jsonb_populate_record(NULL::compute_ledger.usage_inbox, given) AS p
		WHERE kind = 'record'
	), cell AS (
		-- every cell once
		SELECT t.id, t.source, t.source_id,
			CASE WHEN t.revision IS NULL OR t.revision = '' THEN 0 ELSE compute_ledger._usage_revision(t.revision) END AS revision,
			CASE WHEN t.retracted IS NULL OR t.retracted = '' THEN false ELSE compute_ledger._usage_boolean(t.retracted) END AS retracted,
			t.account, t.region, t.accelerator, nullif(t.run, '') AS run,
			compute_ledger._usage_numeric(t.devices) AS devices, t.devices AS devices_cell,
			compute_ledger._usage_timestamptz(t.started_at) AS started_at, t.started_at AS started_at_cell,
			CASE WHEN t.ended_at IS NULL OR t.ended_at = '' THEN 'infinity' ELSE compute_ledger._usage_timestamptz(t.ended_at) END AS ended_at,
			t.ended_at AS ended_at_cell,
			CASE WHEN t.measure IS NULL OR t.measure IN ('', 'allocated') THEN 'allocated'
				WHEN lower(t.measure COLLATE "C") IN ('allocated', 'reserved', 'used') THEN lower(t.measure COLLATE "C") END AS measure,
			CASE WHEN lower(t.number_format COLLATE "C") IN ('fp64', 'fp32', 'tf32', 'fp16', 'bf16', 'fp8', 'fp6', 'fp4', 'int8', 'int4')
				THEN lower(t.number_format COLLATE "C") END AS number_format, t.number_format AS number_format_cell,
			compute_ledger._usage_work(t.achieved_work) AS achieved_work, t.achieved_work AS achieved_work_cell,
			compute_ledger._usage_labels(t.labels) AS labels, t.labels AS labels_cell
		FROM taken AS t
		OFFSET 0
	), read AS MATERIALIZED (
		SELECT c.*,
			-- a column: its cell cannot be read
			CASE WHEN c.source IS NULL OR c.source = '' THEN 'no source'
				WHEN c.source_id IS NULL OR c.source_id = '' THEN 'no source_id'
				WHEN octet_length(c.source) > 1000 OR octet_length(c.source_id) > 1000 THEN 'key too long'
				WHEN c.revision IS NULL THEN 'revision'
				WHEN c.retracted IS NULL THEN 'retracted'
				WHEN c.retracted THEN NULL
				WHEN c.devices IS NULL AND c.devices_cell <> '' THEN 'devices'
				WHEN c.started_at IS NULL AND c.started_at_cell <> '' THEN 'started_at'
				WHEN c.ended_at IS NULL THEN 'ended_at'
				WHEN c.measure IS NULL THEN 'measure'
				WHEN c.number_format IS NULL AND c.number_format_cell <> '' THEN 'number_format'
				WHEN c.achieved_work IS NULL AND c.achieved_work_cell <> '' THEN 'achieved_work'
				WHEN c.labels IS NULL AND c.labels_cell <> '' THEN 'labels'
			END AS unreadable
		FROM cell AS c
	), accounts AS MATERIALIZED (
		SELECT n.account AS name, a.id,
			EXISTS (SELECT FROM compute_ledger.account_merge AS g WHERE g.account = a.id) AS is_merged
		FROM (SELECT DISTINCT r.account FROM read AS r) AS n
		JOIN compute_ledger.account AS a ON a.name = n.account
	), regions AS MATERIALIZED (
		SELECT n.region AS name, compute_ledger.region_id(n.region) AS id
		FROM (SELECT DISTINCT r.region FROM read AS r WHERE r.region <> '') AS n
	), names AS MATERIALIZED (
		SELECT n.accelerator AS name, n.source, compute_ledger.identify(n.accelerator, coalesce(s.system, s.source)) AS accelerator
		FROM (SELECT DISTINCT r.accelerator, r.source FROM read AS r WHERE r.accelerator <> '') AS n
		JOIN compute_ledger.usage_source AS s ON s.source = n.source
	), rates AS MATERIALIZED (
		-- from one instant to the next one chip has one rate
		SELECT t.accelerator, t.from_instant, lead(t.from_instant, 1, 'infinity') OVER (PARTITION BY t.accelerator ORDER BY t.from_instant) AS to_instant,
			compute_ledger.normalized_rate(t.accelerator, basis_word, t.from_instant) AS rate,
			CASE WHEN code < 1000 THEN
				(SELECT lower(p.recorded) FROM compute_ledger.accelerator_peak AS p
				WHERE p.accelerator OPERATOR(compute_ledger.@>) t.accelerator AND p.number_format = basis_word AND upper_inf(p.recorded)
				ORDER BY compute_ledger.specificity(p.accelerator) DESC, p.shipped LIMIT 1)
			ELSE
				(SELECT lower(f.recorded) FROM compute_ledger.basis_factor AS f
				WHERE f.accelerator OPERATOR(compute_ledger.@>) t.accelerator AND f.basis = basis_word AND upper_inf(f.recorded) AND f.valid @> t.from_instant
				ORDER BY compute_ledger.specificity(f.accelerator) DESC, f.shipped LIMIT 1)
			END AS recorded
		FROM (
			SELECT a.accelerator, timestamptz '-infinity' FROM names AS a WHERE a.accelerator IS NOT NULL
			UNION
			SELECT a.accelerator, e.instant
			FROM names AS a
			JOIN compute_ledger.basis_factor AS f ON f.accelerator OPERATOR(compute_ledger.@>) a.accelerator
			CROSS JOIN LATERAL (VALUES (lower(f.valid)), (upper(f.valid))) AS e (instant)
			WHERE code >= 1000 AND f.basis = basis_word AND upper_inf(f.recorded) AND e.instant IS NOT NULL
		) AS t (accelerator, from_instant)
	), resolved AS (
		SELECT r.id, r.source, r.source_id, r.revision, r.retracted, r.unreadable, r.run, r.devices, r.started_at, r.ended_at, r.measure,
			r.number_format, r.achieved_work, r.labels, r.account AS account_name, r.region AS region_name, r.accelerator AS accelerator_name,
			CASE WHEN a.is_merged THEN compute_ledger.account_id(r.account, r.started_at) ELSE a.id END AS account,
			g.id AS region, n.accelerator, t.rate, t.recorded AS rate_recorded,
			CASE WHEN r.unreadable IS NOT NULL THEN NULL
				WHEN r.retracted THEN sha256('retracted')
				ELSE compute_ledger.usage_digest(r.account, r.region, r.accelerator, r.devices, r.started_at, r.ended_at,
					r.measure, r.number_format, r.achieved_work, r.run, r.labels) END AS digest,
			CASE WHEN r.unreadable IS NOT NULL THEN r.unreadable
				WHEN r.retracted THEN NULL
				WHEN r.started_at IS NULL THEN 'no start'
				WHEN NOT isfinite(r.started_at) THEN 'infinite start'
				WHEN NOT isfinite(r.ended_at) AND r.ended_at_cell <> '' THEN 'infinite end'
				WHEN r.ended_at <= r.started_at THEN 'no period'
				WHEN r.devices IS NULL THEN 'no devices'
				-- less would be none in units of 1/1,680,000
				WHEN NOT (r.devices * 3360000 > 1 AND r.devices <= 1000000000) THEN 'number of devices'
				WHEN r.started_at > stamp + s.clock_tolerance OR (r.ended_at > stamp + s.clock_tolerance AND r.ended_at < 'infinity') THEN 'clock'
				WHEN a.id IS NULL THEN 'unknown account'
				WHEN g.id IS NULL THEN 'unknown region'
				WHEN n.accelerator IS NULL THEN 'unknown accelerator'
			END AS fault
		FROM read AS r
		LEFT JOIN compute_ledger.usage_source AS s ON s.source = r.source
		LEFT JOIN accounts AS a ON a.name = r.account
		LEFT JOIN regions AS g ON g.name = r.region
		LEFT JOIN names AS n ON n.name = r.accelerator AND n.source = r.source
		LEFT JOIN rates AS t ON t.accelerator = n.accelerator AND r.started_at >= t.from_instant AND r.started_at < t.to_instant
	), ranked AS (
		-- one key may come several times in one batch, and one record in several revisions
		SELECT r.*,
			row_number() OVER same_key AS nth,
			first_value(r.digest) OVER same_key AS first_digest,
			max(r.revision) OVER (PARTITION BY r.source_id, r.source, r.fault IS NULL) AS highest
		FROM resolved AS r
		WINDOW same_key AS (PARTITION BY r.source_id, r.source, r.fault IS NULL, r.revision ORDER BY r.id)
	), judged AS (
		SELECT r.*, k.revision AS old_revision, k.record AS old_record, k.started_at AS old_started_at,
			CASE WHEN r.unreadable IS NOT NULL THEN 'rejected'
				WHEN k.revision = r.revision AND k.digest = r.digest THEN 'duplicate'
				WHEN k.revision = r.revision THEN 'conflict'
				WHEN k.revision > r.revision THEN
					coalesce((SELECT CASE WHEN e.digest = r.digest THEN 'duplicate' ELSE 'conflict' END
						FROM compute_ledger.usage_key AS e
						WHERE e.source = r.source AND e.source_id = r.source_id AND e.revision = r.revision),
						CASE WHEN r.fault IS NOT NULL THEN 'rejected' WHEN r.nth = 1 THEN 'accepted' WHEN r.digest = r.first_digest THEN 'duplicate' ELSE 'conflict' END)
				WHEN r.fault IS NOT NULL THEN 'rejected'
				WHEN r.nth = 1 THEN 'accepted'
				WHEN r.digest = r.first_digest THEN 'duplicate'
				ELSE 'conflict'
			END AS verdict
		FROM ranked AS r
		-- the highest revision that is there; a sublink of one row, so that it is looked up in the index
		LEFT JOIN LATERAL (
			SELECT e.revision, e.digest, e.record, e.started_at
			FROM compute_ledger.usage_key AS e
			WHERE e.source = r.source AND e.source_id = r.source_id
			ORDER BY e.revision DESC LIMIT 1) AS k ON true
		OFFSET 0
	), verdict AS MATERIALIZED (
		SELECT j.*, CASE WHEN j.verdict = 'accepted' AND NOT j.retracted THEN nextval('compute_ledger.usage_record_id_seq') END AS record
		FROM judged AS j
	), new_keys AS (
		INSERT INTO compute_ledger.usage_key (source, source_id, revision, digest, record, started_at, retracted, batch, recorded)
		SELECT v.source, v.source_id, v.revision, v.digest, v.record, CASE WHEN NOT v.retracted THEN v.started_at END, v.retracted, _take_usage.batch, stamp
		FROM verdict AS v WHERE v.verdict = 'accepted'
	), new_records AS (
		INSERT INTO compute_ledger.usage_record (id, account, started_at, ended_at, recorded, superseded, batch, region, revision, basis, accelerator,
			rate, rate_recorded, devices, measure, number_format, achieved_work, source, source_id, account_name, region_name, accelerator_name, run, labels)
		SELECT v.record, v.account, v.started_at, v.ended_at, stamp,
			CASE WHEN v.revision < greatest(v.highest, v.old_revision) THEN stamp ELSE 'infinity' END,
			_take_usage.batch, v.region, v.revision, code, v.accelerator,
			v.rate, v.rate_recorded, v.devices, v.measure, v.number_format, v.achieved_work, v.source, v.source_id, v.account_name, v.region_name,
			v.accelerator_name, v.run, v.labels
		FROM verdict AS v WHERE v.record IS NOT NULL
	), new_rejected AS (
		INSERT INTO compute_ledger.usage_rejected (sqlstate, reason, detail, batch, recorded, received_at, received_by, source, source_id, revision, account,
			region, accelerator, devices, started_at, ended_at, measure, number_format, achieved_work, run, labels, retracted)
		SELECT f.sqlstate, f.reason, f.detail, _take_usage.batch, stamp, t.received_at, t.received_by, t.source, t.source_id, t.revision, t.account,
			t.region, t.accelerator, t.devices, t.started_at, t.ended_at, t.measure, t.number_format, t.achieved_work, t.run, t.labels, t.retracted
		FROM (SELECT v.id, CASE v.verdict WHEN 'conflict' THEN 'conflict' ELSE v.fault END AS fault, v.verdict, v.revision, v.started_at, v.ended_at, v.source
			FROM verdict AS v WHERE v.verdict IN ('rejected', 'conflict') OFFSET 0) AS v
		JOIN taken AS t USING (id)
		LEFT JOIN compute_ledger.usage_source AS s ON s.source = v.source
		CROSS JOIN LATERAL compute_ledger._usage_fault(v.fault, t, v.revision, v.started_at, v.ended_at, s.clock_tolerance) AS f
	), written AS (
		INSERT INTO compute_ledger.usage_batch (id, kind, taken, accepted, duplicate, rejected, basis, extension_version, names_recorded, recorded)
		SELECT _take_usage.batch, _take_usage.kind, count(*), count(*) FILTER (WHERE v.verdict = 'accepted'), count(*) FILTER (WHERE v.verdict = 'duplicate'),
			count(*) FILTER (WHERE v.verdict IN ('rejected', 'conflict')), code,
			(SELECT e.extversion FROM pg_extension AS e WHERE e.extname = 'compute_ledger'), compute_ledger._names_recorded(), stamp
		FROM verdict AS v
		HAVING count(*) > 0
		RETURNING taken, accepted, duplicate, rejected
	), superseded AS (
		SELECT array_agg(v.old_record) AS records, array_agg(v.old_started_at) AS starts
		FROM verdict AS v
		WHERE v.verdict = 'accepted' AND v.old_record IS NOT NULL AND v.revision = v.highest AND v.revision > v.old_revision
	)
	SELECT w.taken, w.accepted, w.duplicate, w.rejected, s.records, s.starts
	INTO taken, accepted, duplicate, rejected, old_records, old_starts
	FROM superseded AS s LEFT JOIN written AS w ON true;

	IF taken IS NULL THEN
		-- others took them
		batch := NULL;
		taken := 0;
		accepted := 0;
		duplicate := 0;
		rejected := 0;
	END IF;
	IF old_records IS NOT NULL THEN
		-- A transaction that had its stamp long ago may replace what was recorded since; nobody has read that far.
		UPDATE compute_ledger.usage_record AS r SET superseded = greatest(r.recorded, stamp)
		FROM unnest(old_records, old_starts) AS o (id, started_at)
		WHERE r.id = o.id AND r.started_at = o.started_at;
	END IF;
END
$$;
REVOKE ALL ON FUNCTION _take_usage(text, text, bigint, bigint[], jsonb, jsonb) FROM PUBLIC;
ALTER FUNCTION _take_usage(text, text, bigint, bigint[], jsonb, jsonb) OWNER TO pg_database_owner;
COMMENT ON FUNCTION _take_usage(text, text, bigint, bigint[], jsonb, jsonb) IS 'part of accept_usage(), record_usage() and retry_rejected(): takes usage, all of it in one statement; returns the batch and its counts, NULL and zeros if there was nothing';
