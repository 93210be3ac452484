/*
 * profile_tally.h
 *		Adding up many device profiles that change at the same instants.
 */
#ifndef COMPUTE_LEDGER_PROFILE_TALLY_H
#define COMPUTE_LEDGER_PROFILE_TALLY_H

#include "profile/profile_object.h"

/* Changes of level by instant: a hash table, open, of which at most half is used. */
typedef struct ProfileTally
{
	ProfileObject *sum;			/* what has been added otherwise, and in the end everything */
	ProfileEvent *slots;		/* at PROFILE_BEGIN: free */
	int			bits;			/* of the number of slots */
	size_t		used;
	ProfileEvents decoded;		/* of the profile that is being added */
} ProfileTally;

extern ProfileTally *ProfileTallyMake(MemoryContext parent);
extern void ProfileTallyPeriod(ProfileTally *tally, int64 from, int64 to, int128 level);
extern void ProfileTallyMerge(ProfileTally *tally, Datum profile, bool negate);
extern ProfileObject *ProfileTallyFinish(ProfileTally *tally);

#endif							/* COMPUTE_LEDGER_PROFILE_TALLY_H */
