/*
 * load.h
 *		Loading files of usage.
 */
#ifndef COMPUTE_LEDGER_LOAD_H
#define COMPUTE_LEDGER_LOAD_H

#include "chunk.h"
#include "connect.h"

/* What the user says of a load. */
typedef struct LoadOptions
{
	FileOptions file;
	const char *basis;
	const char *refused_path;	/* NULL: FILE.rejected.csv */
	bool		again;			/* what was loaded before, too */
	bool		quiet;
} LoadOptions;

extern ExitCode LoadFile(PGconn *conn, const char *path, const LoadOptions *options);

#endif							/* COMPUTE_LEDGER_LOAD_H */
