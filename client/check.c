/*
 * check.c
 *		Which rows of a file are in the ledger already, which differ, which are new, without
 *		writing anything.
 *
 * The digest of each row is made here; its key and the digest are all that the server is
 * told.
 */
#include "check.h"

#include "common/logging.h"
#include "datatype/timestamp.h"
#include "mb/pg_wchar.h"
#include "pqexpbuffer.h"
#include "usage/usage_instant_core.h"
#include "values.h"

/* How a source writes instants. */
typedef struct SourceForm
{
	char	   *source;
	char	   *time_zone;		/* NULL: that of the session */
	bool		unix_seconds;
} SourceForm;

/* What is known of the rows' instants: those of a time zone the server is asked for. */
typedef struct Instants
{
	SourceForm *forms;
	int			nforms;
	char	   *time_zone;		/* of the session */
	PQExpBufferData seconds;	/* arrays, as the server reads them */
	PQExpBufferData zones;
	PGresult   *answers;
	int			nasked;
	int			nused;
} Instants;

/* What a row is. */
typedef enum RowStatus
{
	ROW_THERE,
	ROW_DIFFERS,
	ROW_NEW,
	ROW_UNREADABLE
} RowStatus;

#define ROW_STATUSES	(ROW_UNREADABLE + 1)

static const char *const status_names[ROW_STATUSES] = {"there", "differs", "new", "unreadable"};

/* Appends an element to an array. */
static void
append_element(PQExpBuffer array, const char *text, size_t len)
{
	appendPQExpBufferChar(array, array->len == 0 ? '{' : ',');
	appendPQExpBufferChar(array, '"');
	for (size_t i = 0; i < len; i++)
	{
		if (text[i] == '"' || text[i] == '\\')
			appendPQExpBufferChar(array, '\\');
		appendPQExpBufferChar(array, text[i]);
	}
	appendPQExpBufferChar(array, '"');
}

/* Ends an array; ends the program if there was no memory for it. */
static const char *
end_array(PQExpBuffer array)
{
	appendPQExpBufferStr(array, array->len == 0 ? "{}" : "}");
	if (PQExpBufferDataBroken(*array))
	{
		pg_log_error("out of memory");
		exit(EXIT_USAGE);
	}
	return array->data;
}

/* Asks how sources write instants. */
static void
read_forms(PGconn *conn, Instants *instants)
{
	PGresult   *res = Query(conn, "SELECT u.source, u.time_zone, u.unix_seconds, pg_catalog.current_setting('TimeZone')"
							" FROM (SELECT 1) AS one LEFT JOIN compute_ledger.usage_source AS u ON u.time_zone IS NOT NULL OR u.unix_seconds", 0, NULL);

	instants->time_zone = pg_strdup(PQgetvalue(res, 0, 3));
	instants->forms = pg_malloc(PQntuples(res) * sizeof(SourceForm));
	for (int i = 0; i < PQntuples(res); i++)
		if (!PQgetisnull(res, i, 0))
			instants->forms[instants->nforms++] = (SourceForm) {
				pg_strdup(PQgetvalue(res, i, 0)),
				PQgetisnull(res, i, 1) ? NULL : pg_strdup(PQgetvalue(res, i, 1)),
				PQgetvalue(res, i, 2)[0] == 't'
			};
	PQclear(res);
}

/* How a source writes instants; NULL: it has not said. */
static const SourceForm *
find_form(const Instants *instants, const CsvCell *source)
{
	for (int i = 0; i < instants->nforms; i++)
		if (strlen(instants->forms[i].source) == source->len && memcmp(instants->forms[i].source, source->text, source->len) == 0)
			return &instants->forms[i];
	return NULL;
}

/*
 * Reads an instant, in microseconds since 2000-01-01 UTC; false if it is none.  Where it
 * is in a time zone, the server is asked (ask), or has been, in the same order.
 */
static bool
read_instant(Instants *instants, const CsvCell *cell, const SourceForm *form, bool ask, int64 *result)
{
	InstantText parsed;
	int64		seconds = 0;

	if (ParseInstant(cell->text, cell->len, &parsed) != INSTANT_OK)
		return false;
	switch (parsed.zone)
	{
		case INSTANT_UNIX:
			if (form == NULL || !form->unix_seconds)
				return false;
			seconds = parsed.seconds;
			break;
		case INSTANT_OFFSET:
			seconds = parsed.seconds - parsed.offset;
			break;
		default:
			if (ask)
			{
				char		number[32];
				const char *zone = parsed.zone == INSTANT_NAMED ? parsed.name :
					form != NULL && form->time_zone != NULL ? form->time_zone : instants->time_zone;

				snprintf(number, sizeof(number), "%lld", (long long) parsed.seconds);
				append_element(&instants->seconds, number, strlen(number));
				append_element(&instants->zones, zone, parsed.zone == INSTANT_NAMED ? (size_t) (cell->text + cell->len - zone) : strlen(zone));
				instants->nasked++;
			}
			else
			{
				int			n = instants->nused++;

				if (PQgetisnull(instants->answers, n, 0))
					return false;
				seconds = strtoll(PQgetvalue(instants->answers, n, 0), NULL, 10);
			}
			break;
	}
	*result = seconds * USECS_PER_SEC + parsed.microseconds;
	return true;
}

/* Reads both instants of a row; the column that cannot be read, or NULL. */
static const char *
read_instants(Instants *instants, const CsvCell *cells, bool ask, int64 *started_at, int64 *ended_at)
{
	const SourceForm *form = find_form(instants, &cells[COL_SOURCE]);
	bool		is_start = read_instant(instants, &cells[COL_STARTED_AT], form, ask, started_at);
	bool		is_end = true;

	if (cells[COL_ENDED_AT].len == 0)
		*ended_at = PG_INT64_MAX;	/* infinity */
	else
		is_end = read_instant(instants, &cells[COL_ENDED_AT], form, ask, ended_at);
	return !is_start ? "started_at" : !is_end ? "ended_at" : NULL;
}

/* Asks the server what the clocks of time zones mean. */
static void
ask_zones(PGconn *conn, UsageFile *file, Instants *instants)
{
	CsvCell		cells[INBOX_COLUMNS];
	int64		ignored;
	const char *params[2];

	resetPQExpBuffer(&instants->seconds);
	resetPQExpBuffer(&instants->zones);
	instants->nasked = instants->nused = 0;
	for (int i = 0; i < file->nrows; i++)
		if (!file->rows[i].unreadable)
		{
			RowCells(file, &file->rows[i], cells);
			if (!IsRetraction(cells))
				(void) read_instants(instants, cells, true, &ignored, &ignored);
		}
	if (instants->nasked == 0)
		return;
	params[0] = end_array(&instants->seconds);
	params[1] = end_array(&instants->zones);
	instants->answers = Query(conn,
							  "SELECT CASE WHEN z.name IS NOT NULL THEN (pg_catalog.date_part('epoch',"
							  " (timestamp '2000-01-01 00:00' + q.seconds * interval '1 second') AT TIME ZONE z.name) - 946684800)::pg_catalog.int8 END"
							  " FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.int8[]), pg_catalog.unnest($2::pg_catalog.text[]))"
							  " WITH ORDINALITY AS q (seconds, zone, place)"
							  " LEFT JOIN pg_catalog.pg_timezone_names AS z ON z.name = q.zone ORDER BY q.place", 2, params);
}

/* Prints a row's line of the answer. */
static void
print_status(const ChunkRow *row, RowStatus status, const CsvCell *cells, int revision, const char *reason)
{
	printf("%lld,%s,", (long long) row->line, status_names[status]);
	if (cells != NULL)
	{
		for (int c = COL_SOURCE; c <= COL_SOURCE_ID; c++)
		{
			putchar('"');
			for (size_t i = 0; i < cells[c].len; i++)
			{
				if (cells[c].text[i] == '"')
					putchar('"');
				putchar(cells[c].text[i]);
			}
			fputs("\",", stdout);
		}
		printf("%d,", revision);
	}
	else
		fputs(",,,", stdout);
	printf("%s\n", reason);
}

/* Compares the rows of a chunk with the ledger, and prints and counts what they are. */
static void
check_chunk(PGconn *conn, UsageFile *file, Instants *instants, int64 *counts)
{
	CsvCell		cells[INBOX_COLUMNS];
	PQExpBufferData arrays[4];	/* sources, source_ids, revisions, digests */
	const char *params[4];
	PGresult   *res;
	int			n = 0;

	ask_zones(conn, file, instants);
	for (int a = 0; a < 4; a++)
		initPQExpBuffer(&arrays[a]);
	for (int i = 0; i < file->nrows; i++)
	{
		ChunkRow   *row = &file->rows[i];
		int64		started_at = 0;
		int64		ended_at = 0;
		int			revision = 0;
		const char *column;
		uint8		digest[DIGEST_LENGTH];
		char		text[2 * DIGEST_LENGTH + 16];

		if (row->unreadable)
			continue;
		RowCells(file, row, cells);
		column = IsRetraction(cells) ? NULL : read_instants(instants, cells, false, &started_at, &ended_at);
		if (column == NULL)
			column = RecordDigest(cells, started_at, ended_at, &revision, digest);
		if (column != NULL)
		{
			snprintf(text, sizeof(text), "cannot read %s", column);
			RefuseRow(row, "", text);
			continue;
		}
		append_element(&arrays[0], cells[COL_SOURCE].text, cells[COL_SOURCE].len);
		append_element(&arrays[1], cells[COL_SOURCE_ID].text, cells[COL_SOURCE_ID].len);
		snprintf(text, sizeof(text), "%d", revision);
		append_element(&arrays[2], text, strlen(text));
		strcpy(text, "\\x");
		for (int b = 0; b < DIGEST_LENGTH; b++)
			sprintf(text + 2 + 2 * b, "%02x", digest[b]);
		append_element(&arrays[3], text, strlen(text));
	}
	for (int a = 0; a < 4; a++)
		params[a] = end_array(&arrays[a]);
	res = Query(conn, "SELECT c.* FROM compute_ledger.compare_usage($1, $2, $3, $4) AS c", 4, params);
	for (int a = 0; a < 4; a++)
		termPQExpBuffer(&arrays[a]);
	for (int i = 0; i < file->nrows; i++)
	{
		ChunkRow   *row = &file->rows[i];
		RowStatus	status = ROW_UNREADABLE;
		int			revision = 0;

		if (!row->unreadable)
			RowCells(file, row, cells);
		if (row->problem == NULL)
		{
			for (status = ROW_THERE; status < ROW_NEW && strcmp(PQgetvalue(res, n, 0), status_names[status]) != 0; status++)
				;
			n++;
			(void) ReadRevision(&cells[COL_REVISION], &revision);
		}
		counts[status]++;
		print_status(row, status, row->unreadable ? NULL : cells, revision, row->problem != NULL ? row->problem : "");
	}
	PQclear(res);
	PQclear(instants->answers);
	instants->answers = NULL;
}

/* Says which rows of a file are there, differ, or are new. */
ExitCode
CheckFile(PGconn *conn, const char *path, const LoadOptions *options)
{
	UsageFile  *file;
	Instants	instants = {0};
	int64		counts[ROW_STATUSES] = {0};
	ExitCode	result;

	if (options->file.encoding != PG_UTF8)
	{
		pg_log_error("--check needs files in UTF8");
		exit(EXIT_USAGE);
	}
	file = OpenUsage(path, &options->file);
	initPQExpBuffer(&instants.seconds);
	initPQExpBuffer(&instants.zones);
	read_forms(conn, &instants);
	printf("line,status,source,source_id,revision,reason\n");
	while (ReadChunk(file) && !StopRequested)
		check_chunk(conn, file, &instants, counts);
	if (fflush(stdout) != 0)
	{
		pg_log_error("could not write: %m");
		exit(EXIT_USAGE);
	}
	if (StopRequested)
		exit(EXIT_STOPPED);
	if (!options->quiet)
		pg_log_info("%s: %lld there, %lld differ, %lld new, %lld unreadable", file->title, (long long) counts[ROW_THERE],
					(long long) counts[ROW_DIFFERS], (long long) counts[ROW_NEW], (long long) counts[ROW_UNREADABLE]);
	result = counts[ROW_DIFFERS] + counts[ROW_UNREADABLE] > 0 ? EXIT_ROWS : EXIT_DONE;
	for (int i = 0; i < instants.nforms; i++)
	{
		free(instants.forms[i].source);
		free(instants.forms[i].time_zone);
	}
	free(instants.forms);
	free(instants.time_zone);
	termPQExpBuffer(&instants.seconds);
	termPQExpBuffer(&instants.zones);
	CloseUsage(file);
	return result;
}
