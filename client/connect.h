/*
 * connect.h
 *		The connection to the server, as psql makes it, and what is asked of it.
 */
#ifndef COMPUTE_LEDGER_CONNECT_H
#define COMPUTE_LEDGER_CONNECT_H

#include "client.h"

#include <signal.h>

#include "libpq-fe.h"

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

extern PGconn *Connect(const ConnectOptions *options);
extern void CatchSignals(PGconn *conn);
extern PGresult *Query(PGconn *conn, const char *sql, int nparams, const char *const *params);
extern void Command(PGconn *conn, const char *sql);
pg_noreturn extern void ServerFailed(PGconn *conn, const PGresult *res);
extern const char *SqlState(const PGresult *res);

#endif							/* COMPUTE_LEDGER_CONNECT_H */
