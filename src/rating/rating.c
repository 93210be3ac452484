/*
 * rating.c
 *		What all parts of the rating engine use.
 */
#include "base/compat.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "nodes/params.h"
#include "utils/builtins.h"

#include "base/decimal.h"
#include "base/refuse.h"
#include "rating/rating.h"

/* What is being rated, for errors: an account and a price; 0: none. */
static int64 rated_account;
static int64 rated_price;

/* Says what is being rated from now on. */
void
SetRated(int64 account, int64 price)
{
	rated_account = account;
	rated_price = price;
}

/* Returns the name of an account, or its number if it has none. */
static char *
account_name(int64 account)
{
	MemoryContext caller = CurrentMemoryContext;
	Oid			types[] = {INT8OID};
	Datum		values[] = {Int64GetDatum(account)};
	char	   *name;

	SPI_connect();
	RunRatingQuery("SELECT coalesce((SELECT name FROM compute_ledger.account WHERE id = $1), $1::pg_catalog.text)",
				   1, types, values, NULL, NULL);
	name = MemoryContextStrdup(caller, SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1));
	SPI_finish();
	return name;
}

/* Raises that a quantity does not fit. */
void
QuantityTooLargeError(void)
{
	HideOwnContext();
	if (rated_account == 0)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("unit of price %lld is out of range", (long long) rated_price),
				 errdetail("One of it does not fit in 128 bits.")));
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("usage of account \"%s\" is out of range", account_name(rated_account)),
			 rated_price == 0 ? errdetail("What it uses in a billing period does not fit in 128 bits.") :
			 errdetail("What it uses under price %lld in a billing period does not fit in 128 bits.",
					   (long long) rated_price),
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
	Decimal		d;
	int128		integer = 0;

	if (DecimalFromNumeric(DatumGetNumeric(value), &d) != DECIMAL_FINITE)
		return INT128_LARGEST;
	for (int i = 0; i <= d.weight; i++)
	{
		if (__builtin_mul_overflow(integer, (int128) DECIMAL_BASE, &integer) ||
			__builtin_add_overflow(integer, (int128) (i < d.ndigits ? DecimalDigit(&d, i) : 0), &integer))
			return INT128_LARGEST;
	}
	return integer;
}
