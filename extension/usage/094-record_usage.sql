-- One record of usage at a time.
--
-- The same rules as in _take_usage() (090-usage.sql), in small steps whose plans are kept.  What takes time is done before
-- the source's row is locked: writers of one source take turns for what they write, and for nothing else.

CREATE FUNCTION _find_chip(name text, system text, basis text)
	RETURNS TABLE (accelerator accelerator, share integer, basis integer, from_instant timestamptz, to_instant timestamptz, rate compute_rate, rate_recorded timestamptz, names_recorded timestamptz)
	LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT i.accelerator, compute_ledger._accelerator_share(i.name, i.system, i.accelerator), i.code, t.from_instant, t.to_instant,
		compute_ledger._vgpu_rate(t.rate, i.vgpu), CASE WHEN t.rate IS NOT NULL AND i.vgpu IS DISTINCT FROM 0 THEN t.recorded END, compute_ledger._names_recorded()
	FROM (SELECT $1 AS name, $2 AS system, compute_ledger.identify($1, $2) AS accelerator, compute_ledger._vgpu_share($1, $2) AS vgpu, compute_ledger.basis_code($3) AS code
		OFFSET 0) AS i
	LEFT JOIN LATERAL compute_ledger._usage_rates(ARRAY[i.accelerator], compute_ledger.basis_name(i.code)) AS t ON i.accelerator IS NOT NULL
$$;
COMMENT ON FUNCTION _find_chip(text, text, text) IS 'part of record_usage(): what a name from a system means, the part of a device that it is, and from when to when it has which rate in a basis; accelerator NULL: nothing; basis NULL: there is none of this name';

CREATE FUNCTION _kept_chip(name text, system text, basis text)
	RETURNS TABLE (accelerator accelerator, share integer, basis integer, from_instant timestamptz, to_instant timestamptz, rate compute_rate, rate_recorded timestamptz, names_recorded timestamptz)
	LANGUAGE c STABLE CALLED ON NULL INPUT ROWS 1 AS 'MODULE_PATHNAME', 'kept_chip';
COMMENT ON FUNCTION _kept_chip(text, text, text) IS 'the same, from what the session has found before as long as no name, peak rate or factor has changed';

CREATE FUNCTION _has_usage_partition(at timestamptz) RETURNS boolean
	LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'has_usage_partition';
COMMENT ON FUNCTION _has_usage_partition(timestamptz) IS 'part of record_usage(): whether _usage_record has a partition for a start; NULL for NULL';

CREATE FUNCTION _refuse_usage(faults text, cells jsonb, revision integer, started_at timestamptz, ended_at timestamptz, latest timestamptz) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	first record;
	further text;
BEGIN
	SELECT e.* INTO first
	FROM compute_ledger._usage_fault(split_part(faults, ',', 1), cells, revision, started_at, ended_at, latest) AS e;
	SELECT string_agg(format(E'\nAlso: %s.', e.reason), '' ORDER BY n.place) INTO further
	FROM string_to_table(faults, ',') WITH ORDINALITY AS n (fault, place)
	CROSS JOIN LATERAL compute_ledger._usage_fault(n.fault, cells, revision, started_at, ended_at, latest) AS e
	WHERE n.place > 1;
	PERFORM compute_ledger._refuse(first.sqlstate, first.reason, detail => concat(first.detail, further), hint => first.hint);
END
$$;
COMMENT ON FUNCTION _refuse_usage(text, jsonb, integer, timestamptz, timestamptz, timestamptz) IS 'part of record_usage(): raises the first of some faults, as _usage_fault() takes them, with commas between them; the others are in the detail';

CREATE FUNCTION _record_usage(source text, source_id text, account text, region text, accelerator text, devices numeric, started_at timestamptz,
		ended_at timestamptz DEFAULT NULL, measure text DEFAULT 'allocated', number_format text DEFAULT NULL, achieved_work compute_unit DEFAULT NULL,
		run text DEFAULT NULL, labels jsonb DEFAULT NULL, revision integer DEFAULT 0, retracted boolean DEFAULT false, basis text DEFAULT 'bf16',
		reservation text DEFAULT NULL)
	RETURNS bigint
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	SET datestyle = 'ISO, YMD'
	-- plans are kept, for any arguments, and rows are looked up in indexes, whatever was known of the tables when they were made
	SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off
	SET jit = off
AS $$
#variable_conflict use_variable
DECLARE
	sender text := compute_ledger._usage_sender(source);
	start_cell text := (started_at AT TIME ZONE 'UTC')::text || 'Z';
	end_cell text := (ended_at AT TIME ZONE 'UTC')::text || 'Z';
	cells record;
	chip record;
	turn record;
	highest record;
	is_account boolean;
	has_turn boolean := false;
	faults text;
	verdict text;
	digest bytea;
	there bytea;
	system text;
	account_number bigint;
	region_number integer;
	reservations bigint[];
	stamp timestamptz;
	result bigint;
BEGIN
	PERFORM compute_ledger._require_ledger();
	-- What a cell could not say.
	IF started_at NOT BETWEEN '0001-01-01 00:00:00Z' AND '9999-12-31 23:59:59.999999Z' OR ended_at NOT BETWEEN '0001-01-01 00:00:00Z' AND '9999-12-31 23:59:59.999999Z' THEN
		PERFORM compute_ledger._refuse('22008', 'start or end is infinite, or not of the years 1 to 9999',
			detail => format('It starts at %s and ends at %s.', started_at, ended_at),
			hint => 'A record that goes on has no end: ended_at NULL.');
	END IF;

	-- First what takes time and needs no turn: what the record says, and what its names mean.
	SELECT c.* INTO cells
	FROM compute_ledger._usage_values(sender, source, source_id, revision::text, account, region, accelerator, devices::text, start_cell, end_cell, measure, number_format,
		achieved_work::text, run, labels::text, retracted::text, reservation, NULL, NULL) AS c;
	IF cells.retracted IS NOT TRUE THEN
		account_number := coalesce(compute_ledger._account_named(account, cells.started_at), compute_ledger._account_id(account, cells.started_at));
		is_account := account_number IS NOT NULL;
		IF cells.started_at IS NULL THEN
			is_account := EXISTS (SELECT FROM compute_ledger.account AS a WHERE a.name = account);
		END IF;
		SELECT r.id INTO region_number FROM compute_ledger.region AS r WHERE r.name = region;
		IF cells.reservation IS NOT NULL THEN
			reservations := compute_ledger._reservations_named(cells.reservation, region_number);
			IF cardinality(reservations) > 1 THEN
				reservations := ARRAY[compute_ledger._reservation_at(reservations, cells.started_at)];
			END IF;
		END IF;
	END IF;
	IF cells.unreadable IS NULL THEN
		digest := substr(CASE WHEN cells.retracted THEN sha256('retracted')
			ELSE compute_ledger.usage_digest(account, region, accelerator, cells.devices, cells.started_at, cells.ended_at,
				cells.measure, cells.number_format, cells.achieved_work, cells.run, cells.labels, cells.reservation) END, 1, 16);
	END IF;
	SELECT u.system INTO system FROM compute_ledger.usage_source AS u WHERE u.source = sender;
	LOOP
		SELECT k.* INTO chip
		FROM compute_ledger._kept_chip(accelerator, coalesce(system, sender), basis) AS k
		WHERE (cells.started_at >= k.from_instant AND cells.started_at < k.to_instant) IS NOT FALSE
		LIMIT 1;
		IF chip.basis IS NULL THEN
			PERFORM compute_ledger._refuse('LC002', format('unknown basis "%s"', basis), hint => 'Register it in table "basis", or use one that is there.');
		END IF;
		EXIT WHEN has_turn;
		-- From here to the end of the transaction nobody else takes a record of the source.
		LOOP
			UPDATE compute_ledger.usage_source AS u SET last_batch = nextval('compute_ledger.usage_batch_id_seq')
			WHERE u.source = sender
			RETURNING u.number, u.system, u.clock_tolerance, u.last_batch INTO turn;
			EXIT WHEN FOUND;
			PERFORM compute_ledger._lock_usage_sources(ARRAY[sender], true);
		END LOOP;
		has_turn := true;
		EXIT WHEN turn.system IS NOT DISTINCT FROM system;
		-- it prints another system's names now
		system := turn.system;
	END LOOP;
	-- The month before the stamp: who waits for it keeps no watermark back.
	IF cells.unreadable IS NULL AND NOT cells.retracted AND NOT compute_ledger._has_usage_partition(cells.started_at) AND cells.started_at >= '2000-01-01 00:00:00+00'
		AND cells.started_at <= clock_timestamp() + turn.clock_tolerance + interval '1 day'
	THEN
		PERFORM compute_ledger._make_usage_partition(compute_ledger._usage_month(start_cell, NULL, NULL), true);
	END IF;
	stamp := compute_ledger._ledger_stamp();

	SELECT compute_ledger._usage_key_revision(e.key) AS revision, e.digest, e.record, e.month INTO highest
	FROM compute_ledger.usage_key AS e
	WHERE e.source = turn.number AND e.key BETWEEN compute_ledger._usage_key_of(source_id, 0) AND compute_ledger._usage_key_of(source_id, 2147483647)
	ORDER BY e.key DESC LIMIT 1;
	IF highest.revision = cells.revision THEN
		there := highest.digest;
		result := highest.record;
	ELSIF highest.revision > cells.revision THEN
		SELECT e.digest, e.record INTO there, result
		FROM compute_ledger.usage_key AS e
		WHERE e.source = turn.number AND e.key = compute_ledger._usage_key_of(source_id, cells.revision);
	END IF;
	faults := compute_ledger._usage_faults(cells.unreadable, cells.retracted, cells.started_at, cells.ended_at, stamp + turn.clock_tolerance, cells.devices, account_number, is_account,
		region_number, cells.reservation, reservations[1], cells.measure, chip.accelerator);
	verdict := compute_ledger._usage_verdict(cells.unreadable, faults, digest, there);
	IF verdict IN ('rejected', 'conflict') THEN
		PERFORM compute_ledger._refuse_usage(concat_ws(',', CASE verdict WHEN 'conflict' THEN 'conflict' END, faults),
			jsonb_build_object('source', source, 'source_id', source_id, 'revision', revision::text, 'account', account, 'region', region, 'accelerator', accelerator,
				'devices', devices::text, 'started_at', start_cell, 'ended_at', end_cell, 'measure', measure, 'number_format', number_format,
				'achieved_work', achieved_work::text, 'run', run, 'labels', labels::text, 'retracted', retracted::text, 'reservation', reservation),
			cells.revision, cells.started_at, cells.ended_at, stamp + turn.clock_tolerance);
	END IF;

	INSERT INTO compute_ledger.usage_batch (id, kind, taken, accepted, duplicate, rejected, basis, extension_version, names_recorded, recorded)
	VALUES (turn.last_batch, 'record', 1, (verdict = 'accepted')::integer, (verdict = 'duplicate')::integer, 0, chip.basis,
		(SELECT e.extversion FROM pg_extension AS e WHERE e.extname = 'compute_ledger'), chip.names_recorded, stamp);
	IF verdict = 'duplicate' THEN
		RETURN result;
	END IF;
	IF NOT cells.retracted THEN
		INSERT INTO compute_ledger._usage_record (account, started_at, ended_at, recorded, superseded, batch, kind, revision, devices, achieved_work, reservation, reservation_name,
			source_id, account_name, run, labels)
		VALUES (account_number, cells.started_at, cells.ended_at, stamp, CASE WHEN cells.revision < highest.revision THEN stamp ELSE 'infinity' END, turn.last_batch,
			compute_ledger._usage_kind(sender, region_number, region, chip.accelerator, accelerator, chip.share, chip.rate, chip.rate_recorded, chip.basis, cells.measure,
				cells.number_format),
			cells.revision, cells.devices, cells.achieved_work, reservations[1], cells.reservation, source_id, account, cells.run, cells.labels)
		RETURNING id INTO result;
	END IF;
	INSERT INTO compute_ledger.usage_key (record, source, month, digest, key, batch)
	VALUES (result, turn.number, CASE WHEN NOT cells.retracted THEN compute_ledger._usage_month_number(cells.started_at) END, digest,
		compute_ledger._usage_key_of(source_id, cells.revision),
		CASE WHEN cells.retracted THEN turn.last_batch END);
	IF highest.record IS NOT NULL AND cells.revision > highest.revision THEN
		reservations := reservations || compute_ledger._supersede_usage(ARRAY[highest.record], ARRAY[highest.month], stamp);
	END IF;
	IF reservations IS NOT NULL THEN
		PERFORM compute_ledger._started_by_use(reservations);
	END IF;
	PERFORM compute_ledger._flag_usage(turn.last_batch, stamp);
	RETURN result;
END
$$;
COMMENT ON FUNCTION _record_usage(text, text, text, text, text, numeric, timestamptz, timestamptz, text, text, compute_unit, text, jsonb, integer, boolean, text, text) IS 'what record_usage() does';

CREATE FUNCTION record_usage(source text, source_id text, account text, region text, accelerator text, devices numeric, started_at timestamptz,
		ended_at timestamptz DEFAULT NULL, measure text DEFAULT 'allocated', number_format text DEFAULT NULL, achieved_work compute_unit DEFAULT NULL,
		run text DEFAULT NULL, labels jsonb DEFAULT NULL, revision integer DEFAULT 0, retracted boolean DEFAULT false, basis text DEFAULT 'bf16',
		reservation text DEFAULT NULL)
	RETURNS bigint
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN compute_ledger._record_usage(source, source_id, account, region, accelerator, devices, started_at, ended_at, measure, number_format, achieved_work, run, labels, revision, retracted, basis, reservation);
END
$$;
COMMENT ON FUNCTION record_usage(text, text, text, text, text, numeric, timestamptz, timestamptz, text, text, compute_unit, text, jsonb, integer, boolean, text, text) IS 'records one usage and returns the id of its row in usage_record, of the one that is there if it is a duplicate, NULL for a retraction. Waits for whoever is writing its source. What accept_usage() rejects is an error here, with the SQLSTATE and text of the first fault, and the others in the detail; 22008 for a start or end that is infinite or not of the years 1 to 9999. ended_at NULL: it goes on.';
