/*
 * number_set.h
 *		A set of numbers of 64 bits, in 32 bytes a number at most.
 */
#ifndef COMPUTE_LEDGER_NUMBER_SET_H
#define COMPUTE_LEDGER_NUMBER_SET_H

#include "base/compat.h"

/* Zeros but for the context, and a limit: an empty one. */
typedef struct NumberSet
{
	MemoryContext context;
	Size		limit;			/* bytes beyond which it is full; 0: none */
	uint64		nslots;			/* a power of 2, or 0 */
	uint64		nused;
	bool		has_zero;
	uint64	   *slots;			/* open addressing, at most half full; 0: free */
} NumberSet;

extern bool NumberSetIsFull(const NumberSet *set);
extern bool NumberSetHas(const NumberSet *set, uint64 number);
extern bool NumberSetAdd(NumberSet *set, uint64 number);

#endif							/* COMPUTE_LEDGER_NUMBER_SET_H */
