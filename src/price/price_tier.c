/*
 * price_tier.c
 *		What a quantity costs under a price, as SQL asks for it (see price_tier.h).
 *
 * All is exact: numeric's +, - and * are, and ceil is made of trunc and mod.
 */
#include "base/compat.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "base/numeric_arith.h"
#include "price/price_tier.h"

/* Returns how many packages hold b, by what is left over: the quotient itself may have no end. */
static Datum
count_packages(Datum b, Datum size)
{
	Datum		n = DirectFunctionCall2(numeric_div_trunc, b, size);

	return NumericCompare(DirectFunctionCall2(numeric_mod, b, size), NumericFromInteger(0)) > 0 ? NumericAdd(n, NumericFromInteger(1)) : n;
}

/* Quantities as numerics. */
#define TIER_NAME(x)	Numeric##x
#define TIER_NUMBER		Datum
#define TIER_ZERO		NumericFromInteger(0)
#define TIER_COMPARE(a, b)	NumericCompare(a, b)
#define TIER_SUBTRACT(a, b)	NumericSubtract(a, b)
#define TIER_PACKAGES(b, size)	count_packages(b, size)
#define TIER_NUMERIC(n)	(n)
#include "price/price_tier_walk.h"

/* Returns the model of a name; raises 22023 for another name. */
PriceModel
PriceModelFromText(Datum name)
{
	static const char *const models[] = {
		[MODEL_FLAT] = "flat",
		[MODEL_GRADUATED] = "graduated",
		[MODEL_VOLUME] = "volume",
		[MODEL_PACKAGE] = "package",
		[MODEL_LIST] = "list",
	};
	text	   *model = DatumGetTextPP(name);

	for (int i = 0; i < (int) lengthof(models); i++)
	{
		if (VARSIZE_ANY_EXHDR(model) == strlen(models[i]) && memcmp(VARDATA_ANY(model), models[i], strlen(models[i])) == 0)
			return (PriceModel) i;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown model of price: \"%s\"", text_to_cstring(model)),
			 errhint("Models are flat, graduated, volume, package and list.")));
}

/* Returns the price of a unit in a tier, or of a package. */
Datum
TierPrice(const PriceTiers *tiers, int tier)
{
	return tier == 0 ? NumericFromInteger(0) : tiers->prices != NULL ? tiers->prices[tier - 1] : tiers->price;
}

/* Returns what is due for so many units, or packages, in a tier, whose fee is due so many times. */
Datum
TierDue(const PriceTiers *tiers, int tier, Datum counted, int64 entered)
{
	Datum		due;

	if (tier == 0)
		return NumericFromInteger(0);
	due = NumericMultiply(counted, TierPrice(tiers, tier));
	if (entered > 0 && tiers->fees != NULL)
		due = NumericAdd(due, NumericMultiply(NumericFromInteger(entered), tiers->fees[tier - 1]));
	return due;
}

/* Raises for a quantity or a price that is no finite number from 0 on. */
static void
check_number(Datum d, const char *what)
{
	Numeric		n = DatumGetNumeric(d);

	if (numeric_is_nan(n) || numeric_is_inf(n) || NumericCompare(d, NumericFromInteger(0)) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be a number from 0 on", what)));
}

/* Reads an array of numerics without NULLs, one-dimensional or empty. */
static Datum *
read_tier_numbers(ArrayType *array, int *n)
{
	Datum	   *values;

	if (ARR_NDIM(array) > 1 || array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("tiers must be one-dimensional arrays without nulls")));
	deconstruct_array(array, NUMERICOID, -1, false, TYPALIGN_INT, &values, NULL, n);
	return values;
}

/* Reads a price from arguments 0 to 6 of _tier_cost. */
static void
read_price(FunctionCallInfo fcinfo, PriceTiers *tiers, NumericTierBounds *bounds)
{
	int			nprices;
	int			nfees;

	memset(tiers, 0, sizeof(PriceTiers));
	memset(bounds, 0, sizeof(NumericTierBounds));
	tiers->model = PriceModelFromText(PG_GETARG_DATUM(0));
	if (tiers->model == MODEL_LIST)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a price of model list costs a share of what list prices cost")));
	bounds->free = PG_ARGISNULL(6) ? NumericFromInteger(0) : PG_GETARG_DATUM(6);
	if (tiers->model == MODEL_FLAT || tiers->model == MODEL_PACKAGE)
	{
		if (PG_ARGISNULL(1) || (tiers->model == MODEL_PACKAGE && PG_ARGISNULL(5)))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("a price of this model needs its price and size")));
		tiers->price = PG_GETARG_DATUM(1);
		if (tiers->model == MODEL_FLAT)
			return;
		bounds->package_size = PG_GETARG_DATUM(5);
		if (NumericCompare(bounds->package_size, NumericFromInteger(0)) <= 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("size of a package must be above 0")));
		return;
	}
	if (PG_ARGISNULL(3))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a price with tiers needs their prices")));
	tiers->prices = read_tier_numbers(PG_GETARG_ARRAYTYPE_P(3), &nprices);
	if (!PG_ARGISNULL(2))
		bounds->bounds = read_tier_numbers(PG_GETARG_ARRAYTYPE_P(2), &bounds->nbounds);
	nfees = nprices;
	if (!PG_ARGISNULL(4))
		tiers->fees = read_tier_numbers(PG_GETARG_ARRAYTYPE_P(4), &nfees);
	if (nprices != bounds->nbounds + 1 || nfees != nprices)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("price has %d tier bounds, %d tier prices and %d tier fees", bounds->nbounds, nprices, nfees)));
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
	PriceTiers	tiers;
	NumericTierBounds bounds;
	Datum		q0;
	Datum		q1;
	Datum		total;
	int			order;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(7) || PG_ARGISNULL(8))
		PG_RETURN_NULL();
	q0 = PG_GETARG_DATUM(7);
	q1 = PG_GETARG_DATUM(8);
	check_number(q0, "a quantity");
	check_number(q1, "a quantity");
	read_price(fcinfo, &tiers, &bounds);
	total = q1;
	if (tiers.model == MODEL_VOLUME && !PG_ARGISNULL(9))
	{
		total = PG_GETARG_DATUM(9);
		check_number(total, "a quantity");
		if (NumericCompare(q0, total) > 0 || NumericCompare(q1, total) > 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("a part cannot reach beyond the whole quantity")));
	}
	order = NumericCompare(q0, q1);
	if (order == 0 && tiers.model == MODEL_GRADUATED)
		return NumericFromInteger(0);	/* no tier is in it, whose price would lend its digits */
	if (order <= 0)
		return NumericTierCost(&tiers, &bounds, q0, q1, total);
	return DirectFunctionCall1(numeric_uminus, NumericTierCost(&tiers, &bounds, q1, q0, total));
}
