/*
 * check.h
 *		Which rows of a file are in the ledger already.
 */
#ifndef COMPUTE_LEDGER_CHECK_H
#define COMPUTE_LEDGER_CHECK_H

#include "load.h"

extern ExitCode CheckFile(PGconn *conn, const char *path, const LoadOptions *options);

#endif							/* COMPUTE_LEDGER_CHECK_H */
