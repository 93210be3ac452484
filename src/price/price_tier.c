/*
 * price_tier.c
 *		What a quantity costs under a price: flat, graduated, volume, package.
 *
 * With a free quantity z, b(q) = max(0, q - z) is what of a quantity q is billed.
 * Tiers have bounds 0 = B0 < B1 < ... (the last tier has no end), prices p_k and fees
 * f_k.  The cost R(q) of a quantity is
 *
 *	flat		b p
 *	graduated	sum of max(0, min(b, B_k) - B_(k-1)) p_k, and the f_k with b > B_(k-1)
 *	volume		b p_k + f_k of the one tier with B_(k-1) < b <= B_k; 0 if b = 0
 *	package		ceil(b / size) p
 *
 * The quantity of a pool grows over a billing period, and a part of it that begins
 * at q0 and ends at q1 costs R(q1) - R(q0): the parts add up to the whole.  That goes
 * wrong for volume, whose tier is known at the end only: there the tier of the whole
 * prices every part, and the fee goes with the part in which b leaves 0.
 *
 * All is exact: numeric's +, - and * are, and ceil is made of trunc and mod.
 */
#include "base/compat.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "base/numeric_arith.h"

/* The tiers of a price, and its free quantity. */
typedef struct PriceTiers
{
	int			n;				/* number of tiers */
	Datum	   *bounds;			/* n - 1 */
	Datum	   *prices;			/* n */
	Datum	   *fees;			/* n, or NULL: none */
} PriceTiers;

/* Raises for a quantity or a price that is no finite number from 0 on. */
static void
CheckNumber(Datum d, const char *what)
{
	Numeric		n = DatumGetNumeric(d);

	if (numeric_is_nan(n) || numeric_is_inf(n) || NumericCompare(d, NumericFromInteger(0)) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be a number from 0 on", what)));
}

/* Reads an array of numerics without NULLs, one-dimensional or empty. */
static Datum *
ReadNumbers(ArrayType *array, int *n)
{
	Datum	   *values;

	if (ARR_NDIM(array) > 1 || array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("tiers must be one-dimensional arrays without nulls")));
	deconstruct_array(array, NUMERICOID, -1, false, TYPALIGN_INT, &values, NULL, n);
	return values;
}

/* Reads tiers from arguments 2 to 4. */
static void
ReadTiers(FunctionCallInfo fcinfo, PriceTiers *tiers)
{
	int			nbounds = 0;
	int			nfees;

	if (PG_ARGISNULL(3))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a price with tiers needs their prices")));
	tiers->prices = ReadNumbers(PG_GETARG_ARRAYTYPE_P(3), &tiers->n);
	tiers->bounds = PG_ARGISNULL(2) ? NULL : ReadNumbers(PG_GETARG_ARRAYTYPE_P(2), &nbounds);
	tiers->fees = NULL;
	nfees = tiers->n;
	if (!PG_ARGISNULL(4))
		tiers->fees = ReadNumbers(PG_GETARG_ARRAYTYPE_P(4), &nfees);
	if (tiers->n != nbounds + 1 || nfees != tiers->n)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("price has %d tier bounds, %d tier prices and %d tier fees", nbounds, tiers->n, nfees)));
}

/* Returns the part of a quantity that is billed; a NULL free quantity is none. */
static Datum
Billed(FunctionCallInfo fcinfo, Datum q)
{
	Datum		b;

	if (PG_ARGISNULL(6))
		return q;
	b = NumericSubtract(q, PG_GETARG_DATUM(6));
	return NumericCompare(b, NumericFromInteger(0)) < 0 ? NumericFromInteger(0) : b;
}

/* Returns the tier that b > 0 falls in, bounds inclusive. */
static int
FindTier(const PriceTiers *tiers, Datum b)
{
	int			k = 0;

	while (k < tiers->n - 1 && NumericCompare(b, tiers->bounds[k]) > 0)
		k++;
	return k;
}

/* Returns what b costs in graduated tiers. */
static Datum
GraduatedCost(const PriceTiers *tiers, Datum b)
{
	Datum		cost = NumericFromInteger(0);
	Datum		above = NumericFromInteger(0);

	for (int k = 0; k < tiers->n && NumericCompare(b, above) > 0; k++)
	{
		bool		last = k == tiers->n - 1 || NumericCompare(b, tiers->bounds[k]) <= 0;

		cost = NumericAdd(cost, NumericMultiply(NumericSubtract(last ? b : tiers->bounds[k], above), tiers->prices[k]));
		if (tiers->fees)
			cost = NumericAdd(cost, tiers->fees[k]);
		if (last)
			break;
		above = tiers->bounds[k];
	}
	return cost;
}

/* Returns how many packages hold b. */
static Datum
Packages(Datum b, Datum size)
{
	Datum		n = DirectFunctionCall2(numeric_div_trunc, b, size);

	/* by what is left over: the quotient itself may have no end */
	return NumericCompare(DirectFunctionCall2(numeric_mod, b, size), NumericFromInteger(0)) > 0 ? NumericAdd(n, NumericFromInteger(1)) : n;
}

/*
 * _tier_cost(model, price, tier_bounds, tier_prices, tier_fees, package_size, free, q0, q1, total)
 *
 * NULL for a NULL model or quantity.
 */
PG_FUNCTION_INFO_V1(_tier_cost);
Datum
_tier_cost(PG_FUNCTION_ARGS)
{
	text	   *model;
	const char *name;
	int			len;
	Datum		b0,
				b1;
	PriceTiers	tiers;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(7) || PG_ARGISNULL(8))
		PG_RETURN_NULL();
	model = PG_GETARG_TEXT_PP(0);
	name = VARDATA_ANY(model);
	len = VARSIZE_ANY_EXHDR(model);
#define MODEL_IS(s) (len == sizeof(s) - 1 && memcmp(name, s, sizeof(s) - 1) == 0)

	CheckNumber(PG_GETARG_DATUM(7), "a quantity");
	CheckNumber(PG_GETARG_DATUM(8), "a quantity");
	b0 = Billed(fcinfo, PG_GETARG_DATUM(7));
	b1 = Billed(fcinfo, PG_GETARG_DATUM(8));

	if (MODEL_IS("flat") || MODEL_IS("package"))
	{
		if (PG_ARGISNULL(1) || (len == 7 && PG_ARGISNULL(5)))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("a price of this model needs its price and size")));
		if (len == 7)
		{
			if (NumericCompare(PG_GETARG_DATUM(5), NumericFromInteger(0)) <= 0)
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("size of a package must be above 0")));
			b0 = Packages(b0, PG_GETARG_DATUM(5));
			b1 = Packages(b1, PG_GETARG_DATUM(5));
		}
		return NumericMultiply(NumericSubtract(b1, b0), PG_GETARG_DATUM(1));
	}
	if (MODEL_IS("graduated"))
	{
		int			k;

		ReadTiers(fcinfo, &tiers);
		/* most parts lie within one tier */
		if (NumericCompare(b0, NumericFromInteger(0)) > 0 && NumericCompare(b1, NumericFromInteger(0)) > 0 &&
			(k = FindTier(&tiers, b0)) == FindTier(&tiers, b1))
			return NumericMultiply(NumericSubtract(b1, b0), tiers.prices[k]);
		return NumericSubtract(GraduatedCost(&tiers, b1), GraduatedCost(&tiers, b0));
	}
	if (MODEL_IS("volume"))
	{
		Datum		total = PG_GETARG_DATUM(PG_ARGISNULL(9) ? 8 : 9);
		Datum		cost;
		bool		billed0,
					billed1;
		int			k;

		ReadTiers(fcinfo, &tiers);
		CheckNumber(total, "a quantity");
		if (!PG_ARGISNULL(9) && (NumericCompare(PG_GETARG_DATUM(7), total) > 0 || NumericCompare(PG_GETARG_DATUM(8), total) > 0))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("a part cannot reach beyond the whole quantity")));
		k = FindTier(&tiers, Billed(fcinfo, total));
		cost = NumericMultiply(NumericSubtract(b1, b0), tiers.prices[k]);
		billed0 = NumericCompare(b0, NumericFromInteger(0)) > 0;
		billed1 = NumericCompare(b1, NumericFromInteger(0)) > 0;
		if (tiers.fees && billed0 != billed1)
			cost = billed1 ? NumericAdd(cost, tiers.fees[k]) : NumericSubtract(cost, tiers.fees[k]);
		return cost;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown model of price: \"%.*s\"", len, name),
			 errhint("Models are flat, graduated, volume and package.")));
	PG_RETURN_NULL();
}
