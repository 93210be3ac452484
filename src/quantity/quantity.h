/*
 * quantity.h
 *		Exact amounts of compute: what compute_unit and compute_rate have in common.
 *
 * A quantity is a signed 112-bit integer, the amount, and a 16-bit basis that says
 * what was counted.  compute_unit counts FLOP, compute_rate counts MFLOP/s; a rate
 * times a duration in microseconds is an amount in FLOP, exactly.
 *
 * The amount lies in [QUANTITY_MIN, QUANTITY_MAX] = [-2^111, 2^111 - 1].  Anything
 * beyond is an error (22003), never a wrap.
 *
 * Pure: needs c.h only, allocates nothing and raises nothing.
 */
#ifndef COMPUTE_LEDGER_QUANTITY_H
#define COMPUTE_LEDGER_QUANTITY_H

#include "c.h"

#ifndef HAVE_INT128
#error "compute_ledger needs a compiler with 128-bit integers"
#endif

/*
 * The 16 bytes on disk, for both types: a native-endian 128-bit integer whose upper
 * 112 bits are the amount (two's complement) and whose lower 16 bits are the basis.
 * Type alignment is char, so the bytes may lie anywhere: they are only ever reached
 * with memcpy.  Every bit is significant, and equal values are equal bytes.
 */
typedef struct Quantity
{
	unsigned char bytes[16];
} Quantity;

#define DatumGetQuantityP(X)		((Quantity *) DatumGetPointer(X))
#define QuantityPGetDatum(X)		PointerGetDatum(X)
#define PG_GETARG_QUANTITY_P(n)		DatumGetQuantityP(PG_GETARG_DATUM(n))
#define PG_RETURN_QUANTITY_P(x)		return QuantityPGetDatum(x)

#define QUANTITY_MAX	((int128) ((((uint128) 1) << 111) - 1))
#define QUANTITY_MIN	(-QUANTITY_MAX - 1)

/* Whether an amount fits in 112 bits. */
#define QuantityInRange(amount) \
	((amount) >= QUANTITY_MIN && (amount) <= QUANTITY_MAX)

/* Bases that are built in.  The numbers are on disk: append, never renumber. */
typedef enum BasisCode
{
	BASIS_FLOP = 0,				/* operations as such: achieved work */
	BASIS_FP64 = 1,				/* from here on the peak dense rate in a format x device time */
	BASIS_FP32 = 2,
	BASIS_TF32 = 3,
	BASIS_FP16 = 4,
	BASIS_BF16 = 5,
	BASIS_FP8 = 6,
	BASIS_FP6 = 7,
	BASIS_FP4 = 8,
	BASIS_INT8 = 9,
	BASIS_INT4 = 10
} BasisCode;

#define BASIS_LAST_BUILTIN	BASIS_INT4
/* The user's own codes start here; those between are unassigned and refused. */
#define BASIS_FIRST_USER	1000
#define BASIS_MAX			65535

#define BasisIsValid(code)	((code) <= BASIS_LAST_BUILTIN || (code) >= BASIS_FIRST_USER)

/* Room for the longest basis name or number, with its zero byte. */
#define BASIS_MAXTEXT		8
/* Room for the longest text form of a quantity, with its zero byte. */
#define QUANTITY_MAXTEXT	64

/* Longest text that is read: a numeric has at most 147,455 digits, and a point and a sign. */
#define QUANTITY_MAXINPUT	150000

/* Which of the two types a text is to be read as. */
typedef enum QuantityKind
{
	QUANTITY_UNIT,				/* compute_unit: FLOP */
	QUANTITY_RATE				/* compute_rate: MFLOP/s */
} QuantityKind;

/* What reading a text found. */
typedef enum QuantityParseResult
{
	QUANTITY_PARSE_OK,
	QUANTITY_PARSE_SYNTAX,		/* not a number followed by a unit */
	QUANTITY_PARSE_NO_UNIT,		/* a number and nothing else */
	QUANTITY_PARSE_OTHER_KIND,	/* a rate where an amount is wanted, or the reverse */
	QUANTITY_PARSE_BASIS,		/* no such basis */
	QUANTITY_PARSE_RANGE		/* does not fit in 112 bits */
} QuantityParseResult;

/* A unit of either kind: factor * 10^exponent FLOP or FLOP/s. */
typedef struct QuantityScale
{
	QuantityKind kind;
	uint16		factor;			/* 1, 36 or 864 */
	int16		exponent;
} QuantityScale;

/* Returns the stored 128 bits. */
static inline int128
QuantityLoad(const Quantity *q)
{
	int128		v;

	memcpy(&v, q->bytes, sizeof(v));
	return v;
}

/* Returns the amount, in FLOP or MFLOP/s. */
static inline int128
QuantityAmount(const Quantity *q)
{
	return QuantityLoad(q) >> 16;
}

/* Returns the basis. */
static inline uint16
QuantityBasis(const Quantity *q)
{
	return (uint16) QuantityLoad(q);
}

/* Stores an amount, which the caller knows to be in range, and a basis. */
static inline void
QuantitySet(Quantity *dst, int128 amount, uint16 basis)
{
	uint128		v = ((uint128) amount << 16) | basis;

	memcpy(dst->bytes, &v, sizeof(v));
}

/* Orders by basis, then by amount: total, and it never raises. */
static inline int
QuantityCompare(const Quantity *a, const Quantity *b)
{
	int128		va = QuantityLoad(a);
	int128		vb = QuantityLoad(b);

	if (unlikely((uint16) va != (uint16) vb))
		return (uint16) va < (uint16) vb ? -1 : 1;
	return (va > vb) - (va < vb);
}

/* Tells whether a sorts before b, in the same order. */
static inline bool
QuantityLess(const Quantity *a, const Quantity *b)
{
	int128		va = QuantityLoad(a);
	int128		vb = QuantityLoad(b);

	if (unlikely((uint16) va != (uint16) vb))
		return (uint16) va < (uint16) vb;
	return va < vb;
}

/* Returns |amount|, which is defined for every int128. */
static inline uint128
QuantityMagnitude(int128 amount)
{
	return amount < 0 ? -(uint128) amount : (uint128) amount;
}

extern const char *BasisName(uint16 basis, char *buf);
extern bool BasisFromName(const char *name, size_t len, uint16 *basis);
extern bool QuantityScaleFromName(const char *name, size_t len, QuantityScale *scale);
extern QuantityParseResult QuantityParse(const char *str, QuantityKind kind,
										 int128 *amount, uint16 *basis);
extern int	QuantityFormat(int128 amount, uint16 basis, QuantityKind kind, char *buf);
extern int	FormatUint128(uint128 value, char *buf);

#endif							/* COMPUTE_LEDGER_QUANTITY_H */
