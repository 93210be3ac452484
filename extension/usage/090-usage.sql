-- Usage: who used which accelerators, how many, from when to when.
--
-- Records come as text into usage_inbox, so that nothing that a source sends stops a
-- COPY, and accept_usage() takes them from there: each ends as a
-- record, as a duplicate of one, or in usage_rejected with the reason.
--
-- The key of a record is (source, source_id, revision).  The keys live in usage_key, as short as they
-- can be (usage_key.c), which is not partitioned and outlives the months of usage_record that are detached,
-- so that a record that was taken once is never taken again.
--
-- From the inbox, of reservations, or from what was rejected: these ways in are
-- _take_usage().  One function in C, _judge_usage(), reads the cells of a batch, resolves the
-- names and compares with the keys that are there; then one statement a table writes keys,
-- records and rejections.  One record at a time takes small steps instead, in _record_usage(),
-- with names that the backend keeps from one to the next.  Both go by the same rules
-- (usage_rules.c).  Whoever takes records of a source first locks the row of usage_source, so that writers of one source take turns and
-- nothing they compare with changes meanwhile.  Who takes what many have sent waits for nobody: what
-- somebody else has locked stays where it is, and is counted.  Who wants one record in, or a
-- source identified anew, waits, in the order of the names.

-- ------------------------------------------------------------------ cells

CREATE FUNCTION _usage_timestamptz(cell text, time_zone text, unix_seconds boolean) RETURNS timestamptz
	LANGUAGE c STABLE CALLED ON NULL INPUT PARALLEL SAFE AS 'MODULE_PATHNAME', 'usage_timestamptz';
COMMENT ON FUNCTION _usage_timestamptz(text, text, boolean) IS 'the instant that a cell of usage_inbox means, from a source with this time zone (NULL: the session''s) that writes Unix seconds or not (NULL: not); NULL if it is empty or cannot be read, and for NULL';

CREATE FUNCTION _usage_month(cell text, time_zone text, unix_seconds boolean) RETURNS date
	LANGUAGE c STABLE CALLED ON NULL INPUT PARALLEL SAFE AS 'MODULE_PATHNAME', 'usage_month';
COMMENT ON FUNCTION _usage_month(text, text, boolean) IS 'first day of the month, in UTC, of the instant that _usage_timestamptz() reads; NULL where that is NULL';

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

CREATE FUNCTION _usage_level(devices numeric, share integer) RETURNS bigint
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'usage_level';
COMMENT ON FUNCTION _usage_level(numeric, integer) IS 'the devices that so many parts of one are, each of them share / 1,680,000 of a device, in units of 1/1,680,000: devices x share, rounded half to even, once; 22023 for a share that is none; NULL for NULL';

CREATE FUNCTION _usage_key_of(source_id text, revision integer) RETURNS bytea
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'usage_key';
COMMENT ON FUNCTION _usage_key_of(text, integer) IS 'what usage_key has as key of a revision of the record with this name in its source: from that of revision 0 to that of revision 2147483647 are all of its revisions, in order; NULL for NULL';

CREATE FUNCTION _usage_key_revision(key bytea) RETURNS integer
	LANGUAGE c IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE AS 'MODULE_PATHNAME', 'usage_key_revision';
COMMENT ON FUNCTION _usage_key_revision(bytea) IS 'the revision in what _usage_key_of() made; NULL for what is no key, and for NULL';

CREATE FUNCTION _usage_key_text(key bytea) RETURNS text
	LANGUAGE c IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE AS 'MODULE_PATHNAME', 'usage_key_text';
COMMENT ON FUNCTION _usage_key_text(bytea) IS 'the name of a record in its source, for people, from what _usage_key_of() made of it: of a long one its SHA-256, of one that the database''s encoding may not have, its bytes; NULL for NULL';

CREATE FUNCTION _usage_month_number(at timestamptz) RETURNS smallint
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'usage_month_number';
COMMENT ON FUNCTION _usage_month_number(timestamptz) IS 'the month, in UTC, of an instant, counted from January 2000; the first or the last number for what is further away, infinity too; NULL for NULL';

CREATE FUNCTION _usage_month_starts(month integer) RETURNS timestamptz
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'usage_month_starts';
COMMENT ON FUNCTION _usage_month_starts(integer) IS 'the first instant of a month that _usage_month_number() gives, -infinity of the first number and before, infinity after the last; NULL for NULL';

CREATE FUNCTION _usage_revisions(source text, source_id text) RETURNS TABLE (revision integer, retracted boolean, recorded timestamptz)
	LANGUAGE sql STABLE SECURITY DEFINER PARALLEL SAFE ROWS 2
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT compute_ledger._usage_key_revision(k.key), k.record IS NULL, coalesce(r.first_recorded, r.recorded, b.recorded)
	FROM compute_ledger.usage_source AS s
	JOIN compute_ledger.usage_key AS k ON k.source = s.number AND k.key BETWEEN compute_ledger._usage_key_of($2, 0) AND compute_ledger._usage_key_of($2, 2147483647)
	LEFT JOIN compute_ledger.usage_record AS r ON r.id = k.record
		AND r.started_at >= compute_ledger._usage_month_starts(k.month) AND r.started_at < compute_ledger._usage_month_starts(k.month + 1)
	LEFT JOIN compute_ledger.usage_batch AS b ON b.id = k.batch
	WHERE s.source = $1
$$;
COMMENT ON FUNCTION _usage_revisions(text, text) IS 'the revisions of a record, and when each was recorded first; NULL: its month was detached';

CREATE FUNCTION _usage_cell_error(name text, cell text, time_zone text, unix_seconds boolean,
		OUT sqlstate text, OUT reason text, OUT detail text, OUT hint text)
	LANGUAGE c STABLE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'usage_cell_error';
COMMENT ON FUNCTION _usage_cell_error(text, text, text, boolean) IS 'why a cell of usage_inbox cannot be read, given the name of its column, and what to do; an instant, from a source as _usage_timestamptz() takes it; NULL if it can, and for NULL as name or cell';

CREATE FUNCTION usage_digest(account text, region text, accelerator text, devices numeric, started_at timestamptz, ended_at timestamptz,
	measure text, number_format text, achieved_work compute_unit, run text, labels jsonb, reservation text DEFAULT NULL) RETURNS bytea
	LANGUAGE c IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION usage_digest(text, text, text, numeric, timestamptz, timestamptz, text, text, compute_unit, text, jsonb, text) IS 'SHA-256 of what a usage record says besides its key, from values: 8 and 8.0 are the same, one instant in two zones is the same, so are objects with their keys in another order; the same on every version and in every database. NULL arguments are values of their own (ended_at: infinity for one that goes on), but for reservation, of which nothing is hashed then; the result is never NULL.';

CREATE FUNCTION _usage_seen(xmin xid) RETURNS boolean
	LANGUAGE c STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'usage_seen';
COMMENT ON FUNCTION _usage_seen(xid) IS 'part of accept_usage(): whether a row with this xmin is one that the statement sees; false for what another transaction made of a row since the statement began; NULL for NULL';

-- ------------------------------------------------------------------ rules

CREATE FUNCTION _usage_values(sender text, source text, source_id text, revision text, account text, region text, accelerator text, devices text, started_at text, ended_at text,
		measure text, number_format text, achieved_work text, run text, labels text, retracted text, reservation text, time_zone text, unix_seconds boolean,
		OUT revision integer, OUT retracted boolean, OUT devices numeric, OUT started_at timestamptz, OUT ended_at timestamptz, OUT measure text, OUT number_format text,
		OUT achieved_work compute_unit, OUT run text, OUT labels jsonb, OUT reservation text, OUT unreadable text)
	LANGUAGE c STABLE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'usage_values';
COMMENT ON FUNCTION _usage_values(text, text, text, text, text, text, text, text, text, text, text, text, text, text, text, text, text, text, boolean) IS 'what the cells of a row of usage_inbox mean, from a sender with this time zone that writes Unix seconds or not; NULL where one is empty or cannot be read; unreadable: faults, as _usage_fault() takes them, with commas between them; a column: its cell cannot be read; NULL: none';

CREATE FUNCTION _usage_faults(unreadable text, retracted boolean, started_at timestamptz, ended_at timestamptz, latest timestamptz, devices numeric,
		account bigint, is_account boolean, region integer, reservation_name text, reservation bigint, measure text, accelerator accelerator) RETURNS text
	LANGUAGE c IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE AS 'MODULE_PATHNAME', 'usage_faults';
COMMENT ON FUNCTION _usage_faults(text, boolean, timestamptz, timestamptz, timestamptz, numeric, bigint, boolean, integer, text, bigint, text, accelerator) IS 'all faults of a record, as _usage_fault() takes them, with commas between them, from those of its cells, and from what its names mean (NULL: nothing); latest: the end of what the clock of its source may say; NULL: none';

CREATE FUNCTION _usage_verdict(unreadable text, faults text, digest bytea, there bytea) RETURNS text
	LANGUAGE c IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE AS 'MODULE_PATHNAME', 'usage_verdict';
COMMENT ON FUNCTION _usage_verdict(text, text, bytea, bytea) IS 'what becomes of a record that is alone with its key: accepted, duplicate, conflict or rejected; there is the digest of what usage_key has under its key, NULL if that is nothing';

-- ------------------------------------------------------------------ rates

CREATE FUNCTION _usage_rates(accelerators accelerator[], basis text,
		OUT accelerator accelerator, OUT from_instant timestamptz, OUT to_instant timestamptz, OUT rate compute_rate, OUT recorded timestamptz)
	RETURNS SETOF record
	LANGUAGE sql STABLE STRICT PARALLEL SAFE ROWS 100
	SET search_path = pg_catalog, pg_temp
AS $$
	-- From one instant to the next a chip has one rate: a registered basis has factors that change, a number format has not.
	SELECT t.accelerator, t.from_instant, lead(t.from_instant, 1, 'infinity') OVER (PARTITION BY t.accelerator ORDER BY t.from_instant),
		compute_ledger.normalized_rate(t.accelerator, basis, t.from_instant),
		coalesce(
			(SELECT lower(p.recorded) FROM compute_ledger.accelerator_peak AS p
			WHERE p.accelerator OPERATOR(compute_ledger.@>) t.accelerator AND compute_ledger._peak_is_for(p.accelerator, t.accelerator) AND p.number_format = basis AND upper_inf(p.recorded)
			ORDER BY compute_ledger.specificity(p.accelerator) DESC, p.shipped LIMIT 1),
			(SELECT lower(f.recorded) FROM compute_ledger.basis_factor AS f
			WHERE f.accelerator OPERATOR(compute_ledger.@>) t.accelerator AND f.basis = $2 AND upper_inf(f.recorded) AND f.valid @> t.from_instant
			ORDER BY compute_ledger.specificity(f.accelerator) DESC, f.shipped LIMIT 1))
	FROM (
		SELECT a.accelerator, timestamptz '-infinity' FROM unnest(accelerators) AS a (accelerator)
		UNION
		SELECT a.accelerator, e.instant
		FROM unnest(accelerators) AS a (accelerator)
		JOIN compute_ledger.basis_factor AS f ON f.accelerator OPERATOR(compute_ledger.@>) a.accelerator
		CROSS JOIN LATERAL (VALUES
			(lower(f.valid) + CASE WHEN lower_inc(f.valid) THEN interval '0' ELSE interval '1 microsecond' END),
			(upper(f.valid) + CASE WHEN upper_inc(f.valid) THEN interval '1 microsecond' ELSE interval '0' END)) AS e (instant)
		WHERE f.basis = $2 AND upper_inf(f.recorded) AND e.instant IS NOT NULL
	) AS t (accelerator, from_instant)
$$;
COMMENT ON FUNCTION _usage_rates(accelerator[], text) IS 'part of accept_usage(): for each accelerator, from when to when it has which rate in a basis, and since when this database had held the row true that the rate is from';

-- ------------------------------------------------------------------ reservations

CREATE FUNCTION _reservations_named(name text, region integer) RETURNS bigint[]
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN starts_with(name, 'ledger:') THEN ARRAY(SELECT r.id FROM compute_ledger.reservation AS r WHERE r.id = substr(name, 8)::bigint)
		ELSE ARRAY(SELECT r.id FROM compute_ledger.reservation AS r JOIN compute_ledger.pool AS p ON p.id = r.pool
			WHERE r.centre_id = substr(name, 8) AND p.region = _reservations_named.region) END
$$;
COMMENT ON FUNCTION _reservations_named(text, integer) IS 'the reservations that a cell of usage_inbox means, ledger:NUMBER or centre:ID, in the region with this number: an id of the centre''s is asked for among those of its region only, a number of the ledger''s never is one; none for NULL';

CREATE FUNCTION _reservation_at(reservations bigint[], at timestamptz) RETURNS bigint
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT min(r.id) FROM compute_ledger.reservation AS r WHERE r.id = ANY (reservations) AND r.period @> at HAVING count(*) = 1
$$;
COMMENT ON FUNCTION _reservation_at(bigint[], timestamptz) IS 'the one of some reservations whose period has an instant in it; NULL if there is none, or more than one';

-- ------------------------------------------------------------------ the one way in

CREATE FUNCTION _usage_source_guard() RETURNS trigger
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_time_zones(ARRAY[NEW.time_zone]);
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION _usage_source_guard() IS 'trigger, BEFORE INSERT OR UPDATE of usage_source: refuses a time zone that is not in pg_timezone_names (22023)';

CREATE FUNCTION _usage_sender(source text) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN CASE WHEN octet_length(source) OPERATOR(pg_catalog.<=) 1000 THEN source ELSE '' END;
COMMENT ON FUNCTION _usage_sender(text) IS 'the source of a row of usage_inbox as usage_source has it: without a name if the row gives none (NULL), or one that is too long';

CREATE FUNCTION _usage_turn(source text, wait boolean) RETURNS boolean
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'usage_turn';
COMMENT ON FUNCTION _usage_turn(text, boolean) IS 'takes the lock under which a row of usage_source is added, until the transaction ends; false if somebody else has it and it is not to be waited for; NULL for NULL';

CREATE FUNCTION _usage_source_turn() RETURNS trigger
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._usage_turn(NEW.source, true);
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION _usage_source_turn() IS 'trigger, BEFORE INSERT of usage_source: takes the lock by which accept_usage() sees that somebody is adding the source';

CREATE FUNCTION _lock_usage_sources(sources text[], wait boolean) RETURNS text[]
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	-- only of those that are new, in their order: OFFSET keeps the lock from being taken before the others are left out
	INSERT INTO compute_ledger.usage_source (source)
	SELECT n.source
	FROM (SELECT s.source FROM unnest(sources) AS s (source)
		WHERE NOT EXISTS (SELECT FROM compute_ledger.usage_source AS u WHERE u.source = s.source)
		ORDER BY s.source COLLATE "C"
		OFFSET 0) AS n
	WHERE compute_ledger._usage_turn(n.source, wait)
	ON CONFLICT (source) DO NOTHING;
	-- A transaction with one snapshot that does not see the last writer's keys fails here (40001).
	IF wait THEN
		PERFORM FROM compute_ledger.usage_source AS u
		WHERE u.source = ANY (sources)
		ORDER BY u.source
		FOR UPDATE;
		RETURN sources;
	END IF;
	RETURN ARRAY(SELECT u.source FROM compute_ledger.usage_source AS u WHERE u.source = ANY (sources) FOR UPDATE SKIP LOCKED);
END
$$;
COMMENT ON FUNCTION _lock_usage_sources(text[], boolean) IS 'part of accept_usage(): keeps other writers from these sources until the transaction ends; waits for those that have them, or goes without: returns the sources that it has';

CREATE FUNCTION _supersede_usage(records bigint[], months smallint[], stamp timestamptz) RETURNS bigint[]
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	named bigint[];
BEGIN
	-- A transaction that had its stamp long ago may replace what was recorded since; nobody has read that far.
	WITH old AS (
		UPDATE compute_ledger._usage_record AS r SET superseded = greatest(r.recorded, stamp)
		FROM unnest(records, months) AS o (id, month)
		WHERE r.id = o.id AND r.started_at >= compute_ledger._usage_month_starts(o.month) AND r.started_at < compute_ledger._usage_month_starts(o.month + 1)
		RETURNING r.reservation
	)
	SELECT array_agg(DISTINCT o.reservation) INTO named FROM old AS o WHERE o.reservation IS NOT NULL;
	RETURN named;
END
$$;
COMMENT ON FUNCTION _supersede_usage(bigint[], smallint[], timestamptz) IS 'part of accept_usage() and record_usage(): from a stamp on these rows of _usage_record, by number and month as usage_key has it, do not count; returns the reservations that they name, NULL if none';

CREATE FUNCTION _judge_usage(kind text, batch bigint, basis integer, stamp timestamptz, sources text[], zones jsonb, unix_sources text[], months date[],
		last bigint, ids bigint[], mend jsonb, given jsonb,
		OUT passed bigint, OUT taken bigint, OUT accepted bigint, OUT duplicate bigint, OUT rejected bigint, OUT recorded bigint, OUT old_records bigint[], OUT old_months smallint[], OUT reservations bigint[])
	LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
	-- it writes while it reads the batch, which no parallel plan allows
	SET max_parallel_workers_per_gather = 0
	AS 'MODULE_PATHNAME', 'judge_usage';
COMMENT ON FUNCTION _judge_usage(text, bigint, integer, timestamptz, text[], jsonb, text[], date[], bigint, bigint[], jsonb, jsonb) IS 'part of accept_usage(): reads what _take_usage() takes, of these sources and, if they are given, months, and finds what becomes of it: how many rows were passed by, and how many that are, how many records are to be written, what they supersede (numbers and months as usage_key has them) and the reservations that they name, NULL if none. Kinds that are new are added to usage_kind; the other rows to write wait in _judged_keys(), _judged_records() and _judged_rejected(). 22004 for NULL as one of the first five; 22023 for an unknown kind.';

CREATE FUNCTION _judged_keys(batch bigint)
	RETURNS TABLE (record bigint, source integer, month smallint, digest bytea, key bytea, batch bigint)
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE ROWS 100000 AS 'MODULE_PATHNAME', 'judged_keys';
COMMENT ON FUNCTION _judged_keys(bigint) IS 'part of accept_usage(): the rows of usage_key that _judge_usage() found in a batch, once, in its transaction; 22023 if there are none; no row for NULL';

CREATE FUNCTION _judged_records(batch bigint)
	RETURNS TABLE (id bigint, account bigint, started_at timestamptz, ended_at timestamptz, superseded timestamptz, kind integer, revision integer, devices numeric,
		achieved_work compute_unit, reservation bigint, reservation_name text, source_id text, account_name text, run text, labels jsonb)
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE ROWS 100000 AS 'MODULE_PATHNAME', 'judged_records';
COMMENT ON FUNCTION _judged_records(bigint) IS 'part of accept_usage(): the rows of _usage_record, but for what all rows of the batch have alike, as _judged_keys() has those of usage_key';

CREATE FUNCTION _judged_rejected(batch bigint)
	RETURNS TABLE (id bigint, received_at timestamptz, received_by name, source text, source_id text, revision text, account text, region text, accelerator text, devices text, started_at text,
		ended_at text, measure text, number_format text, achieved_work text, run text, labels text, retracted text, reservation text, time_zone text, unix_seconds boolean,
		faults text, read_revision integer, starts timestamptz, ends timestamptz, latest timestamptz)
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE ROWS 1000 AS 'MODULE_PATHNAME', 'judged_rejected';
COMMENT ON FUNCTION _judged_rejected(bigint) IS 'part of accept_usage(): the rows of usage_inbox that are rejected, with the time zone of their source, whether it writes Unix seconds, their faults as _usage_fault() takes them, with commas between them, and what it says them by, as _judged_keys() has the rows of usage_key';

-- kind 'accept': rows of the inbox, max_rows at most, of this sender alone, unless that is NULL; 'retry': the rejected
-- rows ids, with the cells in mend instead of theirs; 'reserve': the rows in given, an array, that the ledger makes of
-- reservations, which may end later than the clock says.
CREATE FUNCTION _take_usage(kind text, basis text, max_rows bigint DEFAULT NULL, ids bigint[] DEFAULT NULL, mend jsonb DEFAULT NULL, given jsonb DEFAULT NULL,
		sender text DEFAULT NULL,
		OUT batch bigint, OUT taken bigint, OUT accepted bigint, OUT duplicate bigint, OUT rejected bigint, OUT waiting bigint)
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	-- @planner
	-- conditions that a call has not leave no trace in the plan
	SET plan_cache_mode = force_custom_plan
	-- the inbox is read in its order, and names and keys are looked up in indexes, whatever was known of the tables when this was planned
	SET enable_seqscan = off
	-- the sources and months of many rows are few: hashed
	SET enable_sort = off
AS $$
#variable_conflict use_column
DECLARE
	last bigint;
	sources text[];
	locked text[];
	months date[];
	busy_sources text[] := '{}';
	busy_months date[] := '{}';
	busy integer;
	stamp timestamptz;
	code integer := compute_ledger.basis_code(basis);
	old_records bigint[];
	old_months smallint[];
	named bigint[];
	zones jsonb;
	unix_sources text[];
	removed bigint;
	recorded bigint;
	m date;
BEGIN
	IF code IS NULL THEN
		PERFORM compute_ledger._refuse('LC002', format('unknown basis "%s"', basis), hint => 'Register it in table "basis", or use one that is there.');
	END IF;
	-- How sources write instants.  Most say nothing, and then looking for it costs nothing.
	SELECT jsonb_object_agg(u.source, u.time_zone) FILTER (WHERE u.time_zone IS NOT NULL), array_agg(u.source) FILTER (WHERE u.unix_seconds)
	INTO zones, unix_sources
	FROM compute_ledger.usage_source AS u;
	taken := 0;
	accepted := 0;
	duplicate := 0;
	rejected := 0;
	waiting := 0;
	-- What there is to take: sources to lock, months to have partitions of.  What others keep locked is left out, and where
	-- the number of rows is limited, others take its place.
	LOOP
		CASE kind
			WHEN 'accept' THEN
				IF max_rows IS NOT NULL THEN
					SELECT coalesce(max(f.id), -1) INTO last
					FROM (SELECT i.id
						FROM compute_ledger.usage_inbox AS i
						CROSS JOIN LATERAL (SELECT compute_ledger._usage_sender(i.source) AS sender) AS u
						WHERE (_take_usage.sender IS NULL OR u.sender = _take_usage.sender) AND u.sender <> ALL (busy_sources)
							AND (busy_months = '{}' OR (compute_ledger._usage_month(i.started_at, zones ->> u.sender, u.sender = ANY (unix_sources)) = ANY (busy_months)) IS NOT TRUE)
						ORDER BY i.id LIMIT greatest(max_rows, 0)) AS f;
				END IF;
				SELECT array_agg(DISTINCT s.source), array_agg(DISTINCT s.month) FILTER (WHERE s.month IS NOT NULL)
				INTO sources, months
				FROM (SELECT u.sender, compute_ledger._usage_month(i.started_at, zones ->> u.sender, u.sender = ANY (unix_sources))
					FROM compute_ledger.usage_inbox AS i
					CROSS JOIN LATERAL (SELECT compute_ledger._usage_sender(i.source) AS sender) AS u
					WHERE (last IS NULL OR i.id <= last) AND (_take_usage.sender IS NULL OR u.sender = _take_usage.sender) AND u.sender <> ALL (busy_sources)
					GROUP BY 1, 2) AS s (source, month);
			WHEN 'retry' THEN
				SELECT array_agg(r.id), array_agg(u.sender), array_agg(compute_ledger._usage_month(CASE WHEN mend ? 'started_at' THEN mend ->> 'started_at' ELSE r.started_at END,
					zones ->> u.sender, u.sender = ANY (unix_sources)))
				INTO ids, sources, months
				FROM compute_ledger.usage_rejected AS r
				CROSS JOIN LATERAL (SELECT compute_ledger._usage_sender(CASE WHEN mend ? 'source' THEN mend ->> 'source' ELSE r.source END) AS sender) AS u
				WHERE r.id = ANY (ids);
			ELSE
				SELECT array_agg(DISTINCT compute_ledger._usage_sender(g.row ->> 'source')), array_agg(DISTINCT compute_ledger._usage_month(g.row ->> 'started_at', NULL, NULL))
				INTO sources, months
				FROM jsonb_array_elements(given) AS g (row);
		END CASE;
		locked := compute_ledger._lock_usage_sources(sources, false);
		busy := cardinality(busy_sources) + cardinality(busy_months);
		busy_sources := busy_sources || ARRAY(SELECT unnest(sources) EXCEPT SELECT unnest(locked));
		FOR m IN
			SELECT DISTINCT n.month FROM unnest(months) AS n (month)
			WHERE n.month >= '2000-01-01' AND n.month <> ALL (busy_months)
				AND (kind = 'reserve' OR n.month <= clock_timestamp() + (SELECT max(u.clock_tolerance) FROM compute_ledger.usage_source AS u WHERE u.source = ANY (locked)) + interval '1 day')
			ORDER BY 1
		LOOP
			BEGIN
				PERFORM compute_ledger._make_usage_partition(m, false);
			EXCEPTION WHEN lock_not_available THEN
				busy_months := busy_months || m;
			END;
		END LOOP;
		EXIT WHEN max_rows IS NULL OR busy = cardinality(busy_sources) + cardinality(busy_months);
	END LOOP;
	IF busy_sources <> '{}' OR busy_months <> '{}' THEN
		SELECT count(*) INTO waiting
		FROM compute_ledger.usage_inbox AS i
		CROSS JOIN LATERAL (SELECT compute_ledger._usage_sender(i.source) AS sender) AS u
		WHERE kind = 'accept' AND (_take_usage.sender IS NULL OR u.sender = _take_usage.sender) AND (u.sender = ANY (busy_sources)
			OR (busy_months <> '{}' AND compute_ledger._usage_month(i.started_at, zones ->> u.sender, u.sender = ANY (unix_sources)) = ANY (busy_months)));
		IF kind = 'retry' THEN
			waiting := cardinality(ids);
			ids := ARRAY(SELECT r.id FROM unnest(ids, sources, months) AS r (id, sender, month) WHERE r.sender = ANY (locked) AND (r.month = ANY (busy_months)) IS NOT TRUE);
			waiting := waiting - cardinality(ids);
		END IF;
	END IF;
	IF locked = '{}' THEN
		RETURN;
	END IF;
	sources := locked;
	-- Without an instant there is no month, and the row is taken; an empty array would leave it.
	months := ARRAY(SELECT n.month FROM unnest(months) AS n (month) WHERE n.month <> ALL (busy_months)) || date '-infinity';
	batch := nextval('compute_ledger.usage_batch_id_seq');
	UPDATE compute_ledger.usage_source AS u SET last_batch = _take_usage.batch
	WHERE u.source = ANY (sources);
	-- Not before the lock: who comes later records later.
	stamp := compute_ledger._ledger_stamp();

	IF kind = 'retry' THEN
		WITH retried AS (
			UPDATE compute_ledger.usage_rejected AS r SET retried_in = _take_usage.batch
			WHERE r.id = ANY (ids) AND r.retried_in IS NULL
			RETURNING r.id
		)
		SELECT array_agg(r.id) INTO ids FROM retried AS r;
	ELSIF kind = 'reserve' AND busy_months <> '{}' THEN
		SELECT jsonb_agg(g.row) INTO given
		FROM jsonb_array_elements(given) AS g (row)
		WHERE (compute_ledger._usage_month(g.row ->> 'started_at', NULL, NULL) = ANY (busy_months)) IS NOT TRUE;
	END IF;
	WITH judged AS MATERIALIZED (
		SELECT j.*
		FROM compute_ledger._judge_usage(kind, batch, code, stamp, sources, zones, unix_sources, CASE kind WHEN 'accept' THEN months END, last, ids, mend, given) AS j
	), removed AS (
		-- The rows that were judged: while their sources are locked, no other call takes them.
		DELETE FROM compute_ledger.usage_inbox AS i
		WHERE kind = 'accept' AND (last IS NULL OR i.id <= last)
			AND ((SELECT j.passed = 0 FROM judged AS j) OR (compute_ledger._usage_sender(i.source) = ANY (sources)
				-- what came after the look above waits for the next call, if it needs a partition
				AND coalesce(compute_ledger._usage_month(i.started_at, zones ->> compute_ledger._usage_sender(i.source),
					compute_ledger._usage_sender(i.source) = ANY (unix_sources)) = ANY (months), true)))
			AND compute_ledger._usage_seen(i.xmin)
		RETURNING true
	)
	SELECT j.taken, j.accepted, j.duplicate, j.rejected, j.recorded, j.old_records, j.old_months, j.reservations, (SELECT count(*) FROM removed)
	INTO taken, accepted, duplicate, rejected, recorded, old_records, old_months, named, removed
	FROM judged AS j;
	IF accepted > 0 THEN
		INSERT INTO compute_ledger.usage_key (record, source, month, digest, key, batch)
		SELECT k.record, k.source, k.month, k.digest, k.key, k.batch FROM compute_ledger._judged_keys(batch) AS k;
	END IF;
	IF recorded > 0 THEN
		INSERT INTO compute_ledger._usage_record (id, account, started_at, ended_at, recorded, superseded, batch, kind, revision, devices, achieved_work, reservation,
			reservation_name, source_id, account_name, run, labels)
		SELECT r.id, r.account, r.started_at, r.ended_at, stamp, r.superseded, _take_usage.batch, r.kind, r.revision, r.devices, r.achieved_work,
			r.reservation, r.reservation_name, r.source_id, r.account_name, r.run, r.labels
		FROM compute_ledger._judged_records(batch) AS r;
	END IF;
	IF rejected > 0 THEN
		INSERT INTO compute_ledger.usage_rejected (faults, batch, recorded, received_at, received_by, source, source_id, revision, account,
			region, accelerator, devices, started_at, ended_at, measure, number_format, achieved_work, run, labels, retracted, reservation)
		SELECT f.faults, _take_usage.batch, stamp, t.received_at, t.received_by, t.source, t.source_id, t.revision, t.account,
			t.region, t.accelerator, t.devices, t.started_at, t.ended_at, t.measure, t.number_format, t.achieved_work, t.run, t.labels, t.retracted, t.reservation
		FROM compute_ledger._judged_rejected(batch) AS t
		CROSS JOIN LATERAL (
			SELECT jsonb_agg(to_jsonb(e) ORDER BY n.place) AS faults
			FROM string_to_table(t.faults, ',') WITH ORDINALITY AS n (fault, place)
			CROSS JOIN LATERAL compute_ledger._usage_fault(n.fault, to_jsonb(t), t.read_revision, t.starts, t.ends, t.latest) AS e) AS f
		ORDER BY t.id;
	END IF;
	IF taken > 0 THEN
		INSERT INTO compute_ledger.usage_batch (id, kind, taken, accepted, duplicate, rejected, basis, extension_version, names_recorded, recorded)
		VALUES (_take_usage.batch, _take_usage.kind, _take_usage.taken, _take_usage.accepted, _take_usage.duplicate, _take_usage.rejected, code,
			(SELECT e.extversion FROM pg_extension AS e WHERE e.extname = 'compute_ledger'), compute_ledger._names_recorded(), stamp);
	END IF;
	IF kind = 'accept' AND taken <> removed THEN
		PERFORM compute_ledger._refuse('40001', 'rows of the inbox were changed while they were taken', hint => 'Run the transaction again.');
	END IF;
	IF taken = 0 THEN
		batch := NULL;			-- others took them
	END IF;
	IF old_records IS NOT NULL THEN
		named := named || compute_ledger._supersede_usage(old_records, old_months, stamp);
	END IF;
	IF named IS NOT NULL AND kind <> 'reserve' THEN
		PERFORM compute_ledger._started_by_use(named);
	END IF;
	IF accepted > 0 AND kind <> 'reserve' THEN
		PERFORM compute_ledger._flag_usage(batch, stamp);
	END IF;
END
$$;
COMMENT ON FUNCTION _take_usage(text, text, bigint, bigint[], jsonb, jsonb, text) IS 'part of accept_usage(), retry_rejected() and record_reservations(): takes usage: _judge_usage() says what becomes of it, and what is to be written is written; returns the batch and its counts, NULL and zeros if there was nothing';

-- ------------------------------------------------------------------ what was wrong

CREATE FUNCTION _usage_fault(fault text, cells jsonb, revision integer, started_at timestamptz, ended_at timestamptz, latest timestamptz,
		OUT "column" text, OUT sqlstate text, OUT reason text, OUT detail text, OUT hint text)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	hint := 'Mend it where the record comes from, and send it again.';
	CASE fault
		WHEN 'no source', 'no source_id', 'no start', 'no devices' THEN
			"column" := CASE fault WHEN 'no start' THEN 'started_at' ELSE substr(fault, 4) END;
			sqlstate := '23502';
			reason := fault;
			detail := 'A record has a source, a source_id, a start and a number of devices.';
		WHEN 'key too long' THEN
			"column" := CASE WHEN octet_length(cells ->> 'source') > 1000 THEN 'source' ELSE 'source_id' END;
			sqlstate := '54000';
			reason := 'source or source_id is too long';
			detail := format('They have %s and %s bytes, and 1000 is the most.', octet_length(cells ->> 'source'), octet_length(cells ->> 'source_id'));
		WHEN 'no period' THEN
			"column" := 'ended_at';
			sqlstate := '22000';
			reason := CASE WHEN started_at = ended_at THEN 'empty period' ELSE 'reversed period' END;
			detail := format('It starts at %s and ends at %s.', started_at, ended_at);
		WHEN 'number of devices' THEN
			"column" := 'devices';
			sqlstate := '22003';
			reason := format('number of devices out of range: %s', left(cells ->> 'devices', 80));
			detail := 'It must be more than 0 in units of 1/1,680,000 and at most 1,000,000,000.';
		WHEN 'clock not set' THEN
			"column" := 'started_at';
			sqlstate := 'LC009';
			reason := 'start is before 2000';
			detail := format('It starts at %s. So does what a machine writes whose clock was never set.', started_at);
		WHEN 'clock' THEN
			"column" := CASE WHEN started_at > latest THEN 'started_at' ELSE 'ended_at' END;
			sqlstate := 'LC009';
			reason := CASE WHEN started_at > latest THEN 'start is in the future' ELSE 'end is in the future' END;
			detail := format('It starts at %s and ends at %s; by the clock of source "%s" it may be %s.', started_at, ended_at, left(cells ->> 'source', 80), latest);
			hint := 'Set the clocks, raise usage_source.clock_tolerance, or call retry_rejected(sqlstate => ''LC009'') later.';
		WHEN 'unknown account' THEN
			"column" := 'account';
			sqlstate := 'LC006';
			reason := format('unknown account "%s"', left(cells ->> 'account', 80));
			detail := CASE WHEN started_at IS NULL THEN 'There is no account of this name.' ELSE format('No account of this name was valid at %s.', started_at) END;
			hint := 'Make it with create_account(), or with an earlier valid_from; retry_rejected(sqlstate => ''LC006'') takes what waits for it.';
		WHEN 'unknown region' THEN
			"column" := 'region';
			sqlstate := 'LC007';
			reason := format('unknown region "%s"', left(cells ->> 'region', 80));
			detail := 'There is no region of this name.';
			hint := 'Make it with create_region(); retry_rejected(sqlstate => ''LC007'') takes what waits for it.';
		WHEN 'own source' THEN
			"column" := 'source';
			sqlstate := '42501';
			reason := 'source "compute_ledger" is the ledger''s own';
			detail := 'Its records are made of reservations, by record_reservations() and what calls it.';
			hint := 'Give your source another name.';
		WHEN 'reservation' THEN
			"column" := 'reservation';
			sqlstate := '22P02';
			reason := format('cannot read reservation "%s"', left(cells ->> 'reservation', 80));
			detail := 'It is ledger: and the number that the ledger gave the reservation, or centre: and the id that the centre reported for it.';
		WHEN 'unknown reservation' THEN
			"column" := 'reservation';
			sqlstate := 'LC025';
			reason := format('unknown reservation "%s"', left(cells ->> 'reservation', 80));
			detail := CASE WHEN starts_with(cells ->> 'reservation', 'ledger:') THEN 'The ledger has given no reservation this number.'
				WHEN cardinality(compute_ledger._reservations_named(cells ->> 'reservation', compute_ledger._region_id(cells ->> 'region'))) > 1
					THEN format('Several reservations in region "%s" have this id, and not one alone is for %s.', left(cells ->> 'region', 80), started_at)
				ELSE format('No reservation in region "%s" is known by this id.', left(cells ->> 'region', 80)) END;
			hint := 'The centre''s agent reports its id with answer_reservation(); retry_rejected(sqlstate => ''LC025'') takes what waits for it.';
		WHEN 'reserved twice' THEN
			"column" := 'reservation';
			sqlstate := '22023';
			reason := 'reserved usage names a reservation';
			detail := 'A reservation is reserved usage by itself: the ledger makes its records.';
			hint := 'Send what ran in it, as allocated or used.';
		WHEN 'unknown accelerator' THEN
			"column" := 'accelerator';
			sqlstate := 'LC003';
			reason := format('unknown accelerator "%s"', left(cells ->> 'accelerator', 80));
			detail := 'No alias, no canonical text and no rule of the vocabulary explains the whole of it.';
			hint := 'Insert the name into accelerator_alias; retry_rejected(sqlstate => ''LC003'') takes what waits for it. identify_strict() tells which names are like it.';
		WHEN 'conflict' THEN
			"column" := 'revision';
			sqlstate := 'LC008';
			reason := format('revision %s of this record is there and says something else', revision);
			detail := format('Key: source "%s", source_id "%s".', left(cells ->> 'source', 80), left(cells ->> 'source_id', 80));
			hint := 'Send a correction as a higher revision.';
		ELSE
			"column" := fault;
			SELECT e.* INTO sqlstate, reason, detail, hint
			FROM compute_ledger._usage_cell_error(fault, cells ->> fault, cells ->> 'time_zone', (cells ->> 'unix_seconds')::boolean) AS e;
	END CASE;
END
$$;
COMMENT ON FUNCTION _usage_fault(text, jsonb, integer, timestamptz, timestamptz, timestamptz) IS 'part of accept_usage(): an element of usage_rejected.faults for a fault that it found in a record; latest is the end of what the clock of the record''s source may say';

CREATE FUNCTION _names_recorded() RETURNS timestamptz
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT greatest(
		(SELECT greatest(max(lower(r.recorded)), max(upper(r.recorded))) FROM compute_ledger.accelerator_alias AS r),
		(SELECT greatest(max(lower(r.recorded)), max(upper(r.recorded))) FROM compute_ledger.accelerator_word AS r),
		(SELECT greatest(max(lower(r.recorded)), max(upper(r.recorded))) FROM compute_ledger.accelerator_variant AS r),
		(SELECT greatest(max(lower(r.recorded)), max(upper(r.recorded))) FROM compute_ledger.accelerator_model AS r),
		(SELECT greatest(max(lower(r.recorded)), max(upper(r.recorded))) FROM compute_ledger.accelerator_instance AS r))
$$;
COMMENT ON FUNCTION _names_recorded() IS 'when the tables that identify() goes by last changed';

-- ------------------------------------------------------------------ what users call

CREATE FUNCTION _accept_usage(basis text DEFAULT 'bf16', max_rows bigint DEFAULT NULL, source text DEFAULT NULL,
		OUT batch bigint, OUT taken bigint, OUT accepted bigint, OUT duplicate bigint, OUT rejected bigint, OUT waiting bigint)
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._require_ledger();
	SELECT t.* INTO batch, taken, accepted, duplicate, rejected, waiting
	FROM compute_ledger._take_usage('accept', basis, max_rows, sender => CASE WHEN source IS NOT NULL THEN compute_ledger._usage_sender(source) END) AS t;
	-- One of those that end at the same time marks for all.
	IF taken > 0 AND current_setting('transaction_isolation') IN ('read committed', 'read uncommitted')
		AND pg_try_advisory_xact_lock(1129079666, 56)
	THEN
		PERFORM compute_ledger._mark_watermark();
	END IF;
	PERFORM compute_ledger._try_reserved_usage(clock_timestamp());
END
$$;
COMMENT ON FUNCTION _accept_usage(text, bigint, text) IS 'what accept_usage() does';

CREATE FUNCTION accept_usage(basis text DEFAULT 'bf16', max_rows bigint DEFAULT NULL, source text DEFAULT NULL,
		OUT batch bigint, OUT taken bigint, OUT accepted bigint, OUT duplicate bigint, OUT rejected bigint, OUT waiting bigint)
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	SELECT t.* INTO batch, taken, accepted, duplicate, rejected, waiting FROM compute_ledger._accept_usage(basis, max_rows, source) AS t;
END
$$;
COMMENT ON FUNCTION accept_usage(text, bigint, text) IS 'takes what is in usage_inbox, all of it or the first max_rows, of one source if it is given, and returns the number of the batch and what became of it: taken = accepted + duplicate + rejected. It waits for nobody: what is from a source that another transaction is writing, or of a new month for which another is making the partition, stays in the inbox for a later call, and waiting says how many rows. source: rows of that source alone, so that who takes another one''s works beside it; empty: rows that name none, or one of more than 1,000 bytes; NULL: all. basis is what the records are normalised in. An instant without an offset is one of the time zone of its source (usage_source.time_zone), of the session if it has none. All zeros, and NULL for the batch, if there was nothing to take. What is due of reservations is recorded as well, as record_reservations() does it, and not counted. LC002 for an unknown basis.';

CREATE FUNCTION _retry_rejected(source text DEFAULT NULL, sqlstate text DEFAULT NULL, ids bigint[] DEFAULT NULL, mend jsonb DEFAULT NULL, basis text DEFAULT 'bf16',
		OUT batch bigint, OUT taken bigint, OUT accepted bigint, OUT duplicate bigint, OUT rejected bigint, OUT waiting bigint)
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	chosen bigint[];
	cell text;
BEGIN
	PERFORM compute_ledger._require_ledger();
	IF jsonb_typeof(mend) <> 'object' THEN
		PERFORM compute_ledger._refuse('22023', 'mend is not a JSON object');
	END IF;
	SELECT min(k.key COLLATE "C") INTO cell
	FROM jsonb_each(mend) AS k (key, value)
	WHERE k.key NOT IN ('source', 'source_id', 'revision', 'account', 'region', 'accelerator', 'devices', 'started_at', 'ended_at', 'measure',
		'number_format', 'achieved_work', 'run', 'labels', 'retracted', 'reservation');
	IF cell IS NOT NULL THEN
		PERFORM compute_ledger._refuse('22023', format('a usage record has no cell "%s"', cell), hint => 'The keys of mend are columns of usage_inbox.');
	END IF;
	SELECT array_agg(r.id) INTO chosen
	FROM compute_ledger.usage_rejected AS r
	WHERE r.retried_in IS NULL
		AND (source IS NULL OR r.source = source)
		AND (sqlstate IS NULL OR r.faults @> jsonb_build_array(jsonb_build_object('sqlstate', sqlstate)))
		AND (ids IS NULL OR r.id = ANY (ids));
	SELECT t.* INTO batch, taken, accepted, duplicate, rejected, waiting
	FROM compute_ledger._take_usage('retry', basis, ids => chosen, mend => mend) AS t;
END
$$;
COMMENT ON FUNCTION _retry_rejected(text, text, bigint[], jsonb, text) IS 'what retry_rejected() does';

CREATE FUNCTION retry_rejected(source text DEFAULT NULL, sqlstate text DEFAULT NULL, ids bigint[] DEFAULT NULL, mend jsonb DEFAULT NULL, basis text DEFAULT 'bf16',
		OUT batch bigint, OUT taken bigint, OUT accepted bigint, OUT duplicate bigint, OUT rejected bigint, OUT waiting bigint)
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	SELECT t.* INTO batch, taken, accepted, duplicate, rejected, waiting FROM compute_ledger._retry_rejected(source, sqlstate, ids, mend, basis) AS t;
END
$$;
COMMENT ON FUNCTION retry_rejected(text, text, bigint[], jsonb, text) IS 'takes records of usage_rejected that wait there again, those of one source, with this SQLSTATE among their faults, with these ids, or all; mend gives cells other values: ''{"region": "cn-east"}''. Returns the batch as accept_usage() does; like it, it waits for nobody. The rows stay as they are, with the batch in retried_in; one that is rejected again is another row.';

CREATE FUNCTION _reidentify(basis text DEFAULT 'bf16', source text DEFAULT NULL, accelerator_name text DEFAULT NULL, started tstzrange DEFAULT NULL,
		OUT batch bigint, OUT taken bigint, OUT accepted bigint)
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	-- @planner
	SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_variable
DECLARE
	code integer := compute_ledger.basis_code(basis);
	basis_word text := compute_ledger.basis_name(code);
	from_instant timestamptz := coalesce(lower(started), '-infinity');
	to_instant timestamptz := coalesce(upper(started), 'infinity');
	sources text[];
	stamp timestamptz;
BEGIN
	PERFORM compute_ledger._require_ledger();
	IF code IS NULL THEN
		PERFORM compute_ledger._refuse('LC002', format('unknown basis "%s"', basis), hint => 'Register it in table "basis", or use one that is there.');
	END IF;
	IF isempty(started) THEN
		from_instant := 'infinity';
	END IF;
	SELECT array_agg(s.source) INTO sources
	FROM compute_ledger.usage_source AS s WHERE source IS NULL OR s.source = source;
	batch := nextval('compute_ledger.usage_batch_id_seq');
	PERFORM compute_ledger._lock_usage_sources(sources, true);
	UPDATE compute_ledger.usage_source AS u SET last_batch = _reidentify.batch
	WHERE u.source = ANY (sources);
	stamp := compute_ledger._ledger_stamp();
	WITH current AS MATERIALIZED (
		SELECT r.id, r.started_at, r.accelerator_name, r.source, r.accelerator, r.rate, r.share, r.basis
		FROM compute_ledger.usage_record AS r
		WHERE r.superseded = 'infinity' AND r.started_at >= from_instant AND r.started_at <= to_instant
			AND (started IS NULL OR started @> r.started_at)
			AND (source IS NULL OR r.source = source) AND (accelerator_name IS NULL OR r.accelerator_name = accelerator_name)
	), names AS MATERIALIZED (
		SELECT i.*, compute_ledger._accelerator_share(i.accelerator_name, i.system, i.accelerator) AS share, compute_ledger._vgpu_share(i.accelerator_name, i.system) AS vgpu
		FROM (SELECT n.accelerator_name, n.source, coalesce(s.system, s.source) AS system, compute_ledger.identify(n.accelerator_name, coalesce(s.system, s.source)) AS accelerator
			FROM (SELECT DISTINCT c.accelerator_name, c.source FROM current AS c) AS n
			JOIN compute_ledger.usage_source AS s ON s.source = n.source
			OFFSET 0) AS i
	), rates AS MATERIALIZED (
		SELECT t.* FROM compute_ledger._usage_rates(ARRAY(SELECT DISTINCT n.accelerator FROM names AS n WHERE n.accelerator IS NOT NULL), basis_word) AS t
	), changed AS MATERIALIZED (
		-- a name that means nothing any more keeps what it meant
		SELECT c.id, c.started_at, c.source, nextval('compute_ledger.usage_record_id_seq') AS new_id, n.accelerator, n.share, t.rate, t.recorded
		FROM current AS c
		JOIN names AS n ON n.accelerator_name = c.accelerator_name AND n.source = c.source
		JOIN rates AS r ON r.accelerator OPERATOR(compute_ledger.=) n.accelerator AND c.started_at >= r.from_instant AND c.started_at < r.to_instant
		CROSS JOIN LATERAL (SELECT compute_ledger._vgpu_rate(r.rate, n.vgpu) AS rate, r.recorded) AS t
		WHERE n.accelerator OPERATOR(compute_ledger.<>) c.accelerator OR c.basis <> code
			OR (t.rate IS NULL) <> (c.rate IS NULL) OR t.rate OPERATOR(compute_ledger.<>) c.rate OR n.share IS DISTINCT FROM c.share
	), closed AS (
		UPDATE compute_ledger._usage_record AS r SET superseded = greatest(r.recorded, stamp)
		FROM changed AS c
		WHERE r.id = c.id AND r.started_at = c.started_at
		RETURNING r.*
	), added AS (
		INSERT INTO compute_ledger._usage_record (id, account, started_at, ended_at, recorded, batch, kind, revision, identification, devices, achieved_work, reservation,
			reservation_name, source_id, account_name, run, labels, first_recorded)
		SELECT c.new_id, r.account, r.started_at, r.ended_at, stamp, _reidentify.batch,
			compute_ledger._usage_kind(k.source, k.region, k.region_name, c.accelerator, k.accelerator_name, c.share, c.rate, CASE WHEN c.rate IS NOT NULL THEN c.recorded END, code,
				k.measure, k.number_format),
			r.revision, r.identification + 1, r.devices, r.achieved_work, r.reservation, r.reservation_name, r.source_id, r.account_name, r.run, r.labels,
			coalesce(r.first_recorded, r.recorded)
		FROM closed AS r
		JOIN changed AS c ON c.id = r.id
		JOIN compute_ledger.usage_kind AS k ON k.number = r.kind
	), keys AS (
		UPDATE compute_ledger.usage_key AS k SET record = c.new_id
		FROM closed AS r
		JOIN changed AS c ON c.id = r.id
		JOIN compute_ledger.usage_source AS s ON s.source = c.source
		WHERE k.source = s.number AND k.key = compute_ledger._usage_key_of(r.source_id, r.revision)
	), written AS (
		INSERT INTO compute_ledger.usage_batch AS b (id, kind, taken, accepted, duplicate, rejected, basis, extension_version, names_recorded, recorded)
		SELECT _reidentify.batch, 'reidentify', count(*), count(*), 0, 0, code,
			(SELECT e.extversion FROM pg_extension AS e WHERE e.extname = 'compute_ledger'), compute_ledger._names_recorded(), stamp
		FROM changed AS c
		HAVING count(*) > 0
		RETURNING b.taken, b.accepted
	)
	SELECT w.taken, w.accepted INTO taken, accepted FROM written AS w;
	PERFORM compute_ledger._flag_usage(batch, stamp);
	IF taken IS NULL THEN
		batch := NULL;
		taken := 0;
		accepted := 0;
	END IF;
END
$$;
COMMENT ON FUNCTION _reidentify(text, text, text, tstzrange) IS 'what reidentify() does';

CREATE FUNCTION reidentify(basis text DEFAULT 'bf16', source text DEFAULT NULL, accelerator_name text DEFAULT NULL, started tstzrange DEFAULT NULL,
		OUT batch bigint, OUT taken bigint, OUT accepted bigint)
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	SELECT t.* INTO batch, taken, accepted FROM compute_ledger._reidentify(basis, source, accelerator_name, started) AS t;
END
$$;
COMMENT ON FUNCTION reidentify(text, text, text, tstzrange) IS 'identifies accelerators of current records anew, and normalises them in basis: those of one source, with one name, with a start in a range, or all. Each record for which chip, rate, share of a device or basis is now another gets a new row of the same revision, which supersedes the row before; returns the batch and how many there were. A name that is not known any more keeps what it was identified as. What policies do not allow of what it is now is flagged, as by accept_usage().';
