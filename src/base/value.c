/*
 * value.c
 *		Values of any type: their text, and copies of them.
 */
#include "base/compat.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"

#include "base/value.h"

/* Returns the text of a value, as the session has it. */
char *
ValueText(Datum value, Oid type)
{
	Oid			output;
	bool		is_varlena;

	getTypeOutputInfo(type, &output, &is_varlena);
	return OidOutputFunctionCall(output, value);
}

/* Returns a copy of a value, detoasted. */
Datum
ValueCopy(Datum value, Oid type)
{
	int16		size;
	bool		by_value;

	get_typlenbyval(type, &size, &by_value);
	return size == -1 ? PointerGetDatum(PG_DETOAST_DATUM_COPY(value)) : datumCopy(value, by_value, size);
}

/* Returns a column of a row that SPI has just found, in a context that outlives SPI's; 0: it is NULL. */
Datum
ValueOfFound(HeapTuple row, int column, Oid type, MemoryContext context)
{
	bool		isnull;
	Datum		value = SPI_getbinval(row, SPI_tuptable->tupdesc, column, &isnull);
	MemoryContext old;

	if (isnull)
		return (Datum) 0;
	old = MemoryContextSwitchTo(context);
	value = ValueCopy(value, type);
	MemoryContextSwitchTo(old);
	return value;
}
