/*
 * rollup_table.h
 *		The tables of usage and utilization, and rows of all of them.
 */
#ifndef COMPUTE_LEDGER_ROLLUP_TABLE_H
#define COMPUTE_LEDGER_ROLLUP_TABLE_H

#include "base/compat.h"

#include "access/tupdesc.h"
#include "datatype/timestamp.h"

#include "base/row_columns.h"

/* The tables, in the order in which their rows are given. */
typedef enum RollupTable
{
	ROLLUP_USAGE_HOURLY,
	ROLLUP_USAGE_DAILY,
	ROLLUP_UTILIZATION_DAILY,
	ROLLUP_FLEET_HOURLY,
	ROLLUP_FLEET_DAILY,
	ROLLUP_USAGE_MONTHLY,
	ROLLUP_CAPACITY_MONTHLY
} RollupTable;

#define ROLLUP_TABLES	(ROLLUP_CAPACITY_MONTHLY + 1)

/* Columns of all tables together; of one, those that it has not are NULL. */
enum
{
	ROLLUP_COL_TABLE, ROLLUP_COL_ACCOUNT, ROLLUP_COL_REGION, ROLLUP_COL_ACCELERATOR, ROLLUP_COL_MEASURE, ROLLUP_COL_BASIS,
	ROLLUP_COL_HOUR, ROLLUP_COL_DAY,
	ROLLUP_COL_STARTED, ROLLUP_COL_LENGTH, ROLLUP_COL_SHARED, ROLLUP_COL_RATED, ROLLUP_COL_ACHIEVING,
	ROLLUP_COL_DEVICE_TIME, ROLLUP_COL_WORK, ROLLUP_COL_ACHIEVED,
	ROLLUP_COL_RESERVED_LENGTH, ROLLUP_COL_ALLOCATED_LENGTH, ROLLUP_COL_USED_LENGTH, ROLLUP_COL_CAPACITY_LENGTH, ROLLUP_COL_UNKNOWN_LENGTH,
	ROLLUP_COL_RESERVED_TIME, ROLLUP_COL_ALLOCATED_TIME, ROLLUP_COL_USED_TIME, ROLLUP_COL_CAPACITY_TIME
};

#define ROLLUP_COLUMNS	(ROLLUP_COL_CAPACITY_TIME + 1)

/* Takes rows, each of whose values it may keep no longer than for the call. */
typedef struct RollupSink
{
	void		(*put) (struct RollupSink *sink, RollupTable table, Datum *values, bool *nulls);
} RollupSink;

/* What rows are. */
typedef enum RollupPurpose
{
	ROLLUP_ADD,					/* what the query comes to */
	ROLLUP_CORRECT,				/* that, less what the tables say */
	ROLLUP_CHECK				/* what the hours are too much, and what hours that are stored come to, less what the other tables say */
} RollupPurpose;

/* What is added up. */
typedef struct RollupQuery
{
	const char *records;		/* a query for records, with what follows as $1 to $5 */
	TimestampTz before;			/* -infinity: nothing counts yet */
	TimestampTz upto;
	Datum		moves;			/* _usage_move[] */
	Oid			moves_type;
	TimestampTz from;			/* hours that are compared: from midnight of UTC, */
	TimestampTz to;				/* to midnight */
	RollupPurpose purpose;
} RollupQuery;

/* Which columns a table has, by their names in it. */
typedef struct RollupColumn
{
	int			column;
	RowColumn	is;
} RollupColumn;

/* What a table is. */
typedef struct RollupTableShape
{
	const char *name;
	const char *is_whole;		/* which rows are of the hours that are compared alone */
	RollupColumn columns[16];
} RollupTableShape;

extern const RollupTableShape rollup_tables[ROLLUP_TABLES];

extern void RollupMapColumns(RollupTable table, TupleDesc desc, int numbers[ROLLUP_COLUMNS]);

#endif							/* COMPUTE_LEDGER_ROLLUP_TABLE_H */
