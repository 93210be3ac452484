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
#include "utils/datum.h"
#include "utils/memutils.h"

#include "base/numeric_arith.h"
#include "price/price_tier.h"
#include "rating/rating.h"
#include "rating/rating_cell.h"
#include "rating/rating_pool.h"

/* A cell in the order of its pool. */
typedef struct Pooled
{
	int64		payer;
	int64		bill;
	int			pool;
	TimestampTz from;			/* of the whole that the cell is of */
	int64		cell;
} Pooled;

/* Cells of a pool that no other cell of it reaches into, in order of time. */
typedef struct Island
{
	int64	   *cells;
	int64		count;
	int128		before;			/* quantity of the pool */
	int128		inside;
} Island;

/* Orders pools. */
static int
compare_pools(const Pooled *x, const Pooled *y)
{
	if (x->payer != y->payer)
		return x->payer < y->payer ? -1 : 1;
	if (x->bill != y->bill)
		return x->bill < y->bill ? -1 : 1;
	return x->pool < y->pool ? -1 : x->pool > y->pool;
}

/* Orders cells by pool and time. */
static int
compare_pooled(const void *a, const void *b)
{
	const Pooled *x = (const Pooled *) a;
	const Pooled *y = (const Pooled *) b;
	int			order = compare_pools(x, y);

	if (order != 0)
		return order;
	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return x->cell < y->cell ? -1 : x->cell > y->cell;
}

/* Returns the price of a cell, or its list price; -1: none. */
static inline int
cell_price(const RatingCell *cell, bool list)
{
	return list ? cell->list_price : cell->price;
}

/*
 * Returns whether a cell is in no pool of its prices, or list prices.  What is not charged by
 * its sum takes no place in a pool of its price, and what follows the list has none.
 */
static inline bool
is_unpooled(const Rating *rating, const RatingCell *cell, bool list)
{
	return cell_price(cell, list) < 0 || (!list && (cell->special || FollowsList(rating, cell)));
}

/* Returns what the price, or the list price, of a cell counts in it. */
static inline int128
cell_units(const RatingCell *cell, bool list)
{
	return list ? cell->list_units : cell->units;
}

/* ---- tiers of charges ---- */

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

/* Puts what takes the pool of a cell from q0 to q1 of whole into tiers of its charge. */
static void
add_to_tiers(Rating *rating, const RatingCell *cell, bool list, int128 q0, int128 q1, int128 whole)
{
	TierRole	role = list ? ROLE_LIST : cell->listed ? ROLE_BOTH : ROLE_CONTRACTED;
	int			price = cell_price(cell, list);
	IntegerTierWalk walk;
	IntegerTierShare share = {0};

	if (list ? cell->listed : cell->special)
		return;
	IntegerTierStart(&walk, &rating->prices[price].tiers, &rating->prices[price].bounds, q0, q1, whole);
	while (IntegerTierNext(&walk, &share))
	{
		TierSum    *sum = find_sum(rating, cell->charge, role, price, share.tier);

		CHECK_FOR_INTERRUPTS();
		sum->units += share.units;
		sum->entered += share.entered;
		sum->packages += share.packages;
	}
}

/* Whether the price of a unit changes, or a fee or a package is due, between two quantities. */
static bool
price_turns(const RatedPrice *price, int128 q0, int128 q1, int128 whole)
{
	IntegerTierWalk walk;
	IntegerTierShare share = {0};

	IntegerTierStart(&walk, &price->tiers, &price->bounds, q0, q1, whole);
	IntegerTierNext(&walk, &share);
	return share.packages > 0 ||
		(share.entered && NumericCompare(price->tiers.fees[share.tier - 1], NumericFromInteger(0)) != 0) ||
		IntegerTierNext(&walk, &share);
}

/* ---- pools ---- */

/* Puts cells into the order of their pools, those of their prices or list prices: all, or those of one pool. */
static Pooled *
sort_pools(const Rating *rating, bool list, const Pooled *only, int64 *count)
{
	Pooled	   *pooled = palloc_extended(Max(1, rating->ncells) * sizeof(Pooled), MCXT_ALLOC_HUGE);
	int64		n = 0;

	for (int64 i = 0; i < rating->ncells; i++)
	{
		const RatingCell *cell = &rating->cells[i];
		int			price = cell_price(cell, list);

		if (is_unpooled(rating, cell, list))
			continue;
		pooled[n].payer = rating->places[cell->place].payer;
		pooled[n].bill = rating->bills[cell->bill].id;
		pooled[n].pool = rating->prices[price].pool;
		pooled[n].from = cell->whole_from;
		pooled[n].cell = i;
		if (only == NULL || compare_pools(&pooled[n], only) == 0)
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

	while (end < count && compare_pools(&pooled[end], &pooled[begin]) == 0)
		end++;
	return end;
}

/* Returns the cells of a pool, and its quantity in the end. */
static int64 *
pool_cells(const Rating *rating, const Pooled *pool, int64 count, bool list, int128 *whole)
{
	int64	   *cells = palloc_extended(Max(1, count) * sizeof(int64), MCXT_ALLOC_HUGE);

	*whole = 0;
	for (int64 i = 0; i < count; i++)
	{
		cells[i] = pool[i].cell;
		SetRated(pool[i].payer, rating->prices[cell_price(&rating->cells[cells[i]], list)].id);
		*whole = AddQuantity(*whole, cell_units(&rating->cells[cells[i]], list));
	}
	return cells;
}

/* Moves to the next island of a pool, the first if there is none yet; false at the end. */
static bool
next_island(const Rating *rating, int64 *cells, int64 count, bool list, Island *island)
{
	int64	   *end = cells + count;
	int64	   *next = island->cells == NULL ? cells : island->cells + island->count;
	TimestampTz reach;

	if (next == end)
		return false;
	island->before += island->inside;
	island->inside = 0;
	island->cells = next;
	reach = rating->cells[*next].whole_to;
	for (; next < end && (next == island->cells || rating->cells[*next].whole_from < reach); next++)
	{
		const RatingCell *cell = &rating->cells[*next];

		reach = Max(reach, cell->whole_to);
		island->inside += cell_units(cell, list);
	}
	island->count = next - island->cells;
	return true;
}

/* Rates an island part by part. */
static void
rate_apart(Rating *rating, const Island *island, bool list, int128 whole, RatingParts *parts)
{
	int128		quantity = island->before;

	CollectParts(rating, island->cells, island->count, list, parts);
	for (int64 i = 0; i < parts->count; i++)
	{
		const RatingPart *part = &parts->parts[i];

		CHECK_FOR_INTERRUPTS();
		add_to_tiers(rating, &rating->cells[part->cell], list, quantity, quantity + part->units, whole);
		quantity += part->units;
	}
}

/* Rates the cells of a pool, which are in order of time. */
static void
rate_pool(Rating *rating, const Pooled *pool, int64 count, bool list, RatingParts *parts)
{
	int128		whole;
	int64	   *cells = pool_cells(rating, pool, count, list, &whole);
	Island		island = {0};

	while (next_island(rating, cells, count, list, &island))
	{
		int			previous = -1;
		bool		apart = false;

		CHECK_FOR_INTERRUPTS();
		for (int64 i = 0; i < island.count && !apart; i++)
		{
			int			price = cell_price(&rating->cells[island.cells[i]], list);

			CHECK_FOR_INTERRUPTS();
			apart = price != previous && price_turns(&rating->prices[price], island.before, island.before + island.inside, whole);
			previous = price;
		}
		if (apart)
			rate_apart(rating, &island, list, whole, parts);
		for (int64 i = 0; i < island.count && !apart; i++)
		{
			const RatingCell *cell = &rating->cells[island.cells[i]];

			add_to_tiers(rating, cell, list, island.before, island.before + cell_units(cell, list), whole);
		}
	}
	pfree(cells);
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
	Pooled	   *pooled = sort_pools(rating, false, NULL, &count);
	Pooled	   *list_pooled = sort_pools(rating, true, NULL, &list_count);
	RatingParts parts = {0};
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

/* ---- tracing ---- */

/*
 * Keeps the parts of the wanted charges that lie in an island, with what is due for each.
 * Where pools of list prices are looked at, those are wanted that follow the list.
 */
static void
trace_island(Rating *rating, const Island *island, const bool *wanted, bool list, int128 whole,
			 RatingParts *parts, RatingParts *trace)
{
	int128		quantity = island->before;

	CollectParts(rating, island->cells, island->count, list, parts);
	for (int64 i = 0; i < parts->count; i++)
	{
		RatingPart *part = &parts->parts[i];
		const RatingCell *cell = &rating->cells[part->cell];
		const RatedPrice *price = &rating->prices[cell_price(cell, list)];
		int128		before = quantity;
		MemoryContext previous;
		Datum		due;

		CHECK_FOR_INTERRUPTS();
		quantity += part->units;
		if (!wanted[cell->charge] || FollowsList(rating, cell) != list)
			continue;
		previous = MemoryContextSwitchTo(rating->scratch);
		due = IntegerTierCost(&price->tiers, &price->bounds, before, quantity, whole);
		if (list)
			due = NumericMultiply(due, rating->prices[cell->price].factor);
		MemoryContextSwitchTo(previous);
		part->due = datumCopy(due, false, -1);
		MemoryContextReset(rating->scratch);
		RatingReserve(rating, trace->parts, trace->count, trace->room);
		trace->parts[trace->count++] = *part;
	}
}

/* Keeps the parts of the wanted charges that lie in a pool. */
static void
trace_pool(Rating *rating, const Pooled *pool, int64 count, const bool *wanted, bool list, RatingParts *parts, RatingParts *trace)
{
	int128		whole;
	int64	   *cells = pool_cells(rating, pool, count, list, &whole);
	Island		island = {0};

	while (next_island(rating, cells, count, list, &island))
	{
		bool		traced = false;

		CHECK_FOR_INTERRUPTS();
		for (int64 i = 0; i < island.count && !traced; i++)
		{
			const RatingCell *cell = &rating->cells[island.cells[i]];

			traced = wanted[cell->charge] && FollowsList(rating, cell) == list;
		}
		if (traced)
			trace_island(rating, &island, wanted, list, whole, parts, trace);
	}
	pfree(cells);
}

/* Keeps the parts of the wanted charges that nothing prices, and that are in no pool. */
static void
trace_unpriced(Rating *rating, const bool *wanted, RatingParts *parts, RatingParts *trace)
{
	int64	   *cells = palloc_extended(Max(1, rating->ncells) * sizeof(int64), MCXT_ALLOC_HUGE);
	int64		count = 0;

	for (int64 i = 0; i < rating->ncells; i++)
	{
		if (rating->cells[i].price < 0 && wanted[rating->cells[i].charge])
			cells[count++] = i;
	}
	CollectParts(rating, cells, count, false, parts);
	for (int64 i = 0; i < parts->count; i++)
	{
		RatingReserve(rating, trace->parts, trace->count, trace->room);
		trace->parts[trace->count++] = parts->parts[i];
	}
	pfree(cells);
}

/*
 * Puts the parts of records that a charge is made of into a list, in the order in which its
 * pool counts them, with what is due for each.  Nothing but the charge's own pool is looked
 * at.  The charge is one that is charged by its sum; what nothing prices is in no pool.
 */
void
TraceCharge(Rating *rating, int charge, RatingParts *trace)
{
	const RatingCell *first = &rating->cells[rating->charges[charge].cell];
	bool	   *wanted = palloc0(rating->ncharges * sizeof(bool));
	RatingParts parts = {0};

	wanted[charge] = true;
	if (first->price < 0)
		trace_unpriced(rating, wanted, &parts, trace);
	else
	{
		bool		list = FollowsList(rating, first);
		Pooled		pool = {.payer = rating->places[first->place].payer, .bill = rating->bills[first->bill].id,
		.pool = rating->prices[cell_price(first, list)].pool};
		int64		count;
		Pooled	   *pooled = sort_pools(rating, list, &pool, &count);

		trace_pool(rating, pooled, count, wanted, list, &parts, trace);
		pfree(pooled);
	}
	if (parts.parts)
		pfree(parts.parts);
	pfree(wanted);
}

/* Does so for all charges that are wanted: those of one are in that order, but not one after the other. */
void
TraceCharges(Rating *rating, const bool *wanted, RatingParts *trace)
{
	RatingParts parts = {0};

	for (int list = 0; list < 2; list++)
	{
		int64		count;
		Pooled	   *pooled = sort_pools(rating, list, NULL, &count);
		int64		end;

		for (int64 i = 0; i < count; i = end)
		{
			end = pool_end(pooled, count, i);
			trace_pool(rating, pooled + i, end - i, wanted, list, &parts, trace);
		}
		pfree(pooled);
	}
	trace_unpriced(rating, wanted, &parts, trace);
	if (parts.parts)
		pfree(parts.parts);
}
