/*
 * usage_cell.c
 *		Reading the cells of usage records that came as text.
 *
 * One bad cell among a million must not stop the others, so the readers give NULL for
 * what they cannot read, and usage_cell_error() says afterwards, of the few, what was wrong.
 * An empty text is the same as NULL: no value.
 *
 * The common forms are read here, without anything that can raise.  Whatever else
 * there is goes through core's input functions, softly; before PostgreSQL 16 that
 * costs a subtransaction.  That is why the functions are parallel unsafe.  Instants are
 * read in usage_instant.c.
 */
#define COMPAT_INPUT_SOFTLY
#include "base/compat.h"

#include <ctype.h>

#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"

#include "quantity/compute_unit.h"
#include "quantity/quantity_type.h"
#include "usage/usage_cell.h"
#include "usage/usage_instant.h"

/* A JSON text that is nested deeper could exhaust the stack, which is no soft error. */
#define MAX_NESTING		500

/* A number of more characters than these could be out of numeric's range. */
#define MAX_DECIMAL		1000

/* Achieved work of one record, at most: 1 QFLOP. */
#define MAX_WORK		((int128) 1000000000000000 * 1000000000000000)

/* ---- numbers, booleans, objects ---- */

/* Whether a text is a decimal number in numeric's range, and an integer of up to 18 digits (*small). */
static bool
is_decimal(const char *str, Size len, bool *is_small, int64 *small)
{
	const char *p = str;
	const char *end = str + len;
	const char *start;
	bool		negative = false;
	bool		any = false;
	int64		v = 0;

	if (len == 0 || len > MAX_DECIMAL)
		return false;
	if (*p == '-' || *p == '+')
		negative = *p++ == '-';
	start = p;
	for (; p < end && isdigit((unsigned char) *p); p++)
	{
		if (p - start < 18)
			v = v * 10 + (*p - '0');
		any = true;
	}
	*is_small = any && p == end && p - start <= 18;
	*small = negative ? -v : v;
	if (p < end && *p == '.')
		for (p++; p < end && isdigit((unsigned char) *p); p++)
			any = true;
	if (!any)
		return false;
	if (p < end && (*p == 'e' || *p == 'E'))
	{
		p++;
		if (p < end && (*p == '-' || *p == '+'))
			p++;
		if (p == end || end - p > 3)
			return false;
		while (p < end && isdigit((unsigned char) *p))
			p++;
	}
	return p == end;
}

/* Reads a number, without trailing zeros, so that equal ones are stored alike. */
bool
ReadNumericCell(text *cell, Datum *result)
{
	bool		is_small;
	int64		small;
	Datum		d;

	if (VARSIZE_ANY_EXHDR(cell) == 0)
		return false;
	if (is_decimal(VARDATA_ANY(cell), VARSIZE_ANY_EXHDR(cell), &is_small, &small))
	{
		if (is_small)
		{
			*result = NumericGetDatum(int64_to_numeric(small));
			return true;
		}
		d = DirectFunctionCall3(numeric_in, CStringGetDatum(text_to_cstring(cell)),
								ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
	}
	else if (!InputSoftly(numeric_in, text_to_cstring(cell), InvalidOid, -1, &d, NULL))
		return false;
	*result = DirectFunctionCall1(numeric_trim_scale, d);
	return true;
}

/* _usage_numeric(text) -> numeric */
PG_FUNCTION_INFO_V1(usage_numeric);
Datum
usage_numeric(PG_FUNCTION_ARGS)
{
	Datum		result;

	if (!ReadNumericCell(PG_GETARG_TEXT_PP(0), &result))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(result);
}

/* Reads a revision: a whole number from 0 to 2147483647. */
bool
ReadRevisionCell(text *cell, int32 *result)
{
	bool		is_small;
	int64		small;

	if (!is_decimal(VARDATA_ANY(cell), VARSIZE_ANY_EXHDR(cell), &is_small, &small) ||
		!is_small || small < 0 || small > PG_INT32_MAX)
		return false;
	*result = (int32) small;
	return true;
}

/* _usage_revision(text) -> integer */
PG_FUNCTION_INFO_V1(usage_revision);
Datum
usage_revision(PG_FUNCTION_ARGS)
{
	int32		result;

	if (!ReadRevisionCell(PG_GETARG_TEXT_PP(0), &result))
		PG_RETURN_NULL();
	PG_RETURN_INT32(result);
}

/* Reads a truth value, in the words of type boolean. */
bool
ReadBooleanCell(text *cell, bool *result)
{
	const char *str = VARDATA_ANY(cell);
	Size		len = VARSIZE_ANY_EXHDR(cell);

	while (len > 0 && isspace((unsigned char) *str))
		str++, len--;
	while (len > 0 && isspace((unsigned char) str[len - 1]))
		len--;
	/* it looks at the first character of nothing, too */
	return len > 0 && parse_bool_with_len(str, len, result);
}

/* _usage_boolean(text) -> boolean */
PG_FUNCTION_INFO_V1(usage_boolean);
Datum
usage_boolean(PG_FUNCTION_ARGS)
{
	bool		result;

	if (!ReadBooleanCell(PG_GETARG_TEXT_PP(0), &result))
		PG_RETURN_NULL();
	PG_RETURN_BOOL(result);
}

/* Whether brackets are nested so deep that reading the text could exhaust the stack. */
static bool
is_too_deep(const char *str, Size len)
{
	int			depth = 0;
	bool		quoted = false;

	for (Size i = 0; i < len; i++)
	{
		if (quoted)
		{
			if (str[i] == '\\')
				i++;
			else if (str[i] == '"')
				quoted = false;
		}
		else if (str[i] == '"')
			quoted = true;
		else if (str[i] == '{' || str[i] == '[')
		{
			if (++depth > MAX_NESTING)
				return true;
		}
		else if (str[i] == '}' || str[i] == ']')
			depth--;
	}
	return false;
}

/*
 * Whether a text is a flat JSON object of plain strings, small integers, true, false and
 * null: nothing about it that jsonb_in could refuse.
 */
static bool
is_plain_object(const char *str, Size len)
{
	const char *p = str;
	const char *end = str + len;
	int			pairs = 0;

#define SKIP_BLANKS() while (p < end && (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r')) p++
#define SKIP_STRING() \
	do { \
		if (p >= end || *p != '"') \
			return false; \
		for (p++; p < end && *p != '"'; p++) \
			if (*p == '\\' || (unsigned char) *p < ' ') \
				return false; \
		if (p++ >= end) \
			return false; \
	} while (0)
#define SKIP_WORD(word) \
	(end - p >= (ptrdiff_t) sizeof(word) - 1 && memcmp(p, word, sizeof(word) - 1) == 0 && (p += sizeof(word) - 1, true))

	if (len > 100000)
		return false;
	SKIP_BLANKS();
	if (p >= end || *p++ != '{')
		return false;
	SKIP_BLANKS();
	if (p < end && *p == '}')
		p++;
	else
		for (;;)
		{
			SKIP_BLANKS();
			SKIP_STRING();
			SKIP_BLANKS();
			if (p >= end || *p++ != ':')
				return false;
			SKIP_BLANKS();
			if (p < end && *p == '"')
				SKIP_STRING();
			else if (p < end && *p >= '1' && *p <= '9')
			{
				const char *start = p;

				while (p < end && isdigit((unsigned char) *p))
					p++;
				if (p - start > 18)
					return false;
			}
			else if (!SKIP_WORD("true") && !SKIP_WORD("false") && !SKIP_WORD("null"))
				return false;
			pairs++;
			SKIP_BLANKS();
			if (p >= end)
				return false;
			if (*p == '}')
			{
				p++;
				break;
			}
			if (*p++ != ',')
				return false;
		}
	SKIP_BLANKS();
	return p == end && pairs <= 10000;
#undef SKIP_BLANKS
#undef SKIP_STRING
#undef SKIP_WORD
}

/* Reads labels, which are a JSON object. */
bool
ReadLabelsCell(text *cell, Datum *result)
{
	const char *str = VARDATA_ANY(cell);
	Size		len = VARSIZE_ANY_EXHDR(cell);

	if (len == 0)
		return false;
	if (is_plain_object(str, len))
		*result = DirectFunctionCall1(jsonb_in, CStringGetDatum(text_to_cstring(cell)));
	else if (is_too_deep(str, len) ||
			 !InputSoftly(jsonb_in, text_to_cstring(cell), InvalidOid, -1, result, NULL))
		return false;
	return JB_ROOT_IS_OBJECT(DatumGetJsonbP(*result));
}

/* _usage_labels(text) -> jsonb */
PG_FUNCTION_INFO_V1(usage_labels);
Datum
usage_labels(PG_FUNCTION_ARGS)
{
	Datum		result;

	if (!ReadLabelsCell(PG_GETARG_TEXT_PP(0), &result))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(result);
}

/*
 * Reads work that was done.  It counts operations as such, and is from 0 to MAX_WORK: one record
 * must not take the sums of all beyond what a compute_unit holds.
 */
bool
ReadWorkCell(text *cell, Datum *result)
{
	int128		amount;
	uint16		basis;

	if (VARSIZE_ANY_EXHDR(cell) == 0 ||
		QuantityParse(text_to_cstring(cell), QUANTITY_UNIT, &amount, &basis) != QUANTITY_PARSE_OK ||
		basis != BASIS_FLOP || amount < 0 || amount > MAX_WORK)
		return false;
	*result = PointerGetDatum(QuantityMake(amount, basis));
	return true;
}

/* _usage_work(text) -> compute_unit */
PG_FUNCTION_INFO_V1(usage_work);
Datum
usage_work(PG_FUNCTION_ARGS)
{
	Datum		result;

	if (!ReadWorkCell(PG_GETARG_TEXT_PP(0), &result))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(result);
}

/* ---- what was wrong ---- */

/* Makes a text of a cell for a message: its beginning, if it is long. */
static char *
cell_excerpt(const char *str)
{
	int			len = pg_mbcliplen(str, strlen(str), 80);

	return str[len] == '\0' ? pstrdup(str) : psprintf("%.*s...", len, str);
}

/*
 * _usage_cell_error(name text, cell text, time_zone text, unix_seconds boolean,
 *		OUT sqlstate text, OUT reason text, OUT detail text, OUT hint text)
 *
 * What is wrong with a cell that the reader for it gave NULL for; all NULL if nothing is.
 */
PG_FUNCTION_INFO_V1(usage_cell_error);
Datum
usage_cell_error(PG_FUNCTION_ARGS)
{
	char	   *name;
	text	   *cell;
	char	   *str;
	int			code = ERRCODE_INVALID_TEXT_REPRESENTATION;
	char	   *detail = NULL;
	char	   *hint = "Mend the cell where the record comes from, and send it again.";
	bool		bad = false;
	ErrorData  *error = NULL;
	TupleDesc	tupdesc;
	Datum		values[4];
	bool		nulls[4] = {false, false, false, false};
	Datum		d;

	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	cell = PG_GETARG_TEXT_PP(1);
	str = text_to_cstring(cell);
	if (strcmp(name, "started_at") == 0 || strcmp(name, "ended_at") == 0)
	{
		text	   *time_zone = PG_ARGISNULL(2) ? NULL : PG_GETARG_TEXT_PP(2);
		TimestampTz at;
		InstantFault fault = ReadInstant(cell, time_zone, !PG_ARGISNULL(3) && PG_GETARG_BOOL(3), &at);

		bad = fault != INSTANT_OK;
		if (bad)
		{
			code = ERRCODE_INVALID_DATETIME_FORMAT;
			DescribeInstantFault(fault, cell, time_zone, &detail, &hint);
		}
	}
	else if (strcmp(name, "devices") == 0)
		bad = !InputSoftly(numeric_in, str, InvalidOid, -1, &d, &error);
	else if (strcmp(name, "achieved_work") == 0)
	{
		int128		amount;
		uint16		basis;

		bad = !InputSoftly(compute_unit_in, str, InvalidOid, -1, &d, &error);
		if (!bad)
		{
			amount = QuantityAmount(DatumGetQuantityP(d));
			basis = QuantityBasis(DatumGetQuantityP(d));
			bad = basis != BASIS_FLOP || amount < 0 || amount > MAX_WORK;
			if (basis != BASIS_FLOP)
			{
				code = ERRCODE_INVALID_PARAMETER_VALUE;
				detail = "It counts operations as such, in no basis.";
			}
			else if (bad)
			{
				code = ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE;
				detail = "It is from 0 to 1 QFLOP.";
			}
		}
	}
	else if (strcmp(name, "labels") == 0)
	{
		bad = !ReadLabelsCell(cell, &d);
		if (bad && is_too_deep(str, strlen(str)))
		{
			code = ERRCODE_PROGRAM_LIMIT_EXCEEDED;
			detail = psprintf("It is nested deeper than %d.", MAX_NESTING);
		}
		else if (bad && InputSoftly(jsonb_in, str, InvalidOid, -1, &d, &error))
		{
			code = ERRCODE_INVALID_PARAMETER_VALUE;
			detail = "It is JSON, but not an object.";
		}
	}
	else if (strcmp(name, "revision") == 0)
	{
		int32		revision;
		bool		is_small;
		int64		small;

		bad = !ReadRevisionCell(cell, &revision);
		if (bad && is_decimal(str, strlen(str), &is_small, &small))
			code = ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE;
		detail = "A revision is a whole number from 0 to 2147483647.";
	}
	else
	{
		/* one of a few words; whoever calls this has found that it is none of them */
		bad = true;
		if (strcmp(name, "measure") == 0)
			detail = "A measure is reserved, allocated or used.";
		else if (strcmp(name, "number_format") == 0)
			detail = "A number format is fp64, fp32, tf32, fp16, bf16, fp8, fp6, fp4, int8 or int4.";
		else if (strcmp(name, "retracted") == 0)
			detail = "It is either true or false.";
	}
	if (!bad)
		PG_RETURN_NULL();
	if (error != NULL)
	{
		code = error->sqlerrcode;
		detail = error->detail != NULL ? psprintf("%s: %s", error->message, error->detail) : error->message;
	}
	values[0] = CStringGetTextDatum(unpack_sql_state(code));
	values[1] = CStringGetTextDatum(psprintf("cannot read %s \"%s\"", name, cell_excerpt(str)));
	if (detail != NULL)
		values[2] = CStringGetTextDatum(detail);
	else
		nulls[2] = true;
	values[3] = CStringGetTextDatum(hint);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc), values, nulls)));
}
