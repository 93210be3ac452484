/*
 * usage_key.h
 *		Bytes of a text that are the same in every database.
 */
#ifndef COMPUTE_LEDGER_USAGE_KEY_H
#define COMPUTE_LEDGER_USAGE_KEY_H

#include "c.h"

extern const char *Utf8Bytes(const char *str, int *len, bool *is_utf8);

#endif							/* COMPUTE_LEDGER_USAGE_KEY_H */
