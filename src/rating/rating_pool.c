/*
 * rating_pool.c
 *		How much of what is charged lies in which tier of its price.
 *
 * The quantities of all cells of a payer and a billing period whose prices are in one pool
 * add up in order of time, and that sum decides the tier.  List prices have pools of their
 * own; where every price of a pool is the list price, too, they are the same.
 */
#include "base/compat.h"

#include "miscadmin.h"
#include "utils/fmgrprotos.h"

#include "profile/device_level.h"
#include "base/decimal.h"
#include "base/numeric_arith.h"
#include "rating/rating.h"

/* A cell in the order of its pool. */
typedef struct Pooled
{
	int64		payer;
	int64		bill;
	int			pool;
	TimestampTz from;			/* of the whole that the cell is of */
	int64		cell;
} Pooled;

/* Orders cells by pool and time. */
static int
compare_pooled(const void *a, const void *b)
{
	const Pooled *x = (const Pooled *) a;
	const Pooled *y = (const Pooled *) b;

	if (x->payer != y->payer)
		return x->payer < y->payer ? -1 : 1;
	if (x->bill != y->bill)
		return x->bill < y->bill ? -1 : 1;
	if (x->pool != y->pool)
		return x->pool < y->pool ? -1 : 1;
	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return x->cell < y->cell ? -1 : x->cell > y->cell;
}

/* Returns how many ascending bounds lie below a quantity. */
static inline int
bounds_below(const int128 *bounds, int count, int128 quantity)
{
	int			n = 0;

	while (n < count && bounds[n] < quantity)
		n++;
	return n;
}

/* Returns how many packages a quantity begins; 0 for a negative one. */
static inline int128
packages_begun(int128 quantity, int128 size)
{
	return quantity > 0 ? (quantity - 1) / size + 1 : 0;
}

/* ---- tiers of charges ---- */

/* Returns a number of packages or units as numeric. */
static Datum
number(int128 value)
{
	return NumericFromInt128(value, 0);
}

/* Returns what is due for a tier, times the scale of the price's unit. */
Datum
TierDue(const RatedPrice *price, int tier, int128 units, int64 entered, int128 packages)
{
	Datum		due;

	if (tier == 0)
		return number(0);
	if (price->model == MODEL_PACKAGE)
		due = NumericMultiply(NumericMultiply(number(packages), price->price), price->scale_numeric);
	else
		due = NumericMultiply(number(units), price->tier_prices ? price->tier_prices[tier - 1] : price->price);
	if (entered > 0 && price->tier_fees != NULL)
		due = NumericAdd(due,
								  NumericMultiply(NumericMultiply(number(entered), price->tier_fees[tier - 1]),
													  price->scale_numeric));
	return due;
}

/* Returns what a charge has in a tier. */
static TierSum *
find_sum(Rating *rating, int charge, TierRole role, int price, int tier)
{
	TierSum    *sum;

	for (int s = rating->charges[charge].first_sum; s >= 0; s = rating->sums[s].next)
	{
		sum = &rating->sums[s];
		if (sum->tier == tier && sum->price == price && sum->role == role)
			return sum;
	}
	if (rating->nsums == PG_INT32_MAX / 2)
		elog(ERROR, "too many tiers of charges");
	RatingReserve(rating, rating->sums, rating->nsums, rating->sum_room);
	sum = &rating->sums[rating->nsums];
	memset(sum, 0, sizeof(TierSum));
	sum->next = rating->charges[charge].first_sum;
	sum->role = role;
	sum->price = price;
	sum->tier = tier;
	rating->charges[charge].first_sum = rating->nsums++;
	return sum;
}

/* Puts what takes a pool from q0 to q1 of whole into tiers of its charge; adds what is due for a part that is traced. */
static void
add_to_tiers(Rating *rating, const Cell *cell, TierRole role, int128 q0, int128 q1, int128 whole, Part *traced)
{
	int			n = role == ROLE_LIST ? cell->list_price : cell->price;
	const RatedPrice *price = &rating->prices[n];
	int			t = 0;

	while (t < price->nbounds && price->bounds[t] <= q0)
		t++;
	do
	{
		int128		from = t > 0 ? Max(q0, price->bounds[t - 1]) : q0;
		int128		to = t < price->nbounds ? Min(q1, price->bounds[t]) : q1;
		int			tier = t > 0 && price->model == MODEL_VOLUME ?
			1 + bounds_below(price->volume_bounds, price->nvolume_bounds, whole - price->free) : t;
		int64		entered = t > 0 && q1 > q0 && price->bounds[t - 1] >= q0;
		int128		packages = t > 0 && price->model == MODEL_PACKAGE ?
			packages_begun(q1 - price->free, price->package_size) - packages_begun(q0 - price->free, price->package_size) : 0;
		TierSum    *sum = find_sum(rating, cell->charge, role, n, tier);

		sum->units += to - from;
		sum->entered += entered;
		sum->packages += packages;
		if (traced != NULL)
		{
			Datum		due = TierDue(price, tier, to - from, entered, packages);

			traced->due = traced->due == (Datum) 0 ? due : NumericAdd(traced->due, due);
		}
		t++;
	} while (t <= price->nbounds && price->bounds[t - 1] < q1);
}

/* ---- pools ---- */

/* Whether the price of a unit changes, or a fee or a package is due, between two quantities. */
static bool
price_turns(const RatedPrice *price, int128 q0, int128 q1)
{
	return bounds_below(price->turns, price->nturns, q1) > bounds_below(price->turns, price->nturns, q0) ||
		(price->model == MODEL_PACKAGE &&
		 packages_begun(q1 - price->free, price->package_size) > packages_begun(q0 - price->free, price->package_size));
}

/* Keeps a part of the charge that is traced. */
static void
keep_part(Rating *rating, const Part *part)
{
	PartList   *trace = &rating->trace;

	RatingReserve(rating, trace->parts, trace->count, trace->room);
	trace->parts[trace->count++] = *part;
}

/* Rates an island part by part. */
static void
rate_parts(Rating *rating, const int64 *cells, int64 count, bool list, int128 before, int128 whole, PartList *parts)
{
	int128		quantity = before;

	CollectParts(rating, cells, count, list, parts);
	for (int64 i = 0; i < parts->count; i++)
	{
		Part	   *part = &parts->parts[i];
		const Cell *cell = &rating->cells[part->cell];
		TierRole	role = list ? ROLE_LIST : cell->listed ? ROLE_BOTH : ROLE_CONTRACTED;
		bool		traced = !list && cell->charge == rating->traced && cell->asked;

		if (list ? !cell->listed : !cell->special)
			add_to_tiers(rating, cell, role, quantity, quantity + part->units, whole, traced ? part : NULL);
		if (traced)
			keep_part(rating, part);
		quantity += part->units;
	}
}

/* Rates the cells of a pool, which are in order of time. */
static void
rate_pool(Rating *rating, const Pooled *pool, int64 count, bool list, PartList *parts)
{
	int64	   *cells = palloc_extended(count * sizeof(int64), MCXT_ALLOC_HUGE);
	int128		whole = 0;
	int128		before = 0;
	int64		next;

	for (int64 i = 0; i < count; i++)
	{
		const Cell *cell = &rating->cells[pool[i].cell];

		cells[i] = pool[i].cell;
		whole = AddQuantity(whole, list ? cell->list_units : cell->units);
	}
	for (int64 i = 0; i < count; i = next)
	{
		TimestampTz reach = rating->cells[cells[i]].whole_to;
		int128		inside = 0;
		bool		apart = false;

		for (next = i; next < count && (next == i || rating->cells[cells[next]].whole_from < reach); next++)
		{
			const Cell *cell = &rating->cells[cells[next]];

			reach = Max(reach, cell->whole_to);
			inside += list ? cell->list_units : cell->units;
			apart |= cell->charge == rating->traced;
		}
		for (int64 j = i; j < next && !apart; j++)
		{
			int			price = list ? rating->cells[cells[j]].list_price : rating->cells[cells[j]].price;
			int			previous = j == i ? -1 : list ? rating->cells[cells[j - 1]].list_price : rating->cells[cells[j - 1]].price;

			apart = price != previous && price_turns(&rating->prices[price], before, before + inside);
		}
		if (apart)
			rate_parts(rating, cells + i, next - i, list, before, whole, parts);
		else
		{
			for (int64 j = i; j < next; j++)
			{
				const Cell *cell = &rating->cells[cells[j]];

				if (list ? !cell->listed : !cell->special)
					add_to_tiers(rating, cell, list ? ROLE_LIST : cell->listed ? ROLE_BOTH : ROLE_CONTRACTED,
								 before, before + (list ? cell->list_units : cell->units), whole, NULL);
			}
		}
		before += inside;
	}
	pfree(cells);
}

/* Puts cells into the order of their pools: those of their prices, or list prices. */
static Pooled *
sort_pools(const Rating *rating, bool list, int64 *count)
{
	Pooled	   *pooled = MemoryContextAllocHuge(rating->context, Max(1, rating->ncells) * sizeof(Pooled));
	int64		n = 0;

	for (int64 i = 0; i < rating->ncells; i++)
	{
		const Cell *cell = &rating->cells[i];
		int			price = list ? cell->list_price : cell->price;

		if (price < 0)
			continue;
		pooled[n].payer = rating->places[cell->place].payer;
		pooled[n].bill = rating->bills[cell->bill].id;
		pooled[n].pool = rating->prices[price].pool;
		pooled[n].from = cell->whole_from;
		pooled[n].cell = i;
		n++;
	}
	qsort(pooled, n, sizeof(Pooled), compare_pooled);
	*count = n;
	return pooled;
}

/* Returns where the pool ends that begins at an index. */
static int64
pool_end(const Pooled *pooled, int64 count, int64 begin)
{
	int64		end = begin;

	while (end < count && pooled[end].pool == pooled[begin].pool && pooled[end].bill == pooled[begin].bill &&
		   pooled[end].payer == pooled[begin].payer)
		end++;
	return end;
}

/* Tells cells of pools in which some price is not the list price that they are to be rated at both. */
static void
unlist_pools(Rating *rating, const Pooled *pooled, int64 count)
{
	int64		end;

	for (int64 i = 0; i < count; i = end)
	{
		bool		listed = true;

		end = pool_end(pooled, count, i);
		for (int64 j = i; j < end; j++)
			listed &= rating->cells[pooled[j].cell].price == rating->cells[pooled[j].cell].list_price;
		for (int64 j = i; j < end && !listed; j++)
			rating->cells[pooled[j].cell].listed = false;
	}
}

/* Rates all pools. */
void
RatePools(Rating *rating)
{
	int64		count;
	int64		list_count;
	Pooled	   *pooled = sort_pools(rating, false, &count);
	Pooled	   *list_pooled = sort_pools(rating, true, &list_count);
	PartList	parts = {0};
	int64		end;

	for (int64 i = 0; i < rating->ncells; i++)
		rating->cells[i].listed = rating->cells[i].price >= 0;
	unlist_pools(rating, pooled, count);
	unlist_pools(rating, list_pooled, list_count);

	for (int64 i = 0; i < count; i = end)
	{
		CHECK_FOR_INTERRUPTS();
		end = pool_end(pooled, count, i);
		rate_pool(rating, pooled + i, end - i, false, &parts);
	}
	for (int64 i = 0; i < list_count; i = end)
	{
		bool		listed = true;

		CHECK_FOR_INTERRUPTS();
		end = pool_end(list_pooled, list_count, i);
		for (int64 j = i; j < end; j++)
			listed &= rating->cells[list_pooled[j].cell].listed;
		if (!listed)
			rate_pool(rating, list_pooled + i, end - i, true, &parts);
	}
	if (parts.parts)
		pfree(parts.parts);
	pfree(pooled);
	pfree(list_pooled);
}
