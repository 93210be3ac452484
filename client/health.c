/*
 * health.c
 *		What ledger_health says, on a terminal or in a pipe.
 */
#include "health.h"

#include <time.h>
#include <unistd.h>

#include "mb/pg_wchar.h"

/* How many columns of a terminal a text takes. */
static int
display_width(const char *text, int encoding)
{
	int			width = 0;

	while (*text != '\0')
	{
		int			w = PQdsplen(text, encoding);
		int			len = PQmblenBounded(text, encoding);

		width += Max(w, 0);
		text += Max(len, 1);
	}
	return width;
}

/* Prints a text in so many columns, to the left or to the right; line ends and the like as blanks. */
static void
print_padded(const char *text, int width, int encoding, bool right)
{
	int			pad = width - display_width(text, encoding);

	if (right && pad > 0)
		printf("%*s", pad, "");
	for (; *text != '\0'; text++)
		putchar((unsigned char) *text < ' ' || *text == '\177' ? ' ' : *text);
	if (!right && pad > 0)
		printf("%*s", pad, "");
}

/* Whether a column is of numbers. */
static bool
is_number(Oid type)
{
	return type == 20 || type == 21 || type == 23 || type == 700 || type == 701 || type == 1700;
}

/* Prints one row as a list of columns and values. */
static void
print_row(const PGresult *res, int encoding)
{
	int			width = 0;

	for (int c = 0; c < PQnfields(res); c++)
		width = Max(width, display_width(PQfname(res, c), encoding));
	for (int c = 0; c < PQnfields(res); c++)
	{
		print_padded(PQfname(res, c), width, encoding, false);
		printf("  ");
		print_padded(PQgetvalue(res, 0, c), 0, encoding, false);
		printf("\n");
	}
}

/* Prints rows as a table. */
static void
print_table(const PGresult *res, int encoding)
{
	int			ncolumns = PQnfields(res);
	int		   *width = pg_malloc(ncolumns * sizeof(int));

	for (int c = 0; c < ncolumns; c++)
	{
		width[c] = display_width(PQfname(res, c), encoding);
		for (int r = 0; r < PQntuples(res); r++)
			width[c] = Max(width[c], display_width(PQgetvalue(res, r, c), encoding));
	}
	for (int r = -1; r < PQntuples(res); r++)
	{
		for (int c = 0; c < ncolumns; c++)
		{
			bool		right = is_number(PQftype(res, c));

			if (c > 0)
				printf("  ");
			print_padded(r < 0 ? PQfname(res, c) : PQgetvalue(res, r, c), c == ncolumns - 1 && !right ? 0 : width[c], encoding, right);
		}
		printf("\n");
	}
	free(width);
}

/* Prints ledger_health, every so many seconds if that is not 0. */
ExitCode
ShowHealth(PGconn *conn, int watch_seconds)
{
	for (;;)
	{
		PGresult   *res = Query(conn, "SELECT * FROM compute_ledger.ledger_health", 0, NULL);
		int			encoding = PQclientEncoding(conn);

		if (watch_seconds > 0)
		{
			time_t		now = time(NULL);
			char		at[64];

			strftime(at, sizeof(at), "%Y-%m-%d %H:%M:%S %Z", localtime(&now));
			/* a terminal shows the last one only */
			printf("%s%s\n\n", isatty(STDOUT_FILENO) ? "\033[H\033[2J" : "", at);
		}
		if (PQntuples(res) == 1)
			print_row(res, encoding);
		else
			print_table(res, encoding);
		if (watch_seconds > 0 && !isatty(STDOUT_FILENO))
			printf("\n");
		PQclear(res);
		if (fflush(stdout) != 0)
			return EXIT_USAGE;
		if (watch_seconds == 0)
			return EXIT_DONE;
		for (int i = 0; i < watch_seconds && !StopRequested; i++)
			pg_usleep(1000000L);
		if (StopRequested)
			return EXIT_DONE;
	}
}
