/*
 * client.h
 *		What the parts of compute-ledger share: options, the connection, how it ends.
 */
#ifndef COMPUTE_LEDGER_CLIENT_H
#define COMPUTE_LEDGER_CLIENT_H

#include "postgres_fe.h"

#include <signal.h>

#include "libpq-fe.h"

/* How the program ends; the man page says the same. */
typedef enum ExitCode
{
	EXIT_DONE = 0,				/* all rows are in the ledger */
	EXIT_USAGE = 1,				/* an option, or a file, that will not do */
	EXIT_SERVER = 2,			/* no connection, or the server refused */
	EXIT_ROWS = 3,				/* done, but some rows were refused */
	EXIT_STOPPED = 4			/* interrupted */
} ExitCode;

/* Whether a password is asked for. */
typedef enum AskPassword
{
	ASK_IF_NEEDED,
	ASK_NEVER,
	ASK_ALWAYS
} AskPassword;

/* Options of the connection, as psql's. */
typedef struct ConnectOptions
{
	const char *dbname;			/* or a connection string */
	const char *host;
	const char *port;
	const char *user;
	const char *encoding;		/* of what is sent */
	AskPassword ask;
} ConnectOptions;

/* Set when the user has asked for an end. */
extern volatile sig_atomic_t StopRequested;

/* connect.c */
extern PGconn *Connect(const ConnectOptions *options);
extern void CatchSignals(PGconn *conn);
extern PGresult *Query(PGconn *conn, const char *sql, int nparams, const char *const *params);
extern void Command(PGconn *conn, const char *sql);
extern void ServerFailed(PGconn *conn, const PGresult *res) pg_attribute_noreturn();
extern const char *SqlState(const PGresult *res);

/* health.c */
extern ExitCode ShowHealth(PGconn *conn, int watch_seconds);

#endif							/* COMPUTE_LEDGER_CLIENT_H */
