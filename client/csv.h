/*
 * csv.h
 *		Rows of a CSV file, one at a time, and never an end at a bad one.
 *
 * The delimiter is a comma; a cell may be quoted, a quote in it is doubled.  Lines end in
 * LF or CRLF; a byte order mark of UTF-8 and blank lines are skipped.  A row that cannot
 * be taken apart is handed out with what is wrong with it, as one line, so that a quote
 * that somebody forgot to close spoils that line and not the rest of the file.
 *
 * Bytes are looked at, not characters: no character of an encoding that libpq knows has a
 * comma, a quote or a line end in it.
 */
#ifndef COMPUTE_LEDGER_CSV_H
#define COMPUTE_LEDGER_CSV_H

#include "postgres_fe.h"

/* A row, or a line of a usage file, has no more bytes than this. */
#define MAX_ROW			1048576
#define MAX_USAGE_LINE	10000

/* A cell of a row; its text lies in the row, or in the buffer that SplitRow() was given. */
typedef struct CsvCell
{
	const char *text;
	size_t		len;
	bool		quoted;
} CsvCell;

/* How the rows of a file look. */
typedef struct CsvForm
{
	bool		one_line;		/* no line break in a cell, and blanks around one do not count: docs/usage-file.md */
	size_t		longest;		/* in bytes, a row */
	int			columns;		/* cells of each row; 0: any number */
	int			encoding;		/* as libpq numbers it */
} CsvForm;

/* A row as it is in the file, without its line end, until the next one is read. */
typedef struct CsvRow
{
	const char *text;
	size_t		len;
	int64		line;			/* number of its first line */
	const char *problem;		/* why it cannot be taken apart; NULL: it can */
} CsvRow;

typedef struct CsvFile CsvFile;

/* Told of all bytes of the file, in order, as rows are read. */
typedef void (*CsvWatcher) (void *arg, const char *bytes, size_t len);

extern CsvFile *CsvOpen(const char *path);
extern void CsvWatch(CsvFile *file, CsvWatcher watcher, void *arg);
extern bool CsvNext(CsvFile *file, const CsvForm *form, CsvRow *row);
extern void CsvClose(CsvFile *file);
extern int64 CsvLine(const CsvFile *file);
extern int64 CsvBlank(const CsvFile *file);
extern double CsvPart(const CsvFile *file);
extern bool CsvIsFile(const CsvFile *file, const char *path);
extern const char *EncodingName(int encoding);
extern int	SplitRow(const char *text, size_t len, const CsvForm *form, CsvCell *cells, int max_cells, char *buffer);

#endif							/* COMPUTE_LEDGER_CSV_H */
