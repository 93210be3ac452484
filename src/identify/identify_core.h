/*
 * identify_core.h
 *		Reading the name of an accelerator: a grammar of words, driven by tables.
 *
 * Pure C over the identity of accelerator_core.h: no fmgr, no memory allocation,
 * so that it can be fuzzed by itself.  The words, the variants and their source
 * are rows of tables (docs/identify.md); here is only how they combine:
 *
 *	- A name is folded to lower case, and every run of separators to one blank.
 *	- It must be covered from end to end by words of the vocabulary and by
 *	  memory sizes ("80GB", "81559MiB"), MIG profiles ("3g.40gb+me") and powers
 *	  ("300W").  One part that no word explains makes the name unknown: an
 *	  unknown suffix is more often another chip than decoration.
 *	- What the words say must agree: one vendor, one model, one form factor, one
 *	  memory size.  Otherwise the name is unknown.
 *	- The variants of the model that the name allows decide the rest.  One left:
 *	  that is the chip.  Several: the class that holds them, made only of parts
 *	  that the name states.  None known: the parts as stated.
 *
 * So a wrong answer needs a wrong row; a missing row gives a wider class, or none.
 */
#ifndef COMPUTE_LEDGER_IDENTIFY_CORE_H
#define COMPUTE_LEDGER_IDENTIFY_CORE_H

#include "identify/identify_word.h"

extern bool IdentifyRead(const IdentifyGrammar *g, const char *name, size_t len,
						 Accelerator *out);
extern bool IdentifyJoin(const Accelerator *a, const Accelerator *b, Accelerator *out);

#endif							/* COMPUTE_LEDGER_IDENTIFY_CORE_H */
