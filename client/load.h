/*
 * load.h
 *		Loading files of usage, and saying what of them is there.
 */
#ifndef COMPUTE_LEDGER_LOAD_H
#define COMPUTE_LEDGER_LOAD_H

#include "chunk.h"
#include "client.h"

/* What the user says of a load. */
typedef struct LoadOptions
{
	FileOptions file;
	const char *basis;
	const char *refused_path;	/* NULL: FILE.rejected.csv */
	bool		again;			/* what was loaded before, too */
	bool		quiet;
} LoadOptions;

/* load.c */
extern ExitCode LoadFile(PGconn *conn, const char *path, const LoadOptions *options);

/* copy.c */
typedef enum CopyResult
{
	COPY_DONE,
	COPY_FAILED,				/* *res says why */
} CopyResult;
extern CopyResult CopyChunk(PGconn *conn, UsageFile *file, PGresult **res);
extern bool RefuseUnconvertible(PGconn *conn, UsageFile *file);
extern int	ChunkSources(UsageFile *file, char ***sources);

/* refused.c */
typedef struct RefusedFile RefusedFile;
extern RefusedFile *RefusedOpen(const UsageFile *file, const char *path);
extern void RefusedWrite(RefusedFile *refused, const UsageFile *file);
extern const char *RefusedPath(const RefusedFile *refused);
extern void RefusedClose(RefusedFile *refused);

/* check.c */
extern ExitCode CheckFile(PGconn *conn, const char *path, const LoadOptions *options);

#endif							/* COMPUTE_LEDGER_LOAD_H */
