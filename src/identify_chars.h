/*
 * identify_chars.h
 *		Characters of names, the same in every locale.  Private to identify_*.c.
 */
#ifndef COMPUTE_LEDGER_IDENTIFY_CHARS_H
#define COMPUTE_LEDGER_IDENTIFY_CHARS_H

#include <stdbool.h>

static inline bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool
is_letter(char c)
{
	return c >= 'a' && c <= 'z';
}

static inline bool
is_high(char c)
{
	return ((unsigned char) c) >= 0x80;
}

static inline char
fold(char c)
{
	return c >= 'A' && c <= 'Z' ? (char) (c - 'A' + 'a') : c;
}

#endif							/* COMPUTE_LEDGER_IDENTIFY_CHARS_H */
