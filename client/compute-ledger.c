/*
 * compute-ledger.c
 *		A client of the ledger: loads usage from files, and shows how the ledger is.
 */
#include "postgres_fe.h"

#include "check.h"
#include "common/logging.h"
#include "connect.h"
#include "getopt_long.h"
#include "health.h"
#include "load.h"
#include "mb/pg_wchar.h"

/* Rows of a chunk, unless something else is said. */
#define DEFAULT_CHUNK	100000

/* Options without a letter. */
enum
{
	OPT_AGAIN = 1000,
	OPT_BASIS,
	OPT_CHECK,
	OPT_CHUNK,
	OPT_ENCODING,
	OPT_INBOX_ONLY,
	OPT_LINES,
	OPT_NAME,
	OPT_REJECTED,
	OPT_SOURCE,
	OPT_WATCH
};

static const char *const help =
"compute-ledger loads usage into a ledger in PostgreSQL, and shows how the ledger is.\n"
"\n"
"Usage:\n"
"  compute-ledger load [OPTION]... FILE...\n"
"  compute-ledger health [OPTION]...\n"
"\n"
"A FILE is CSV with the columns of usage_inbox, or of docs/usage-file.md; - is standard input.\n"
"\n"
"Options of load:\n"
"      --again            load also what was loaded before\n"
"      --basis=NAME       normalise records in this basis (default: bf16)\n"
"      --check            write nothing; say which rows are there, differ, or are new\n"
"      --chunk=ROWS       rows in one transaction (default: 100000)\n"
"      --encoding=NAME    encoding of the files (default: UTF8)\n"
"      --inbox-only       put the rows into the inbox, and accept nothing\n"
"      --lines            number the rows of the inbox by their lines; for its owner\n"
"      --name=TEXT        what rows of a usage file without a job are named by (default: the name of the file)\n"
"  -q, --quiet            neither progress nor counts\n"
"      --rejected=FILE    where rows go that are refused (default: FILE.rejected.csv)\n"
"      --source=NAME      source of all records, whatever the file says\n"
"\n"
"Options of health:\n"
"      --watch=SECONDS    again and again\n"
"\n"
"Options of the connection, otherwise as the PG* variables have it:\n"
"  -d, --dbname=DBNAME    database, or a connection string without a password in it\n"
"  -h, --host=HOSTNAME    host, or folder of the socket\n"
"  -p, --port=PORT        port\n"
"  -U, --username=NAME    user\n"
"  -w, --no-password      never ask for a password\n"
"  -W, --password         ask for a password\n"
"\n"
"  -V, --version          show the version\n"
"  -?, --help             show this\n"
"\n"
"It ends with 0: all rows are in the ledger; 1: an option or a file will not do; 2: no connection, or the\n"
"server refused; 3: some rows were refused; 4: it was interrupted.\n";

/* Ends the program because of how it was called. */
static void
usage_failed(void)
{
	pg_log_error_hint("Try \"compute-ledger --help\".");
	exit(EXIT_USAGE);
}

/* Reads a whole number of an option. */
static int
option_number(const char *option, const char *value, int max)
{
	char	   *end;
	long		n;

	errno = 0;
	n = strtol(value, &end, 10);
	if (errno != 0 || end == value || *end != '\0' || n < 1 || n > max)
	{
		pg_log_error("%s needs a whole number from 1 to %d, not \"%s\"", option, max, value);
		usage_failed();
	}
	return (int) n;
}

/* What the user asks for. */
typedef struct Options
{
	ConnectOptions connect;
	LoadOptions load;
	bool		check;
	int			watch;			/* seconds; 0: once */
	const char *load_option;	/* one of those that are load's alone */
} Options;

/* Prints what --help and --version ask for, wherever they stand; true if one is there. */
static bool
print_help(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
	{
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-?") == 0)
			fputs(help, stdout);
		else if (strcmp(argv[i], "--version") == 0 || strcmp(argv[i], "-V") == 0)
			printf("compute-ledger " CLIENT_VERSION " (PostgreSQL " PG_VERSION ")\n");
		else
			continue;
		return true;
	}
	return false;
}

/* Reads the options; ends the program if they will not do. */
static void
read_options(int argc, char **argv, Options *options)
{
	static const struct option long_options[] = {
		{"again", no_argument, NULL, OPT_AGAIN},
		{"basis", required_argument, NULL, OPT_BASIS},
		{"check", no_argument, NULL, OPT_CHECK},
		{"chunk", required_argument, NULL, OPT_CHUNK},
		{"dbname", required_argument, NULL, 'd'},
		{"encoding", required_argument, NULL, OPT_ENCODING},
		{"help", no_argument, NULL, '?'},
		{"host", required_argument, NULL, 'h'},
		{"inbox-only", no_argument, NULL, OPT_INBOX_ONLY},
		{"lines", no_argument, NULL, OPT_LINES},
		{"name", required_argument, NULL, OPT_NAME},
		{"no-password", no_argument, NULL, 'w'},
		{"password", no_argument, NULL, 'W'},
		{"port", required_argument, NULL, 'p'},
		{"quiet", no_argument, NULL, 'q'},
		{"rejected", required_argument, NULL, OPT_REJECTED},
		{"source", required_argument, NULL, OPT_SOURCE},
		{"username", required_argument, NULL, 'U'},
		{"version", no_argument, NULL, 'V'},
		{"watch", required_argument, NULL, OPT_WATCH},
		{NULL, 0, NULL, 0}
	};
	int			c;

	while ((c = getopt_long(argc, argv, "d:h:p:qU:wW", long_options, NULL)) != -1)
	{
		if (c >= OPT_AGAIN && c < OPT_WATCH)
			options->load_option = argv[optind - 1];
		switch (c)
		{
			case OPT_AGAIN:
				options->load.again = true;
				break;
			case OPT_BASIS:
				options->load.basis = optarg;
				break;
			case OPT_CHECK:
				options->check = true;
				break;
			case OPT_CHUNK:
				options->load.file.chunk_rows = option_number("--chunk", optarg, 10000000);
				break;
			case OPT_ENCODING:
				options->connect.encoding = optarg;
				options->load.file.encoding = pg_char_to_encoding(optarg);
				if (options->load.file.encoding < 0)
				{
					pg_log_error("there is no encoding \"%s\"", optarg);
					usage_failed();
				}
				break;
			case OPT_INBOX_ONLY:
				options->load.file.inbox_only = true;
				break;
			case OPT_LINES:
				options->load.file.lines = true;
				break;
			case OPT_NAME:
				options->load.file.name = optarg;
				break;
			case OPT_REJECTED:
				options->load.refused_path = optarg;
				break;
			case OPT_SOURCE:
				options->load.file.source = optarg;
				break;
			case OPT_WATCH:
				options->watch = option_number("--watch", optarg, 86400);
				break;
			case 'd':
				options->connect.dbname = optarg;
				break;
			case 'h':
				options->connect.host = optarg;
				break;
			case 'p':
				options->connect.port = optarg;
				break;
			case 'q':
				options->load.quiet = true;
				break;
			case 'U':
				options->connect.user = optarg;
				break;
			case 'w':
				options->connect.ask = ASK_NEVER;
				break;
			case 'W':
				options->connect.ask = ASK_ALWAYS;
				break;
			default:
				/* getopt_long() has said what is wrong */
				usage_failed();
		}
	}
}

int
main(int argc, char **argv)
{
	Options		options = {.connect = {.encoding = "UTF8"}, .load = {.file = {.encoding = PG_UTF8, .chunk_rows = DEFAULT_CHUNK}, .basis = "bf16"}};
	bool		is_load;
	PGconn	   *conn;
	ExitCode	result = EXIT_DONE;

	pg_logging_init(argv[0]);
	pg_logging_set_level(PG_LOG_INFO);
	if (print_help(argc, argv))
		return EXIT_DONE;
	read_options(argc, argv, &options);
	if (optind >= argc)
	{
		pg_log_error("there is no command");
		usage_failed();
	}
	is_load = strcmp(argv[optind], "load") == 0;
	if (!is_load && strcmp(argv[optind], "health") != 0)
	{
		pg_log_error("there is no command \"%s\"", argv[optind]);
		usage_failed();
	}
	optind++;
	if (is_load ? options.watch > 0 : options.load_option != NULL)
	{
		pg_log_error("%s is no option of %s", is_load ? "--watch" : options.load_option, is_load ? "load" : "health");
		usage_failed();
	}
	if (is_load ? optind == argc : optind < argc)
	{
		pg_log_error(is_load ? "load needs a file" : "health takes no argument");
		usage_failed();
	}
	if (options.load.refused_path != NULL && optind + 1 < argc)
	{
		pg_log_error("--rejected goes with one file");
		usage_failed();
	}

	conn = Connect(&options.connect);
	CatchSignals(conn);
	if (!is_load)
		result = ShowHealth(conn, options.watch);
	else
		for (; optind < argc; optind++)
		{
			ExitCode	of_file = options.check ? CheckFile(conn, argv[optind], &options.load) : LoadFile(conn, argv[optind], &options.load);

			result = Max(result, of_file);
		}
	PQfinish(conn);
	return result;
}
