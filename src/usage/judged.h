/*
 * judged.h
 *		The rows that a batch of usage comes to, between the function that finds them and the statements that write them.
 */
#ifndef COMPUTE_LEDGER_JUDGED_H
#define COMPUTE_LEDGER_JUDGED_H

#include "base/compat.h"

#include "base/row_columns.h"

typedef enum JudgedKind
{
	JUDGED_KEYS,
	JUDGED_RECORDS,
	JUDGED_REJECTED,
	JUDGED_KINDS
} JudgedKind;

typedef struct JudgedBatch JudgedBatch;

extern JudgedBatch *JudgedBegin(int64 number);
extern void JudgedPut(JudgedBatch *batch, JudgedKind kind, const RowColumn *columns, int ncolumns, Datum *values, bool *nulls);
extern void JudgedEnd(JudgedBatch *batch);

#endif							/* COMPUTE_LEDGER_JUDGED_H */
