/*
 * client.h
 *		How compute-ledger ends.
 */
#ifndef COMPUTE_LEDGER_CLIENT_H
#define COMPUTE_LEDGER_CLIENT_H

#include "postgres_fe.h"

/*
 * The mark of a function that does not return moved to the front with PostgreSQL 18.
 */
#if PG_VERSION_NUM < 180000
#define pg_noreturn __attribute__((noreturn))
#endif

/* The man page says the same. */
typedef enum ExitCode
{
	EXIT_DONE = 0,				/* all rows are in the ledger */
	EXIT_USAGE = 1,				/* an option, or a file, that will not do */
	EXIT_SERVER = 2,			/* no connection, or the server refused */
	EXIT_ROWS = 3,				/* done, but some rows were refused */
	EXIT_STOPPED = 4			/* interrupted */
} ExitCode;

#endif							/* COMPUTE_LEDGER_CLIENT_H */
