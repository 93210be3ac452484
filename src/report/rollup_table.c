/*
 * rollup_table.c
 *		The tables of usage and utilization: their names and columns.
 */
#include "base/compat.h"

#include "catalog/pg_type.h"

#include "report/rollup_table.h"

#define HOURS_ARE_WHOLE	"t.hour >= $4 AND t.hour < $5"
#define DAYS_ARE_WHOLE	"t.day >= ($4 AT TIME ZONE 'UTC')::pg_catalog.date AND t.day < ($5 AT TIME ZONE 'UTC')::pg_catalog.date"
/* a local day is part of two or three of UTC */
#define LOCAL_DAYS_ARE_WHOLE	"t.day > ($4 AT TIME ZONE 'UTC')::pg_catalog.date AND t.day < ($5 AT TIME ZONE 'UTC')::pg_catalog.date - 1"
#define MONTHS_ARE_WHOLE	"t.month >= ($4 AT TIME ZONE 'UTC')::pg_catalog.date AND t.month + interval '1 month' <= $5 AT TIME ZONE 'UTC'"

#define END_OF_COLUMNS	{-1, {NULL, InvalidOid, NULL}}
#define PLACE_COLUMNS \
	{ROLLUP_COL_REGION, ROW_COLUMN("region", INT4OID)}, \
	{ROLLUP_COL_ACCELERATOR, ROW_COLUMN_OWN("accelerator", "accelerator")}
#define USAGE_COLUMNS \
	PLACE_COLUMNS, \
	{ROLLUP_COL_ACCOUNT, ROW_COLUMN("account", INT8OID)}, \
	{ROLLUP_COL_MEASURE, ROW_COLUMN("measure", TEXTOID)}, \
	{ROLLUP_COL_BASIS, ROW_COLUMN("basis", INT4OID)}, \
	{ROLLUP_COL_DAY, ROW_COLUMN("day", DATEOID)}, \
	{ROLLUP_COL_STARTED, ROW_COLUMN("started", INT8OID)}, \
	{ROLLUP_COL_LENGTH, ROW_COLUMN("length", INT8OID)}, \
	{ROLLUP_COL_SHARED, ROW_COLUMN("shared", INT8OID)}, \
	{ROLLUP_COL_RATED, ROW_COLUMN("rated", INT8OID)}, \
	{ROLLUP_COL_ACHIEVING, ROW_COLUMN("achieving", INT8OID)}, \
	{ROLLUP_COL_DEVICE_TIME, ROW_COLUMN("device_time", NUMERICOID)}, \
	{ROLLUP_COL_WORK, ROW_COLUMN_OWN("work", "compute_unit")}, \
	{ROLLUP_COL_ACHIEVED, ROW_COLUMN_OWN("achieved", "compute_unit")}
#define UTILIZATION_COLUMNS \
	PLACE_COLUMNS, \
	{ROLLUP_COL_LENGTH, ROW_COLUMN("length", INT8OID)}, \
	{ROLLUP_COL_RESERVED_LENGTH, ROW_COLUMN("reserved_length", INT8OID)}, \
	{ROLLUP_COL_ALLOCATED_LENGTH, ROW_COLUMN("allocated_length", INT8OID)}, \
	{ROLLUP_COL_USED_LENGTH, ROW_COLUMN("used_length", INT8OID)}, \
	{ROLLUP_COL_RESERVED_TIME, ROW_COLUMN("reserved_time", NUMERICOID)}, \
	{ROLLUP_COL_ALLOCATED_TIME, ROW_COLUMN("allocated_time", NUMERICOID)}, \
	{ROLLUP_COL_USED_TIME, ROW_COLUMN("used_time", NUMERICOID)}
#define FLEET_COLUMNS \
	UTILIZATION_COLUMNS, \
	{ROLLUP_COL_CAPACITY_LENGTH, ROW_COLUMN("capacity_length", INT8OID)}, \
	{ROLLUP_COL_UNKNOWN_LENGTH, ROW_COLUMN("unknown_length", INT8OID)}, \
	{ROLLUP_COL_CAPACITY_TIME, ROW_COLUMN("capacity_time", NUMERICOID)}

const RollupTableShape rollup_tables[] = {
	[ROLLUP_USAGE_HOURLY] = {"_usage_hourly", HOURS_ARE_WHOLE, {USAGE_COLUMNS, {ROLLUP_COL_HOUR, ROW_COLUMN("hour", TIMESTAMPTZOID)}, END_OF_COLUMNS}},
	[ROLLUP_USAGE_DAILY] = {"_usage_daily", LOCAL_DAYS_ARE_WHOLE, {USAGE_COLUMNS, END_OF_COLUMNS}},
	[ROLLUP_UTILIZATION_DAILY] = {"_utilization_daily", DAYS_ARE_WHOLE, {UTILIZATION_COLUMNS, {ROLLUP_COL_ACCOUNT, ROW_COLUMN("account", INT8OID)},
	{ROLLUP_COL_DAY, ROW_COLUMN("day", DATEOID)}, END_OF_COLUMNS}},
	[ROLLUP_FLEET_HOURLY] = {"_fleet_hourly", HOURS_ARE_WHOLE, {FLEET_COLUMNS, {ROLLUP_COL_HOUR, ROW_COLUMN("hour", TIMESTAMPTZOID)}, END_OF_COLUMNS}},
	[ROLLUP_FLEET_DAILY] = {"_fleet_daily", DAYS_ARE_WHOLE, {FLEET_COLUMNS, {ROLLUP_COL_DAY, ROW_COLUMN("day", DATEOID)}, END_OF_COLUMNS}},
	[ROLLUP_USAGE_MONTHLY] = {"_usage_monthly", MONTHS_ARE_WHOLE, {UTILIZATION_COLUMNS, {ROLLUP_COL_ACCOUNT, ROW_COLUMN("payer", INT8OID)},
	{ROLLUP_COL_DAY, ROW_COLUMN("month", DATEOID)}, END_OF_COLUMNS}},
	[ROLLUP_CAPACITY_MONTHLY] = {"_capacity_monthly", MONTHS_ARE_WHOLE, {PLACE_COLUMNS, {ROLLUP_COL_DAY, ROW_COLUMN("month", DATEOID)},
	{ROLLUP_COL_CAPACITY_LENGTH, ROW_COLUMN("length", INT8OID)}, {ROLLUP_COL_UNKNOWN_LENGTH, ROW_COLUMN("unknown", INT8OID)},
	{ROLLUP_COL_CAPACITY_TIME, ROW_COLUMN("device_time", NUMERICOID)}, END_OF_COLUMNS}},
};

/* Finds the columns of a table among those of rows: numbers from 1, 0 for what it has not; 42703, 42804. */
void
RollupMapColumns(RollupTable table, TupleDesc desc, int numbers[ROLLUP_COLUMNS])
{
	memset(numbers, 0, ROLLUP_COLUMNS * sizeof(int));
	for (const RollupColumn *c = rollup_tables[table].columns; c->column >= 0; c++)
		numbers[c->column] = RowColumnNumber(desc, rollup_tables[table].name, &c->is);
}
