/*
 * lesser.h
 *		The lower of two profiles at each instant.
 */
#ifndef COMPUTE_LEDGER_LESSER_H
#define COMPUTE_LEDGER_LESSER_H

#include "base/compat.h"

extern Datum LesserProfile(Datum a, Datum b);

#endif							/* COMPUTE_LEDGER_LESSER_H */
