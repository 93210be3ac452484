/*
 * row_columns.c
 *		Compares the columns of rows with what a reader expects.
 */
#include "base/compat.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/row_columns.h"

/* Returns the type that a column is to have. */
static Oid
expected_type(const RowColumn *column)
{
	if (OidIsValid(column->type))
		return column->type;
	return GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum(column->own),
						   ObjectIdGetDatum(get_namespace_oid("compute_ledger", false)));
}

/* Checks the type of one column; a domain is what it is over.  42804. */
static void
check_type(Form_pg_attribute att, const char *rows, const RowColumn *column)
{
	Oid			expected;

	if (att->atttypid == column->type)
		return;
	expected = expected_type(column);
	if (getBaseType(att->atttypid) != expected)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of %s is of type %s, not %s", column->name, rows,
						format_type_be(att->atttypid), format_type_be(expected)),
				 errhint("Give it back the type that it had.")));
}

/*
 * Returns the number of a column by its name, having checked its type: 42703 if it is
 * missing, 42804 if it is of another type.  rows says whose it is, as in: of ROWS.
 */
int
RowColumnNumber(TupleDesc desc, const char *rows, const RowColumn *column)
{
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (att->attisdropped || strcmp(NameStr(att->attname), column->name) != 0)
			continue;
		check_type(att, rows, column);
		return i + 1;
	}
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("column \"%s\" of %s does not exist", column->name, rows)));
}

/*
 * Checks the types of columns that are read by their places, which are those of the list:
 * 42703 or 42804.
 */
void
RowColumnsCheck(TupleDesc desc, const char *rows, const RowColumn *columns, int count)
{
	for (int i = 0; i < count; i++)
	{
		if (i >= desc->natts || TupleDescAttr(desc, i)->attisdropped)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("column \"%s\" of %s does not exist", columns[i].name, rows)));
		check_type(TupleDescAttr(desc, i), rows, &columns[i]);
	}
}

/* Puts a value into a column of a row that is made; NULL: nothing. */
void
RowPutPointer(Datum *values, bool *nulls, int column, const void *value)
{
	nulls[column] = value == NULL;
	values[column] = PointerGetDatum(value);
}

/* Raises 22004 for a NULL in a column that has none, as long as its constraint is there. */
void
RowNullError(const char *rows, const char *column)
{
	ereport(ERROR,
			(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
			 errmsg("column \"%s\" of %s is null", column, rows),
			 errhint("Give it a value, and back its NOT NULL constraint.")));
}
