/*
 * chunk.h
 *		Rows of usage in the columns of usage_inbox, a chunk of a file at a time.
 */
#ifndef COMPUTE_LEDGER_CHUNK_H
#define COMPUTE_LEDGER_CHUNK_H

#include "postgres_fe.h"

#include "common/cryptohash.h"
#include "common/sha2.h"

#include "csv.h"

/* A chunk has no more bytes than this, and one row. */
#define MAX_CHUNK		67108864

/* Columns of usage_inbox that a file may have. */
typedef enum InboxColumn
{
	COL_SOURCE,
	COL_SOURCE_ID,
	COL_REVISION,
	COL_ACCOUNT,
	COL_REGION,
	COL_ACCELERATOR,
	COL_DEVICES,
	COL_STARTED_AT,
	COL_ENDED_AT,
	COL_MEASURE,
	COL_NUMBER_FORMAT,
	COL_ACHIEVED_WORK,
	COL_RUN,
	COL_LABELS,
	COL_RETRACTED,
	COL_RESERVATION
} InboxColumn;

#define INBOX_COLUMNS	(COL_RESERVATION + 1)

extern const char *const InboxColumnNames[INBOX_COLUMNS];

/* What the user says of a file. */
typedef struct FileOptions
{
	int			encoding;
	int			chunk_rows;
	bool		inbox_only;		/* nothing is accepted */
	bool		lines;			/* the number of a row in the inbox is that of its line */
	const char *source;			/* of all records, whatever the file says; NULL: as it says */
	const char *name;			/* by which rows of a usage file without a job are known; NULL: the file's */
} FileOptions;

/* A row of a chunk. */
typedef struct ChunkRow
{
	size_t		offset;			/* in the chunk's text */
	size_t		len;
	int64		line;
	bool		unreadable;		/* it is not sent */
	char		sqlstate[6];	/* of the problem, where it has one */
	char	   *problem;		/* why it was refused; NULL: it was not */
} ChunkRow;

/* A file of usage, and the chunk of it that was read last. */
typedef struct UsageFile
{
	const char *path;
	const char *title;			/* for messages */
	FileOptions options;
	CsvFile    *csv;
	CsvForm		form;
	bool		is_usage_file;	/* docs/usage-file.md; else the columns are those of usage_inbox */
	int			at[INBOX_COLUMNS];	/* which cell of a row; -1: none */
	char	   *header;			/* as it came */
	CsvCell    *cells;			/* of one row */
	char	   *buffer;			/* for them */

	char	   *text;			/* of the chunk's rows */
	size_t		text_len;
	size_t		text_size;
	ChunkRow   *rows;
	int			nrows;
	int			sendable;		/* of them */
	int			max_rows;
	int64		first_line;
	int64		last_line;
	uint8		digest[PG_SHA256_DIGEST_LENGTH];	/* of all that comes before its end, and how it is read */
	pg_cryptohash_ctx *sha;
} UsageFile;

extern UsageFile *OpenUsage(const char *path, const FileOptions *options);
extern bool ReadChunk(UsageFile *file);
extern void RowCells(UsageFile *file, const ChunkRow *row, CsvCell *cells);
extern void RefuseRow(ChunkRow *row, const char *sqlstate, const char *problem);
extern void CloseUsage(UsageFile *file);

#endif							/* COMPUTE_LEDGER_CHUNK_H */
