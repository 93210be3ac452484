/*
 * connect.c
 *		The connection to the server, as psql makes it, and what is asked of it.
 */
#include "connect.h"

#include "common/logging.h"
#include "common/string.h"

volatile sig_atomic_t StopRequested = false;

/* What a signal cancels; NULL while there is nothing. */
static PGcancel *volatile cancel_target = NULL;

/*
 * Refuses a password in a connection string: every user of the machine reads command
 * lines.
 */
static void
refuse_password(const char *dbname)
{
	char	   *error = NULL;
	PQconninfoOption *parsed;

	if (strchr(dbname, '=') == NULL && strncmp(dbname, "postgresql://", 13) != 0 && strncmp(dbname, "postgres://", 11) != 0)
		return;
	parsed = PQconninfoParse(dbname, &error);
	if (parsed == NULL)
	{
		if (error != NULL)
			(void) pg_strip_crlf(error);
		pg_log_error("%s", error != NULL ? error : "out of memory");
		exit(EXIT_USAGE);
	}
	for (PQconninfoOption *o = parsed; o->keyword != NULL; o++)
		if (o->val != NULL && (strcmp(o->keyword, "password") == 0 || strcmp(o->keyword, "sslpassword") == 0))
		{
			pg_log_error("there is a password on the command line, where every user of this machine can read it");
			pg_log_error_hint("Put it into ~/.pgpass, a service file or PGPASSWORD, or let it be asked for (-W).");
			exit(EXIT_USAGE);
		}
	PQconninfoFree(parsed);
}

/* Connects, or ends the program. */
PGconn *
Connect(const ConnectOptions *options)
{
	char	   *password = NULL;
	PGconn	   *conn;

	if (options->dbname != NULL)
		refuse_password(options->dbname);
	if (options->ask == ASK_ALWAYS)
		password = simple_prompt("Password: ", false);
	for (;;)
	{
		const char *keywords[] = {"host", "port", "user", "password", "dbname", "fallback_application_name", "client_encoding", NULL};
		const char *values[] = {options->host, options->port, options->user, password, options->dbname, "compute-ledger", options->encoding, NULL};

		conn = PQconnectdbParams(keywords, values, true);
		if (conn == NULL)
		{
			pg_log_error("out of memory");
			exit(EXIT_SERVER);
		}
		if (PQstatus(conn) != CONNECTION_BAD || !PQconnectionNeedsPassword(conn) || password != NULL || options->ask == ASK_NEVER)
			break;
		PQfinish(conn);
		password = simple_prompt("Password: ", false);
	}
	free(password);
	if (PQstatus(conn) == CONNECTION_BAD)
		ServerFailed(conn, NULL);
	/* nobody's objects stand in for core's */
	PQclear(Query(conn, "SELECT pg_catalog.set_config('search_path', '', false)", 0, NULL));
	return conn;
}

/* Says what the server, or libpq, has said, and ends the program. */
void
ServerFailed(PGconn *conn, const PGresult *res)
{
	char	   *said = pg_strdup(res != NULL && PQresultErrorMessage(res)[0] != '\0' ? PQresultErrorMessage(res) : PQerrorMessage(conn));

	(void) pg_strip_crlf(said);
	if (SqlState(res)[0] != '\0')
		pg_log_error("%s (SQLSTATE %s)", said, SqlState(res));
	else
		pg_log_error("%s", said);
	exit(StopRequested ? EXIT_STOPPED : EXIT_SERVER);
}

/* The SQLSTATE of a result, or "". */
const char *
SqlState(const PGresult *res)
{
	const char *state = res != NULL ? PQresultErrorField(res, PG_DIAG_SQLSTATE) : NULL;

	return state != NULL ? state : "";
}

/* Runs a query that must return rows; ends the program if it does not. */
PGresult *
Query(PGconn *conn, const char *sql, int nparams, const char *const *params)
{
	PGresult   *res = PQexecParams(conn, sql, nparams, NULL, params, NULL, NULL, 0);

	if (PQresultStatus(res) != PGRES_TUPLES_OK)
		ServerFailed(conn, res);
	return res;
}

/* Runs a command that returns nothing; ends the program if it fails. */
void
Command(PGconn *conn, const char *sql)
{
	PGresult   *res = PQexec(conn, sql);

	if (PQresultStatus(res) != PGRES_COMMAND_OK)
		ServerFailed(conn, res);
	PQclear(res);
}

/* Asks the server to stop what it does for us; the program ends when it has. */
static void
stop_signalled(int signo)
{
	int			save_errno = errno;
	char		ignored[256];

	(void) signo;
	StopRequested = true;
	if (cancel_target != NULL)
		(void) PQcancel(cancel_target, ignored, sizeof(ignored));
	errno = save_errno;
}

/* From now on SIGINT and SIGTERM end the program in order. */
void
CatchSignals(PGconn *conn)
{
	struct sigaction act;

	cancel_target = PQgetCancel(conn);
	memset(&act, 0, sizeof(act));
	act.sa_handler = stop_signalled;
	sigemptyset(&act.sa_mask);
	/* no SA_RESTART: a read from a pipe, and a sleep, end too; the second time it ends at once */
	act.sa_flags = SA_RESETHAND;
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
}
