/*
 * accelerator.h
 *		The SQL type accelerator: which chip, or class of chips, is meant.
 *
 * 16 bytes, fixed length, passed by reference, alignment char (so a Datum may
 * point anywhere: read it with memcpy or byte by byte).  Representation, text
 * form and containment: accelerator_core.h.
 */
#ifndef COMPUTE_LEDGER_ACCELERATOR_H
#define COMPUTE_LEDGER_ACCELERATOR_H

#include "base/compat.h"
#include "accelerator/accelerator_core.h"

struct Node;

#define DatumGetAcceleratorP(d)		((Accelerator *) DatumGetPointer(d))
#define AcceleratorPGetDatum(a)		PointerGetDatum(a)
#define PG_GETARG_ACCELERATOR_P(n)	DatumGetAcceleratorP(PG_GETARG_DATUM(n))
#define PG_RETURN_ACCELERATOR_P(a)	return AcceleratorPGetDatum(a)

/*
 * Packs parts; on a part that cannot be, reports 22023 to escontext (throws when
 * it is NULL) and returns false.
 */
extern bool AcceleratorPack(const AcceleratorParts *parts, Accelerator *out,
							struct Node *escontext);

/*
 * Reads the text form, which need not end in NUL; on bad text reports 22P02 to
 * escontext (throws when it is NULL) and returns NULL, else a palloc'd value.
 */
extern Accelerator *AcceleratorParse(const char *str, size_t len,
									 struct Node *escontext);

#endif							/* COMPUTE_LEDGER_ACCELERATOR_H */
