/*
 * chunk.c
 *		Rows of usage in the columns of usage_inbox, a chunk of a file at a time.
 *
 * A chunk is known by a SHA-256 of all that comes before its end: the one of the chunk
 * before, and its own bytes.  So a file that is loaded again is known as far as it is the
 * same, whatever it is called now.
 */
#include "chunk.h"

#include "client.h"
#include "common/logging.h"
#include "mb/pg_wchar.h"
#include "pqexpbuffer.h"

const char *const InboxColumnNames[INBOX_COLUMNS] = {
	"source", "source_id", "revision", "account", "region", "accelerator", "devices", "started_at", "ended_at",
	"measure", "number_format", "achieved_work", "run", "labels", "retracted", "reservation"
};

/* The same of docs/usage-file.md; NULL: it has no such column. */
static const char *const usage_file_names[INBOX_COLUMNS] = {
	NULL, NULL, NULL, "account", "region", "accelerator", "devices", "start", "end",
	NULL, "number_format", "achieved_work", "job", NULL, NULL, NULL
};

/* Columns that a file must have. */
static const InboxColumn inbox_required[] = {COL_SOURCE, COL_SOURCE_ID, COL_ACCOUNT, COL_REGION, COL_ACCELERATOR, COL_DEVICES, COL_STARTED_AT};
static const InboxColumn usage_file_required[] = {COL_REGION, COL_ACCOUNT, COL_ACCELERATOR, COL_DEVICES, COL_STARTED_AT, COL_ENDED_AT};

/* What write_refused() puts before the file's own columns is there without being asked for. */
static const char *const own_columns[] = {"line", "sqlstate", "reason"};

/* Ends the program because of the file's first line. */
pg_noreturn static void header_failed(const UsageFile *file, const char *fmt,...) pg_attribute_printf(2, 3);

static void
header_failed(const UsageFile *file, const char *fmt,...)
{
	char		what[1024];
	va_list		args;

	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	pg_log_error("%s: %s", file->title, what);
	exit(EXIT_USAGE);
}

/* Adds bytes to the hash of the chunk. */
static void
hash_bytes(void *arg, const char *bytes, size_t len)
{
	UsageFile  *file = arg;

	if (pg_cryptohash_update(file->sha, (const uint8 *) bytes, len) < 0)
	{
		pg_log_error("could not compute SHA-256: %s", pg_cryptohash_error(file->sha));
		exit(EXIT_USAGE);
	}
}

/* Begins the hash of a chunk with that of the one before. */
static void
begin_hash(UsageFile *file)
{
	if (pg_cryptohash_init(file->sha) < 0)
	{
		pg_log_error("could not compute SHA-256: %s", pg_cryptohash_error(file->sha));
		exit(EXIT_USAGE);
	}
	hash_bytes(file, (const char *) file->digest, sizeof(file->digest));
}

/* Ends the hash of a chunk. */
static void
end_hash(UsageFile *file)
{
	if (pg_cryptohash_final(file->sha, file->digest, sizeof(file->digest)) < 0)
	{
		pg_log_error("could not compute SHA-256: %s", pg_cryptohash_error(file->sha));
		exit(EXIT_USAGE);
	}
}

/* Whether a name of a column, as it is in the file, is this one. */
static bool
names_column(const CsvCell *cell, const char *name)
{
	return name != NULL && cell->len == strlen(name) && pg_strncasecmp(cell->text, name, cell->len) == 0;
}

/* Finds which cell has which column, and ends the program where the header will not do. */
static void
read_header(UsageFile *file)
{
	CsvRow		row;
	int			n;
	const char *const *names;
	PQExpBufferData list;

	if (!CsvNext(file->csv, &file->form, &row))
		header_failed(file, "the file is empty; its first line must name the columns");
	if (row.problem != NULL && (memchr(row.text, '\0', row.len) != NULL || strncmp(row.problem, "not valid", 9) == 0))
		header_failed(file, "this is not a CSV file in %s: the first line holds bytes that are not text", EncodingName(file->form.encoding));
	if (row.problem != NULL)
		header_failed(file, "line %lld: %s", (long long) row.line, row.problem);
	file->header = pg_malloc(row.len + 1);
	memcpy(file->header, row.text, row.len);
	file->header[row.len] = '\0';

	/* blanks around the names never count */
	file->form.one_line = true;
	file->buffer = pg_malloc(MAX_ROW);
	n = SplitRow(file->header, row.len, &file->form, NULL, 0, file->buffer);
	file->cells = pg_malloc(n * sizeof(CsvCell));
	SplitRow(file->header, row.len, &file->form, file->cells, n, file->buffer);
	file->is_usage_file = true;
	for (int i = 0; i < n; i++)
		if (names_column(&file->cells[i], "source_id"))
			file->is_usage_file = false;
	names = file->is_usage_file ? usage_file_names : InboxColumnNames;

	for (int c = 0; c < INBOX_COLUMNS; c++)
		file->at[c] = -1;
	initPQExpBuffer(&list);
	for (int i = 0; i < n; i++)
	{
		const CsvCell *cell = &file->cells[i];
		bool		known = false;

		for (size_t k = 0; k < lengthof(own_columns); k++)
			known |= names_column(cell, own_columns[k]);
		for (int j = 0; j < i && !known; j++)
			if (cell->len == file->cells[j].len && pg_strncasecmp(cell->text, file->cells[j].text, cell->len) == 0)
				header_failed(file, "line %lld names the column \"%.*s\" twice", (long long) row.line, (int) Min(cell->len, 100), cell->text);
		for (int c = 0; c < INBOX_COLUMNS; c++)
			if (names_column(cell, names[c]))
			{
				file->at[c] = i;
				known = true;
			}
		if (!known)
			appendPQExpBuffer(&list, "%s\"%.*s\"", list.len > 0 ? ", " : "", (int) Min(cell->len, 100), cell->text);
	}
	if (list.len > 0)
		pg_log_warning("%s: not used: column %s", file->title, list.data);
	resetPQExpBuffer(&list);

	/* a file of retractions has keys only */
	for (size_t i = 0; i < (file->is_usage_file ? lengthof(usage_file_required) : file->at[COL_RETRACTED] >= 0 ? 2 : lengthof(inbox_required)); i++)
	{
		InboxColumn c = file->is_usage_file ? usage_file_required[i] : inbox_required[i];

		if (file->at[c] < 0 && !(c == COL_SOURCE && file->options.source != NULL))
			appendPQExpBuffer(&list, "%s\"%s\"", list.len > 0 ? ", " : "", names[c]);
	}
	if (list.len > 0)
		header_failed(file, "line %lld does not name the column %s (of %s)%s", (long long) row.line, list.data,
					  file->is_usage_file ? "a usage file; a file for the inbox has \"source_id\"" : "usage_inbox",
					  n == 1 && strpbrk(file->header, ";\t|") != NULL ? "; the delimiter is a comma" : "");
	termPQExpBuffer(&list);
	file->form.one_line = file->is_usage_file;
	file->form.longest = file->is_usage_file ? MAX_USAGE_LINE : MAX_ROW;
	file->form.columns = n;
}

/* Opens a file and reads its header; ends the program where these will not do. */
UsageFile *
OpenUsage(const char *path, const FileOptions *options)
{
	UsageFile  *file = pg_malloc0(sizeof(UsageFile));
	const char *name;

	file->path = path;
	file->title = strcmp(path, "-") == 0 ? "standard input" : path;
	file->options = *options;
	file->csv = CsvOpen(path);
	file->form.longest = MAX_ROW;
	file->form.encoding = options->encoding;
	file->sha = pg_cryptohash_create(PG_SHA256);
	if (file->sha == NULL)
	{
		pg_log_error("out of memory");
		exit(EXIT_USAGE);
	}
	if (file->options.name == NULL)
	{
		name = strrchr(file->title, '/');
		file->options.name = name != NULL ? name + 1 : file->title;
	}
	begin_hash(file);
	CsvWatch(file->csv, hash_bytes, file);
	read_header(file);
	/* what decides on how rows are read, and what becomes of them */
	hash_bytes(file, options->inbox_only ? "i" : "a", 1);
	hash_bytes(file, pg_encoding_to_char(options->encoding), strlen(pg_encoding_to_char(options->encoding)) + 1);
	hash_bytes(file, options->source != NULL ? "s" : "-", 1);
	if (options->source != NULL)
		hash_bytes(file, options->source, strlen(options->source) + 1);
	if (file->is_usage_file)
		hash_bytes(file, file->options.name, strlen(file->options.name) + 1);
	end_hash(file);
	/* a row's cells, and a name that is made of three of them */
	file->buffer = pg_realloc(file->buffer, 2 * MAX_ROW + strlen(file->options.name) + 64);
	return file;
}

/* Notes why a row was refused. */
void
RefuseRow(ChunkRow *row, const char *sqlstate, const char *problem)
{
	free(row->problem);
	row->problem = pg_strdup(problem);
	strlcpy(row->sqlstate, sqlstate, sizeof(row->sqlstate));
}

/* Reads the next chunk in the place of the last; false if there is none. */
bool
ReadChunk(UsageFile *file)
{
	CsvRow		row;

	for (int i = 0; i < file->nrows; i++)
		free(file->rows[i].problem);
	file->nrows = file->sendable = 0;
	file->text_len = 0;
	file->first_line = CsvLine(file->csv) + 1;
	begin_hash(file);
	while (file->nrows < file->options.chunk_rows && file->text_len < MAX_CHUNK && CsvNext(file->csv, &file->form, &row))
	{
		ChunkRow   *kept;

		if (file->nrows == file->max_rows)
		{
			file->max_rows = Max(1024, file->max_rows * 2);
			file->rows = pg_realloc(file->rows, file->max_rows * sizeof(ChunkRow));
		}
		if (file->text_size - file->text_len < row.len)
		{
			file->text_size = Max(file->text_size * 2, file->text_len + row.len);
			file->text = pg_realloc(file->text, file->text_size);
		}
		memcpy(file->text + file->text_len, row.text, row.len);
		kept = &file->rows[file->nrows++];
		memset(kept, 0, sizeof(*kept));
		kept->offset = file->text_len;
		kept->len = row.len;
		kept->line = row.line;
		if (row.problem != NULL)
		{
			kept->unreadable = true;
			RefuseRow(kept, "", row.problem);
		}
		else
			file->sendable++;
		file->text_len += row.len;
	}
	file->last_line = CsvLine(file->csv);
	end_hash(file);
	return file->nrows > 0;
}

/* Joins texts in the buffer; returns what comes after. */
static char *
join_text(char *buffer, const char *text, size_t len)
{
	memcpy(buffer, text, len);
	return buffer + len;
}

/*
 * Takes a row apart into the columns of usage_inbox.  A cell with neither text nor quotes
 * is NULL.  The texts stay until the next call.
 */
void
RowCells(UsageFile *file, const ChunkRow *row, CsvCell *cells)
{
	char	   *buffer = file->buffer + row->len;

	SplitRow(file->text + row->offset, row->len, &file->form, file->cells, file->form.columns, file->buffer);
	for (int c = 0; c < INBOX_COLUMNS; c++)
		cells[c] = file->at[c] >= 0 ? file->cells[file->at[c]] : (CsvCell) {"", 0, false};
	if (file->is_usage_file)
	{
		CsvCell    *id = &cells[COL_SOURCE_ID];
		char		line[32];

		cells[COL_SOURCE] = cells[COL_REGION];
		if (cells[COL_SOURCE].len == 0)
			cells[COL_SOURCE] = (CsvCell) {"file", 4, false};
		id->text = buffer;
		if (cells[COL_RUN].len > 0)
		{
			buffer = join_text(buffer, cells[COL_RUN].text, cells[COL_RUN].len);
			buffer = join_text(buffer, "/", 1);
			buffer = join_text(buffer, cells[COL_ACCELERATOR].text, cells[COL_ACCELERATOR].len);
			buffer = join_text(buffer, "/", 1);
			buffer = join_text(buffer, cells[COL_STARTED_AT].text, cells[COL_STARTED_AT].len);
		}
		else
		{
			snprintf(line, sizeof(line), "%sline %lld", file->options.name[0] != '\0' ? " " : "", (long long) row->line);
			buffer = join_text(buffer, file->options.name, strlen(file->options.name));
			buffer = join_text(buffer, line, strlen(line));
		}
		id->len = buffer - id->text;
	}
	if (file->options.source != NULL)
		cells[COL_SOURCE] = (CsvCell) {file->options.source, strlen(file->options.source), false};
}

void
CloseUsage(UsageFile *file)
{
	for (int i = 0; i < file->nrows; i++)
		free(file->rows[i].problem);
	pg_cryptohash_free(file->sha);
	CsvClose(file->csv);
	free(file->header);
	free(file->cells);
	free(file->buffer);
	free(file->text);
	free(file->rows);
	free(file);
}
