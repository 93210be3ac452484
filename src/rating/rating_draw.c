/*
 * rating_draw.c
 *		What usage draws on the reservations that it names.
 *
 * The records of a reservation, which the ledger makes, say how many devices are reserved
 * at every instant; those of one that gives way are of a measure of their own.  Usage that
 * names it draws on it where its account, region and chip are the reservation's, and its
 * records have a price.  At an instant, of each measure
 * by itself, as much is drawn as is reserved, or as is used if that is less; what is used
 * beyond is shared by that instant's records by their levels, as differences of rounded
 * running totals.  What is drawn of the reservation is the most that any measure draws.
 *
 * A record becomes the pieces of time in which its parts have one level: of usage, what is
 * beyond stays in its combination and what is drawn goes into one that nothing prices; of
 * a reservation, what was drawn and what was not are charged apart, at its own price.
 */
#include "base/compat.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "rating/rating.h"
#include "rating/rating_cell.h"
#include "rating/rating_draw.h"
#include "rating/rating_usage.h"

/* Whose usage an entry is: of the reservation, or of a measure that draws on it. */
enum
{
	SIDE_RESERVED, SIDE_ALLOCATED, SIDE_USED, SIDES
};

/* A combination that is of a reservation, or names it, before it is taken apart. */
typedef struct Drawer
{
	int64		reservation;
	int			combination;
	int			side;
	int			targets[2];		/* combinations of its parts; -1: none yet */
	Combination old;			/* its entries, as they were read */
} Drawer;

/* An entry in a span of time in which it draws, or is drawn on. */
typedef struct Drawing
{
	TimestampTz from;
	TimestampTz to;
	int			drawer;
	int64		entry;
	/* the piece that goes on: since when, and what of it is in the first target, the rest being in the second */
	TimestampTz since;
	int64		level;
	int64		counted;
} Drawing;

/* What is used at an instant on one side, and how far it has been shared out. */
typedef struct SideSum
{
	int128		whole;
	int128		part;			/* of it, what is shared out: beyond, or drawn of a reservation */
	int128		until;			/* running total */
	int128		shared;
} SideSum;

/* A reservation that is being drawn on. */
typedef struct DrawState
{
	Rating	   *rating;
	Drawer	   *drawers;
	int			ndrawers;
	int64		ndrawings;
	int64		room;
	Drawing    *drawings;
	int64		nactive;
	int64	   *active;			/* those that go on, by record */
	int64		winner_room;
} DrawState;

/* ---- pieces ---- */

/* Returns the combination that a part of a drawer goes into: the first, or the second. */
static int
target_of(DrawState *state, Drawer *drawer, int which)
{
	static const DrawingPart parts[2][2] = {{PART_USED, PART_UNUSED}, {PART_WHOLE, PART_DRAWN}};
	Rating	   *rating = state->rating;
	DrawingPart part = parts[drawer->side == SIDE_RESERVED ? 0 : 1][which];
	UsageKind	kind = drawer->old.kind;
	int			target;
	int			w = 0;
	int			high = rating->nwinners;

	if (part == PART_WHOLE)
		return drawer->combination;
	if (drawer->targets[which] >= 0)
		return drawer->targets[which];
	/* used before unused, whichever comes first: parts of one instant are in this order */
	if (part == PART_UNUSED)
		(void) target_of(state, drawer, 0);
	kind.part = (int16) part;
	target = drawer->targets[which] = AddCombination(rating, &kind);

	/* the same prices win; winners are in the order of their combinations */
	while (w < high)
	{
		int			middle = w + (high - w) / 2;

		if (rating->winners[middle].combination < drawer->combination)
			w = middle + 1;
		else
			high = middle;
	}
	for (; w < rating->nwinners && rating->winners[w].combination == drawer->combination; w++)
	{
		RatingReserve(rating, rating->winners, rating->nwinners, state->winner_room);
		rating->winners[rating->nwinners] = rating->winners[w];
		rating->winners[rating->nwinners++].combination = target;
	}
	return target;
}

/* Adds a piece of an entry to a combination. */
static void
put_piece(DrawState *state, int combination, const UsageEntry *entry, TimestampTz from, TimestampTz to,
		  int64 level, int64 counted, const EntryWork *work)
{
	Combination *target = &state->rating->combinations[combination];

	if (level == 0 && counted == 0)
		return;
	ReserveEntry(state->rating, target);
	target->entries[target->count] = (UsageEntry) {.start = from, .end = to, .level = level, .record = entry->record};
	if (target->counted != NULL)
		target->counted[target->count] = counted;
	if (target->work != NULL)
		target->work[target->count] = *work;
	target->count++;
}

/* Adds what an entry is from one instant to another, as it is. */
static void
keep_entry(DrawState *state, Drawer *drawer, int64 number, TimestampTz from, TimestampTz to)
{
	const UsageEntry *entry = &drawer->old.entries[number];
	EntryWork	work = {0};

	if (from >= to)
		return;
	if (drawer->old.work != NULL)
	{
		work = drawer->old.work[number];
		if (from > entry->start || to < entry->end)
			work.achieved = WorkBetween(entry, &drawer->old.work[number], from, to);
	}
	put_piece(state, drawer->combination, entry, from, to, entry->level, CountedOf(&drawer->old, number), &work);
}

/* Ends the piece of a drawing that goes on. */
static void
end_piece(DrawState *state, Drawing *drawing, TimestampTz to)
{
	Drawer	   *drawer = &state->drawers[drawing->drawer];
	const UsageEntry *entry = &drawer->old.entries[drawing->entry];
	int64		counted = CountedOf(&drawer->old, drawing->entry);
	EntryWork	first = {0};
	EntryWork	second = {0};

	if (drawing->since >= to)
		return;
	if (drawer->old.work != NULL)
	{
		int128		achieved = WorkBetween(entry, &drawer->old.work[drawing->entry], drawing->since, to);

		first = second = drawer->old.work[drawing->entry];
		first.achieved = counted == 0 ? 0 : ScaleQuantity(achieved, drawing->counted, counted);
		second.achieved = achieved - first.achieved;
	}
	if (drawing->level > 0 || drawing->counted > 0)
		put_piece(state, target_of(state, drawer, 0), entry, drawing->since, to, drawing->level, drawing->counted, &first);
	if (drawing->level < entry->level || drawing->counted < counted)
		put_piece(state, target_of(state, drawer, 1), entry, drawing->since, to,
				  entry->level - drawing->level, counted - drawing->counted, &second);
	drawing->since = to;
}

/* ---- an instant ---- */

/* Shares out what is due of a side to one of its records. */
static int64
share_out(SideSum *sum, int64 level)
{
	int128		before = sum->shared;

	sum->until += level;
	sum->shared = sum->whole == 0 ? 0 : ScaleQuantity(sum->part, sum->until, sum->whole);
	return (int64) (sum->shared - before);
}

/* Finds how much of each side is shared out: of a reservation, what is drawn; of usage, what is beyond. */
static void
find_shares(SideSum *sums)
{
	int128		reserved = sums[SIDE_RESERVED].whole;

	for (int s = SIDE_RESERVED + 1; s < SIDES; s++)
	{
		int128		drawn = Min(sums[s].whole, reserved);

		sums[s].part = sums[s].whole - drawn;
		sums[SIDE_RESERVED].part = Max(sums[SIDE_RESERVED].part, drawn);
	}
}

/* Takes apart what goes on from an instant on. */
static void
draw_from(DrawState *state, TimestampTz at)
{
	SideSum		levels[SIDES] = {{0}};
	SideSum		counts[SIDES] = {{0}};

	for (int64 i = 0; i < state->nactive; i++)
	{
		const Drawing *drawing = &state->drawings[state->active[i]];
		const Drawer *drawer = &state->drawers[drawing->drawer];

		levels[drawer->side].whole += drawer->old.entries[drawing->entry].level;
		counts[drawer->side].whole += CountedOf(&drawer->old, drawing->entry);
	}
	find_shares(levels);
	find_shares(counts);
	for (int64 i = 0; i < state->nactive; i++)
	{
		Drawing    *drawing = &state->drawings[state->active[i]];
		const Drawer *drawer = &state->drawers[drawing->drawer];
		int64		level = share_out(&levels[drawer->side], drawer->old.entries[drawing->entry].level);
		int64		counted = share_out(&counts[drawer->side], CountedOf(&drawer->old, drawing->entry));

		if (level == drawing->level && counted == drawing->counted)
			continue;
		end_piece(state, drawing, at);
		drawing->level = level;
		drawing->counted = counted;
	}
}

/* ---- a reservation ---- */

/* Adds a drawing, unless it is empty. */
static void
add_drawing(DrawState *state, int number, int64 entry, TimestampTz from, TimestampTz to)
{
	if (from >= to)
		return;
	RatingReserve(state->rating, state->drawings, state->ndrawings, state->room);
	state->drawings[state->ndrawings++] = (Drawing) {
		.from = from, .to = to, .drawer = number, .entry = entry, .since = from, .level = -1
	};
}

/* Adds the parts of an entry that lie in spans of time as drawings, and keeps the others as they are. */
static void
add_drawings(DrawState *state, int number, int64 entry, const TimeSpan *spans, int64 nspans)
{
	Drawer	   *drawer = &state->drawers[number];
	const UsageEntry *e = &drawer->old.entries[entry];
	TimestampTz at = e->start;
	TimestampTz done = DT_NOEND;	/* when the work of one that goes on is done: a piece's is done evenly */

	if (drawer->old.work != NULL && TIMESTAMP_IS_NOEND(e->end))
		done = Max(drawer->old.work[entry].recorded, e->start + 1);
	for (int64 i = 0; i < nspans; i++)
	{
		TimestampTz from = Max(e->start, spans[i].from);
		TimestampTz to = Min(e->end, spans[i].to);

		if (from >= to)
			continue;
		keep_entry(state, drawer, entry, at, from);
		add_drawing(state, number, entry, from, Min(to, done));
		add_drawing(state, number, entry, Max(from, done), to);
		at = to;
	}
	keep_entry(state, drawer, entry, at, e->end);
}

/* Finds when usage of one account is the usage of another: always of itself, else where one was merged into the other. */
static int64
common_spans(const Rating *rating, int64 account, int64 other, TimeSpan **spans)
{
	int64		count = 0;
	int64		room = 0;

	*spans = NULL;
	if (account == other)
	{
		*spans = palloc(sizeof(TimeSpan));
		(*spans)[0] = (TimeSpan) {.from = DT_NOBEGIN, .to = DT_NOEND};
		return 1;
	}
	for (int p = FirstPlace(rating, account); p < rating->nplaces && rating->places[p].account == account; p++)
	{
		for (int q = FirstPlace(rating, other); q < rating->nplaces && rating->places[q].account == other; q++)
		{
			const Place *x = &rating->places[p];
			const Place *y = &rating->places[q];
			TimestampTz from = Max(x->from, y->from);
			TimestampTz to = Min(x->to, y->to);

			if (from >= to || x->owner != y->owner)
				continue;
			RatingReserve(rating, *spans, count, room);
			(*spans)[count++] = (TimeSpan) {.from = from, .to = to};
		}
	}
	return count;
}

/* Adds the entries of a drawer that draw, or are drawn on; what the reservation is, the first drawer says. */
static void
add_entries(DrawState *state, int number)
{
	Rating	   *rating = state->rating;
	Drawer	   *drawer = &state->drawers[number];
	Combination *combination = &rating->combinations[drawer->combination];
	const UsageKind *kind = &drawer->old.kind;
	const UsageKind *reserved = &state->drawers[0].old.kind;
	TimeSpan   *spans = NULL;
	int64		nspans = 0;

	if (drawer->side == SIDE_RESERVED)
		nspans = PricedSpans(rating, drawer->combination, &spans);
	else if (kind->region == reserved->region && kind->share == reserved->share &&
			 AcceleratorContains(&reserved->accelerator, &kind->accelerator))
		nspans = common_spans(rating, kind->account, reserved->account, &spans);
	if (nspans == 0)
		return;
	combination->count = combination->room = 0;
	combination->entries = NULL;
	combination->counted = NULL;
	combination->work = NULL;
	for (int64 i = 0; i < drawer->old.count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		add_drawings(state, number, i, spans, nspans);
	}
	if (spans)
		pfree(spans);
}

/* Orders instants. */
static int
order_instants(const void *a, const void *b)
{
	TimestampTz x = *(const TimestampTz *) a;
	TimestampTz y = *(const TimestampTz *) b;

	return x < y ? -1 : x > y;
}

/* Orders drawings by their start, then by record. */
static int
compare_drawings(const void *a, const void *b, void *arg)
{
	const DrawState *state = (const DrawState *) arg;
	const Drawing *x = (const Drawing *) a;
	const Drawing *y = (const Drawing *) b;
	int64		r = state->drawers[x->drawer].old.entries[x->entry].record;
	int64		s = state->drawers[y->drawer].old.entries[y->entry].record;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return r < s ? -1 : r > s;
}

/* Lets a drawing begin: among those that go on, in the order of records. */
static void
begin_drawing(DrawState *state, int64 number)
{
	const Drawing *drawing = &state->drawings[number];
	int64		record = state->drawers[drawing->drawer].old.entries[drawing->entry].record;
	int64		i = state->nactive++;

	for (; i > 0; i--)
	{
		const Drawing *other = &state->drawings[state->active[i - 1]];

		if (state->drawers[other->drawer].old.entries[other->entry].record <= record)
			break;
		state->active[i] = state->active[i - 1];
	}
	state->active[i] = number;
}

/* Lets end what ends at an instant. */
static void
end_drawings(DrawState *state, TimestampTz at)
{
	int64		kept = 0;

	for (int64 i = 0; i < state->nactive; i++)
	{
		Drawing    *drawing = &state->drawings[state->active[i]];

		if (drawing->to <= at)
			end_piece(state, drawing, drawing->to);
		else
			state->active[kept++] = state->active[i];
	}
	state->nactive = kept;
}

/* Takes all that is drawn on a reservation, and all of it, apart. */
static void
draw_reservation(DrawState *state)
{
	Rating	   *rating = state->rating;
	TimestampTz *instants;
	int64		ninstants = 0;
	int64		next = 0;

	state->ndrawings = 0;
	state->nactive = 0;
	for (int i = 0; i < state->ndrawers; i++)
		add_entries(state, i);
	if (state->ndrawings == 0)
		return;
	qsort_arg(state->drawings, state->ndrawings, sizeof(Drawing), compare_drawings, state);
	instants = palloc_extended(2 * state->ndrawings * sizeof(TimestampTz), MCXT_ALLOC_HUGE);
	state->active = MemoryContextAllocHuge(rating->context, state->ndrawings * sizeof(int64));
	for (int64 i = 0; i < state->ndrawings; i++)
	{
		instants[ninstants++] = state->drawings[i].from;
		instants[ninstants++] = state->drawings[i].to;
	}
	qsort(instants, ninstants, sizeof(TimestampTz), order_instants);
	for (int64 i = 0; i < ninstants; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (i > 0 && instants[i] == instants[i - 1])
			continue;
		end_drawings(state, instants[i]);
		while (next < state->ndrawings && state->drawings[next].from == instants[i])
			begin_drawing(state, next++);
		draw_from(state, instants[i]);
	}
	pfree(instants);
	pfree(state->active);
}

/* Returns the side of a combination; SIDES for one that neither draws nor is drawn on. */
static int
side_of(const Rating *rating, const Combination *combination)
{
	static const struct
	{
		const char *name;
		int			side;
	}			measures[] = {
		{"reserved", SIDE_RESERVED}, {"preemptible", SIDE_RESERVED}, {"allocated", SIDE_ALLOCATED}, {"used", SIDE_USED}
	};
	struct varlena *name = (struct varlena *) DatumGetPointer(rating->names[combination->kind.measure]);

	for (int i = 0; i < (int) lengthof(measures); i++)
	{
		if (VARSIZE_ANY_EXHDR(name) == strlen(measures[i].name) && memcmp(VARDATA_ANY(name), measures[i].name, strlen(measures[i].name)) == 0)
			return measures[i].side;
	}
	return SIDES;
}

/* Orders drawers by reservation, its own records first. */
static int
compare_drawers(const void *a, const void *b)
{
	const Drawer *x = (const Drawer *) a;
	const Drawer *y = (const Drawer *) b;

	if (x->reservation != y->reservation)
		return x->reservation < y->reservation ? -1 : 1;
	if (x->side != y->side)
		return x->side - y->side;
	return x->combination - y->combination;
}

/*
 * Lets all usage draw on the reservations that it names.  Where there are no records of
 * the reservation, what names it stays as it is.
 */
void
DrawReservations(Rating *rating)
{
	DrawState	state = {.rating = rating, .winner_room = rating->nwinners};
	Drawer	   *drawers = NULL;
	int64		count = 0;
	int64		room = 0;
	int64		end;

	for (int i = 0; i < rating->ncombinations; i++)
	{
		const Combination *combination = &rating->combinations[i];
		int			side;

		if (combination->kind.reservation == 0 || combination->count == 0 || (side = side_of(rating, combination)) == SIDES)
			continue;
		RatingReserve(rating, drawers, count, room);
		drawers[count] = (Drawer) {
			.reservation = combination->kind.reservation, .combination = i, .side = side, .targets = {-1, -1}, .old = *combination
		};
		count++;
	}
	if (count == 0)
		return;
	qsort(drawers, count, sizeof(Drawer), compare_drawers);
	for (int64 i = 0; i < count; i = end)
	{
		for (end = i; end < count && drawers[end].reservation == drawers[i].reservation; end++)
			;
		if (drawers[i].side != SIDE_RESERVED)
			continue;
		state.drawers = &drawers[i];
		state.ndrawers = (int) (end - i);
		draw_reservation(&state);
	}
	if (state.drawings)
		pfree(state.drawings);
	pfree(drawers);
}
