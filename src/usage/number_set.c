/*
 * number_set.c
 *		A set of numbers of 64 bits.
 */
#include "base/compat.h"

#include "utils/memutils.h"

#include "usage/number_set.h"

#define FIRST_SLOTS		1024

/* Returns the slot that a number, not 0, is in, or is to be put into. */
static uint64 *
slot_of_number(const NumberSet *set, uint64 number)
{
	uint64		at = (number * UINT64CONST(0x9E3779B97F4A7C15)) & (set->nslots - 1);

	while (set->slots[at] != 0 && set->slots[at] != number)
		at = (at + 1) & (set->nslots - 1);
	return &set->slots[at];
}

/* Makes room for as many numbers again. */
static void
enlarge(NumberSet *set)
{
	uint64	   *old = set->slots;
	uint64		nold = set->nslots;

	set->nslots = nold == 0 ? FIRST_SLOTS : nold * 2;
	set->slots = MemoryContextAllocExtended(set->context, set->nslots * sizeof(uint64), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (uint64 i = 0; i < nold; i++)
	{
		if (old[i] != 0)
			*slot_of_number(set, old[i]) = old[i];
	}
	if (old != NULL)
		pfree(old);
}

/* Whether a set has no room left for another number. */
bool
NumberSetIsFull(const NumberSet *set)
{
	/* while it grows, the slots of before are there, too */
	return set->limit > 0 && set->nslots > 0 && set->nused >= set->nslots / 2 && 3 * set->nslots * sizeof(uint64) > set->limit;
}

/* Whether a number is in a set. */
bool
NumberSetHas(const NumberSet *set, uint64 number)
{
	if (number == 0)
		return set->has_zero;
	return set->nslots > 0 && *slot_of_number(set, number) != 0;
}

/* Puts a number into a set that is not full; false if it was there. */
bool
NumberSetAdd(NumberSet *set, uint64 number)
{
	uint64	   *slot;

	if (number == 0)
	{
		bool		is_new = !set->has_zero;

		set->has_zero = true;
		return is_new;
	}
	if (set->nused >= set->nslots / 2)
		enlarge(set);
	slot = slot_of_number(set, number);
	if (*slot != 0)
		return false;
	*slot = number;
	set->nused++;
	return true;
}
