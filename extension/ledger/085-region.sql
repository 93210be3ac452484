-- Regions: where compute is.  Providers, countries, regions and sites, a tree with versions like the accounts'.

CREATE TABLE cloud_region (
	shipped boolean NOT NULL DEFAULT true CHECK (shipped),
	name text PRIMARY KEY,
	parent text,
	level text NOT NULL,
	title text NOT NULL,
	jurisdiction text,
	latitude numeric,
	longitude numeric,
	source text NOT NULL
);
COMMENT ON TABLE cloud_region IS 'Regions of cloud providers, and the national computing hubs of China, as they ship with the extension. Read-only; one''s own regions go into the ledger''s tables region and region_version.';
COMMENT ON COLUMN cloud_region.shipped IS 'true';
COMMENT ON COLUMN cloud_region.name IS 'name, provider/region';
COMMENT ON COLUMN cloud_region.parent IS 'name of what it is part of';
COMMENT ON COLUMN cloud_region.level IS 'provider, country, region or site';
COMMENT ON COLUMN cloud_region.title IS 'name for people';
COMMENT ON COLUMN cloud_region.jurisdiction IS 'ISO 3166-1 alpha-2 code';
COMMENT ON COLUMN cloud_region.latitude IS 'degrees north, of the place that it is named after: providers seldom tell the sites';
COMMENT ON COLUMN cloud_region.longitude IS 'degrees east';
COMMENT ON COLUMN cloud_region.source IS 'where the region is listed';
CREATE TRIGGER a_guard BEFORE INSERT OR UPDATE OR DELETE ON cloud_region
	FOR EACH ROW EXECUTE FUNCTION _reference_row_guard('name');
CREATE TRIGGER a_truncate BEFORE TRUNCATE ON cloud_region
	FOR EACH STATEMENT EXECUTE FUNCTION _reference_row_guard();
GRANT SELECT ON cloud_region TO PUBLIC;
-- whoever tries is told why not; a restore copies no rows into it
GRANT INSERT, UPDATE, DELETE ON cloud_region TO pg_database_owner;
SELECT pg_catalog.pg_extension_config_dump('cloud_region', 'WHERE NOT shipped');
ALTER TABLE cloud_region REPLICA IDENTITY FULL;

-- @catalog cloud_region

-- ------------------------------------------------------------------ the tree

CREATE FUNCTION _region_path(as_of timestamptz, these integer[] DEFAULT NULL) RETURNS TABLE (region integer, path integer[], valid tstzrange)
	LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 1000
	SET search_path = pg_catalog, pg_temp
	-- its plan is kept, where a function in SQL would be planned at every call
	SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH RECURSIVE branch AS (
		-- up from these, by an index
		SELECT t.region FROM unnest(these) AS t (region)
		UNION
		SELECT v.parent
		FROM branch AS b CROSS JOIN LATERAL (SELECT v.parent, v.recorded FROM compute_ledger.region_version AS v WHERE v.region = b.region OFFSET 0) AS v
		WHERE v.recorded @> coalesce($1, 'infinity') AND v.parent IS NOT NULL
	), version AS (
		SELECT v.region, v.parent, v.valid FROM compute_ledger.region_version AS v WHERE these IS NULL AND v.recorded @> coalesce($1, 'infinity')
		UNION ALL
		SELECT v.region, v.parent, v.valid
		FROM branch AS b CROSS JOIN LATERAL (SELECT v.region, v.parent, v.valid, v.recorded FROM compute_ledger.region_version AS v WHERE v.region = b.region OFFSET 0) AS v
		WHERE v.recorded @> coalesce($1, 'infinity')
	)
	SELECT p.thing::integer, p.path::integer[], p.valid
	FROM (SELECT array_agg(v.region::bigint) AS regions, array_agg(v.parent::bigint) AS parents, array_agg(v.valid) AS valids FROM version AS v) AS a
		CROSS JOIN LATERAL compute_ledger._tree_path(a.regions, a.parents, a.valids) AS p;
END
$$;
COMMENT ON FUNCTION _region_path(timestamptz, integer[]) IS 'the way from the root to each region, both included, while it holds. These: of those at least, and of fewer than all';

CREATE FUNCTION _region_tree(as_of timestamptz DEFAULT NULL)
	RETURNS TABLE (region integer, ancestor integer, depth integer, level integer, valid tstzrange)
	LANGUAGE sql STABLE PARALLEL SAFE ROWS 5000
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT p.region, a.id, (cardinality(p.path) - a.place)::integer, (a.place - 1)::integer, p.valid
	FROM compute_ledger._region_path($1) AS p, unnest(p.path) WITH ORDINALITY AS a (id, place)
$$;
COMMENT ON FUNCTION _region_tree(timestamptz) IS 'what region_tree() does';

CREATE FUNCTION region_tree(as_of timestamptz DEFAULT NULL)
	RETURNS TABLE (region integer, ancestor integer, depth integer, level integer, valid tstzrange)
	LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 5000
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN QUERY SELECT t.* FROM compute_ledger._region_tree(as_of) AS t;
END
$$;
COMMENT ON FUNCTION region_tree(timestamptz) IS 'each region with itself (depth 0) and every region above it (1 for its parent), as it was known at a recorded time (NULL: now); level counts from the root, 0. valid is split at every change of the way to the root.';

CREATE FUNCTION _region_id(name text) RETURNS integer
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT r.id FROM compute_ledger.region AS r WHERE r.name = $1
$$;
COMMENT ON FUNCTION _region_id(text) IS 'what region_id() does';

CREATE FUNCTION region_id(name text) RETURNS integer
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN compute_ledger._region_id(name);
END
$$;
COMMENT ON FUNCTION region_id(text) IS 'number of the region of this name; NULL for an unknown name and for NULL';

CREATE FUNCTION _create_region(name text, level text DEFAULT 'region', parent text DEFAULT NULL, jurisdiction text DEFAULT NULL, title text DEFAULT NULL,
	latitude numeric DEFAULT NULL, longitude numeric DEFAULT NULL, source text DEFAULT NULL, valid_from timestamptz DEFAULT '-infinity') RETURNS integer
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	new_id integer;
	above integer;
BEGIN
	PERFORM compute_ledger._require_ledger();
	PERFORM compute_ledger._check_name('a region', name);
	IF EXISTS (SELECT FROM compute_ledger.region AS r WHERE r.name = _create_region.name) THEN
		PERFORM compute_ledger._refuse('23505', format('region "%s" exists already', name), "constraint" => 'region_name_key');
	END IF;
	IF level NOT IN ('provider', 'country', 'region', 'site') THEN
		PERFORM compute_ledger._refuse('23514', format('unknown level of a region: "%s"', level), hint => 'Levels are provider, country, region and site.', "constraint" => 'region_version_level_check');
	ELSIF NOT latitude BETWEEN -90 AND 90 THEN
		PERFORM compute_ledger._refuse('23514', format('latitude %s of a region is not from -90 to 90 degrees', latitude), "constraint" => 'region_version_latitude_check');
	ELSIF NOT longitude BETWEEN -180 AND 180 THEN
		PERFORM compute_ledger._refuse('23514', format('longitude %s of a region is not from -180 to 180 degrees', longitude), "constraint" => 'region_version_longitude_check');
	END IF;
	IF parent IS NOT NULL THEN
		SELECT r.id INTO above FROM compute_ledger.region AS r WHERE r.name = _create_region.parent;
		IF NOT FOUND THEN
			PERFORM compute_ledger._refuse('LC007', format('region "%s" does not exist', parent),
				hint => compute_ledger._similar_names(parent, ARRAY(SELECT r.name FROM compute_ledger.region AS r)));
		END IF;
	END IF;
	INSERT INTO compute_ledger.region (name) VALUES (_create_region.name) RETURNING id INTO new_id;
	INSERT INTO compute_ledger.region_version (region, parent, level, title, jurisdiction, latitude, longitude, source, valid)
	VALUES (new_id, above, _create_region.level, _create_region.title, _create_region.jurisdiction, _create_region.latitude, _create_region.longitude,
		_create_region.source, tstzrange(valid_from, NULL));
	RETURN new_id;
END
$$;
COMMENT ON FUNCTION _create_region(text, text, text, text, text, numeric, numeric, text, timestamptz) IS 'what create_region() does';

CREATE FUNCTION create_region(name text, level text DEFAULT 'region', parent text DEFAULT NULL, jurisdiction text DEFAULT NULL, title text DEFAULT NULL,
	latitude numeric DEFAULT NULL, longitude numeric DEFAULT NULL, source text DEFAULT NULL, valid_from timestamptz DEFAULT '-infinity') RETURNS integer
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN compute_ledger._create_region(name, level, parent, jurisdiction, title, latitude, longitude, source, valid_from);
END
$$;
COMMENT ON FUNCTION create_region(text, text, text, text, text, numeric, numeric, text, timestamptz) IS 'makes a region, valid from an instant on, and returns its number; parent is a name. LC007 unknown parent, 23505 name in use.';

CREATE FUNCTION _load_regions() RETURNS integer
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	added integer;
BEGIN
	WITH fresh AS (
		INSERT INTO compute_ledger.region (name)
		SELECT s.name FROM compute_ledger.cloud_region AS s
		ORDER BY s.name COLLATE "C"
		ON CONFLICT DO NOTHING
		RETURNING id, name
	), known AS (
		SELECT f.id, f.name FROM fresh AS f
		UNION ALL
		SELECT r.id, r.name FROM compute_ledger.region AS r
	)
	INSERT INTO compute_ledger.region_version (region, parent, level, title, jurisdiction, latitude, longitude, source)
	SELECT f.id, p.id, s.level, s.title, s.jurisdiction, s.latitude, s.longitude, s.source
	FROM fresh AS f
		JOIN compute_ledger.cloud_region AS s ON s.name = f.name
		LEFT JOIN known AS p ON p.name = s.parent
	ORDER BY f.id;
	GET DIAGNOSTICS added = ROW_COUNT;
	RETURN added;
END
$$;
COMMENT ON FUNCTION _load_regions() IS 'what load_regions() does';

CREATE FUNCTION load_regions() RETURNS integer
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._check_caller();
	RETURN compute_ledger._load_regions();
END
$$;
COMMENT ON FUNCTION load_regions() IS 'adds the shipped regions that the ledger does not have yet, and returns their number; regions that are there stay as they are. create_ledger() has done it; after an update of the extension it brings what is new.';

-- ------------------------------------------------------------------ what is checked

CREATE FUNCTION _check_regions(changed_at timestamptz) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	bad record;
BEGIN
	SELECT a.name AS region, p.name AS parent, v.valid, (v.valid <@ o.valid) IS NOT TRUE AS missing
	INTO bad
	FROM compute_ledger.region_version AS v
		JOIN compute_ledger.region AS a ON a.id = v.region
		JOIN compute_ledger.region AS p ON p.id = v.parent
		LEFT JOIN LATERAL (
			-- each level lies above those after it: that leaves no room for a cycle
			SELECT range_agg(o.valid) AS valid,
				bool_or(o.valid && v.valid AND array_position('{provider,country,region,site}', o.level) >= array_position('{provider,country,region,site}', v.level)) AS misplaced
			FROM compute_ledger.region_version AS o
			WHERE o.region = v.parent AND upper_inf(o.recorded)) AS o ON true
	WHERE upper_inf(v.recorded)
		AND (lower(v.recorded) = changed_at
			OR v.parent IN (SELECT c.region FROM compute_ledger.region_version AS c WHERE upper(c.recorded) = changed_at)
			OR v.parent IN (SELECT c.region FROM compute_ledger.region_version AS c WHERE lower(c.recorded) = changed_at))
		AND ((v.valid <@ o.valid) IS NOT TRUE OR o.misplaced)
	LIMIT 1;
	IF NOT FOUND THEN
		RETURN;
	ELSIF bad.missing THEN
		PERFORM compute_ledger._refuse('23000', format('region "%s" has a parent, "%s", that is not valid all the time', bad.region, bad.parent),
			detail => format('The version under it is valid in %s.', bad.valid));
	ELSE
		PERFORM compute_ledger._refuse('23000', format('region "%s" has a parent, "%s", that is not of a level above its own', bad.region, bad.parent),
			detail => 'A site is part of a region, a region of a country, a country of a provider; levels may be left out.');
	END IF;
END
$$;
COMMENT ON FUNCTION _check_regions(timestamptz) IS 'checks the region tree where a transaction changed it: parents valid as long as their children, and of a level above theirs (23000)';

CREATE FUNCTION _region_guard() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM compute_ledger._refuse('23001', 'the name and number of a region do not change');
END
$$;
COMMENT ON FUNCTION _region_guard() IS 'trigger, BEFORE UPDATE of region: refuses (23001)';
