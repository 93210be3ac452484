#include "load.h"
ExitCode
CheckFile(PGconn *conn, const char *path, const LoadOptions *options)
{
	(void) conn; (void) path; (void) options;
	return EXIT_USAGE;
}
