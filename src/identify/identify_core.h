/*
 * identify_core.h
 *		Reading the name of an accelerator: a grammar of words, driven by tables.
 *
 * Pure C over the identity of accelerator_core.h: no fmgr, no memory allocation,
 * so that it can be fuzzed by itself.  The words, the variants and their source
 * are rows of tables (docs/identify.md); here is only how they combine:
 *
 *	- A name is folded to lower case, and every run of separators to one blank.
 *	- It must be covered from end to end by words of the vocabulary and by what
 *	  identify_part.c reads: memory sizes ("80GB", "81559MiB"), profiles of MIG
 *	  ("3g.40gb+me") and vGPU ("-24Q"), powers ("300W").  One part that no word explains makes the name unknown: an
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

/* What a name means. */
typedef struct IdentifyMeaning
{
	Accelerator accelerator;
	bool		model_named;	/* not only a maker, though several models may go by the name */
	bool		several;		/* a system of several devices, or one of several: how many is not said */
	uint32_t	vgpu_mib;		/* memory of a vGPU, which is a part of a device; 0 = it is all of it */
	uint32_t	card_mib;		/* memory of that device; 0 = not known */
} IdentifyMeaning;

extern bool IdentifyRead(const IdentifyGrammar *g, const char *name, size_t len,
						 IdentifyMeaning *out);
extern int	IdentifyDevicesPerPackage(const IdentifyGrammar *g, const Accelerator *accelerator);
extern bool IdentifyJoin(const Accelerator *a, const Accelerator *b, Accelerator *out);

#endif							/* COMPUTE_LEDGER_IDENTIFY_CORE_H */
