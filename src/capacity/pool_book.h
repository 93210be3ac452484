/*
 * pool_book.h
 *		The book of a pool: how many devices are booked at each instant.
 */
#ifndef COMPUTE_LEDGER_POOL_BOOK_H
#define COMPUTE_LEDGER_POOL_BOOK_H

#include "base/compat.h"

#include "executor/spi.h"

extern bool BookPeriod(int64 pool, bool guest, int64 from, int64 to, int64 devices, int64 *at);
extern void RunBookPlan(SPIPlanPtr *plan, const char *query, int nargs, Oid *types, Datum *values, const char *nulls, bool read_only, int expected);

#endif							/* COMPUTE_LEDGER_POOL_BOOK_H */
