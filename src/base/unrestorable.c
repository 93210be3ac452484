/*
 * unrestorable.c
 *		What of a stored expression PostgreSQL prints so that it means something else elsewhere.
 *
 * pg_dump prints views, defaults, conditions and SQL bodies while search_path is empty, and the
 * printer then qualifies every name.  A few constructs have an operator and no place to say
 * which: where they are read again, it is looked up by its name, and without a search_path one
 * that is not in pg_catalog is not found.
 */
#include "base/compat.h"

#include "access/tupdesc.h"
#include "catalog/pg_namespace_d.h"
#include "catalog/pg_operator.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

/* Returns the schema of an operator; InvalidOid if there is no such operator. */
static Oid
operator_namespace(Oid operator)
{
	HeapTuple	tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(operator));
	Oid			namespace = InvalidOid;

	if (HeapTupleIsValid(tuple))
	{
		namespace = ((Form_pg_operator) GETSTRUCT(tuple))->oprnamespace;
		ReleaseSysCache(tuple);
	}
	return namespace;
}

/* Adds a row to the result. */
static void
report(ReturnSetInfo *result, const char *construct, Oid operator)
{
	Datum		values[2] = {CStringGetTextDatum(construct), ObjectIdGetDatum(operator)};
	bool		nulls[2] = {false, false};

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* Reports a construct that does not say its operator, if that is not pg_catalog's. */
static void
check_operator(ReturnSetInfo *result, const char *construct, Oid operator)
{
	if (operator_namespace(operator) != PG_CATALOG_NAMESPACE)
		report(result, construct, operator);
}

/* Returns the operator of an expression that is one; InvalidOid for another. */
static Oid
operator_of(Node *node)
{
	return node != NULL && IsA(node, OpExpr) ? ((OpExpr *) node)->opno : InvalidOid;
}

/* Returns the operators of an expression that is one, or several with AND or OR between them. */
static List *
operators_of(Node *node)
{
	List	   *operators = NIL;
	ListCell   *cell;

	if (node == NULL || !IsA(node, BoolExpr))
		return list_make1_oid(operator_of(node));
	foreach(cell, ((BoolExpr *) node)->args)
		operators = lappend_oid(operators, operator_of(lfirst(cell)));
	return operators;
}

/*
 * Reports a comparison of rows, which says the operator of its first columns, and means for each
 * of the others one of the same name: qualified, or, if it is pg_catalog's, not.
 */
static void
check_row_comparison(ReturnSetInfo *result, List *operators)
{
	ListCell   *cell;

	foreach(cell, operators)
	{
		if (OidIsValid(lfirst_oid(cell)) && operator_namespace(lfirst_oid(cell)) != operator_namespace(linitial_oid(operators)))
		{
			/* of the two, the one that is not everywhere */
			report(result, "row comparison", operator_namespace(lfirst_oid(cell)) != PG_CATALOG_NAMESPACE ?
				   lfirst_oid(cell) : linitial_oid(operators));
			return;
		}
	}
}

/* Looks for such constructs in an expression or a query, and in all that is in it. */
static bool
find_unqualified(Node *node, void *context)
{
	ReturnSetInfo *result = context;
	ListCell   *cell;

	check_stack_depth();
	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_Query:
			return query_tree_walker((Query *) node, find_unqualified, context, QTW_IGNORE_JOINALIASES);
		case T_DistinctExpr:
			check_operator(result, "IS DISTINCT FROM", ((DistinctExpr *) node)->opno);
			break;
		case T_NullIfExpr:
			check_operator(result, "NULLIF", ((NullIfExpr *) node)->opno);
			break;
		case T_CaseExpr:
			if (((CaseExpr *) node)->arg == NULL)
				break;
			foreach(cell, ((CaseExpr *) node)->args)
			{
				Oid			operator = operator_of((Node *) lfirst_node(CaseWhen, cell)->expr);

				if (OidIsValid(operator))
					check_operator(result, "CASE x WHEN", operator);
			}
			break;
		case T_JoinExpr:
			if (((JoinExpr *) node)->usingClause == NIL)
				break;
			foreach(cell, operators_of(((JoinExpr *) node)->quals))
				if (OidIsValid(lfirst_oid(cell)))
					check_operator(result, "JOIN USING", lfirst_oid(cell));
			break;
		case T_RowCompareExpr:
			check_row_comparison(result, ((RowCompareExpr *) node)->opnos);
			break;
		case T_SubLink:
			check_row_comparison(result, operators_of(((SubLink *) node)->testexpr));
			break;
		default:
			break;
	}
	return expression_tree_walker(node, find_unqualified, context);
}

/*
 * _unrestorable(tree pg_node_tree) -> setof (construct text, operator regoperator)
 *
 * Each construct of a stored expression or query whose operator is printed without its
 * schema, and is not in pg_catalog.
 */
PG_FUNCTION_INFO_V1(unrestorable);
Datum
unrestorable(PG_FUNCTION_ARGS)
{
	char	   *tree = text_to_cstring(PG_GETARG_TEXT_PP(0));

	InitMaterializedSRF(fcinfo, 0);
	(void) find_unqualified(stringToNode(tree), fcinfo->resultinfo);
	return (Datum) 0;
}
