/*
 * profile_tally.c
 *		Adding up many device profiles that change at the same instants.
 *
 * A ProfileObject keeps every change that it is given and sorts them in the end.  Where thousands of profiles change at a few
 * hundred instants, such as whole hours, it is much faster to add up the changes of an instant as they come.
 */
#include "base/compat.h"

#include "utils/memutils.h"

#include "profile/profile_tally.h"

#define FIRST_BITS	7

/* Makes a table of free slots. */
static void
make_slots(ProfileTally *tally, int bits)
{
	size_t		count = (size_t) 1 << bits;

	tally->slots = MemoryContextAllocHuge(tally->sum->header.eoh_context, count * sizeof(ProfileEvent));
	for (size_t i = 0; i < count; i++)
		tally->slots[i] = (ProfileEvent) {PROFILE_BEGIN, 0};
	tally->bits = bits;
	tally->used = 0;
}

/* Makes a tally of nothing, whose memory is its sum's. */
ProfileTally *
ProfileTallyMake(MemoryContext parent)
{
	ProfileObject *sum = ProfileMake(parent, PROFILE_DEVICE, 0);
	ProfileTally *tally = MemoryContextAllocZero(sum->header.eoh_context, sizeof(ProfileTally));

	tally->sum = sum;
	tally->decoded.resize = ProfileResizeMemory;
	tally->decoded.context = sum->header.eoh_context;
	make_slots(tally, FIRST_BITS);
	return tally;
}

/* Adds what a tally has to the events of its sum, without adding up. */
static void
tally_wide(ProfileTally *tally, int64 at, int128 delta)
{
	/* what was checked is not what it is now */
	tally->sum->checked = false;
	if (!ProfileAddWide(&tally->sum->events, at, delta))
		ProfileRaise(PROFILE_OVERFLOW, PROFILE_DEVICE);
}

/* Returns the slot of an instant, which is free if nothing changes then so far. */
static inline ProfileEvent *
find_slot(const ProfileTally *tally, int64 at)
{
	size_t		mask = ((size_t) 1 << tally->bits) - 1;
	size_t		i = ((uint64) at * UINT64CONST(0x9E3779B97F4A7C15)) >> (64 - tally->bits);

	while (tally->slots[i].at != at && tally->slots[i].at != PROFILE_BEGIN)
		i = (i + 1) & mask;
	return &tally->slots[i];
}

/* Doubles the table. */
static void
grow(ProfileTally *tally)
{
	ProfileEvent *old = tally->slots;
	size_t		count = (size_t) 1 << tally->bits;

	make_slots(tally, tally->bits + 1);
	for (size_t i = 0; i < count; i++)
	{
		if (old[i].delta == 0)
			continue;
		*find_slot(tally, old[i].at) = old[i];
		tally->used++;
	}
	pfree(old);
}

/* Adds a change of level. */
static inline void
add_event(ProfileTally *tally, int64 at, int64 delta)
{
	ProfileEvent *slot = find_slot(tally, at);
	int64		sum;

	if (slot->at == PROFILE_BEGIN)
	{
		/* no instant is that one, but stored bytes may be damaged */
		if (unlikely(at == PROFILE_BEGIN))
			ProfileRaise(PROFILE_CORRUPT, PROFILE_DEVICE);
		slot->at = at;
		slot->delta = delta;
		if (++tally->used > (size_t) 1 << (tally->bits - 1))
			grow(tally);
	}
	else if (unlikely(__builtin_add_overflow(slot->delta, delta, &sum)))
		tally_wide(tally, at, delta);
	else
		slot->delta = sum;
}

/* Adds a period at a level. */
void
ProfileTallyPeriod(ProfileTally *tally, int64 from, int64 to, int128 level)
{
	if ((int64) level != level || level == PG_INT64_MIN)
	{
		tally_wide(tally, from, level);
		tally_wide(tally, to, -level);
	}
	else
	{
		add_event(tally, from, (int64) level);
		add_event(tally, to, -(int64) level);
	}
}

/* Adds a device profile, or its negative. */
void
ProfileTallyMerge(ProfileTally *tally, Datum profile, bool negate)
{
	ProfileSource source;
	const ProfileEvents *events;

	ProfileOpen(&source, profile, PROFILE_WHOLE);
	events = source.start.events;
	if (events == NULL)
	{
		ProfileStatus status;

		tally->decoded.count = tally->decoded.high_count = 0;
		status = ProfileDecode(&source.flat, &tally->decoded, false);
		if (status != PROFILE_OK)
			ProfileRaise(status, PROFILE_DEVICE);
		events = &tally->decoded;
	}
	for (size_t i = 0; i < events->count; i++)
	{
		int64		delta = events->items[i].delta;

		if (unlikely(negate && delta == PG_INT64_MIN))
			tally_wide(tally, events->items[i].at, -(int128) delta);
		else
			add_event(tally, events->items[i].at, negate ? -delta : delta);
	}
	for (size_t i = 0; i < events->high_count; i++)
	{
		int128		delta = (int128) events->highs[i].delta * PROFILE_HIGH_UNIT;

		tally_wide(tally, events->highs[i].at, negate ? -delta : delta);
	}
}

/* Returns the sum, in the form that users see.  Nothing can be added any more. */
ProfileObject *
ProfileTallyFinish(ProfileTally *tally)
{
	ProfileEvents *events = &tally->sum->events;

	ProfileReserve(events, tally->used);
	for (size_t i = 0; i < (size_t) 1 << tally->bits; i++)
	{
		if (tally->slots[i].delta != 0)
			events->items[events->count++] = tally->slots[i];
	}
	events->normal = false;
	tally->sum->checked = false;
	pfree(tally->slots);
	tally->slots = NULL;
	return ProfileFinish(tally->sum);
}
