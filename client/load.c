/*
 * load.c
 *		Files of usage into the ledger: each chunk by COPY and accept_usage(), in one
 *		transaction, so that nothing is seen that is half accepted.
 *
 * In the same transaction record_load() notes the chunk by its digest.  One that is noted
 * is not sent again: a load that was killed goes on where it was, and says the same in the
 * end as if it had not been.  Where it does not, because the file has changed or the
 * chunks are of another size, the keys of the records keep anything from counting twice.
 */
#include "load.h"

#include <math.h>
#include <unistd.h>

#include "common/logging.h"
#include "copy.h"
#include "portability/instr_time.h"
#include "pqexpbuffer.h"
#include "refused.h"

/* A conflict with another writer is tried again so many times, and what waits for one without end. */
#define MAX_CONFLICTS	20

/* A chunk of more sources than these is accepted by one call, which takes what others have left in the inbox, too. */
#define MANY_SOURCES	16

/* Pauses before a chunk is tried again, in microseconds. */
#define FIRST_PAUSE		50000L
#define LONGEST_PAUSE	1000000L

/* What became of the rows of a file, or of a chunk. */
typedef struct Counts
{
	int64		rows;
	int64		unreadable;		/* of them */
	int64		rejected;		/* by the ledger */
	int64		accepted;		/* by the ledger, with what others had left in the inbox */
	int64		duplicate;		/* likewise */
	int64		others;			/* what they had left there */
} Counts;

/* A file that is being loaded. */
typedef struct Load
{
	PGconn	   *conn;
	const LoadOptions *options;
	UsageFile  *file;
	RefusedFile *refused;
	Counts		counts;
	int64		loaded_line;	/* up to here the file is in the ledger */
	int64		skipped_line;	/* up to here it was before */
	instr_time	began;
	int64		began_rows;
	double		began_part;
	bool		shown;			/* there is a progress line */
	bool		apart;			/* this chunk is accepted source by source, however many they are */
} Load;

/* How a try has ended. */
typedef enum TryResult
{
	TRY_DONE,
	TRY_CONFLICT,				/* with another transaction */
	TRY_WAITING,				/* another transaction has a source, or makes a month */
	TRY_CONVERSION				/* a row has characters that the database's encoding has not */
} TryResult;

/* ---- what is said ---- */

/* Takes the progress line away. */
static void
end_progress(Load *load)
{
	if (load->shown)
		fputs("\r\033[K", stderr);
	load->shown = false;
}

/* Shows on a terminal how far it is. */
static void
show_progress(Load *load)
{
	instr_time	now;
	double		seconds;
	double		part = CsvPart(load->file->csv);
	int64		rows = load->counts.rows - load->began_rows;

	if (load->options->quiet || !isatty(STDERR_FILENO))
		return;
	INSTR_TIME_SET_CURRENT(now);
	INSTR_TIME_SUBTRACT(now, load->began);
	seconds = Max(INSTR_TIME_GET_DOUBLE(now), 0.001);
	fprintf(stderr, "\r%s: %lld rows", load->file->title, (long long) load->counts.rows);
	if (part > 0)
		fprintf(stderr, " (%d%%)", (int) (100 * Min(part, 1)));
	if (rows > 0)
		fprintf(stderr, ", %.0f rows/s", rows / seconds);
	if (rows > 0 && part > load->began_part && part < 1)
	{
		int			left = (int) Min(ceil(seconds * (1 - part) / (part - load->began_part)), 359999);

		fprintf(stderr, ", %d:%02d:%02d left", left / 3600, left / 60 % 60, left % 60);
	}
	fputs("\033[K", stderr);
	fflush(stderr);
	load->shown = true;
}

/* From now on, from this part of the file on, it is loading that takes time. */
static void
begin_progress(Load *load, double part)
{
	INSTR_TIME_SET_CURRENT(load->began);
	load->began_rows = load->counts.rows;
	load->began_part = part;
}

/* Says how far the file is in the ledger, before the program ends early. */
static void
say_where(Load *load)
{
	end_progress(load);
	if (load->loaded_line > 1)
		pg_log_info("%s: lines up to %lld are in; load it again, and it goes on there", load->file->title, (long long) load->loaded_line);
	else
		pg_log_info("%s: nothing of it is in", load->file->title);
}

/* Says that the server has failed, and how far it is, and ends the program. */
pg_noreturn static void load_failed(Load *load, const PGresult *res);

static void
load_failed(Load *load, const PGresult *res)
{
	say_where(load);
	ServerFailed(load->conn, res);
}

/* Ends the program as the user has asked. */
static void
stop_if_requested(Load *load)
{
	if (!StopRequested)
		return;
	say_where(load);
	pg_log_info("interrupted");
	exit(EXIT_STOPPED);
}

/* ---- what was rejected ---- */

/* Whether a row of usage_rejected, from this column on, is what was sent of a row. */
static bool
is_same_row(const PGresult *res, int tuple, int column, const CsvCell *cells)
{
	for (int c = 0; c < INBOX_COLUMNS; c++)
	{
		bool		is_null = cells[c].len == 0 && !cells[c].quoted;

		if (is_null != (bool) PQgetisnull(res, tuple, column + c) ||
			cells[c].len != (size_t) PQgetlength(res, tuple, column + c) ||
			(cells[c].len > 0 && memcmp(cells[c].text, PQgetvalue(res, tuple, column + c), cells[c].len) != 0))
			return false;
	}
	return true;
}

/*
 * Finds which rows of the chunk are among those that these batches have rejected, and
 * notes why; returns how many.  Within a batch, both are in the order of the file.  What is
 * not found is somebody else's.
 */
static int64
note_rejected(Load *load, const char *batches)
{
	UsageFile  *file = load->file;
	CsvCell		cells[INBOX_COLUMNS];
	PQExpBufferData sql;
	PGresult   *res;
	int64		found = 0;
	int			at = 0;

	initPQExpBuffer(&sql);
	appendPQExpBufferStr(&sql, "SELECT r.batch, r.sqlstate, (SELECT pg_catalog.string_agg(f.fault ->> 'reason', '; ' ORDER BY f.place)"
						 " FROM pg_catalog.jsonb_array_elements(r.faults) WITH ORDINALITY AS f (fault, place))");
	for (int c = 0; c < INBOX_COLUMNS; c++)
		appendPQExpBuffer(&sql, ", r.%s", InboxColumnNames[c]);
	appendPQExpBufferStr(&sql, " FROM compute_ledger.usage_rejected AS r"
						 " WHERE r.batch = ANY ($1::pg_catalog.int8[]) AND r.retried_in IS NULL ORDER BY r.batch, r.id");
	res = PQexecParams(load->conn, sql.data, 1, NULL, &batches, NULL, NULL, 0);
	if (PQresultStatus(res) != PGRES_TUPLES_OK)
		load_failed(load, res);
	termPQExpBuffer(&sql);
	for (int t = 0; t < PQntuples(res); t++)
	{
		if (t > 0 && strcmp(PQgetvalue(res, t, 0), PQgetvalue(res, t - 1, 0)) != 0)
			at = 0;
		for (int i = at; i < file->nrows; i++)
		{
			ChunkRow   *row = &file->rows[i];

			if (row->problem != NULL)
				continue;
			RowCells(file, row, cells);
			if (is_same_row(res, t, 3, cells))
			{
				RefuseRow(row, PQgetvalue(res, t, 1), PQgetvalue(res, t, 2));
				found++;
				at = i + 1;
				break;
			}
		}
	}
	PQclear(res);
	return found;
}

/* Forgets what was noted of rows that are to be sent again. */
static void
forget_rejected(UsageFile *file)
{
	for (int i = 0; i < file->nrows; i++)
		if (!file->rows[i].unreadable)
		{
			free(file->rows[i].problem);
			file->rows[i].problem = NULL;
		}
}

/* ---- a chunk ---- */

/* Writes the digest of a chunk as bytea is read. */
static void
print_digest(const UsageFile *file, char *text)
{
	text += sprintf(text, "\\x");
	for (int i = 0; i < PG_SHA256_DIGEST_LENGTH; i++)
		text += sprintf(text, "%02x", file->digest[i]);
}

/* Adds the counts of a chunk to those of its file, and writes what was refused of it. */
static void
count_chunk(Load *load, const Counts *counts)
{
	UsageFile  *file = load->file;

	load->counts.rows += file->nrows;
	load->counts.unreadable += file->nrows - file->sendable;
	load->counts.rejected += counts->rejected;
	load->counts.accepted += counts->accepted;
	load->counts.duplicate += counts->duplicate;
	load->counts.others += counts->others;
	load->loaded_line = file->last_line;
	RefusedWrite(load->refused, file);
}

/* Whether the session's role has loaded the chunk before; if it has, it is counted as it was then.  A note of another's proves nothing. */
static bool
was_loaded(Load *load)
{
	char		digest[2 * PG_SHA256_DIGEST_LENGTH + 3];
	const char *param = digest;
	PGresult   *res;
	bool		found;

	print_digest(load->file, digest);
	res = PQexecParams(load->conn,
					   "SELECT l.batches, coalesce(sum(b.taken), 0), coalesce(sum(b.accepted), 0), coalesce(sum(b.duplicate), 0)"
					   " FROM compute_ledger.usage_load AS l LEFT JOIN compute_ledger.usage_batch AS b ON b.id = ANY (l.batches)"
					   " WHERE l.digest = $1::pg_catalog.bytea AND l.loaded_by = SESSION_USER GROUP BY l.batches",
					   1, NULL, &param, NULL, NULL, 0);
	if (PQresultStatus(res) != PGRES_TUPLES_OK)
		load_failed(load, res);
	found = PQntuples(res) > 0;
	if (found)
	{
		Counts		counts = {0};

		if (!PQgetisnull(res, 0, 0))
		{
			/* some could not be sent */
			if (atoll(PQgetvalue(res, 0, 1)) < load->file->sendable)
				(void) RefuseUnconvertible(load->conn, load->file);
			counts.others = Max(atoll(PQgetvalue(res, 0, 1)) - load->file->sendable, 0);
			counts.accepted = atoll(PQgetvalue(res, 0, 2));
			counts.duplicate = atoll(PQgetvalue(res, 0, 3));
			counts.rejected = note_rejected(load, PQgetvalue(res, 0, 0));
		}
		count_chunk(load, &counts);
		load->skipped_line = load->loaded_line;
	}
	PQclear(res);
	return found;
}

/* Whether an error is a conflict with another transaction, which may not be there when it is tried again. */
static bool
is_conflict(const PGresult *res)
{
	const char *state = SqlState(res);

	/* the last: somebody else was loading the same file */
	return strcmp(state, "40001") == 0 || strcmp(state, "40P01") == 0 || strcmp(state, "55P03") == 0 || strcmp(state, "23505") == 0;
}

/* Looks at a failed statement: tells a conflict from what ends the program. */
static TryResult
try_failed(Load *load, PGresult *res)
{
	if (StopRequested || !is_conflict(res))
		load_failed(load, res);
	PQclear(res);
	Command(load->conn, "ROLLBACK");
	return TRY_CONFLICT;
}

/* Accepts what is from these sources and lists the batches; waiting is not 0 where somebody else is at it. */
static PGresult *
accept_sources(Load *load, char **sources, int nsources, Counts *counts, PQExpBuffer batches, bool *waiting)
{
	int64		taken = 0;
	bool		together = nsources > MANY_SOURCES && !load->apart;

	for (int i = 0; i < (together ? 1 : nsources); i++)
	{
		const char *params[] = {load->options->basis, together ? NULL : sources[i]};
		PGresult   *res = PQexecParams(load->conn,
									   "SELECT batch, taken, accepted, duplicate, waiting"
									   " FROM compute_ledger.accept_usage(basis => $1, source => $2)", 2, NULL, params, NULL, NULL, 0);

		if (PQresultStatus(res) != PGRES_TUPLES_OK)
			return res;
		taken += atoll(PQgetvalue(res, 0, 1));
		counts->accepted += atoll(PQgetvalue(res, 0, 2));
		counts->duplicate += atoll(PQgetvalue(res, 0, 3));
		*waiting |= atoll(PQgetvalue(res, 0, 4)) > 0;
		if (!PQgetisnull(res, 0, 0))
			appendPQExpBuffer(batches, "%s%s", batches->len > 1 ? "," : "", PQgetvalue(res, 0, 0));
		PQclear(res);
		if (*waiting)
		{
			/* what waits may be somebody else's, and none of ours */
			load->apart = true;
			return NULL;
		}
	}
	counts->others = nsources > 0 ? taken - load->file->sendable : 0;
	if (counts->others < 0)
	{
		say_where(load);
		pg_log_error("accept_usage() has left rows in the inbox that were put there in its transaction");
		exit(EXIT_SERVER);
	}
	return NULL;
}

/* Notes that the chunk is loaded, in the transaction that loads it. */
static PGresult *
record_chunk(Load *load, const char *batches)
{
	UsageFile  *file = load->file;
	char		digest[2 * PG_SHA256_DIGEST_LENGTH + 3];
	char		first[32];
	char		last[32];
	const char *params[] = {digest, file->title, first, last, batches};
	PGresult   *res;

	print_digest(file, digest);
	snprintf(first, sizeof(first), "%lld", (long long) file->first_line);
	snprintf(last, sizeof(last), "%lld", (long long) file->last_line);
	res = PQexecParams(load->conn, load->options->again
					   ? "SELECT compute_ledger.record_load($1, $2, $3, $4, $5, again => true)"
					   : "SELECT compute_ledger.record_load($1, $2, $3, $4, $5)", 5, NULL, params, NULL, NULL, 0);
	if (PQresultStatus(res) != PGRES_TUPLES_OK)
		return res;
	PQclear(res);
	return NULL;
}

/* Tries to load the chunk. */
static TryResult
try_chunk(Load *load)
{
	UsageFile  *file = load->file;
	Counts		counts = {0};
	PQExpBufferData batches;
	PGresult   *res = NULL;
	char	  **sources = NULL;
	int			nsources = load->options->file.inbox_only ? 0 : ChunkSources(file, &sources);
	bool		waiting = false;

	res = PQexec(load->conn, "BEGIN ISOLATION LEVEL READ COMMITTED");
	if (PQresultStatus(res) != PGRES_COMMAND_OK)
		load_failed(load, res);
	PQclear(res);
	if (!CopyChunk(load->conn, file, &res))
	{
		for (int i = 0; i < nsources; i++)
			free(sources[i]);
		free(sources);
		if (StopRequested || strncmp(SqlState(res), "22", 2) != 0)
			return try_failed(load, res);
		PQclear(res);
		Command(load->conn, "ROLLBACK");
		return TRY_CONVERSION;
	}
	initPQExpBuffer(&batches);
	appendPQExpBufferChar(&batches, '{');
	res = accept_sources(load, sources, nsources, &counts, &batches, &waiting);
	appendPQExpBufferChar(&batches, '}');
	for (int i = 0; i < nsources; i++)
		free(sources[i]);
	free(sources);
	if (res == NULL && !waiting)
	{
		if (nsources > 0)
			counts.rejected = note_rejected(load, batches.data);
		res = record_chunk(load, load->options->file.inbox_only ? NULL : batches.data);
	}
	termPQExpBuffer(&batches);
	if (res != NULL)
		return try_failed(load, res);
	if (waiting)
	{
		Command(load->conn, "ROLLBACK");
		return TRY_WAITING;
	}
	res = PQexec(load->conn, "COMMIT");
	if (PQresultStatus(res) != PGRES_COMMAND_OK)
		return try_failed(load, res);
	PQclear(res);
	count_chunk(load, &counts);
	return TRY_DONE;
}

/* Loads the chunk, after others that are at the same sources. */
static void
load_chunk(Load *load)
{
	long		pause = FIRST_PAUSE;
	int			conflicts = 0;
	bool		told = false;

	load->apart = false;
	for (;;)
	{
		stop_if_requested(load);
		switch (try_chunk(load))
		{
			case TRY_DONE:
				return;
			case TRY_CONVERSION:
				if (!RefuseUnconvertible(load->conn, load->file))
				{
					say_where(load);
					pg_log_error("the server could not read the rows, and takes each of them by itself");
					exit(EXIT_SERVER);
				}
				forget_rejected(load->file);
				continue;
			case TRY_CONFLICT:
				if (++conflicts > MAX_CONFLICTS)
				{
					say_where(load);
					pg_log_error("%d conflicts with other transactions, one after the other", conflicts);
					exit(EXIT_SERVER);
				}
				break;
			case TRY_WAITING:
				if (!told && pause >= LONGEST_PAUSE)
				{
					end_progress(load);
					pg_log_info("%s: waiting for a transaction that has the same source, or makes a partition "
								"(compute_ledger.ledger_writers() shows them)", load->file->title);
					told = true;
				}
				break;
		}
		forget_rejected(load->file);
		if (!load->options->again && was_loaded(load))
			return;
		pg_usleep(pause);
		pause = Min(pause * 2, LONGEST_PAUSE);
	}
}

/* ---- a file ---- */

/* Says what became of the file. */
static void
say_counts(const Load *load)
{
	const Counts *c = &load->counts;

	printf("%s: %lld rows", load->file->title, (long long) c->rows);
	if (load->options->file.inbox_only)
		printf(": %lld into the inbox", (long long) (c->rows - c->unreadable));
	else
		printf(": %lld accepted, %lld duplicate, %lld rejected", (long long) c->accepted, (long long) c->duplicate, (long long) c->rejected);
	printf(", %lld unreadable", (long long) c->unreadable);
	if (CsvBlank(load->file->csv) > 0)
		printf("; %lld blank lines", (long long) CsvBlank(load->file->csv));
	if (c->others > 0)
		printf("; with %lld rows that others had left in the inbox", (long long) c->others);
	printf("\n");
	if (RefusedPath(load->refused) != NULL)
		printf("%s: what was refused is in %s\n", load->file->title, RefusedPath(load->refused));
	fflush(stdout);
}

/* Loads a file. */
ExitCode
LoadFile(PGconn *conn, const char *path, const LoadOptions *options)
{
	Load		load = {0};
	bool		skipping = !options->again;
	bool		complete;

	load.conn = conn;
	load.options = options;
	load.file = OpenUsage(path, &options->file);
	load.refused = RefusedOpen(load.file, options->refused_path);
	begin_progress(&load, 0);
	for (;;)
	{
		double		part = CsvPart(load.file->csv);

		if (!ReadChunk(load.file))
			break;
		/* what was read may have been cut short */
		stop_if_requested(&load);
		if (skipping && !was_loaded(&load))
		{
			skipping = false;
			if (load.skipped_line > 0)
				pg_log_info("%s: lines up to %lld were loaded before; going on with line %lld", load.file->title,
							(long long) load.skipped_line, (long long) load.file->first_line);
			begin_progress(&load, part);
		}
		if (!skipping)
			load_chunk(&load);
		show_progress(&load);
	}
	stop_if_requested(&load);
	end_progress(&load);
	if (skipping && load.skipped_line > 0)
		pg_log_info("%s: all of it was loaded before", load.file->title);
	if (!options->quiet)
		say_counts(&load);
	complete = load.counts.rejected == 0 && load.counts.unreadable == 0;
	RefusedClose(load.refused);
	CloseUsage(load.file);
	return complete ? EXIT_DONE : EXIT_ROWS;
}
