/*
 * quantity_compare.c
 *		Order, hash and index support of compute_unit and compute_rate.
 *
 * The order is total: by basis code, then by amount.  Comparisons never raise,
 * because indexes, statistics and merge joins call them on whatever is stored; of a
 * comparison that cannot be meant (a column held to one basis, a constant of
 * another) the planner warns, in quantity_support.
 */
#include "base/compat.h"

#include "common/hashfn.h"
#include "nodes/nodeFuncs.h"
#include "nodes/supportnodes.h"
#include "utils/sortsupport.h"

#include "base/errcodes.h"
#include "quantity/quantity_type.h"

/* a = b */
PG_FUNCTION_INFO_V1(quantity_eq);
Datum
quantity_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(QuantityLoad(PG_GETARG_QUANTITY_P(0)) ==
				   QuantityLoad(PG_GETARG_QUANTITY_P(1)));
}

/* a <> b */
PG_FUNCTION_INFO_V1(quantity_ne);
Datum
quantity_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(QuantityLoad(PG_GETARG_QUANTITY_P(0)) !=
				   QuantityLoad(PG_GETARG_QUANTITY_P(1)));
}

/* a < b */
PG_FUNCTION_INFO_V1(quantity_lt);
Datum
quantity_lt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(QuantityLess(PG_GETARG_QUANTITY_P(0), PG_GETARG_QUANTITY_P(1)));
}

/* a <= b */
PG_FUNCTION_INFO_V1(quantity_le);
Datum
quantity_le(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(!QuantityLess(PG_GETARG_QUANTITY_P(1), PG_GETARG_QUANTITY_P(0)));
}

/* a > b */
PG_FUNCTION_INFO_V1(quantity_gt);
Datum
quantity_gt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(QuantityLess(PG_GETARG_QUANTITY_P(1), PG_GETARG_QUANTITY_P(0)));
}

/* a >= b */
PG_FUNCTION_INFO_V1(quantity_ge);
Datum
quantity_ge(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(!QuantityLess(PG_GETARG_QUANTITY_P(0), PG_GETARG_QUANTITY_P(1)));
}

/* -1, 0, 1: btree support function 1 */
PG_FUNCTION_INFO_V1(quantity_cmp);
Datum
quantity_cmp(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(QuantityCompare(PG_GETARG_QUANTITY_P(0), PG_GETARG_QUANTITY_P(1)));
}

/* hash support function 1: equal values are equal bytes */
PG_FUNCTION_INFO_V1(quantity_hash);
Datum
quantity_hash(PG_FUNCTION_ARGS)
{
	return hash_any(PG_GETARG_QUANTITY_P(0)->bytes, sizeof(Quantity));
}

/* hash support function 2 */
PG_FUNCTION_INFO_V1(quantity_hash_extended);
Datum
quantity_hash_extended(PG_FUNCTION_ARGS)
{
	return hash_any_extended(PG_GETARG_QUANTITY_P(0)->bytes, sizeof(Quantity),
							 PG_GETARG_INT64(1));
}

/* Compares two datums for a sort. */
static int
compare_datums(Datum a, Datum b, SortSupport ssup pg_attribute_unused())
{
	return QuantityCompare(DatumGetQuantityP(a), DatumGetQuantityP(b));
}

#if SIZEOF_DATUM >= 8

/*
 * Abbreviates a quantity to 64 bits that sort the same way: the basis (16 bits),
 * then the amount as a floating-point number, sign, magnitude and all.
 *
 * The upper bits of the integer would not do: an amount of everyday size has 40 of
 * its 112 bits zero.  So the position of the leading bit goes in 7 bits and the 40
 * bits after the leading one follow it; for a negative amount, all 47 are inverted.
 * Two amounts that differ only beyond that are compared in full.
 */
static Datum
abbreviate_quantity(Datum original, SortSupport ssup pg_attribute_unused())
{
	Quantity   *q = DatumGetQuantityP(original);
	int128		amount = QuantityAmount(q);
	uint128		magnitude = QuantityMagnitude(amount);
	uint64		high = (uint64) (magnitude >> 64);
	uint64		key = 0;

	if (magnitude != 0)
	{
		int			bits;		/* 1 to 112 */
		uint64		top;		/* leading bit at bit 40 */

		bits = high != 0 ? 128 - __builtin_clzll(high) :
			64 - __builtin_clzll((uint64) magnitude);
		top = bits > 41 ? (uint64) (magnitude >> (bits - 41)) :
			(uint64) magnitude << (41 - bits);
		key = ((uint64) bits << 40) | (top & ((UINT64CONST(1) << 40) - 1));
	}
	/* the sign's bit is 47: below it the negative, the more so the larger */
	key = amount < 0 ? (UINT64CONST(1) << 47) - 1 - key : (UINT64CONST(1) << 47) | key;
	return UInt64GetDatum(((uint64) QuantityBasis(q) << 48) | key);
}

/* Never gives up: making a key costs a few nanoseconds, also where it is no help. */
static bool
abbreviation_fails(int memtupcount pg_attribute_unused(), SortSupport ssup pg_attribute_unused())
{
	return false;
}

#endif

/* btree support function 2 */
PG_FUNCTION_INFO_V1(quantity_sortsupport);
Datum
quantity_sortsupport(PG_FUNCTION_ARGS)
{
	SortSupport ssup = (SortSupport) PG_GETARG_POINTER(0);

	ssup->comparator = compare_datums;
#if SIZEOF_DATUM >= 8
	if (ssup->abbreviate)
	{
		ssup->abbrev_full_comparator = compare_datums;
		ssup->comparator = ssup_datum_unsigned_cmp;
		ssup->abbrev_converter = abbreviate_quantity;
		ssup->abbrev_abort = abbreviation_fails;
	}
#endif
	PG_RETURN_VOID();
}

/*
 * btree support function 3: val <= or >= base +- offset, for RANGE frames.  The
 * offset is a distance, so it is of the basis of the row that it starts from
 * (LC001 if not) and not negative (22013); rows of other bases lie outside.
 */
PG_FUNCTION_INFO_V1(quantity_in_range);
Datum
quantity_in_range(PG_FUNCTION_ARGS)
{
	Quantity   *val = PG_GETARG_QUANTITY_P(0);
	Quantity   *base = PG_GETARG_QUANTITY_P(1);
	Quantity   *offset = PG_GETARG_QUANTITY_P(2);
	bool		sub = PG_GETARG_BOOL(3);
	bool		less = PG_GETARG_BOOL(4);
	int128		distance = QuantityAmount(offset);
	int128		bound;

	if (distance < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PRECEDING_OR_FOLLOWING_SIZE),
				 errmsg("invalid preceding or following size in window function")));
	if (QuantityBasis(offset) != QuantityBasis(base))
		BasisMismatchError(QuantityBasis(offset), QuantityBasis(base));
	if (QuantityBasis(val) != QuantityBasis(base))
		PG_RETURN_BOOL(less == (QuantityBasis(val) < QuantityBasis(base)));

	/* 112-bit amounts: the sum fits in 128 bits, in range or not */
	bound = QuantityAmount(base) + (sub ? -distance : distance);
	PG_RETURN_BOOL(less ? QuantityAmount(val) <= bound : QuantityAmount(val) >= bound);
}

/*
 * BRIN minmax-multi support function 11: b - a for a <= b.  Bases are so far apart
 * that ranges of one basis are merged first.
 */
PG_FUNCTION_INFO_V1(quantity_brin_distance);
Datum
quantity_brin_distance(PG_FUNCTION_ARGS)
{
	Quantity   *a = PG_GETARG_QUANTITY_P(0);
	Quantity   *b = PG_GETARG_QUANTITY_P(1);

	PG_RETURN_FLOAT8(((double) QuantityBasis(b) - (double) QuantityBasis(a)) *
					 (2.0 * (double) QUANTITY_MAX) +
					 (double) (QuantityAmount(b) - QuantityAmount(a)));
}

/*
 * Planner support of the six comparisons.
 *
 * A column held to a basis never equals, precedes or follows a constant of another
 * in a way that somebody can have meant: the comparison is decided by the numbers of
 * the two bases.  The planner warns (LC001) of those that it sees.  It does not see
 * all of them (an array, a parameter of a generic plan), so that an error would make
 * the answer to one query depend on its plan.
 */
PG_FUNCTION_INFO_V1(quantity_support);
Datum
quantity_support(PG_FUNCTION_ARGS)
{
	Node	   *request = (Node *) PG_GETARG_POINTER(0);

	if (IsA(request, SupportRequestSimplify))
	{
		FuncExpr   *call = ((SupportRequestSimplify *) request)->fcall;

		if (list_length(call->args) == 2)
		{
			Node	   *left = linitial(call->args);
			Node	   *right = lsecond(call->args);

			if (IsA(left, Const))
			{
				Node	   *swap = left;

				left = right;
				right = swap;
			}
			if (IsA(right, Const) && !((Const *) right)->constisnull)
			{
				int32		typmod = exprTypmod(left);
				uint16		basis;

				basis = QuantityBasis(DatumGetQuantityP(((Const *) right)->constvalue));
				if (typmod >= 0 && typmod != basis)
				{
					char		held[BASIS_MAXTEXT];
					char		constant[BASIS_MAXTEXT];

					ereport(WARNING,
							(errcode(ERRCODE_CL_BASIS_MISMATCH),
							 errmsg("compute quantities have different bases: %s and %s",
									BasisName((uint16) typmod, held),
									BasisName(basis, constant)),
							 errdetail("One side of the comparison is held to basis %s, so the bases alone decide it.",
									   BasisName((uint16) typmod, held)),
							 errhint("Write the constant in basis %s.",
									 BasisName((uint16) typmod, held))));
				}
			}
		}
	}
	PG_RETURN_POINTER(NULL);
}
