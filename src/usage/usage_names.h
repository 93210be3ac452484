/*
 * usage_names.h
 *		What the names in a batch of usage mean: each is looked up once.
 */
#ifndef COMPUTE_LEDGER_USAGE_NAMES_H
#define COMPUTE_LEDGER_USAGE_NAMES_H

#include "base/compat.h"

#include "datatype/timestamp.h"

typedef struct UsageNames UsageNames;

typedef struct UsageSource
{
	int32		number;
	TimestampTz latest;			/* end of what its clock may say */
	text	   *name;
	text	   *system;			/* whose names of accelerators it prints */
	text	   *time_zone;		/* NULL: the session's */
	bool		unix_seconds;
	bytea	   *last_key;		/* of usage_key, the highest one; NULL: none */
} UsageSource;

/* What one of an accelerator counts for in a stretch of time. */
typedef struct UsageRate
{
	TimestampTz from;
	TimestampTz to;
	void	   *rate;			/* compute_rate; NULL: not known */
	bool		has_recorded;
	TimestampTz recorded;
} UsageRate;

typedef struct UsageChip
{
	void	   *accelerator;	/* NULL: the name means nothing */
	bool		has_share;
	int32		share;
	int			nrates;
	UsageRate  *rates;
} UsageChip;

typedef struct UsageRegion
{
	bool		is_there;
	int32		id;
} UsageRegion;

extern Oid	UsageFunction(const char *name, int nargs, const Oid *types, Oid result);
extern UsageNames *UsageNamesBegin(MemoryContext context, int32 basis, Datum sources, TimestampTz stamp,
								   Datum zones, bool no_zones, Datum unix_sources, bool no_unix);
extern const UsageSource *UsageSourceOf(UsageNames *names, const text *sender);
extern void UsageNamesNote(UsageNames *names, const UsageSource *source, text *account, text *accelerator);
extern void UsageNamesLookUp(UsageNames *names);
extern bool UsageAccountOf(UsageNames *names, text *name, const TimestampTz *at, int64 *id, bool *is_account);
extern const UsageRegion *UsageRegionOf(UsageNames *names, text *name);
extern const UsageChip *UsageChipOf(UsageNames *names, text *name, const UsageSource *source);
extern const UsageRate *UsageRateAt(const UsageChip *chip, TimestampTz at);
extern int32 UsageKindOf(UsageNames *names, const UsageSource *source, const UsageRegion *region, text *region_name, const UsageChip *chip,
						 text *chip_name, const UsageRate *rate, text *measure, text *number_format);
extern bool UsageReservationOf(UsageNames *names, text *name, const UsageRegion *region, const TimestampTz *at, int64 *id);

#endif							/* COMPUTE_LEDGER_USAGE_NAMES_H */
