/*
 * rating_cell.c
 *		Cuts the time of combinations into cells, and adds up what is used in them.
 */
#include "base/compat.h"

#include "miscadmin.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"

#include "base/decimal.h"
#include "base/numeric_arith.h"
#include "usage/usage_work.h"
#include "rating/rating.h"
#include "rating/rating_cell.h"

/* What a combination has in a span of time. */
typedef struct Segment
{
	TimestampTz from;
	TimestampTz to;
	TimestampTz whole_from;		/* as if all were asked for */
	TimestampTz whole_to;
	int			place;
	int			site;
	int			bill;
	int			day;
	int			winner;
	int64		parts;			/* records with a part in it */
	int64		change;			/* of the number of those who are there from start to end */
	int128		amount;
	int128		counted;
	int128		level_change;	/* of the level of those */
	int128		counted_change;
	int128		work;			/* achieved */
} Segment;

/* The segments of one combination. */
typedef struct Segments
{
	int64		count;
	int64		room;
	Segment    *segments;
} Segments;

/* Some cells of a rating, in order of time. */
typedef struct CellList
{
	const Rating *rating;
	int64		count;
	const int64 *cells;
} CellList;

/* ---- cutting ---- */

/* Defines a search in a sorted list for the first element that is not before a key: the number of its place, middle in what is_before asks. */
#define DEFINE_FIRST(name, list_type, number_type, count, key_type, is_before) \
static inline number_type \
name(const list_type *list, key_type key) \
{ \
	number_type low = 0; \
	number_type high = (count); \
\
	while (low < high) \
	{ \
		number_type middle = low + (high - low) / 2; \
\
		if (is_before) \
			low = middle + 1; \
		else \
			high = middle; \
	} \
	return low; \
}

DEFINE_FIRST(first_bill, Rating, int, list->nbills, int64, list->bills[middle].calendar < key)
DEFINE_FIRST(first_site, Rating, int, list->nsites, int, list->sites[middle].region < key)
DEFINE_FIRST(first_segment_after, Segments, int64, list->count, TimestampTz, list->segments[middle].to <= key)
DEFINE_FIRST(first_cell_after, CellList, int64, list->count, TimestampTz, list->rating->cells[list->cells[middle]].to <= key)

/* Finds the first winner for a combination billed in a currency that ends after an instant, or where it would stand. */
static int
first_winner(const Rating *rating, int combination, int currency, TimestampTz at)
{
	int			low = 0;
	int			high = rating->nwinners;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;
		const Winner *winner = &rating->winners[middle];

		if (winner->combination != combination ? winner->combination < combination :
			winner->currency != currency ? winner->currency < currency : winner->to <= at)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Whether nothing but a bound of what is asked for lies between two segments. */
static bool
is_one_whole(const Rating *rating, const Segment *a, const Segment *b)
{
	return a->to == b->from && a->place == b->place && a->site == b->site && a->bill == b->bill && a->winner == b->winner &&
		rating->days[a->day].date == rating->days[b->day].date;
}

/* Whether a winner is one for a combination billed in a currency. */
static inline bool
is_winner(const Rating *rating, int winner, int combination, int currency)
{
	return winner < rating->nwinners &&
		rating->winners[winner].combination == combination && rating->winners[winner].currency == currency;
}

/* Cuts the time of a combination. */
static void
cut_combination(Rating *rating, int n, Segments *segments)
{
	const UsageKind *kind = &rating->combinations[n].kind;
	int			site = first_site(rating, kind->region);

	segments->count = 0;
	for (int p = FirstPlace(rating, kind->account);
		 p < rating->nplaces && rating->places[p].account == kind->account; p++)
	{
		const Place *place = &rating->places[p];
		int			winner = first_winner(rating, n, place->currency, place->from);
		int			bill = first_bill(rating, place->calendar);
		int			day = rating->first_day[place->time_zone];
		TimestampTz at = place->from;

		while (at < place->to)
		{
			TimestampTz from;
			Segment    *segment;

			CHECK_FOR_INTERRUPTS();
			while (is_winner(rating, winner, n, place->currency) && rating->winners[winner].to <= at)
				winner++;
			while (site < rating->nsites && rating->sites[site].region == kind->region && rating->sites[site].to <= at)
				site++;
			while (bill < rating->nbills && rating->bills[bill].calendar == place->calendar && rating->bills[bill].to <= at)
				bill++;
			while (day < rating->ndays && rating->days[day].time_zone == place->time_zone && rating->days[day].to <= at)
				day++;
			if (!is_winner(rating, winner, n, place->currency) ||
				site == rating->nsites || rating->sites[site].region != kind->region ||
				bill == rating->nbills || rating->bills[bill].calendar != place->calendar ||
				day == rating->ndays || rating->days[day].time_zone != place->time_zone)
				break;
			from = Max(Max(rating->winners[winner].from, rating->sites[site].from), Max(rating->bills[bill].from, rating->days[day].from));
			if (from > at)
			{
				at = from;
				continue;
			}

			RatingReserve(rating, segments->segments, segments->count, segments->room);
			segment = &segments->segments[segments->count++];
			memset(segment, 0, sizeof(Segment));
			segment->from = at;
			at = Min(Min(rating->winners[winner].to, rating->sites[site].to), Min(rating->bills[bill].to, rating->days[day].to));
			at = Min(at, place->to);
			segment->to = at;
			segment->place = p;
			segment->site = site;
			segment->bill = bill;
			segment->day = day;
			segment->winner = winner;
			segment->whole_from = segment->from;
			segment->whole_to = segment->to;
			if (segments->count > 1 && is_one_whole(rating, segment - 1, segment))
				segment->whole_from = segment[-1].whole_from;
			if (!IsBilled(&rating->bills[bill], kind->measure))
				segments->count--;
		}
	}
	for (int64 i = segments->count - 1; i > 0; i--)
	{
		if (is_one_whole(rating, &segments->segments[i - 1], &segments->segments[i]))
			segments->segments[i - 1].whole_to = segments->segments[i].whole_to;
	}
}

/* ---- adding up ---- */

/*
 * Returns what a record achieved between two instants within it: work is taken to be done
 * evenly, and what was done up to an instant is rounded, so that parts add up.
 */
int128
WorkBetween(const UsageEntry *entry, const EntryWork *work, TimestampTz from, TimestampTz to)
{
	return AchievedUntil(work->achieved, entry->start, entry->end, work->recorded, to) -
		AchievedUntil(work->achieved, entry->start, entry->end, work->recorded, from);
}

/* Adds the part of an entry, which counts so much, that lies in a segment. */
static inline void
add_to_segment(Segment *segment, const UsageEntry *entry, int64 counted)
{
	TimestampTz from = Max(entry->start, segment->from);
	TimestampTz to = Min(entry->end, segment->to);

	segment->amount = AddQuantity(segment->amount, (int128) entry->level * (to - from));
	segment->counted = AddQuantity(segment->counted, (int128) counted * (to - from));
	segment->parts++;
}

/*
 * Adds up a combination's usage by segments.  Where a record lies in many, those between
 * its first and its last get their share from a running level.
 */
static void
add_up(const Combination *combination, Segments *segments)
{
	int128		level = 0;
	int128		counted_level = 0;
	int64		whole = 0;

	for (int64 i = 0; i < combination->count; i++)
	{
		const UsageEntry *entry = &combination->entries[i];
		int64		counted = CountedOf(combination, i);
		int64		first = first_segment_after(segments, entry->start);
		int64		last;

		CHECK_FOR_INTERRUPTS();
		if (first == segments->count || segments->segments[first].from >= entry->end)
			continue;
		add_to_segment(&segments->segments[first], entry, counted);
		last = first + 1;
		if (last < segments->count && segments->segments[last].from < entry->end)
		{
			/* most records lie in one or two */
			last = segments->segments[segments->count - 1].from < entry->end ? segments->count - 1 :
				first_segment_after(segments, entry->end - 1);
			if (segments->segments[last].from >= entry->end)
				last--;
			add_to_segment(&segments->segments[last], entry, counted);
			if (last > first + 1)
			{
				segments->segments[first + 1].level_change += entry->level;
				segments->segments[last].level_change -= entry->level;
				segments->segments[first + 1].counted_change += counted;
				segments->segments[last].counted_change -= counted;
				segments->segments[first + 1].change++;
				segments->segments[last].change--;
			}
		}
		else
			last = first;
		for (int64 s = first; combination->work != NULL && s <= last; s++)
		{
			Segment    *segment = &segments->segments[s];

			segment->work = AddQuantity(segment->work, WorkBetween(entry, &combination->work[i],
																	Max(entry->start, segment->from), Min(entry->end, segment->to)));
		}
	}
	for (int64 s = 0; s < segments->count; s++)
	{
		Segment    *segment = &segments->segments[s];

		level += segment->level_change;
		counted_level += segment->counted_change;
		whole += segment->change;
		segment->parts += whole;
		segment->amount = AddQuantity(segment->amount, MultiplyQuantity(level, segment->to - segment->from));
		segment->counted = AddQuantity(segment->counted, MultiplyQuantity(counted_level, segment->to - segment->from));
	}
}

/*
 * Returns what a price, or without one a charge that has none, counts of device time,
 * counted time and work achieved, in a cell.
 */
static int128
part_units(const Rating *rating, const RatingCell *cell, int price, int128 amount, int128 counted, int128 work)
{
	const RatedPrice *p = price < 0 ? NULL : &rating->prices[price];
	const UsageKind *kind = &rating->combinations[cell->combination].kind;

	if (p == NULL)
		return kind->share == 0 ? counted : amount;
	switch (p->unit)
	{
		case UNIT_NOMINAL_WORK:
			return MultiplyQuantity(counted, QuantityAmount(&kind->rate));
		case UNIT_SLICE_HOUR:
			return counted;
		case UNIT_ACHIEVED_WORK:
			return work;
		case UNIT_INSTANCE_MONTH:
			{
				MemoryContext previous = MemoryContextSwitchTo(rating->scratch);
				Datum		month = NumericFromInt128((int128) rating->days[cell->day].month * DEVICE_UNITS, 0);
				Datum		whole = NumericMultiply(p->devices_per_instance, month);
				Datum		share = NumericMultiply(NumericFromInt128(amount, 0), p->scale_numeric);
				int128		units = IntegerFromNumeric(NumericRoundRatio(share, whole, 0));

				MemoryContextSwitchTo(previous);
				MemoryContextReset(rating->scratch);
				if (units > INT128_LARGEST / 2)
					QuantityTooLargeError();
				return units;
			}
		case UNIT_DEVICE_HOUR:
		case UNIT_LEVEL:
			break;
	}
	return amount;
}

/* Whether a price counts what a combination has: work in its basis, or devices, of which its share is known. */
static bool
price_counts(const RatedPrice *price, const Combination *combination)
{
	switch (price->unit)
	{
		case UNIT_NOMINAL_WORK:
			return combination->kind.has_rate && QuantityBasis(&combination->kind.rate) == price->basis;
		case UNIT_ACHIEVED_WORK:
			return combination->kind.has_work;
		case UNIT_SLICE_HOUR:
			return true;
		case UNIT_DEVICE_HOUR:
		case UNIT_INSTANCE_MONTH:
		case UNIT_LEVEL:
			break;
	}
	return combination->kind.share != 0;
}

/*
 * Whether a payer pays for an account at an instant.  Usage under the account changes its
 * place wherever that changes.
 */
static bool
pays_for(const Rating *rating, int64 payer, int64 account, TimestampTz at)
{
	for (int p = FirstPlace(rating, account); p < rating->nplaces && rating->places[p].account == account; p++)
	{
		const Place *place = &rating->places[p];

		if (place->from <= at && at < place->to)
			return place->payer == payer && !place->lapsed;
	}
	return false;
}

/* Finds which prices there are for a cell of a segment, whose combination and place are known. */
static void
find_prices(const Rating *rating, const Segment *segment, RatingCell *cell)
{
	const Combination *combination = &rating->combinations[cell->combination];
	const Winner *winner = &rating->winners[segment->winner];

	cell->price = winner->price;
	cell->list_price = winner->list_price;
	/* what a reservation covers is priced by the reservation */
	if (rating->places[cell->place].lapsed || combination->kind.part == PART_DRAWN)
		cell->price = cell->list_price = -1;
	/* a price that follows the list counts what the list price does */
	if (cell->price >= 0 && !FollowsList(rating, cell) && !price_counts(&rating->prices[cell->price], combination))
		cell->price = -1;
	if (cell->list_price >= 0 && (rating->prices[cell->list_price].unit == UNIT_LEVEL ||
								  rating->prices[cell->list_price].tiers.model == MODEL_LIST ||
								  !price_counts(&rating->prices[cell->list_price], combination)))
		cell->list_price = -1;
	if (FollowsList(rating, cell) &&
		(cell->list_price < 0 || rating->prices[cell->list_price].currency != rating->prices[cell->price].currency))
		cell->price = -1;
}

/* Makes a cell of a segment. */
static void
add_cell(Rating *rating, int n, const Segment *segment)
{
	const Place *place = &rating->places[segment->place];
	RatingCell *cell;

	RatingReserve(rating, rating->cells, rating->ncells, rating->cell_room);
	cell = &rating->cells[rating->ncells++];
	memset(cell, 0, sizeof(RatingCell));
	cell->from = segment->from;
	cell->to = segment->to;
	cell->whole_from = segment->whole_from;
	cell->whole_to = segment->whole_to;
	cell->combination = n;
	cell->place = segment->place;
	cell->bill = segment->bill;
	cell->day = segment->day;
	find_prices(rating, segment, cell);
	cell->asked = place->asked && segment->from >= rating->scope.asked_from && segment->to <= rating->scope.asked_to;
	cell->amount = segment->amount;
	cell->counted = segment->counted;
	cell->parts = segment->parts;
	SetRated(place->owner, cell->price < 0 ? 0 : rating->prices[cell->price].id);
	cell->units = part_units(rating, cell, CountedPrice(rating, cell), segment->amount, segment->counted, segment->work);
	SetRated(place->owner, cell->list_price < 0 ? 0 : rating->prices[cell->list_price].id);
	cell->list_units = part_units(rating, cell, cell->list_price, segment->amount, segment->counted, segment->work);
	if (cell->price >= 0)
	{
		const RatedPrice *price = &rating->prices[cell->price];

		cell->special = price->unit == UNIT_LEVEL || (price->committed && pays_for(rating, place->payer, price->account, segment->from));
	}
}

/* Finds the spans of time in which a combination has a price, in order; returns how many. */
int64
PricedSpans(Rating *rating, int combination, TimeSpan **spans)
{
	Segments	segments = {0};
	int64		count = 0;

	cut_combination(rating, combination, &segments);
	*spans = palloc_extended(Max(1, segments.count) * sizeof(TimeSpan), MCXT_ALLOC_HUGE);
	for (int64 i = 0; i < segments.count; i++)
	{
		const Segment *segment = &segments.segments[i];
		RatingCell	cell = {.combination = combination, .place = segment->place};

		find_prices(rating, segment, &cell);
		if (cell.price < 0)
			continue;
		if (count > 0 && (*spans)[count - 1].to == segment->from)
			(*spans)[count - 1].to = segment->to;
		else
			(*spans)[count++] = (TimeSpan) {.from = segment->from, .to = segment->to};
	}
	if (segments.segments)
		pfree(segments.segments);
	return count;
}

/* Cuts the time of all combinations, and keeps what is used. */
void
MakeCells(Rating *rating)
{
	Segments	segments = {0};

	for (int n = 0; n < rating->ncombinations; n++)
	{
		CHECK_FOR_INTERRUPTS();
		if (rating->combinations[n].count == 0)
			continue;
		SetRated(rating->combinations[n].kind.account, 0);
		cut_combination(rating, n, &segments);
		add_up(&rating->combinations[n], &segments);
		for (int64 i = 0; i < segments.count; i++)
		{
			if (segments.segments[i].parts > 0)
				add_cell(rating, n, &segments.segments[i]);
		}
	}
	if (segments.segments)
		pfree(segments.segments);
}

/* ---- taking apart ---- */

/* Orders cells by combination and time. */
static int
compare_by_combination(const void *a, const void *b, void *arg)
{
	const Rating *rating = (const Rating *) arg;
	const RatingCell *x = &rating->cells[*(const int64 *) a];
	const RatingCell *y = &rating->cells[*(const int64 *) b];

	if (x->combination != y->combination)
		return x->combination < y->combination ? -1 : 1;
	return x->from < y->from ? -1 : x->from > y->from;
}

/* Orders parts as they count in a pool: by start, then by id. */
static int
compare_parts(const void *a, const void *b)
{
	const RatingPart *x = (const RatingPart *) a;
	const RatingPart *y = (const RatingPart *) b;

	if (x->whole_from != y->whole_from)
		return x->whole_from < y->whole_from ? -1 : 1;
	if (x->record != y->record)
		return x->record < y->record ? -1 : 1;
	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	/* what was drawn of a reservation, and what was not, is of one record */
	return x->cell < y->cell ? -1 : x->cell > y->cell;
}

/* Adds the parts that the records of a combination have in some of its cells. */
static void
add_parts(Rating *rating, const int64 *cells, int64 ncells, bool list, RatingParts *parts)
{
	const Combination *combination = &rating->combinations[rating->cells[cells[0]].combination];
	TimestampTz from = rating->cells[cells[0]].from;
	TimestampTz to = rating->cells[cells[ncells - 1]].to;
	CellList	all = {.rating = rating, .count = ncells, .cells = cells};
	int128	   *amounts = NULL;	/* of each cell, so far, where its units are rounded */

	for (int64 i = 0; i < ncells; i++)
	{
		const RatingCell *cell = &rating->cells[cells[i]];
		int			price = list ? cell->list_price : cell->price;

		if (amounts == NULL && price >= 0 && rating->prices[price].unit == UNIT_INSTANCE_MONTH)
			amounts = palloc0(ncells * sizeof(int128));
	}
	for (int64 i = 0; i < combination->count; i++)
	{
		const UsageEntry *entry = &combination->entries[i];

		CHECK_FOR_INTERRUPTS();
		if (entry->end <= from || entry->start >= to)
			continue;
		for (int64 c = first_cell_after(&all, entry->start); c < ncells && rating->cells[cells[c]].from < entry->end; c++)
		{
			const RatingCell *cell = &rating->cells[cells[c]];
			int			price = list ? cell->list_price : cell->price;
			int128		amount;
			int128		counted;
			RatingPart *part;

			RatingReserve(rating, parts->parts, parts->count, parts->room);
			part = &parts->parts[parts->count++];
			part->from = Max(entry->start, cell->from);
			part->to = Min(entry->end, cell->to);
			part->whole_from = Max(entry->start, cell->whole_from);
			part->level = entry->level;
			part->counted = CountedOf(combination, i);
			part->record = entry->record;
			part->cell = cells[c];
			part->due = (Datum) 0;
			amount = (int128) part->level * (part->to - part->from);
			counted = (int128) part->counted * (part->to - part->from);
			if (amounts != NULL)
			{
				/* differences of the rounded sum, so that parts add up to the cell */
				part->units = part_units(rating, cell, price, amounts[c] + amount, 0, 0) -
					part_units(rating, cell, price, amounts[c], 0, 0);
				amounts[c] += amount;
			}
			else
				part->units = part_units(rating, cell, price, amount, counted, combination->work == NULL ? 0 :
										 WorkBetween(entry, &combination->work[i], part->from, part->to));
		}
	}
	if (amounts != NULL)
		pfree(amounts);
}

/* Puts the parts of records in some cells into a list, in the order in which a pool counts them. */
void
CollectParts(Rating *rating, const int64 *cells, int64 ncells, bool list, RatingParts *parts)
{
	int64	   *sorted = palloc_extended(Max(1, ncells) * sizeof(int64), MCXT_ALLOC_HUGE);
	int64		next;

	parts->count = 0;
	memcpy(sorted, cells, ncells * sizeof(int64));
	qsort_arg(sorted, ncells, sizeof(int64), compare_by_combination, rating);
	for (int64 i = 0; i < ncells; i = next)
	{
		CHECK_FOR_INTERRUPTS();
		for (next = i + 1; next < ncells && rating->cells[sorted[next]].combination == rating->cells[sorted[i]].combination; next++)
			;
		add_parts(rating, sorted + i, next - i, list, parts);
	}
	pfree(sorted);
	qsort(parts->parts, parts->count, sizeof(RatingPart), compare_parts);
}
