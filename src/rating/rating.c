/*
 * rating.c
 *		What all parts of the rating engine use.
 */
#include "base/compat.h"

#include "executor/spi.h"
#include "nodes/params.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "rating/rating.h"

/* Raises that a quantity does not fit. */
void
QuantityTooLargeError(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("usage out of range"),
			 errdetail("The usage of one payer in a billing period does not fit in 128 bits."),
			 errhint("Look for records with far too many devices, or with far too much work.")));
}

/* Returns the number of a name, which it gets if it is new. */
int
RatingName(Rating *rating, Datum text)
{
	struct varlena *name = PG_DETOAST_DATUM_PACKED(text);
	Size		length = VARSIZE_ANY_EXHDR(name);
	MemoryContext previous;

	for (int i = 0; i < rating->nnames; i++)
	{
		struct varlena *known = (struct varlena *) DatumGetPointer(rating->names[i]);

		if (VARSIZE_ANY_EXHDR(known) == length && memcmp(VARDATA_ANY(known), VARDATA_ANY(name), length) == 0)
			return i;
	}
	if (rating->nnames == PG_INT16_MAX)
		elog(ERROR, "too many names");
	previous = MemoryContextSwitchTo(rating->context);
	if (rating->names == NULL)
		rating->names = palloc(16 * sizeof(Datum));
	else if (rating->nnames >= 16 && (rating->nnames & (rating->nnames - 1)) == 0)
		rating->names = repalloc(rating->names, 2 * rating->nnames * sizeof(Datum));
	rating->names[rating->nnames] = PointerGetDatum(cstring_to_text_with_len(VARDATA_ANY(name), (int) length));
	MemoryContextSwitchTo(previous);
	return rating->nnames++;
}

/* Finds the first place of an account, or where it would stand. */
int
FirstPlace(const Rating *rating, int64 account)
{
	int			low = 0;
	int			high = rating->nplaces;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (rating->places[middle].account < account)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Whether the book bills usage of a measure in a billing period. */
bool
IsBilled(const Bill *bill, int measure)
{
	for (int i = 0; i < bill->nmeasures; i++)
	{
		if (bill->measures[i] == measure)
			return true;
	}
	return false;
}

/* Runs a query with parameters; its rows go to a receiver, or to SPI_tuptable. */
void
RunRatingQuery(const char *query, int nargs, const Oid *types,
			   const Datum *values, const bool *nulls, DestReceiver *receiver)
{
	SPIExecuteOptions options = {0};
	int			result;

	options.params = makeParamList(nargs);
	for (int i = 0; i < nargs; i++)
	{
		ParamExternData *param = &options.params->params[i];

		param->value = values[i];
		param->isnull = nulls != NULL && nulls[i];
		param->pflags = PARAM_FLAG_CONST;
		param->ptype = types[i];
	}
	options.read_only = true;
	options.dest = receiver;
	result = SPI_execute_extended(query, &options);
	if (result != SPI_OK_SELECT)
		elog(ERROR, "could not read what usage is rated by: %s", SPI_result_code_string(result));
}

/* Returns the whole part of a number that is not negative; the largest integer beyond 128 bits. */
int128
IntegerFromNumeric(Datum value)
{
	char	   *digits = DatumGetCString(DirectFunctionCall1(numeric_out, DirectFunctionCall2(numeric_trunc, value, Int32GetDatum(0))));
	int128		integer = 0;

	for (const char *c = digits; *c != '\0'; c++)
	{
		if (*c < '0' || *c > '9' ||
			__builtin_mul_overflow(integer, (int128) 10, &integer) || __builtin_add_overflow(integer, (int128) (*c - '0'), &integer))
			return INT128_LARGEST;
	}
	pfree(digits);
	return integer;
}
