/*
 * refused.c
 *		The file of what was refused: each row as it came, after its line, SQLSTATE and reason.
 *
 * Its header is that of the file loaded, after those three, so that it can be mended and
 * loaded itself.
 */
#include "refused.h"

#include "client.h"
#include "common/logging.h"

struct RefusedFile
{
	char	   *path;
	FILE	   *out;			/* NULL until there is something */
};

/* Names the file; it is made, or made anew, when there is something to write. */
RefusedFile *
RefusedOpen(const UsageFile *file, const char *path)
{
	RefusedFile *refused = pg_malloc0(sizeof(RefusedFile));

	refused->path = path != NULL ? pg_strdup(path) :
		psprintf("%s.rejected.csv", strcmp(file->path, "-") == 0 ? "standard-input" : file->path);
	if (CsvIsFile(file->csv, refused->path))
	{
		pg_log_error("\"%s\" is the file that is to be loaded", refused->path);
		exit(EXIT_USAGE);
	}
	return refused;
}

/* Ends the program because the file cannot be written. */
static void
write_failed(const RefusedFile *refused)
{
	pg_log_error("could not write \"%s\": %m", refused->path);
	exit(EXIT_USAGE);
}

/* Writes a text as a cell of CSV. */
static void
write_cell(FILE *out, const char *text)
{
	if (strpbrk(text, ",\"\r\n") == NULL)
	{
		fputs(text, out);
		return;
	}
	putc('"', out);
	for (; *text != '\0'; text++)
	{
		if (*text == '"')
			putc('"', out);
		putc(*text, out);
	}
	putc('"', out);
}

/* Writes the rows of a chunk that have a problem. */
void
RefusedWrite(RefusedFile *refused, const UsageFile *file)
{
	for (int i = 0; i < file->nrows; i++)
	{
		const ChunkRow *row = &file->rows[i];

		if (row->problem == NULL)
			continue;
		if (refused->out == NULL)
		{
			refused->out = fopen(refused->path, PG_BINARY_W);
			if (refused->out == NULL)
				write_failed(refused);
			fprintf(refused->out, "line,sqlstate,reason,%s\n", file->header);
		}
		fprintf(refused->out, "%lld,%s,", (long long) row->line, row->sqlstate);
		write_cell(refused->out, row->problem);
		putc(',', refused->out);
		fwrite(file->text + row->offset, 1, row->len, refused->out);
		putc('\n', refused->out);
	}
	if (refused->out != NULL && fflush(refused->out) != 0)
		write_failed(refused);
}

/* Where they went; NULL if there were none. */
const char *
RefusedPath(const RefusedFile *refused)
{
	return refused->out != NULL ? refused->path : NULL;
}

/* Closes the file. */
void
RefusedClose(RefusedFile *refused)
{
	if (refused->out != NULL && (ferror(refused->out) || fclose(refused->out) != 0))
		write_failed(refused);
	free(refused->path);
	free(refused);
}
