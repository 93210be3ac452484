/*
 * composite.c
 *		Composite values and arrays of them, taken apart.
 *
 * Values point into what was read.
 */
#include "base/compat.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "placement/composite.h"

/* Returns the number of a type of the extension. */
Oid
CompositeType(const char *name)
{
	return GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum(name), ObjectIdGetDatum(get_namespace_oid("compute_ledger", false)));
}

/* Reads columns of values of one type; NULL is refused, and NULL in the first columns. */
static void
read_values(const Datum *values, const bool *nulls, int count, const RowColumn *columns, int ncolumns, int required, const char *what,
			Composites *rows)
{
	TupleDesc	desc = NULL;
	Datum	   *all = NULL;
	bool	   *all_nulls = NULL;
	int		   *numbers = palloc(ncolumns * sizeof(int));

	*rows = (Composites) {count, ncolumns, palloc((size_t) count * ncolumns * sizeof(Datum)), palloc((size_t) count * ncolumns * sizeof(bool))};
	for (int i = 0; i < count; i++)
	{
		HeapTupleHeader header;
		HeapTupleData tuple = {0};

		if (nulls != NULL && nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("one of %s is NULL", what)));
		header = DatumGetHeapTupleHeader(values[i]);
		if (desc == NULL)
		{
			desc = lookup_rowtype_tupdesc_copy(HeapTupleHeaderGetTypeId(header), HeapTupleHeaderGetTypMod(header));
			for (int column = 0; column < ncolumns; column++)
				numbers[column] = RowColumnNumber(desc, what, &columns[column]) - 1;
			all = palloc(desc->natts * sizeof(Datum));
			all_nulls = palloc(desc->natts * sizeof(bool));
		}
		tuple.t_len = HeapTupleHeaderGetDatumLength(header);
		tuple.t_data = header;
		heap_deform_tuple(&tuple, desc, all, all_nulls);
		for (int column = 0; column < ncolumns; column++)
		{
			CompositeValue(rows, i, column) = all[numbers[column]];
			CompositeIsNull(rows, i, column) = all_nulls[numbers[column]];
			if (column < required && CompositeIsNull(rows, i, column))
				RowNullError(what, columns[column].name);
		}
	}
}

/* Reads columns of one value. */
void
CompositeRead(Datum value, const RowColumn *columns, int ncolumns, int required, const char *what, Composites *rows)
{
	read_values(&value, NULL, 1, columns, ncolumns, required, what, rows);
}

/* Reads columns of each element of an array. */
void
CompositeReadArray(Datum array, const RowColumn *columns, int ncolumns, int required, const char *what, Composites *rows)
{
	ArrayType  *elements = DatumGetArrayTypeP(array);
	int16		size;
	bool		by_value;
	char		align;
	Datum	   *values;
	bool	   *nulls;
	int			count;

	get_typlenbyvalalign(ARR_ELEMTYPE(elements), &size, &by_value, &align);
	deconstruct_array(elements, ARR_ELEMTYPE(elements), size, by_value, align, &values, &nulls, &count);
	read_values(values, nulls, count, columns, ncolumns, required, what, rows);
}
