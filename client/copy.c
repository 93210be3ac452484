/*
 * copy.c
 *		A chunk into the inbox, by COPY.
 *
 * COPY's text form is used, in which a row is a line whatever is in its cells; in its CSV
 * form, a line \. in a quoted cell ends the data before PostgreSQL 18.
 */
#include "copy.h"

#include "mb/pg_wchar.h"
#include "pqexpbuffer.h"

/* Handed to libpq by so many bytes. */
#define SEND_SIZE		65536

/* Appends a cell in COPY's text form. */
static void
append_cell(PQExpBuffer out, const CsvCell *cell, int encoding)
{
	const char *end = cell->text + cell->len;
	const char *plain = cell->text;	/* not appended yet */

	if (cell->len == 0 && !cell->quoted)
	{
		appendBinaryPQExpBuffer(out, "\\N", 2);
		return;
	}
	for (const char *p = cell->text; p < end;)
	{
		const char *escaped = NULL;

		if (IS_HIGHBIT_SET(*p))
		{
			/* in some encodings, what follows may look like a backslash */
			p += encoding == PG_UTF8 ? 1 : pg_encoding_mblen(encoding, p);
			continue;
		}
		switch (*p)
		{
			case '\\':
				escaped = "\\\\";
				break;
			case '\t':
				escaped = "\\t";
				break;
			case '\n':
				escaped = "\\n";
				break;
			case '\r':
				escaped = "\\r";
				break;
		}
		if (escaped != NULL)
		{
			appendBinaryPQExpBuffer(out, plain, p - plain);
			appendBinaryPQExpBuffer(out, escaped, 2);
			plain = p + 1;
		}
		p++;
	}
	appendBinaryPQExpBuffer(out, plain, end - plain);
}

/* Sends the rows of a chunk that are to be sent; false if that failed, and then *res says why. */
bool
CopyChunk(PGconn *conn, UsageFile *file, PGresult **res)
{
	PQExpBufferData out;
	CsvCell		cells[INBOX_COLUMNS];
	bool		sent = true;

	initPQExpBuffer(&out);
	appendPQExpBufferStr(&out, "COPY compute_ledger.usage_inbox (");
	for (int c = 0; c < INBOX_COLUMNS; c++)
		appendPQExpBuffer(&out, "%s%s", c > 0 ? ", " : "", InboxColumnNames[c]);
	appendPQExpBuffer(&out, "%s) FROM STDIN", file->options.lines ? ", id" : "");
	*res = PQexec(conn, out.data);
	if (PQresultStatus(*res) != PGRES_COPY_IN)
	{
		termPQExpBuffer(&out);
		return false;
	}
	PQclear(*res);
	resetPQExpBuffer(&out);
	for (int i = 0; i < file->nrows && sent; i++)
	{
		if (file->rows[i].unreadable)
			continue;
		RowCells(file, &file->rows[i], cells);
		for (int c = 0; c < INBOX_COLUMNS; c++)
		{
			if (c > 0)
				appendPQExpBufferChar(&out, '\t');
			append_cell(&out, &cells[c], file->form.encoding);
		}
		if (file->options.lines)
			appendPQExpBuffer(&out, "\t%lld", (long long) file->rows[i].line);
		appendPQExpBufferChar(&out, '\n');
		if (out.len >= SEND_SIZE)
		{
			sent = PQputCopyData(conn, out.data, out.len) == 1;
			resetPQExpBuffer(&out);
		}
	}
	if (sent && out.len > 0)
		sent = PQputCopyData(conn, out.data, out.len) == 1;
	if (sent)
		sent = PQputCopyEnd(conn, PQExpBufferDataBroken(out) ? "out of memory" : NULL) == 1;
	termPQExpBuffer(&out);
	*res = PQgetResult(conn);
	if (!sent || PQresultStatus(*res) != PGRES_COMMAND_OK)
		return false;
	PQclear(*res);
	while ((*res = PQgetResult(conn)) != NULL)
		PQclear(*res);
	return true;
}

/*
 * Asks the server of each row by itself whether its encoding has all characters, and
 * refuses those of which it has not; false if there are none.
 */
bool
RefuseUnconvertible(PGconn *conn, UsageFile *file)
{
	bool		any = false;
	char	   *text = pg_malloc(MAX_ROW + 1);

	for (int i = 0; i < file->nrows; i++)
	{
		ChunkRow   *row = &file->rows[i];
		const char *param = text;
		PGresult   *res;

		if (row->unreadable)
			continue;
		memcpy(text, file->text + row->offset, row->len);
		text[row->len] = '\0';
		res = PQexecParams(conn, "SELECT $1::pg_catalog.text IS NULL", 1, NULL, &param, NULL, NULL, 0);
		if (PQresultStatus(res) != PGRES_TUPLES_OK)
		{
			if (strncmp(SqlState(res), "22", 2) != 0)
				ServerFailed(conn, res);
			RefuseRow(row, SqlState(res), PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY));
			row->unreadable = any = true;
			file->sendable--;
		}
		PQclear(res);
	}
	free(text);
	return any;
}

/* Compares two texts behind pointers, for qsort(). */
static int
compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

/*
 * Makes an array of the sources of a chunk's rows, each once, in the order of their names,
 * which is the order in which they are locked; returns how many there are.  Its strings
 * and itself are to be freed.
 */
int
ChunkSources(UsageFile *file, char ***sources)
{
	CsvCell		cells[INBOX_COLUMNS];
	int			n = 0;
	int			max = 16;
	int			unique = 0;

	*sources = pg_malloc(max * sizeof(char *));
	for (int i = 0; i < file->nrows; i++)
	{
		const CsvCell *source = &cells[COL_SOURCE];
		size_t		len;

		if (file->rows[i].unreadable)
			continue;
		RowCells(file, &file->rows[i], cells);
		/* those that usage_source has no name for */
		len = source->len <= 1000 ? source->len : 0;
		if (n > 0 && strlen((*sources)[n - 1]) == len && memcmp((*sources)[n - 1], source->text, len) == 0)
			continue;
		if (n == max)
			*sources = pg_realloc(*sources, (max *= 2) * sizeof(char *));
		(*sources)[n] = pg_malloc(len + 1);
		memcpy((*sources)[n], len > 0 ? source->text : "", len);
		(*sources)[n++][len] = '\0';
	}
	qsort(*sources, n, sizeof(char *), compare_texts);
	for (int i = 0; i < n; i++)
	{
		if (unique > 0 && strcmp((*sources)[unique - 1], (*sources)[i]) == 0)
			free((*sources)[i]);
		else
			(*sources)[unique++] = (*sources)[i];
	}
	return unique;
}
