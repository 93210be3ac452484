/*
 * core_test.h
 *		What the programs that test a pure core by itself have in common: a check that ends them, numbers that are the same
 *		for the same seed, and memory.  Each includes it once, after the headers of its core.
 */
#ifndef CORE_TEST_H
#define CORE_TEST_H

/* c.h has its own */
#undef printf
#undef fprintf
#undef qsort
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition) \
	do { \
		if (!(condition)) \
		{ \
			printf("line %d: not %s\n", __LINE__, #condition); \
			exit(1); \
		} \
	} while (0)

/* The seed, which is not 0; then what bits() has come to. */
static uint64 state;

/* Returns pseudo-random bits (xorshift64). */
static uint64
bits(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* Returns a number below a limit, which is above 0. */
static int64
below(int64 limit)
{
	return (int64) (bits() % (uint64) limit);
}

/* Allocates, moves or frees, as the cores' callers do. */
static void *
resize(void *context, void *pointer, size_t size)
{
	(void) context;
	if (size == 0)
	{
		free(pointer);
		return NULL;
	}
	return realloc(pointer, size);
}

#endif							/* CORE_TEST_H */
