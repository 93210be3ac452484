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

/* The planner knows operators by these. */
extern PGDLLEXPORT Datum accelerator_le(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum accelerator_ge(PG_FUNCTION_ARGS);

#endif							/* COMPUTE_LEDGER_ACCELERATOR_H */
