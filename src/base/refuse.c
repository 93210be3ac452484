/*
 * refuse.c
 *		Errors that are about what a user asked for.
 *
 * A function of the ledger that refuses something stands on others of its own, and PostgreSQL adds a line for each to
 * the error: a dozen lines on the inside of this extension under one that says what to do.  The lines of
 * functions outside are of use, and stay.
 */
#include "base/compat.h"

#include "utils/builtins.h"

#include "base/refuse.h"

/*
 * Says whether a line of context is about a function in schema compute_ledger.  Such a line names the function before
 * its arguments, in any language, and with its schema, since it is not on the search_path of what is running; a
 * statement stands between quotation marks.
 */
static bool
is_own_function(const char *line)
{
	const char *schema = strstr(line, "compute_ledger.");

	return schema != NULL && strcspn(line, "\"(") > (size_t) (schema - line);
}

/*
 * Leaves of the context of the error that is raised next what is outside the outermost function of ours.
 *
 * The stack is restored by whoever catches the error.
 */
void
HideOwnContext(void)
{
	ErrorContextCallback *stack = error_context_stack;
	ErrorContextCallback *rest = stack;

	for (ErrorContextCallback *frame = stack; frame != NULL; frame = frame->previous)
	{
		ErrorContextCallback alone = {.callback = frame->callback,.arg = frame->arg};
		char	   *line;

		error_context_stack = &alone;
		line = GetErrorContextStack();
		if (line != NULL && is_own_function(line))
			rest = frame->previous;
	}
	error_context_stack = rest;
}

/* Returns the text of an argument; NULL for NULL. */
static char *
text_argument(FunctionCallInfo fcinfo, int argument)
{
	return PG_ARGISNULL(argument) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(argument));
}

/*
 * _refuse(sqlstate text, message text, detail text, hint text, constraint text) -> void
 *
 * Raises an error, without what functions of ours it came through.  NULL for a detail, a hint or the name of a
 * constraint that it stands for: none.
 */
PG_FUNCTION_INFO_V1(refuse);
Datum
refuse(PG_FUNCTION_ARGS)
{
	char	   *sqlstate = text_argument(fcinfo, 0);
	char	   *message = text_argument(fcinfo, 1);
	char	   *detail = text_argument(fcinfo, 2);
	char	   *hint = text_argument(fcinfo, 3);
	char	   *constraint = text_argument(fcinfo, 4);

	if (sqlstate == NULL || strlen(sqlstate) != 5 || strspn(sqlstate, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 5)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("no SQLSTATE: %s", sqlstate ? sqlstate : "NULL")));
	HideOwnContext();
	ereport(ERROR,
			errcode(MAKE_SQLSTATE(sqlstate[0], sqlstate[1], sqlstate[2], sqlstate[3], sqlstate[4])),
			errmsg_internal("%s", message ? message : ""),
			detail ? errdetail_internal("%s", detail) : 0,
			hint ? errhint("%s", hint) : 0,
			constraint ? err_generic_string(PG_DIAG_CONSTRAINT_NAME, constraint) : 0);
}
