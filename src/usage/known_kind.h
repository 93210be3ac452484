/*
 * known_kind.h
 *		What records of usage are of, by their numbers.
 */
#ifndef COMPUTE_LEDGER_KNOWN_KIND_H
#define COMPUTE_LEDGER_KNOWN_KIND_H

#include "base/compat.h"

#include "accelerator/accelerator.h"
#include "quantity/quantity.h"

/* A row of usage_kind. */
typedef struct KnownKind
{
	int32		number;
	char		status;
	bool		own;			/* the ledger makes its records of reservations */
	int32		region;
	int32		basis;
	int32		share;			/* 0: not known */
	Accelerator accelerator;
	const Quantity *rate;		/* NULL: none */
	Datum		measure;
	Datum		number_format;	/* 0: not known */
	void	   *meaning;		/* what the reader has made of it; NULL at first */
} KnownKind;

#define SH_PREFIX known_kinds
#define SH_ELEMENT_TYPE KnownKind
#define SH_KEY_TYPE int32
#define SH_KEY number
#define SH_HASH_KEY(tb, key) ((uint32) (key) * 0x9E3779B1u)
#define SH_EQUAL(tb, a, b) ((a) == (b))
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

extern known_kinds_hash *KnownKindsRead(MemoryContext context);
pg_noreturn extern void KnownKindMissingError(int32 number);

/* Finds the kind of a record; XX001. */
static inline KnownKind *
KnownKindFind(known_kinds_hash *kinds, int32 number)
{
	KnownKind  *kind = known_kinds_lookup(kinds, number);

	if (unlikely(kind == NULL))
		KnownKindMissingError(number);
	return kind;
}

#endif							/* COMPUTE_LEDGER_KNOWN_KIND_H */
