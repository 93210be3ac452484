/*
 * accelerator_support.c
 *		What the planner and the sort know about accelerators.
 *
 * A class is a range: what it contains lies between the class itself and
 * class_max() of it.  So "column <@ class", and "class @> column", are served by
 * any btree or BRIN minmax index in the type's order, for every class that is
 * known when the index is read: constants, parameters, columns of another table
 * in a join.  Where the class has a hole (it states a part behind one that it
 * leaves out, as nvidia/a100-80gb does), the range holds more than the class,
 * and the executor checks the operator again.
 */
#include "accelerator/accelerator.h"

#include "access/stratnum.h"
#include "catalog/pg_am_d.h"
#include "catalog/pg_proc_d.h"
#include "catalog/pg_type_d.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/pathnodes.h"
#include "nodes/supportnodes.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/sortsupport.h"
#include "utils/syscache.h"

/*
 * Finds the operator of a strategy in the index's family, if it means what it
 * means in the default one: a family of somebody's own may order otherwise.
 */
static Oid
find_operator(Oid opfamily, Oid type, int strategy, PGFunction meaning)
{
	Oid			oper = get_opfamily_member(opfamily, type, type, strategy);
	FmgrInfo	flinfo;

	if (!OidIsValid(oper))
		return InvalidOid;
	fmgr_info(get_opcode(oper), &flinfo);
	return flinfo.fn_addr == meaning ? oper : InvalidOid;
}

/* Finds class_max(accelerator) beside the function that is being planned. */
static Oid
find_class_max(Oid beside, Oid type)
{
	oidvector  *types = buildoidvector(&type, 1);

	return GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid,
						   CStringGetDatum("class_max"), PointerGetDatum(types),
						   ObjectIdGetDatum(get_func_namespace(beside)));
}

/* Turns "column <@ class" into two comparisons that the index understands. */
static List *
class_condition(SupportRequestIndexCondition *req, int class_arg)
{
	Node	   *class;
	Node	   *column;
	Node	   *end;
	Oid			type;
	Oid			collation;
	Oid			ge,
				le;
	List	   *args;
	bool		lossy;

	if (is_opclause(req->node))
		args = ((OpExpr *) req->node)->args;
	else if (is_funcclause(req->node))
		args = ((FuncExpr *) req->node)->args;
	else
		return NIL;
	if (list_length(args) != 2 || req->indexarg != 1 - class_arg)
		return NIL;
	if (req->index->relam != BTREE_AM_OID && req->index->relam != BRIN_AM_OID)
		return NIL;
	column = (Node *) list_nth(args, req->indexarg);
	class = (Node *) list_nth(args, class_arg);

	/*
	 * The class goes into two conditions: no plan of its own under it, which
	 * would run twice.
	 */
	if (!is_pseudo_constant_for_index(req->root, class, req->index) || contain_subplans(class))
		return NIL;

	type = req->index->opcintype[req->indexcol];
	if (exprType(class) != type)
		return NIL;
	collation = req->index->indexcollations[req->indexcol];
	ge = find_operator(req->opfamily, type, BTGreaterEqualStrategyNumber, accelerator_ge);
	le = find_operator(req->opfamily, type, BTLessEqualStrategyNumber, accelerator_le);
	if (!OidIsValid(ge) || !OidIsValid(le))
		return NIL;

	if (IsA(class, Const))
	{
		Accelerator *value;
		Accelerator *max;

		if (((Const *) class)->constisnull)
			return NIL;
		value = DatumGetAcceleratorP(((Const *) class)->constvalue);
		max = palloc(sizeof(Accelerator));
		AcceleratorClassMax(value, max);
		end = (Node *) makeConst(type, -1, InvalidOid, sizeof(Accelerator),
								 AcceleratorPGetDatum(max), false, false);
		lossy = AcceleratorHasHole(value);

		/* A value that states everything contains itself only. */
		if (AcceleratorCompare(value, max) == 0)
		{
			Oid			eq = get_opfamily_member(req->opfamily, type, type, BTEqualStrategyNumber);

			if (OidIsValid(eq))
			{
				req->lossy = false;
				return list_make1(make_opclause(eq, BOOLOID, false, (Expr *) column, (Expr *) class,
												InvalidOid, collation));
			}
		}
	}
	else
	{
		Oid			class_max = find_class_max(req->funcid, type);

		if (!OidIsValid(class_max))
			return NIL;
		end = (Node *) makeFuncExpr(class_max, type, list_make1(copyObject(class)),
									InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL);
		lossy = true;
	}

	req->lossy = lossy;
	return list_make2(make_opclause(ge, BOOLOID, false, (Expr *) column, (Expr *) class,
									InvalidOid, collation),
					  make_opclause(le, BOOLOID, false, (Expr *) copyObject(column), (Expr *) end,
									InvalidOid, collation));
}

/* Planner support of accelerator <@ class. */
PG_FUNCTION_INFO_V1(accelerator_contained_support);
Datum
accelerator_contained_support(PG_FUNCTION_ARGS)
{
	Node	   *request = (Node *) PG_GETARG_POINTER(0);

	if (IsA(request, SupportRequestIndexCondition))
		PG_RETURN_POINTER(class_condition((SupportRequestIndexCondition *) request, 1));
	PG_RETURN_POINTER(NULL);
}

/* Planner support of class @> accelerator. */
PG_FUNCTION_INFO_V1(accelerator_contains_support);
Datum
accelerator_contains_support(PG_FUNCTION_ARGS)
{
	Node	   *request = (Node *) PG_GETARG_POINTER(0);

	if (IsA(request, SupportRequestIndexCondition))
		PG_RETURN_POINTER(class_condition((SupportRequestIndexCondition *) request, 0));
	PG_RETURN_POINTER(NULL);
}

/* Compares the first 16 bytes: an accelerator, or the lower end of a GiST key. */
static int
compare_fast(Datum x, Datum y, SortSupport ssup)
{
	(void) ssup;
	return memcmp(DatumGetPointer(x), DatumGetPointer(y), ACCELERATOR_SIZE);
}

#if SIZEOF_DATUM == 8

/* The maker and the first nine characters of the model, as a number. */
static Datum
abbreviate_accelerator(Datum original, SortSupport ssup)
{
	(void) ssup;
	return (Datum) AcceleratorLoad(DatumGetAcceleratorP(original)->data);
}

/*
 * Never gives the abbreviation up: it costs one load, and the full comparison
 * that it does not spare where keys are equal is 16 bytes.
 */
static bool
abbreviation_abort(int memtupcount, SortSupport ssup)
{
	(void) memtupcount;
	(void) ssup;
	return false;
}
#endif

/* Sort support for btree and for building a GiST index. */
PG_FUNCTION_INFO_V1(accelerator_sortsupport);
Datum
accelerator_sortsupport(PG_FUNCTION_ARGS)
{
	SortSupport ssup = (SortSupport) PG_GETARG_POINTER(0);

	ssup->comparator = compare_fast;
#if SIZEOF_DATUM == 8
	if (ssup->abbreviate)
	{
		ssup->comparator = ssup_datum_unsigned_cmp;
		ssup->abbrev_converter = abbreviate_accelerator;
		ssup->abbrev_abort = abbreviation_abort;
		ssup->abbrev_full_comparator = compare_fast;
	}
#endif
	PG_RETURN_VOID();
}

/* How far apart two values are in the type's order, for BRIN minmax-multi. */
PG_FUNCTION_INFO_V1(accelerator_distance);
Datum
accelerator_distance(PG_FUNCTION_ARGS)
{
	Accelerator *a = PG_GETARG_ACCELERATOR_P(0);
	Accelerator *b = PG_GETARG_ACCELERATOR_P(1);

	PG_RETURN_FLOAT8(AcceleratorGap(a, b));
}
