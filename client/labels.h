/*
 * labels.h
 *		The digest of labels.
 */
#ifndef COMPUTE_LEDGER_LABELS_H
#define COMPUTE_LEDGER_LABELS_H

#include "postgres_fe.h"

#include "digest/digest.h"

extern bool DigestLabels(DigestState *state, const char *text, size_t len);

#endif							/* COMPUTE_LEDGER_LABELS_H */
