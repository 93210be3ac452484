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

/* Says whether a part may begin or end between two neighbours. */
static inline bool
is_boundary(const char *s, int at, int len)
{
	char		a,
				b;

	if (at <= 0 || at >= len)
		return true;
	a = s[at - 1];
	b = s[at];
	if (a == ' ' || b == ' ' || a == '+' || b == '+')
		return true;
	if (is_high(a) || is_high(b))
		return ((unsigned char) b & 0xc0) != 0x80;	/* not inside a character */
	return is_digit(a) != is_digit(b);
}

#endif							/* COMPUTE_LEDGER_IDENTIFY_CHARS_H */
