/*
 * policy_lock.h
 *		Keeping policies as they are, for whoever books.
 */
#ifndef COMPUTE_LEDGER_POLICY_LOCK_H
#define COMPUTE_LEDGER_POLICY_LOCK_H

#include "base/compat.h"

extern bool AnyPolicy(void);

#endif							/* COMPUTE_LEDGER_POLICY_LOCK_H */
