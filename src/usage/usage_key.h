/*
 * usage_key.h
 *		A source's name of a record as usage_key has it, and the month that a key says.
 */
#ifndef COMPUTE_LEDGER_USAGE_KEY_H
#define COMPUTE_LEDGER_USAGE_KEY_H

#include "c.h"

#include "datatype/timestamp.h"

extern const char *Utf8Bytes(const char *str, int *len, bool *is_utf8);
extern bytea *MakeUsageKey(const text *name, int32 number);
extern int32 UsageKeyRevision(const bytea *key);
extern int16 UsageMonthNumber(TimestampTz at);

#endif							/* COMPUTE_LEDGER_USAGE_KEY_H */
