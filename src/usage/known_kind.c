/*
 * known_kind.c
 *		Reads usage_kind, for who reads many records.
 *
 * Millions of records are of some thousand kinds: these are read once, and what a reader makes of one it makes once, where
 * a join would hand all of its columns over with each record.
 */
#include "base/compat.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/datum.h"

#include "base/row_columns.h"
#include "usage/known_kind.h"

/* Columns of the query. */
enum
{
	KIND_NUMBER, KIND_REGION, KIND_BASIS, KIND_SHARE, KIND_ACCELERATOR, KIND_RATE, KIND_MEASURE, KIND_NUMBER_FORMAT, KIND_OWN
};

static const RowColumn known_kind_columns[] = {
	[KIND_NUMBER] = ROW_COLUMN("number", INT4OID),
	[KIND_REGION] = ROW_COLUMN("region", INT4OID),
	[KIND_BASIS] = ROW_COLUMN("basis", INT4OID),
	[KIND_SHARE] = ROW_COLUMN("share", INT4OID),
	[KIND_ACCELERATOR] = ROW_COLUMN_OWN("accelerator", "accelerator"),
	[KIND_RATE] = ROW_COLUMN_OWN("rate", "compute_rate"),
	[KIND_MEASURE] = ROW_COLUMN("measure", TEXTOID),
	[KIND_NUMBER_FORMAT] = ROW_COLUMN("number_format", TEXTOID),
	[KIND_OWN] = ROW_COLUMN("own", BOOLOID),
};

/* Takes a row. */
static void
take_kind(known_kinds_hash *kinds, MemoryContext context, HeapTuple row, TupleDesc desc)
{
	Datum		values[lengthof(known_kind_columns)];
	bool		nulls[lengthof(known_kind_columns)];
	MemoryContext previous;
	KnownKind  *kind;
	bool		found;

	heap_deform_tuple(row, desc, values, nulls);
	for (int i = 0; i < (int) lengthof(known_kind_columns); i++)
	{
		if (nulls[i] && i != KIND_SHARE && i != KIND_RATE && i != KIND_NUMBER_FORMAT)
			RowNullError("usage_kind", known_kind_columns[i].name);
	}
	previous = MemoryContextSwitchTo(context);
	kind = known_kinds_insert(kinds, DatumGetInt32(values[KIND_NUMBER]), &found);
	kind->own = DatumGetBool(values[KIND_OWN]);
	kind->region = DatumGetInt32(values[KIND_REGION]);
	kind->basis = DatumGetInt32(values[KIND_BASIS]);
	kind->share = nulls[KIND_SHARE] ? 0 : DatumGetInt32(values[KIND_SHARE]);
	memcpy(&kind->accelerator, DatumGetAcceleratorP(values[KIND_ACCELERATOR]), sizeof(Accelerator));
	kind->rate = nulls[KIND_RATE] ? NULL : DatumGetQuantityP(datumCopy(values[KIND_RATE], false, sizeof(Quantity)));
	kind->measure = PointerGetDatum(PG_DETOAST_DATUM_COPY(values[KIND_MEASURE]));
	kind->number_format = nulls[KIND_NUMBER_FORMAT] ? (Datum) 0 : PointerGetDatum(PG_DETOAST_DATUM_COPY(values[KIND_NUMBER_FORMAT]));
	kind->meaning = NULL;
	MemoryContextSwitchTo(previous);
}

/* Reads all kinds that the active snapshot has, into a context. */
known_kinds_hash *
KnownKindsRead(MemoryContext context)
{
	known_kinds_hash *kinds;

	SPI_connect();
	if (SPI_execute("SELECT k.number, k.region, k.basis, k.share, k.accelerator, k.rate, k.measure, k.number_format,"
					" k.source OPERATOR(pg_catalog.=) 'compute_ledger' AS own"
					" FROM compute_ledger.usage_kind AS k", true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read kinds of usage");
	RowColumnsCheck(SPI_tuptable->tupdesc, "usage_kind", known_kind_columns, lengthof(known_kind_columns));
	kinds = known_kinds_create(context, (uint32) Max(SPI_processed, 16), NULL);
	for (uint64 i = 0; i < SPI_processed; i++)
		take_kind(kinds, context, SPI_tuptable->vals[i], SPI_tuptable->tupdesc);
	SPI_finish();
	return kinds;
}

/* Raises for a record of a kind that is not there. */
void
KnownKindMissingError(int32 number)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("a record is of kind %d, which usage_kind has not", number)));
}
