/*
 * usage_instant.h
 *		The instant that a cell of usage means, and why it means none.
 */
#ifndef COMPUTE_LEDGER_USAGE_INSTANT_H
#define COMPUTE_LEDGER_USAGE_INSTANT_H

#include "base/compat.h"

#include "datatype/timestamp.h"
#include "utils/date.h"

#include "usage/usage_instant_core.h"

extern InstantFault ReadInstant(text *cell, text *time_zone, bool unix_seconds, TimestampTz *result);
extern DateADT InstantMonth(TimestampTz at);
extern void DescribeInstantFault(InstantFault fault, text *cell, text *time_zone, char **detail, char **hint);

#endif							/* COMPUTE_LEDGER_USAGE_INSTANT_H */
