/*
 * ascii.h
 *		Characters, the same in every locale.
 *
 * Pure: needs nothing of PostgreSQL.
 */
#ifndef COMPUTE_LEDGER_ASCII_H
#define COMPUTE_LEDGER_ASCII_H

#include <stdbool.h>

static inline bool
AsciiIsDigit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool
AsciiIsLower(char c)
{
	return c >= 'a' && c <= 'z';
}

/* Returns the lower case of a letter, and anything else as it is. */
static inline char
AsciiFold(char c)
{
	return c >= 'A' && c <= 'Z' ? (char) (c - 'A' + 'a') : c;
}

#endif							/* COMPUTE_LEDGER_ASCII_H */
