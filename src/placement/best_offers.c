/*
 * best_offers.c
 *		The best offers of one pool each.
 *
 * Pools are looked at in the order of a lower bound of what they are ranked by, so many at a time, until as many offers as
 * are asked for cannot be beaten.
 */
#include "base/compat.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "common/int.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include "base/numeric_arith.h"
#include "placement/cost_offers.h"

/* At most so many places are looked at together. */
#define MOST_AT_ONCE	128
/* What is not priced yet may be so much more than the best that is. */
#define NEAR_ENOUGH		101
/* 100 years: nobody looks farther ahead. */
#define MOST_HOURS		876000.0

typedef enum OfferState
{
	OFFER_OPEN,					/* not priced: what it is ranked by at the least */
	OFFER_PRICED,
	OFFER_DEAR,					/* out for what it costs */
	OFFER_GONE
} OfferState;

typedef struct Offer
{
	OfferState	state;
	int64		pool;
	int64		devices;
	TimestampTz starts;
	TimestampTz ends;
	Datum		efficiency;
	bool		late;
	Datum		objective;
	bool		displaces;
	Datum		row;			/* _placement_offer, once it is priced */
} Offer;

/* What is known so far. */
typedef struct OfferSearch
{
	const AskedPlace *asked;
	CostAsked  *costs;
	TupleDesc	desc;			/* of _placement_offer */
	int			most;
	bool		preempting;
	Try		   *tries;
	int			ntries;
	int64		places;
	int64		looked_at;		/* places up to this */
	int			batch;
	int64		soon;			/* how far ahead is looked first */
	bool		can_skip;		/* what has a greater objective than reach is left out */
	Datum		reach;			/* 0: it is not known */
	Offer	   *offers;
	int			count;
	int			room;
} OfferSearch;

/* ---- rows ---- */

/* Makes the row of an offer that is not priced. */
static Datum
row_of_open(const Offer *offer, TupleDesc desc)
{
	CostPiece	piece = {.pool = offer->pool, .devices = offer->devices};
	CostedOffer open = {
		.pieces = &piece,
		.npieces = 1,
		.starts = offer->starts,
		.ends = offer->ends,
		.efficiency = offer->efficiency,
		.late = offer->late,
		.objective = offer->objective,
	};

	return CostedOfferRow(&open, desc);
}

/* ---- ranking ---- */

/* Compares what two offers are ranked by. */
static int
compare_standing(bool late, Datum objective, const Offer *other)
{
	if (late != other->late)
		return late ? 1 : -1;
	return NumericCompare(objective, other->objective);
}

/* Orders offers, the best first. */
static int
order_offers(const void *a, const void *b)
{
	const Offer *first = *(Offer *const *) a;
	const Offer *second = *(Offer *const *) b;
	int			order = compare_standing(first->late, first->objective, second);

	if (order == 0)
		order = (first->ends > second->ends) - (first->ends < second->ends);
	if (order == 0)
		order = (int) first->displaces - (int) second->displaces;
	return order != 0 ? order : (first->pool > second->pool) - (first->pool < second->pool);
}

/* Lists the best offer of each pool, the best first; returns how many. */
static int
rank_offers(const OfferSearch *search, Offer **ranked)
{
	int			all = 0;
	int			count = 0;

	for (int i = 0; i < search->count; i++)
	{
		if (search->offers[i].state == OFFER_OPEN || search->offers[i].state == OFFER_PRICED)
			ranked[all++] = &search->offers[i];
	}
	if (all > 0)
		qsort(ranked, all, sizeof(Offer *), order_offers);
	for (int i = 0; i < all && count < search->most; i++)
	{
		bool		is_first = true;

		for (int n = 0; n < count && is_first; n++)
			is_first = ranked[n]->pool != ranked[i]->pool;
		if (is_first)
			ranked[count++] = ranked[i];
	}
	return count;
}

/* ---- looking ---- */

/* Adds an offer. */
static void
add_offer(OfferSearch *search, const Try *try, TimestampTz starts)
{
	TimestampTz ends = starts + try->length;

	if (search->count == search->room)
	{
		search->room = search->room * 2 + 64;
		search->offers = search->offers == NULL ? palloc(search->room * sizeof(Offer)) : repalloc_huge(search->offers, search->room * sizeof(Offer));
	}
	/* what it costs at the least will do for most */
	search->offers[search->count++] = (Offer) {
		.pool = try->pool,
		.devices = try->devices,
		.starts = starts,
		.ends = ends,
		.efficiency = try->efficiency,
		.late = ends > search->asked->deadline,
		.objective = NumericAdd(try->money, DelayMoney(search->asked, try->devices, ends)),
	};
}

/* Lists what is looked at next; stretches: where they are cut to what can be reached. */
static int
next_turn(const OfferSearch *search, Try *turn)
{
	int			count = 0;

	for (int i = 0; i < search->ntries && search->tries[i].place <= search->looked_at + search->batch; i++)
	{
		const Try  *try = &search->tries[i];
		Datum		hours;
		double		ahead;
		TimestampTz latest;
		Stretch    *allowed;

		if (try->place <= search->looked_at)
			continue;
		if (search->reach == (Datum) 0)
		{
			turn[count++] = *try;
			continue;
		}
		if (try->late || NumericCompare(try->lowest, search->reach) > 0)
			continue;
		/* all that may be better */
		hours = DirectFunctionCall2(numeric_div, NumericSubtract(search->reach, try->money),
									NumericMultiply(search->asked->delay_value, NumericFromInteger(try->devices)));
		ahead = Max(Min(DatumGetFloat8(DirectFunctionCall1(numeric_float8, hours)), MOST_HOURS), 0.0);
		if (pg_add_s64_overflow(search->asked->at, (int64) (ahead * USECS_PER_HOUR), &latest))
			latest = PG_INT64_MAX;
		allowed = palloc(try->nallowed * sizeof(Stretch));
		turn[count] = *try;
		turn[count].nallowed = 0;
		for (int n = 0; n < try->nallowed; n++)
		{
			Stretch		part = {try->allowed[n].from, Min(try->allowed[n].to, latest)};

			if (part.from < part.to)
				allowed[turn[count].nallowed++] = part;
		}
		turn[count].allowed = allowed;
		if (turn[count].nallowed > 0)
			count++;
	}
	return count;
}

/* Looks for the first start of each place of a turn that has none yet, in a stretch; whether the stretch is all there is. */
static bool
look_in_stretch(const OfferSearch *search, const Try *turn, FirstFit *fits, int *places, int count, int64 ahead)
{
	Stretch		whole = {PG_INT64_MAX, PG_INT64_MIN};
	int64		begun = PG_INT64_MIN;
	bool		is_open = false;

	for (int i = 0; i < count; i++)
	{
		const Try  *try = &turn[places[i]];

		whole.from = Min(whole.from, try->allowed[0].from);
		whole.to = Max(whole.to, try->allowed[try->nallowed - 1].to);
		begun = Max(begun, try->allowed[0].from + try->length);
		/* fewer devices go before more, whenever they are free */
		is_open = is_open || (i > 0 && try->place == turn[places[i - 1]].place);
		fits[i] = (FirstFit) {try->pool, try->guest, try->devices, try->length, try->slot, try->allowed, try->nallowed, false, 0};
	}
	if (ahead > 0 && !is_open && !pg_add_s64_overflow(begun, ahead, &begun) && begun < whole.to)
	{
		FindFirstFits(fits, count, whole.from, begun, search->asked->at, search->preempting);
		return false;
	}
	FindFirstFits(fits, count, whole.from, whole.to, search->asked->at, search->preempting);
	return true;
}

/* Finds the first start of each place of a turn, with the fewest devices of those tried, and adds it to the offers. */
static void
look_for_starts(OfferSearch *search, const Try *turn, int count)
{
	/* what is read grows where there is no room so soon */
	const int64 ahead[] = {search->soon, 8 * search->soon, 32 * search->soon, 0};
	FirstFit   *fits = palloc(count * sizeof(FirstFit));
	int		   *places = palloc(count * sizeof(int));

	for (int i = 0; i < count; i++)
		places[i] = i;
	for (int i = 0; i < (int) lengthof(ahead) && count > 0; i++)
	{
		bool		is_whole = look_in_stretch(search, turn, fits, places, count, ahead[i]);
		int			left = 0;
		int64		done = 0;

		for (int n = 0; n < count; n++)
		{
			const Try  *try = &turn[places[n]];

			if (fits[n].found && try->place != done)
			{
				add_offer(search, try, fits[n].start);
				done = try->place;
			}
			if (!fits[n].found)
				places[left++] = places[n];
		}
		if (is_whole)
			break;
		count = left;
	}
}

/* Leaves out what is beyond reach, which is a little more than the best so far. */
static void
draw_in(OfferSearch *search)
{
	Datum		least = (Datum) 0;

	for (int i = 0; i < search->count; i++)
	{
		const Offer *offer = &search->offers[i];

		if (offer->state < OFFER_DEAR && !offer->late && (least == (Datum) 0 || NumericCompare(offer->objective, least) < 0))
			least = offer->objective;
	}
	if (least == (Datum) 0)
		return;
	search->batch = MOST_AT_ONCE;
	least = NumericMultiply(least, NumericMultiply(NumericFromInteger(NEAR_ENOUGH), NumericPowerOfTen(-2)));
	if (search->reach == (Datum) 0 || NumericCompare(least, search->reach) < 0)
		search->reach = least;
	for (int i = 0; i < search->count; i++)
	{
		Offer	   *offer = &search->offers[i];

		if (offer->state < OFFER_DEAR && (offer->late || NumericCompare(offer->objective, search->reach) > 0))
			offer->state = OFFER_GONE;
	}
}

/* Looks at a turn. */
static void
look(OfferSearch *search, const Try *turn, int count)
{
	int			before = search->count;
	TimestampTz earliest = PG_INT64_MAX;
	TimestampTz latest = PG_INT64_MIN;

	look_for_starts(search, turn, count);
	search->looked_at += search->batch;
	search->batch = Min(2 * search->batch, MOST_AT_ONCE);
	for (int i = 0; i < count; i++)
		earliest = Min(earliest, turn[i].allowed[0].from);
	for (int i = before; i < search->count; i++)
		latest = Max(latest, search->offers[i].starts);
	if (search->count > before)
		search->soon = Min(Max(search->soon, latest - earliest), (int64) (MOST_HOURS * USECS_PER_HOUR));
	if (search->can_skip)
		draw_in(search);
}

/* ---- pricing ---- */

/* Has offers priced; those for which there is no price are gone. */
static void
price_offers(OfferSearch *search, Offer **open, int count)
{
	CostedOffer *costed = palloc0(count * sizeof(CostedOffer));
	CostPiece  *pieces = palloc0(count * sizeof(CostPiece));

	for (int i = 0; i < count; i++)
	{
		const Offer *offer = open[i];

		pieces[i] = (CostPiece) {.pool = offer->pool, .devices = offer->devices, .starts = offer->starts, .ends = offer->ends};
		costed[i] = (CostedOffer) {.pieces = &pieces[i], .npieces = 1, .starts = offer->starts, .ends = offer->ends, .efficiency = offer->efficiency};
	}
	CostOffers(search->costs, costed, count);
	/* a pool from one start is offered once */
	for (int i = 0; i < search->count; i++)
		for (int n = 0; n < count; n++)
			if (search->offers[i].state == OFFER_OPEN && search->offers[i].pool == open[n]->pool && search->offers[i].starts == open[n]->starts)
				search->offers[i].state = OFFER_GONE;
	for (int i = 0; i < count; i++)
	{
		Offer	   *offer = open[i];

		if (!costed[i].is_priced)
			continue;
		offer->row = CostedOfferRow(&costed[i], search->desc);
		offer->state = costed[i].too_dear == (Datum) 0 ? OFFER_PRICED : OFFER_DEAR;
		offer->displaces = costed[i].displaces;
		if (offer->state == OFFER_PRICED)
			offer->objective = costed[i].objective;
	}
}

/* Forgets what was found: it costs more than was thought, and what was skipped is looked for, too. */
static void
start_again(OfferSearch *search)
{
	search->can_skip = false;
	search->reach = (Datum) 0;
	search->count = 0;
	search->looked_at = 0;
}

/* Looks for offers and has them priced, until they cannot be beaten. */
static void
find_best(OfferSearch *search)
{
	Try		   *turn = palloc((search->ntries + 1) * sizeof(Try));

	for (;;)
	{
		int			count = search->looked_at < search->places ? next_turn(search, turn) : 0;
		Offer	  **ranked = palloc((search->count + 1) * sizeof(Offer *));
		int			nranked = rank_offers(search, ranked);
		const Offer *last = nranked == search->most ? ranked[nranked - 1] : NULL;
		int			open = 0;

		CHECK_FOR_INTERRUPTS();
		if (count > 0 && (last == NULL || compare_standing(turn[0].late, turn[0].lowest, last) <= 0))
		{
			look(search, turn, count);
			continue;
		}
		/* of those that are the best so far, what is not priced */
		for (int i = 0; i < nranked; i++)
			if (ranked[i]->state == OFFER_OPEN)
				ranked[open++] = ranked[i];
		if (open > 0)
			price_offers(search, ranked, open);
		else if (search->reach == (Datum) 0 || (last != NULL && !last->late && NumericCompare(last->objective, search->reach) <= 0))
			return;
		else
			start_again(search);
	}
}

/* ---- the answer ---- */

/* Makes rows of the best offers, the best first, or of all that were looked at; returns how many. */
static int
rows_of_offers(const OfferSearch *search, bool best, Datum *rows)
{
	Offer	  **ranked = palloc((search->count + 1) * sizeof(Offer *));
	int			count = 0;

	if (best)
	{
		count = rank_offers(search, ranked);
		for (int i = 0; i < count; i++)
			rows[i] = ranked[i]->row;
		return count;
	}
	for (int i = 0; i < search->count; i++)
	{
		const Offer *o = &search->offers[i];

		if (o->state != OFFER_GONE)
			rows[count++] = o->row != (Datum) 0 ? o->row : row_of_open(o, search->desc);
	}
	return count;
}

/* Makes rows of the tries. */
static Datum
rows_of_tries(const OfferSearch *search, Oid type)
{
	TupleDesc	desc = lookup_rowtype_tupdesc_copy(type, -1);
	Datum	   *rows = palloc((search->ntries + 1) * sizeof(Datum));
	int			count = 0;

	for (int i = 0; i < search->ntries; i++)
	{
		const Try  *try = &search->tries[i];
		Interval	length = {.time = try->length};
		Datum		values[] = {Int64GetDatum(try->place), Int64GetDatum(try->pool), IntervalPGetDatum(&length), try->lowest, try->money};
		bool		nulls[lengthof(values)] = {false};

		if (desc->natts != (int) lengthof(values))
			elog(ERROR, "unexpected columns of _placement_try");
		rows[count++] = HeapTupleGetDatum(heap_form_tuple(desc, values, nulls));
	}
	return CostedArray(rows, count, type);
}

/*
 * _best_offers(asked placement_request, candidates _placement_pool[], most integer, at timestamptz, preempting boolean, brief boolean, near numeric,
 *				OUT offers _placement_offer[], OUT looked_at bigint, OUT tries _placement_try[])
 */
PG_FUNCTION_INFO_V1(best_offers);
Datum
best_offers(PG_FUNCTION_ARGS)
{
	bool		brief = PG_GETARG_BOOL(5);
	Oid			types[] = {get_fn_expr_argtype(fcinfo->flinfo, 0), get_fn_expr_argtype(fcinfo->flinfo, 1)};
	AskedPlace		asked;
	OfferSearch		search = {.asked = &asked, .most = PG_GETARG_INT32(2), .preempting = PG_GETARG_BOOL(4)};
	TupleDesc	result;
	Datum	   *rows;
	int			count;
	Datum		values[3];
	bool		nulls[3] = {false};

	for (int i = 0; i < 6; i++)
	{
		if (PG_ARGISNULL(i))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument %d of _best_offers() is NULL", i + 1)));
	}
	if (search.most < 1 || search.most > 1000)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("from 1 to 1000 offers are looked for")));
	if (get_call_result_type(fcinfo, NULL, &result) != TYPEFUNC_COMPOSITE || result->natts != lengthof(values))
		elog(ERROR, "unexpected result of _best_offers()");
	search.desc = CostedOfferDesc(get_element_type(TupleDescAttr(result, 0)->atttypid));
	AskedRead(PG_GETARG_DATUM(0), PG_GETARG_TIMESTAMPTZ(3), &asked);
	search.costs = CostAskedMake(PG_GETARG_DATUM(0), &asked, PG_GETARG_DATUM(1), types, search.preempting, brief);
	search.ntries = TriesMake(&asked, PG_GETARG_DATUM(1), &search.tries);
	search.places = search.ntries > 0 ? search.tries[search.ntries - 1].place : 0;
	/* so many at a time, and then twice as many */
	search.batch = Max(search.most, 4);
	/* most have room soon; of a few pools days more cost next to nothing */
	search.soon = Max(64 * USECS_PER_DAY / search.batch, 2 * USECS_PER_DAY);
	search.can_skip = brief && search.most == 1 && asked.devices > 0 && NumericCompare(asked.delay_value, NumericFromInteger(0)) > 0;
	if (search.can_skip && !PG_ARGISNULL(6))
		search.reach = NumericMultiply(PG_GETARG_DATUM(6), NumericMultiply(NumericFromInteger(NEAR_ENOUGH), NumericPowerOfTen(-2)));
	if (search.reach != (Datum) 0)
		search.batch = MOST_AT_ONCE;
	find_best(&search);
	rows = palloc((search.count + 1) * sizeof(Datum));
	count = rows_of_offers(&search, brief, rows);
	values[0] = CostedArray(rows, count, search.desc->tdtypeid);
	values[1] = Int64GetDatum(search.looked_at);
	nulls[2] = brief;
	values[2] = brief ? (Datum) 0 : rows_of_tries(&search, get_element_type(TupleDescAttr(result, 2)->atttypid));
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(result), values, nulls)));
}
