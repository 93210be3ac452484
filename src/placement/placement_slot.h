/*
 * placement_slot.h
 *		Slots, on which what is booked of a pool begins and ends.
 */
#ifndef COMPUTE_LEDGER_PLACEMENT_SLOT_H
#define COMPUTE_LEDGER_PLACEMENT_SLOT_H

/* Returns the first start of a slot that is not before an instant: slots begin at midnight UTC, and divide a day. */
static inline int64
SlotFrom(int64 at, int64 slot)
{
	int64		over = at % slot;

	return over == 0 ? at : at - over + (over > 0 ? slot : 0);
}

#endif							/* COMPUTE_LEDGER_PLACEMENT_SLOT_H */
