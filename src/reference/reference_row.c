/*
 * reference_row.c
 *		Triggers of the reference tables: shipped rows are read-only, history stays.
 *
 * A reference table has a column shipped boolean (true for the rows that come with
 * the extension) and, where its rows have a history, recorded tstzrange: when this
 * database held the row to be true.  A current row's recorded range has no end.
 *
 * Whoever may write to the table writes plain INSERT, UPDATE and DELETE.
 * _reference_row_guard() refuses to touch a shipped row or a closed one and starts
 * a new recorded range for an updated row; _reference_row_history() puts what an
 * UPDATE or DELETE replaced back into the table, its recorded range closed.  So the
 * rows as of any moment are those WHERE recorded @> moment, and an UPDATE still
 * returns and counts the row that it was given.  The copy is written by an AFTER
 * trigger because before the change it would overlap the row that it is a copy of,
 * which the exclusion constraints refuse.
 *
 * Nothing is kept of a row that the same transaction made: nobody else has seen it.
 *
 * Scripts of this extension (CREATE and ALTER EXTENSION) pass unhindered: they
 * bring the shipped rows with their recorded ranges.
 */
#include "base/compat.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/rangetypes.h"
#include "utils/rel.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#include "base/errcodes.h"
#include "base/row_columns.h"

/* Whether a script of this very extension is running. */
static bool
in_own_script(void)
{
	return creating_extension &&
		CurrentExtensionObject == get_extension_oid("compute_ledger", true);
}

/* Returns the trigger's data, or raises if fn was called in any other way. */
static TriggerData *
get_trigger_data(FunctionCallInfo fcinfo, const char *fn)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" was not called by trigger manager", fn)));
	return (TriggerData *) fcinfo->context;
}

/* Raises 42703. */
static void
missing_column_error(Relation rel, const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("column \"%s\" of %s does not exist", name, RelationGetRelationName(rel))));
}

/* Returns the number of a column that must be of the given type, or 0 if there is none. */
static int
find_column(Relation rel, const char *name, Oid type)
{
	RowColumn	column = ROW_COLUMN(name, type);

	if (SPI_fnumber(RelationGetDescr(rel), name) <= 0)
		return 0;
	return RowColumnNumber(RelationGetDescr(rel), RelationGetRelationName(rel), &column);
}

/* Whether a row ships with the extension. */
static bool
row_is_shipped(HeapTuple tuple, Relation rel, int attnum)
{
	bool		isnull;
	Datum		d = heap_getattr(tuple, attnum, RelationGetDescr(rel), &isnull);

	return !isnull && DatumGetBool(d);
}

/* Reads a row's recorded range.  The column is NOT NULL and never empty by constraint. */
static void
get_recorded(HeapTuple tuple, Relation rel, int attnum, RangeBound *lower, RangeBound *upper)
{
	TypeCacheEntry *typcache = lookup_type_cache(TSTZRANGEOID, TYPECACHE_RANGE_INFO);
	bool		isnull;
	bool		empty;
	Datum		d = heap_getattr(tuple, attnum, RelationGetDescr(rel), &isnull);

	if (isnull)
		RowNullError(RelationGetRelationName(rel), "recorded");
	range_deserialize(typcache, DatumGetRangeTypeP(d), lower, upper, &empty);
}

/* Returns a copy of a row with another recorded range. */
static HeapTuple
set_recorded(HeapTuple tuple, Relation rel, int attnum, RangeBound *lower, RangeBound *upper)
{
	TypeCacheEntry *typcache = lookup_type_cache(TSTZRANGEOID, TYPECACHE_RANGE_INFO);
	Datum		value = RangeTypePGetDatum(make_range(typcache, lower, upper, false, NULL));
	bool		isnull = false;

	return heap_modify_tuple_by_cols(tuple, RelationGetDescr(rel), 1, &attnum, &value, &isnull);
}

/*
 * Returns the moment at which a row that was recorded from lower on ends: this
 * transaction's start, as now() would say, so that all of its changes appear
 * together.  A transaction that began before the row was made gets the clock.
 */
static RangeBound
closing_bound(const RangeBound *lower)
{
	RangeBound	bound = {0};
	TimestampTz now = GetCurrentTransactionStartTimestamp();

	if (!lower->infinite && now <= DatumGetTimestampTz(lower->val))
		now = Max(GetCurrentTimestamp(), DatumGetTimestampTz(lower->val) + 1);
	bound.val = TimestampTzGetDatum(now);
	return bound;
}

/* Whether the current transaction made this row. */
static bool
row_is_own(HeapTuple tuple)
{
	return TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(tuple->t_data));
}

/* Whether two rows are the same but for their recorded range. */
static bool
rows_are_equal(HeapTuple a, HeapTuple b, Relation rel, int recorded)
{
	TupleDesc	tupdesc = RelationGetDescr(rel);

	for (int i = 1; i <= tupdesc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(tupdesc, i - 1);
		bool		anull;
		bool		bnull;
		Datum		aval;
		Datum		bval;

		if (att->attisdropped || i == recorded)
			continue;
		aval = heap_getattr(a, i, tupdesc, &anull);
		bval = heap_getattr(b, i, tupdesc, &bnull);
		if (anull != bnull)
			return false;
		if (!anull && !datum_image_eq(aval, bval, att->attbyval, att->attlen))
			return false;
	}
	return true;
}

/* Raises if an UPDATE changes one of the columns that the trigger's arguments name. */
static void
check_fixed_columns(TriggerData *trigdata)
{
	Relation	rel = trigdata->tg_relation;
	TupleDesc	tupdesc = RelationGetDescr(rel);

	for (int i = 0; i < trigdata->tg_trigger->tgnargs; i++)
	{
		char	   *name = trigdata->tg_trigger->tgargs[i];
		int			attnum = SPI_fnumber(tupdesc, name);
		Form_pg_attribute att;
		bool		oldnull;
		bool		newnull;
		Datum		oldval;
		Datum		newval;

		if (attnum <= 0)
			missing_column_error(rel, name);
		att = TupleDescAttr(tupdesc, attnum - 1);
		oldval = heap_getattr(trigdata->tg_trigtuple, attnum, tupdesc, &oldnull);
		newval = heap_getattr(trigdata->tg_newtuple, attnum, tupdesc, &newnull);
		if (oldnull != newnull ||
			(!oldnull && !datum_image_eq(oldval, newval, att->attbyval, att->attlen)))
			ereport(ERROR,
					(errcode(ERRCODE_RESTRICT_VIOLATION),
					 errmsg("cannot change column \"%s\" of table \"%s\"",
							name, RelationGetRelationName(rel)),
					 errdetail("Stored quantities may depend on it, and no record is kept of which do."),
					 errhint("Insert another row."),
					 errtablecol(rel, attnum)));
	}
}

/*
 * Guards the rows of a reference table: BEFORE INSERT OR UPDATE OR DELETE FOR EACH
 * ROW, and BEFORE TRUNCATE FOR EACH STATEMENT.
 *
 * Arguments of the trigger are columns that never change; rows of a table that has
 * such columns cannot be deleted either.
 */
PG_FUNCTION_INFO_V1(reference_row_guard);
Datum
reference_row_guard(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = get_trigger_data(fcinfo, "_reference_row_guard");
	Relation	rel = trigdata->tg_relation;
	HeapTuple	row;
	int			shipped;
	int			recorded;
	RangeBound	lower;
	RangeBound	upper;

	if (TRIGGER_FIRED_BY_TRUNCATE(trigdata->tg_event))
	{
		if (!in_own_script())
			ereport(ERROR,
					(errcode(ERRCODE_CL_SHIPPED_ROW),
					 errmsg("cannot truncate reference table \"%s\"", RelationGetRelationName(rel)),
					 errdetail("Its shipped rows belong to the extension, and the history of the others is kept."),
					 errhint("Use DELETE ... WHERE NOT shipped AND upper_inf(recorded).")));
		PG_RETURN_POINTER(NULL);
	}
	if (!TRIGGER_FIRED_BEFORE(trigdata->tg_event) || !TRIGGER_FIRED_FOR_ROW(trigdata->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" must be fired BEFORE ROW", "_reference_row_guard")));

	row = TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event) ?
		trigdata->tg_newtuple : trigdata->tg_trigtuple;
	if (in_own_script())
		PG_RETURN_POINTER(row);

	shipped = find_column(rel, "shipped", BOOLOID);
	if (shipped == 0)
		missing_column_error(rel, "shipped");
	if (row_is_shipped(trigdata->tg_trigtuple, rel, shipped) || row_is_shipped(row, rel, shipped))
		ereport(ERROR,
				(errcode(ERRCODE_CL_SHIPPED_ROW),
				 TRIGGER_FIRED_BY_INSERT(trigdata->tg_event) ?
				 errmsg("cannot insert a shipped row into table \"%s\"", RelationGetRelationName(rel)) :
				 errmsg("cannot change a shipped row of table \"%s\"", RelationGetRelationName(rel)),
				 errdetail("Rows with shipped = true come with the extension; its next version replaces them."),
				 errhint("Insert a row of your own (shipped = false): it wins over a shipped row for the same thing."),
				 errtable(rel)));
	if (TRIGGER_FIRED_BY_INSERT(trigdata->tg_event))
		PG_RETURN_POINTER(row);

	if (trigdata->tg_trigger->tgnargs > 0)
	{
		if (TRIGGER_FIRED_BY_DELETE(trigdata->tg_event))
			ereport(ERROR,
					(errcode(ERRCODE_RESTRICT_VIOLATION),
					 errmsg("cannot delete from table \"%s\"", RelationGetRelationName(rel)),
					 errdetail("Stored quantities may depend on the row, and no record is kept of which do."),
					 errtable(rel)));
		check_fixed_columns(trigdata);
	}

	recorded = find_column(rel, "recorded", TSTZRANGEOID);
	if (recorded == 0)
		PG_RETURN_POINTER(row);

	get_recorded(trigdata->tg_trigtuple, rel, recorded, &lower, &upper);
	if (!upper.infinite)
		ereport(ERROR,
				(errcode(ERRCODE_RESTRICT_VIOLATION),
				 errmsg("cannot change a closed row of table \"%s\"", RelationGetRelationName(rel)),
				 errdetail("Its recorded range has an end: the row is history."),
				 errhint("Change current rows only: WHERE upper_inf(recorded)."),
				 errtable(rel)));
	if (TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event))
	{
		RangeBound	from = lower;

		/* an own row, or an update that changes nothing, stays recorded as it was */
		if (!row_is_own(trigdata->tg_trigtuple) &&
			!rows_are_equal(trigdata->tg_trigtuple, row, rel, recorded))
		{
			from = closing_bound(&lower);
			from.inclusive = true;
			from.lower = true;
		}
		row = set_recorded(row, rel, recorded, &from, &upper);
	}
	PG_RETURN_POINTER(row);
}

/*
 * Keeps what an UPDATE or DELETE replaced: AFTER UPDATE OR DELETE FOR EACH ROW.
 *
 * The insert runs with the rights of whoever made the change.
 */
PG_FUNCTION_INFO_V1(reference_row_history);
Datum
reference_row_history(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = get_trigger_data(fcinfo, "_reference_row_history");
	Relation	rel = trigdata->tg_relation;
	TupleDesc	tupdesc = RelationGetDescr(rel);
	HeapTuple	old = trigdata->tg_trigtuple;
	HeapTuple	closed;
	int			recorded;
	RangeBound	lower;
	RangeBound	upper;
	RangeBound	end;
	StringInfoData columns;
	StringInfoData values;
	StringInfoData sql;
	Oid			argtype = rel->rd_rel->reltype;
	Datum		arg;

	if (!TRIGGER_FIRED_AFTER(trigdata->tg_event) || !TRIGGER_FIRED_FOR_ROW(trigdata->tg_event) ||
		TRIGGER_FIRED_BY_INSERT(trigdata->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" must be fired AFTER UPDATE OR DELETE, FOR EACH ROW",
						"_reference_row_history")));
	recorded = find_column(rel, "recorded", TSTZRANGEOID);
	if (recorded == 0)
		missing_column_error(rel, "recorded");
	if (in_own_script() || row_is_own(old))
		PG_RETURN_POINTER(NULL);

	get_recorded(old, rel, recorded, &lower, &upper);
	if (TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event))
	{
		RangeBound	next;
		RangeBound	unused;

		/* the guard decided where the successor begins, or that there is none */
		get_recorded(trigdata->tg_newtuple, rel, recorded, &next, &unused);
		if (next.infinite ||
			(!lower.infinite && DatumGetTimestampTz(next.val) <= DatumGetTimestampTz(lower.val)))
			PG_RETURN_POINTER(NULL);
		end = next;
	}
	else
		end = closing_bound(&lower);
	end.inclusive = false;
	end.lower = false;
	closed = set_recorded(old, rel, recorded, &lower, &end);

	initStringInfo(&columns);
	initStringInfo(&values);
	for (int i = 0; i < tupdesc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(tupdesc, i);
		const char *name = quote_identifier(NameStr(att->attname));

		if (att->attisdropped || att->attgenerated != '\0')
			continue;
		appendStringInfo(&columns, "%s%s", columns.len > 0 ? ", " : "", name);
		appendStringInfo(&values, "%s($1).%s", values.len > 0 ? ", " : "", name);
	}
	initStringInfo(&sql);
	appendStringInfo(&sql, "INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s",
					 quote_qualified_identifier(get_namespace_name(RelationGetNamespace(rel)),
												RelationGetRelationName(rel)),
					 columns.data, values.data);

	arg = heap_copy_tuple_as_datum(closed, tupdesc);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_with_args(sql.data, 1, &argtype, &arg, NULL, false, 0) != SPI_OK_INSERT)
		elog(ERROR, "could not keep a row of table \"%s\"", RelationGetRelationName(rel));
	SPI_finish();
	PG_RETURN_POINTER(NULL);
}
