/*
 * copy.h
 *		A chunk into the inbox, by COPY.
 */
#ifndef COMPUTE_LEDGER_COPY_H
#define COMPUTE_LEDGER_COPY_H

#include "chunk.h"
#include "connect.h"

extern bool CopyChunk(PGconn *conn, UsageFile *file, PGresult **res);
extern bool RefuseUnconvertible(PGconn *conn, UsageFile *file);
extern int	ChunkSources(UsageFile *file, char ***sources);

#endif							/* COMPUTE_LEDGER_COPY_H */
