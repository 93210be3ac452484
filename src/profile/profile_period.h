/*
 * profile_period.h
 *		Periods and instants as SQL has them, and as profiles have them.
 */
#ifndef COMPUTE_LEDGER_PROFILE_PERIOD_H
#define COMPUTE_LEDGER_PROFILE_PERIOD_H

#include "base/compat.h"

#include "lib/stringinfo.h"
#include "utils/timestamp.h"

extern bool ProfilePeriod(Datum range, int64 *from, int64 *to);
extern bool ProfilePeriodFromBounds(TimestampTz from, TimestampTz to);
extern bool ProfileWindow(Datum range, int64 *from, int64 *to);
extern Datum ProfileMakeRange(int64 from, int64 to);
extern int64 ProfileFixedInterval(const Interval *interval, const char *what);
extern void ProfileAppendInstant(StringInfo buf, int64 at);
extern const char *ProfileParseInstant(const char *p, int64 *at);

#endif							/* COMPUTE_LEDGER_PROFILE_PERIOD_H */
