/*
 * own_usage.c
 *		The hours of usage of some accounts, for who may see no others.
 *
 * What a plan reads by time depends on what there is of everybody, and EXPLAIN counts it.  So a period is not looked for:
 * rows are found by account, all of each account are fetched, and those of other times are left out here, before anything is
 * made of them.  To leave them out in the index would take fewer pages, and tell: rows of an hour in which others have used
 * much lie on more pages than those of a quiet one.
 *
 * Names come from here as well.  A join would let the planner look for a name that a query asks for.
 */
#include "base/compat.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/pathnodes.h"
#include "nodes/supportnodes.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/array.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"
#include "utils/typcache.h"

#include "base/key_table.h"

/* What is read of _usage_hourly.  The first of them are what is returned, but for the names. */
enum
{
	CELL_ACCOUNT,
	CELL_REGION,
	CELL_ACCELERATOR,
	CELL_MEASURE,
	CELL_BASIS,
	CELL_HOUR,
	CELL_DAY,
	CELL_DEVICE_TIME,
	CELL_WORK,
	CELL_ACHIEVED,
	CELL_STARTED,
	CELL_SHARED,
	CELL_RATED,
	CELL_ACHIEVING,
	CELL_COLUMNS
};

static const RowColumn cell_columns[CELL_COLUMNS] = {
	[CELL_ACCOUNT] = ROW_COLUMN("account", INT8OID),
	[CELL_REGION] = ROW_COLUMN("region", INT4OID),
	[CELL_ACCELERATOR] = ROW_COLUMN_OWN("accelerator", "accelerator"),
	[CELL_MEASURE] = ROW_COLUMN("measure", TEXTOID),
	[CELL_BASIS] = ROW_COLUMN("basis", INT4OID),
	[CELL_HOUR] = ROW_COLUMN("hour", TIMESTAMPTZOID),
	[CELL_DAY] = ROW_COLUMN("day", DATEOID),
	[CELL_DEVICE_TIME] = ROW_COLUMN("device_time", NUMERICOID),
	[CELL_WORK] = ROW_COLUMN_OWN("work", "compute_unit"),
	[CELL_ACHIEVED] = ROW_COLUMN_OWN("achieved", "compute_unit"),
	[CELL_STARTED] = ROW_COLUMN("started", INT8OID),
	[CELL_SHARED] = ROW_COLUMN("shared", INT8OID),
	[CELL_RATED] = ROW_COLUMN("rated", INT8OID),
	[CELL_ACHIEVING] = ROW_COLUMN("achieving", INT8OID)
};

/* What is returned, by its places. */
enum
{
	OWN_ACCOUNT,
	OWN_ACCOUNT_NAME,
	OWN_REGION,
	OWN_REGION_NAME,
	OWN_ACCELERATOR,
	OWN_MEASURE,
	OWN_BASIS,
	OWN_HOUR,
	OWN_DAY,
	OWN_DEVICE_TIME,
	OWN_WORK,
	OWN_ACHIEVED,
	OWN_STARTED,
	OWN_COLUMNS
};

/* Whence each of them is; -1: a name. */
static const int own_cells[OWN_COLUMNS] = {
	CELL_ACCOUNT, -1, CELL_REGION, -1, CELL_ACCELERATOR, CELL_MEASURE, CELL_BASIS, CELL_HOUR, CELL_DAY, CELL_DEVICE_TIME, CELL_WORK,
	CELL_ACHIEVED, CELL_STARTED
};

/* Names by their numbers, of a table that has both. */
typedef struct Names
{
	KeyTable	table;
	RegProcedure equal;
	HTAB	   *known;
} Names;

typedef struct KnownName
{
	int64		id;
	Datum		name;			/* NULL: there is none */
} KnownName;

enum
{
	NAME_ID,
	NAME_NAME,
	NAME_COLUMNS
};

/* Opens a table of names. */
static void
open_names(Names *names, const char *table, Oid type, RegProcedure equal)
{
	const RowColumn columns[NAME_COLUMNS] = {ROW_COLUMN("id", type), ROW_COLUMN("name", TEXTOID)};
	HASHCTL		control = {.keysize = sizeof(int64), .entrysize = sizeof(KnownName), .hcxt = CurrentMemoryContext};

	KeyTableOpen(&names->table, table, columns, NAME_COLUMNS, 1);
	names->equal = equal;
	names->known = hash_create(table, 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/* Returns a name; it is looked up once. */
static Datum
name_of(Names *names, int64 id, Datum key)
{
	bool		found;
	KnownName  *entry = hash_search(names->known, &id, HASH_ENTER, &found);
	ScanKeyData condition;
	SysScanDesc scan;
	HeapTuple	row;

	if (found)
		return entry->name;
	entry->name = (Datum) 0;
	KeyTableKey(&names->table, &condition, NAME_ID, BTEqualStrategyNumber, names->equal, key);
	scan = KeyTableScan(&names->table, &condition, 1);
	if ((row = systable_getnext(scan)) != NULL)
	{
		bool		isnull;
		Datum		name = KeyTableValue(&names->table, row, NAME_NAME, &isnull);

		if (!isnull)
			entry->name = PointerGetDatum(PG_DETOAST_DATUM_COPY(name));
	}
	systable_endscan(scan);
	return entry->name;
}

/* What is asked for, and where it goes. */
typedef struct OwnUsage
{
	KeyTable	cells;
	Names		accounts;
	Names		regions;
	TimestampTz since;
	TimestampTz until;
	ReturnSetInfo *result;
	Datum	   *row;			/* of the table */
	bool	   *nulls;
} OwnUsage;

/* Returns a row, of which an amount is NULL as long as nothing says it. */
static void
return_cell(OwnUsage *usage, HeapTuple tuple)
{
	const int  *numbers = usage->cells.numbers;
	Datum		values[OWN_COLUMNS];
	bool		nulls[OWN_COLUMNS];

	heap_deform_tuple(tuple, RelationGetDescr(usage->cells.relation), usage->row, usage->nulls);
	for (int i = 0; i < CELL_COLUMNS; i++)
	{
		if (usage->nulls[numbers[i] - 1] && i != CELL_WORK && i != CELL_ACHIEVED)
			RowNullError("_usage_hourly", cell_columns[i].name);
	}
#define CELL(column) (usage->row[numbers[column] - 1])
	for (int i = 0; i < OWN_COLUMNS; i++)
	{
		if (own_cells[i] < 0)
			continue;
		values[i] = CELL(own_cells[i]);
		nulls[i] = usage->nulls[numbers[own_cells[i]] - 1];
	}
	nulls[OWN_DEVICE_TIME] = DatumGetInt64(CELL(CELL_SHARED)) <= 0;
	nulls[OWN_WORK] |= DatumGetInt64(CELL(CELL_RATED)) <= 0;
	nulls[OWN_ACHIEVED] |= DatumGetInt64(CELL(CELL_ACHIEVING)) <= 0;
	values[OWN_ACCOUNT_NAME] = name_of(&usage->accounts, DatumGetInt64(CELL(CELL_ACCOUNT)), CELL(CELL_ACCOUNT));
	nulls[OWN_ACCOUNT_NAME] = values[OWN_ACCOUNT_NAME] == (Datum) 0;
	values[OWN_REGION_NAME] = name_of(&usage->regions, DatumGetInt32(CELL(CELL_REGION)), CELL(CELL_REGION));
	nulls[OWN_REGION_NAME] = values[OWN_REGION_NAME] == (Datum) 0;
#undef CELL
	tuplestore_putvalues(usage->result->setResult, usage->result->setDesc, values, nulls);
}

/* Returns the rows of an account that are of the time. */
static void
return_account(OwnUsage *usage, Datum account)
{
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	KeyTableKey(&usage->cells, &key, CELL_ACCOUNT, BTEqualStrategyNumber, F_INT8EQ, account);
	scan = KeyTableScan(&usage->cells, &key, 1);
	while ((tuple = systable_getnext(scan)) != NULL)
	{
		bool		isnull;
		TimestampTz hour = DatumGetTimestampTz(KeyTableValue(&usage->cells, tuple, CELL_HOUR, &isnull));

		CHECK_FOR_INTERRUPTS();
		if (isnull || (hour >= usage->since && hour <= usage->until))
			return_cell(usage, tuple);
	}
	systable_endscan(scan);
}

/*
 * _account_hours(accounts bigint[], since timestamptz, until timestamptz) -> setof (account, account_name, ...)
 *
 * The hours of usage of accounts that begin from one instant to another, both included; NULL: no bound, or no accounts.
 */
PG_FUNCTION_INFO_V1(account_hours);
Datum
account_hours(PG_FUNCTION_ARGS)
{
	OwnUsage	usage;
	ArrayType  *accounts;
	Datum	   *account;
	bool	   *isnull;
	int			count;

	InitMaterializedSRF(fcinfo, 0);
	usage.result = (ReturnSetInfo *) fcinfo->resultinfo;
	if (usage.result->setDesc->natts != OWN_COLUMNS)
		elog(ERROR, "_account_hours() is not declared as the library has it");
	if (PG_ARGISNULL(0))
		return (Datum) 0;
	accounts = PG_GETARG_ARRAYTYPE_P(0);
	usage.since = PG_ARGISNULL(1) ? PG_INT64_MIN : PG_GETARG_TIMESTAMPTZ(1);
	usage.until = PG_ARGISNULL(2) ? PG_INT64_MAX : PG_GETARG_TIMESTAMPTZ(2);
	KeyTableOpen(&usage.cells, "_usage_hourly", cell_columns, CELL_COLUMNS, 1);
	open_names(&usage.accounts, "account", INT8OID, F_INT8EQ);
	open_names(&usage.regions, "region", INT4OID, F_INT4EQ);
	usage.row = palloc(RelationGetDescr(usage.cells.relation)->natts * sizeof(Datum));
	usage.nulls = palloc(RelationGetDescr(usage.cells.relation)->natts * sizeof(bool));
	deconstruct_array(accounts, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &account, &isnull, &count);
	for (int i = 0; i < count; i++)
	{
		if (!isnull[i])
			return_account(&usage, account[i]);
	}
	KeyTableClose(&usage.regions.table);
	KeyTableClose(&usage.accounts.table);
	KeyTableClose(&usage.cells);
	return (Datum) 0;
}

/* What the conditions of a query say of when hours begin. */
typedef struct Period
{
	Index		rtindex;		/* of the function in the query */
	Oid			opfamily;
	Node	   *since;
	Node	   *until;
} Period;

/* Whether an expression is the hour that the function returns. */
static bool
is_hour(const Period *period, Node *node)
{
	Var		   *var = (Var *) node;

	return IsA(node, Var) && var->varno == (int) period->rtindex && var->varattno == OWN_HOUR + 1 && var->varlevelsup == 0;
}

/* Whether an expression has the same value for all rows, and can be an argument of the function. */
static bool
is_bound(Node *node)
{
	return exprType(node) == TIMESTAMPTZOID && !contain_var_clause(node) && !contain_subplans(node) && !contain_volatile_functions(node);
}

/* Takes note of a condition that compares the hour with something. */
static void
note_condition(Period *period, Node *node)
{
	OpExpr	   *condition = (OpExpr *) node;
	Oid			operator;
	Node	   *bound;
	int			strategy;

	if (is_andclause(node))
	{
		ListCell   *cell;

		foreach(cell, ((BoolExpr *) node)->args)
			note_condition(period, lfirst(cell));
		return;
	}
	if (!IsA(node, OpExpr) || list_length(condition->args) != 2)
		return;
	operator = condition->opno;
	bound = lsecond(condition->args);
	if (!is_hour(period, linitial(condition->args)))
	{
		if (!is_hour(period, bound))
			return;
		operator = get_commutator(operator);
		bound = linitial(condition->args);
	}
	strategy = OidIsValid(operator) && is_bound(bound) ? get_op_opfamily_strategy(operator, period->opfamily) : InvalidStrategy;
	if (strategy == BTGreaterStrategyNumber || strategy == BTGreaterEqualStrategyNumber || strategy == BTEqualStrategyNumber)
		period->since = bound;
	if (strategy == BTLessStrategyNumber || strategy == BTLessEqualStrategyNumber || strategy == BTEqualStrategyNumber)
		period->until = bound;
}

/* Whether an argument is the constant NULL. */
static bool
is_null(Node *node)
{
	return IsA(node, Const) && ((Const *) node)->constisnull;
}

/* Whether a query is of nothing but the function; finds where. */
static bool
is_only_of(Query *query, Oid function, Index *rtindex)
{
	List	   *from = query->jointree == NULL ? NIL : query->jointree->fromlist;
	RangeTblEntry *rte;
	FuncExpr   *call;

	if (query->hasTargetSRFs || list_length(from) != 1 || !IsA(linitial(from), RangeTblRef))
		return false;
	*rtindex = linitial_node(RangeTblRef, from)->rtindex;
	rte = rt_fetch(*rtindex, query->rtable);
	if (rte->rtekind != RTE_FUNCTION || rte->funcordinality || list_length(rte->functions) != 1)
		return false;
	call = (FuncExpr *) linitial_node(RangeTblFunction, rte->functions)->funcexpr;
	/* one that has got its bounds already is not asked about: what is here is another call of it */
	return IsA(call, FuncExpr) && call->funcid == function && is_null(linitial(call->args)) && is_null(lsecond(call->args));
}

/*
 * The view calls _own_usage_hourly(NULL, NULL).  The planner hands conditions of a query on the view down to the view's own
 * FROM, if their operators leak nothing, and then simplifies the call: it gets as bounds what conditions on the hour say.
 * They stay, so that whatever is not found here costs time only, and a bound may include more than the condition does.
 */
static Node *
call_with_bounds(SupportRequestSimplify *request)
{
	FuncExpr   *call = request->fcall;
	Period		period = {0};
	List	   *args;

	if (request->root == NULL || list_length(call->args) < 2 || !is_null(linitial(call->args)) || !is_null(lsecond(call->args)) ||
		!is_only_of(request->root->parse, call->funcid, &period.rtindex))
		return NULL;
	period.opfamily = lookup_type_cache(TIMESTAMPTZOID, TYPECACHE_BTREE_OPFAMILY)->btree_opf;
	if (request->root->parse->jointree->quals != NULL)
		note_condition(&period, request->root->parse->jointree->quals);
	if (period.since == NULL && period.until == NULL)
		return NULL;
	args = list_copy(call->args);
	if (period.since != NULL)
		linitial(args) = eval_const_expressions(request->root, copyObject(period.since));
	if (period.until != NULL)
		lsecond(args) = eval_const_expressions(request->root, copyObject(period.until));
	call = copyObject(call);
	call->args = args;
	return (Node *) call;
}

/* own_usage_support(internal) -> internal */
PG_FUNCTION_INFO_V1(own_usage_support);
Datum
own_usage_support(PG_FUNCTION_ARGS)
{
	Node	   *request = (Node *) PG_GETARG_POINTER(0);

	if (IsA(request, SupportRequestSimplify))
		PG_RETURN_POINTER(call_with_bounds((SupportRequestSimplify *) request));
	PG_RETURN_POINTER(NULL);
}
