/*
 * identify_chars.h
 *		Names as rows of characters.  Pure, and for the files of this room.
 */
#ifndef COMPUTE_LEDGER_IDENTIFY_CHARS_H
#define COMPUTE_LEDGER_IDENTIFY_CHARS_H

#include "base/ascii.h"

/* No printed name of one device is longer. */
#define IDENTIFY_NAME_MAX	256

/* Says whether a byte is not ASCII. */
static inline bool
IdentifyIsHigh(char c)
{
	return ((unsigned char) c) >= 0x80;
}

/* Says whether a part may begin or end between two neighbours. */
static inline bool
IdentifyIsBoundary(const char *s, int at, int len)
{
	char		a,
				b;

	if (at <= 0 || at >= len)
		return true;
	a = s[at - 1];
	b = s[at];
	if (a == ' ' || b == ' ' || a == '+' || b == '+')
		return true;
	if (IdentifyIsHigh(a) || IdentifyIsHigh(b))
		return ((unsigned char) b & 0xc0) != 0x80;	/* not inside a character */
	return AsciiIsDigit(a) != AsciiIsDigit(b);
}

#endif							/* COMPUTE_LEDGER_IDENTIFY_CHARS_H */
