/*
 * csv.c
 *		Rows of a CSV file, one at a time, and never an end at a bad one.
 */
#include "csv.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "connect.h"
#include "common/logging.h"
#include "mb/pg_wchar.h"

/* Bytes are read by so many. */
#define READ_SIZE		262144

struct CsvFile
{
	const char *path;			/* for messages */
	int			fd;
	struct stat st;
	char	   *buffer;
	size_t		size;
	size_t		start;			/* of what has not been handed out */
	size_t		end;			/* of what has been read */
	bool		eof;
	int64		line;			/* lines handed out */
	int64		blank;			/* of them, blank */
	int64		bytes;			/* handed out */
	char	   *cut;			/* the beginning of a line that is too long */
	char		problem[128];
	CsvWatcher	watcher;
	void	   *watcher_arg;
};

/* Opens a file; - is standard input. */
CsvFile *
CsvOpen(const char *path)
{
	CsvFile    *file = pg_malloc0(sizeof(CsvFile));

	file->path = path;
	file->fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | PG_BINARY, 0);
	if (file->fd < 0 || fstat(file->fd, &file->st) != 0)
	{
		pg_log_error("could not open \"%s\": %m", path);
		exit(EXIT_USAGE);
	}
	file->size = READ_SIZE;
	file->buffer = pg_malloc(file->size);
	return file;
}

/* From now on the watcher is told of what is read. */
void
CsvWatch(CsvFile *file, CsvWatcher watcher, void *arg)
{
	file->watcher = watcher;
	file->watcher_arg = arg;
}

void
CsvClose(CsvFile *file)
{
	if (file->fd != STDIN_FILENO)
		close(file->fd);
	free(file->buffer);
	free(file->cut);
	free(file);
}

/* How many lines have been handed out. */
int64
CsvLine(const CsvFile *file)
{
	return file->line;
}

/* How many of them were blank. */
int64
CsvBlank(const CsvFile *file)
{
	return file->blank;
}

/* Which part of the file has been handed out; 0 if it is not known how large it is. */
double
CsvPart(const CsvFile *file)
{
	return S_ISREG(file->st.st_mode) && file->st.st_size > 0 ? (double) file->bytes / file->st.st_size : 0;
}

/* Whether a path is this very file. */
bool
CsvIsFile(const CsvFile *file, const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_dev == file->st.st_dev && st.st_ino == file->st.st_ino;
}

/* The name of an encoding, for people. */
const char *
EncodingName(int encoding)
{
	return encoding == PG_UTF8 ? "UTF-8" : pg_encoding_to_char(encoding);
}

/* Reads more behind what there is; false at the end of the file. */
static bool
read_more(CsvFile *file)
{
	ssize_t		n;

	if (file->eof)
		return false;
	if (file->start > 0)
	{
		memmove(file->buffer, file->buffer + file->start, file->end - file->start);
		file->end -= file->start;
		file->start = 0;
	}
	if (file->size - file->end < READ_SIZE)
	{
		file->size = file->size * 2;
		file->buffer = pg_realloc(file->buffer, file->size);
	}
	do
		n = read(file->fd, file->buffer + file->end, READ_SIZE);
	while (n < 0 && errno == EINTR && !StopRequested);
	if (n < 0 && StopRequested)
		n = 0;					/* the caller looks at it */
	if (n < 0)
	{
		pg_log_error("could not read \"%s\": %m", file->path);
		exit(EXIT_USAGE);
	}
	file->eof = n == 0;
	file->end += n;
	return n > 0;
}

/* Hands out so many bytes, which are so many lines. */
static void
hand_out(CsvFile *file, size_t len, int64 lines)
{
	if (file->watcher != NULL)
		file->watcher(file->watcher_arg, file->buffer + file->start, len);
	file->start += len;
	file->bytes += len;
	file->line += lines;
}

/*
 * Length of the first line of what there is, with its line end, reading up to a limit; it has none if it is longer, or the last.
 */
static size_t
line_length(CsvFile *file, size_t limit)
{
	size_t		looked = 0;

	for (;;)
	{
		size_t		there = file->end - file->start;
		char	   *lf = memchr(file->buffer + file->start + looked, '\n', there - looked);

		if (lf != NULL)
			return lf - (file->buffer + file->start) + 1;
		looked = there;
		/* two for the line end */
		if (there > limit + 2 || !read_more(file))
			return file->end - file->start;
	}
}

/* Length of a line without its line end. */
static size_t
without_line_end(const char *text, size_t len)
{
	if (len > 0 && text[len - 1] == '\n')
	{
		len--;
		if (len > 0 && text[len - 1] == '\r')
			len--;
	}
	return len;
}

/* What scan_row() has found. */
typedef enum ScanResult
{
	SCAN_ROW,
	SCAN_OPEN,					/* a quote is not closed in what there is */
	SCAN_QUOTE,					/* there is a quote where none may be */
	SCAN_LONG					/* the row is too long */
} ScanResult;

/* Goes over a row, as far as its line end; *used has that, too. */
static ScanResult
scan_row(const char *text, size_t len, const CsvForm *form, int *cells, size_t *used)
{
	const char *p = text;
	const char *end = text + len;

#define SKIP_BLANKS() if (form->one_line) while (p < end && (*p == ' ' || *p == '\t')) p++

	for (*cells = 1;; (*cells)++)
	{
		SKIP_BLANKS();
		if (p < end && *p == '"')
		{
			do
			{
				p = memchr(p + 1, '"', end - p - 1);
				if (p == NULL)
					return SCAN_OPEN;
				p++;
			} while (p < end && *p == '"');
			SKIP_BLANKS();
			if (p < end && *p == '\r' && (p + 1 == end || p[1] == '\n'))
				p++;
		}
		else
			while (p < end && *p != ',' && *p != '\n' && *p != '"')
				p++;
		if (p == end || *p == '\n')
		{
			*used = p - text + (p < end);
			return SCAN_ROW;
		}
		if (*p != ',')
			return SCAN_QUOTE;
		p++;
	}
#undef SKIP_BLANKS
}

/* Notes what is wrong with a row. */
static void
note_problem(CsvFile *file, CsvRow *row, const char *fmt,...) pg_attribute_printf(3, 4);

static void
note_problem(CsvFile *file, CsvRow *row, const char *fmt,...)
{
	va_list		args;

	va_start(args, fmt);
	vsnprintf(file->problem, sizeof(file->problem), fmt, args);
	va_end(args);
	row->problem = file->problem;
}

/* Number of line ends in a text. */
static int64
count_lines(const char *text, size_t len)
{
	int64		n = 0;

	for (const char *p = text; (p = memchr(p, '\n', text + len - p)) != NULL; p++)
		n++;
	return n;
}

/*
 * Finds where the row ends that begins with a line of this length, and how many cells it
 * has, reading on where a quoted cell does.
 */
static ScanResult
find_row(CsvFile *file, const CsvForm *form, size_t line_len, int *cells, size_t *len)
{
	*len = line_len;
	for (;;)
	{
		size_t		want;
		size_t		used;
		char	   *lf;
		ScanResult	result = scan_row(file->buffer + file->start, *len, form, cells, &used);

		if (result == SCAN_ROW)
		{
			*len = used;
			return without_line_end(file->buffer + file->start, used) > form->longest ? SCAN_LONG : SCAN_ROW;
		}
		/* where a quote is closed on another line and then is out of place, it was not meant to be closed there */
		if (result == SCAN_QUOTE && *len > line_len)
			return SCAN_OPEN;
		if (result == SCAN_QUOTE || form->one_line || *len > form->longest)
			return result;
		/* look at twice as much, up to a line end */
		want = Min(*len * 2, form->longest + 1);
		while (file->end - file->start < want && read_more(file))
			;
		want = Min(want, file->end - file->start);
		while ((lf = memchr(file->buffer + file->start + want, '\n', file->end - file->start - want)) == NULL &&
			   file->end - file->start <= form->longest && read_more(file))
			;
		want = lf != NULL ? (size_t) (lf - (file->buffer + file->start)) + 1 : file->end - file->start;
		if (want == *len)
			return SCAN_OPEN;
		*len = want;
	}
}

/* Hands out a line that is too long: its beginning, and no more is kept of it. */
static void
take_long_line(CsvFile *file, const CsvForm *form, CsvRow *row)
{
	char	   *lf;

	file->cut = pg_realloc(file->cut, form->longest);
	memcpy(file->cut, file->buffer + file->start, form->longest);
	while ((lf = memchr(file->buffer + file->start, '\n', file->end - file->start)) == NULL)
	{
		hand_out(file, file->end - file->start, 0);
		if (!read_more(file))
			break;
	}
	hand_out(file, lf != NULL ? (size_t) (lf - (file->buffer + file->start)) + 1 : 0, 1);
	row->text = file->cut;
	row->len = form->longest;
	note_problem(file, row, "longer than %zu bytes", form->longest);
}

/* Whether there is nothing but blanks in a line. */
static bool
is_blank(const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (line[i] != ' ' && line[i] != '\t')
			return false;
	return true;
}

/*
 * Reads the next row that is not blank; false at the end.  What is not valid in the
 * encoding has a problem, and so has what is too long, of which row->text has the
 * beginning.
 */
bool
CsvNext(CsvFile *file, const CsvForm *form, CsvRow *row)
{
	size_t		first;
	size_t		len;
	int64		lines;
	int			cells;

	for (;;)
	{
		first = line_length(file, form->longest);
		/* a byte order mark */
		if (file->bytes == 0 && first >= 3 && memcmp(file->buffer, "\xef\xbb\xbf", 3) == 0)
		{
			hand_out(file, 3, 0);
			first -= 3;
		}
		if (first == 0)
			return false;
		len = without_line_end(file->buffer + file->start, first);
		if (!is_blank(file->buffer + file->start, len))
			break;
		file->blank++;
		hand_out(file, first, 1);
	}
	row->line = file->line + 1;
	row->problem = NULL;
	if (len > form->longest)
	{
		take_long_line(file, form, row);
		return true;
	}
	switch (find_row(file, form, first, &cells, &len))
	{
		case SCAN_OPEN:
			note_problem(file, row, "a quote that is never closed");
			break;
		case SCAN_QUOTE:
			note_problem(file, row, "a quote in the middle of a cell");
			break;
		case SCAN_LONG:
			note_problem(file, row, "longer than %zu bytes", form->longest);
			break;
		case SCAN_ROW:
			if (form->columns > 0 && cells != form->columns)
				note_problem(file, row, "%d cell%s where the header names %d columns", cells, cells == 1 ? "" : "s", form->columns);
			break;
	}
	if (row->problem != NULL)
		len = first;			/* the lines after it may be rows */
	row->text = file->buffer + file->start;
	row->len = without_line_end(row->text, len);
	lines = count_lines(row->text, row->len) + 1;
	if (memchr(row->text, '\0', row->len) != NULL)
		note_problem(file, row, "holds a NUL byte");
	else if (pg_encoding_verifymbstr(form->encoding, row->text, row->len) != (int) row->len)
		note_problem(file, row, "not valid %s", EncodingName(form->encoding));
	hand_out(file, len, lines);
	return true;
}

/* Sets a cell, without the blanks around it where these do not count. */
static void
set_cell(CsvCell *cell, const char *text, size_t len, bool trim)
{
	while (trim && len > 0 && (*text == ' ' || *text == '\t'))
		text++, len--;
	while (trim && len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\t'))
		len--;
	cell->text = text;
	cell->len = len;
	cell->quoted = false;
}

/*
 * Takes a row without a problem apart; returns the number of its cells, of which at most
 * so many are stored.  The buffer has room for the row.
 */
int
SplitRow(const char *text, size_t len, const CsvForm *form, CsvCell *cells, int max_cells, char *buffer)
{
	const char *p = text;
	const char *end = text + len;
	int			n = 0;

	for (;;)
	{
		CsvCell		cell;
		const char *quote = p;

		while (form->one_line && quote < end && (*quote == ' ' || *quote == '\t'))
			quote++;
		if (quote < end && *quote == '"')
		{
			cell.text = buffer;
			cell.quoted = true;
			for (p = quote + 1; p < end; p++)
			{
				if (*p == '"' && (p + 1 == end || *++p != '"'))
					break;
				*buffer++ = *p;
			}
			cell.len = buffer - cell.text;
			p = memchr(p, ',', end - p);
		}
		else
		{
			const char *start = p;

			p = memchr(p, ',', end - p);
			set_cell(&cell, start, (p != NULL ? p : end) - start, form->one_line);
		}
		if (n < max_cells)
			cells[n] = cell;
		n++;
		if (p == NULL)
			return n;
		p++;
	}
}
