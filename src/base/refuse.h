/*
 * refuse.h
 *		Errors that are about what a user asked for.
 */
#ifndef COMPUTE_LEDGER_REFUSE_H
#define COMPUTE_LEDGER_REFUSE_H

extern void HideOwnContext(void);

#endif							/* COMPUTE_LEDGER_REFUSE_H */
