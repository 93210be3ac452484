/*
 * plan.c
 *		Plans the queue: each request, in the order of service, gets the earliest start that delays nobody before it.
 *
 * Who comes first is a walk down the tree of accounts: at each level the account that has had the least for its share, what
 * this pass has planned for it included.  What is due so is a heap of accounts below each account.
 *
 * A request that would begin later than it was promised goes before all that came later, and one that was the first of its
 * band, and would begin later than then, has its stored plan held for it until its turn comes; and all is planned again.
 */
#include "c.h"

#include "queue/plan.h"

#define NONE			(-1)

/* After so many rounds all that were promised something are taken for late. */
#define MOST_ROUNDS		4

/* What is longer is no length: 100 years and a day. */
#define LONGEST			(INT64CONST(36501) * 86400 * 1000000)

#define HOUR			3600e6

/* An account, or what it asks for itself, among those beside it. */
typedef struct QueueNode
{
	int32		parent;
	int32		depth;
	double		share;
	double		work;
	int32		top;			/* of those below it, who is served first */
	int32		sub;			/* pairing heap: the first of those that come after it */
	int32		beside;
	int32		served;			/* request that would be served of it */
	int32		last;			/* of its own requests */
	bool		waits;			/* it is in the heap of its parent */
} QueueNode;

typedef struct QueuePass
{
	QueuePlan  *plan;
	QueueNode  *nodes;			/* accounts, what each asks for itself, all */
	int32		all;
	int32	   *order;			/* requests by band and submission */
	int32	   *touched;		/* nodes that wait, of a band */
	int64	   *bounds;			/* of the pools of a request */
	int32		served;
} QueuePass;

/* What place_request() has found. */
typedef struct QueueSpot
{
	const QueueFit *fit;		/* NULL: none */
	int64		start;
	int64		end;
	double		cost;
} QueueSpot;

static QueuePass *sorting;		/* what is being sorted */

/* ---- sizes ---- */

/* Returns the place of a size among sizes: of the greatest that is not above it, or of the least that is not below it. */
static int
size_place(int64 size, bool up)
{
	int			doublings = 63 - __builtin_clzll((unsigned long long) size);
	int			place = doublings * QUEUE_SIZES + (int) ((size * QUEUE_SIZES) >> doublings) - QUEUE_SIZES;
	if (up && ((size * QUEUE_SIZES) & ((INT64CONST(1) << doublings) - 1)) != 0)
		place++;
	return place;
}

/* Returns the place where a shape is kept. */
static QueueShape *
shape_place(QueueBounds *bounds, int64 devices, int64 length)
{
	uint64		hash = (uint64) devices * UINT64CONST(0x9E3779B97F4A7C15) ^ (uint64) length * UINT64CONST(0xC2B2AE3D27D4EB4F);

	return &bounds->by_shape[(hash ^ hash >> 29 ^ hash >> 43) % QUEUE_SHAPES];
}

/* Returns an instant before which nothing of a shape begins. */
static int64
bound_of(QueueBounds *bounds, int64 devices, int64 length)
{
	const QueueShape *shape = shape_place(bounds, devices, length);
	int64		bound = bounds->by_size[size_place(devices, false)][size_place(length, false)];

	if (shape->devices == devices && shape->length == length)
		bound = Max(bound, shape->start);
	return bound;
}

/* Keeps that nothing of a shape, or larger, begins before an instant. */
static void
keep_bound(QueueBounds *bounds, int64 devices, int64 length, int64 start)
{
	int			longer = size_place(length, true);

	*shape_place(bounds, devices, length) = (QueueShape) {devices, length, start};
	for (int wide = size_place(devices, true); wide < QUEUE_WIDTHS; wide++)
	{
		int64	   *row = bounds->by_size[wide];

		/* they rise with both sizes */
		if (longer >= QUEUE_LENGTHS || row[longer] >= start)
			return;
		for (int place = longer; place < QUEUE_LENGTHS && row[place] < start; place++)
			row[place] = start;
	}
}

/* Forgets what is known of starts in a pool. */
static void
reset_bounds(QueuePool *pool)
{
	for (int n = 0; n < 2; n++)
	{
		if (pool->bounds[n] == NULL)
			continue;
		memset(pool->bounds[n]->by_shape, 0, sizeof(pool->bounds[n]->by_shape));
		for (int wide = 0; wide < QUEUE_WIDTHS; wide++)
			for (int longer = 0; longer < QUEUE_LENGTHS; longer++)
				pool->bounds[n]->by_size[wide][longer] = pool->first;
	}
}

/* ---- where and when ---- */

/* Returns the first multiple of a step that is not before an instant. */
static int64
on_step(int64 at, int64 step)
{
	int64		over = at % step;

	return over == 0 ? at : over > 0 ? at - over + step : at - over;
}

/* Returns what a request costs that takes so long in a pool. */
static double
cost_of(const QueueRequest *request, const QueueFit *fit, int64 length)
{
	return fit->price * (double) request->devices * (double) length / HOUR + fit->transfer;
}

/* Returns how long a request takes in a pool, on its steps; 0: it cannot run there. */
static int64
length_in(const QueuePlan *plan, const QueueRequest *request, const QueueFit *fit)
{
	const QueuePool *pool = &plan->pools[fit->pool];
	int128		length = request->length;

	if (request->devices % pool->granule != 0)
		return 0;
	if (length == 0)
	{
		int128		speed = fit->speed;

		if (speed <= 0 || request->devices <= 0)
			return 0;
		/* more than there can be of both does it at once */
		speed = speed > ((int128) 1 << 90) ? (int128) 1 << 90 : speed;
		speed *= request->devices;
		length = request->work / speed + (request->work % speed != 0);
	}
	if (length <= 0 || length > LONGEST)
		return 0;
	length = on_step((int64) length, pool->step);
	return cost_of(request, fit, (int64) length) > request->most ? 0 : (int64) length;
}

/* Returns the earliest start that a request could have in a pool. */
static int64
earliest(const QueuePlan *plan, const QueueRequest *request, const QueueFit *fit)
{
	const QueuePool *pool = &plan->pools[fit->pool];

	return on_step(Max(Max(pool->first, plan->now + fit->delay), Max(request->not_before, fit->from)), pool->step);
}

/* Finds the earliest start from an instant to another at which there is room, among guests too for one. */
static bool
find_room(const QueuePool *pool, bool guest, int64 devices, int64 length, int64 from, int64 last, int64 *start)
{
	while (TimelineFit(&pool->left, devices, length, pool->step, from, last, start))
	{
		if (!guest)
			return true;
		if (!TimelineFit(&pool->left_to_guests, devices, length, pool->step, *start, last, &from))
			return false;
		if (from == *start)
			return true;
	}
	return false;
}

/* Takes devices from a pool, or gives them back (below 0). */
static void
take_devices(QueuePool *pool, bool guest, int64 devices, int64 start, int64 end)
{
	TimelineAdd(&pool->left, start, end, -devices);
	if (guest)
		TimelineAdd(&pool->left_to_guests, start, end, -devices);
}

/* Tells whether a pool is better than another one in which a request begins at the same time: cheaper, else faster, else the first. */
static bool
is_better(const QueueFit *fit, double cost, const QueueSpot *spot)
{
	if (cost != spot->cost)
		return cost < spot->cost;
	if (fit->rate != spot->fit->rate)
		return fit->rate > spot->fit->rate;
	return fit < spot->fit;
}

/* Tries a pool, from an instant before which there is no start; of a start like the known one it must be better. */
static void
try_pool(QueuePass *pass, const QueueRequest *request, const QueueFit *fit, int64 bound, bool bounded, QueueSpot *spot)
{
	QueuePool  *pool = &pass->plan->pools[fit->pool];
	QueueBounds *bounds = pool->bounds[fit->guest];
	int64		length = length_in(pass->plan, request, fit);
	int64		from = Max(bound, earliest(pass->plan, request, fit));
	int64		last = Min(Min(pool->until, fit->until), request->deadline) - length;
	double		cost = cost_of(request, fit, length);
	int64		start;

	if (spot->fit != NULL)
		last = Min(last, spot->start - !is_better(fit, cost, spot));
	if (find_room(pool, fit->guest, request->devices, length, from, last, &start))
		*spot = (QueueSpot) {fit, start, start + length, cost};
	else
		start = Max(last, from - 1) + 1;
	if (bounded && from <= Max(bound, pool->first))
		keep_bound(bounds, request->devices, length, start);
}

/* Finds the earliest start of a request over all its pools; of the same start, the best pool. */
static QueueSpot
find_spot(QueuePass *pass, const QueueRequest *request, bool bounded)
{
	QueuePlan  *plan = pass->plan;
	const QueueKind *kind = &plan->kinds[request->kind];
	QueueSpot	spot = {.fit = NULL};

	for (int i = 0; i < kind->fits; i++)
	{
		const QueueFit *fit = &plan->fits[kind->first_fit + i];
		QueuePool  *pool = &plan->pools[fit->pool];
		int64		length = length_in(plan, request, fit);

		pass->bounds[i] = length == 0 ? PG_INT64_MAX :
			Max(bounded ? bound_of(pool->bounds[fit->guest], request->devices, length) : PG_INT64_MIN, earliest(plan, request, fit));
	}
	for (;;)
	{
		int			first = NONE;
		const QueueFit *fit;
		QueueBounds *bounds;

		for (int i = 0; i < kind->fits; i++)
		{
			if (pass->bounds[i] < (first == NONE ? PG_INT64_MAX : pass->bounds[first]))
				first = i;
		}
		if (first == NONE || (spot.fit != NULL && pass->bounds[first] > spot.start))
			return spot;
		fit = &plan->fits[kind->first_fit + first];
		bounds = plan->pools[fit->pool].bounds[fit->guest];
		try_pool(pass, request, fit,
				 bounded ? bound_of(bounds, request->devices, length_in(plan, request, fit)) : PG_INT64_MIN,
				 bounded, &spot);
		pass->bounds[first] = PG_INT64_MAX;
	}
}

/* Plans a request where there is room for it, or not at all. */
static void
put_request(QueuePass *pass, QueueRequest *request, const QueueSpot *spot)
{
	QueuePool  *pool;

	request->pool = NONE;
	if (spot->fit == NULL)
		return;
	pool = &pass->plan->pools[spot->fit->pool];
	request->pool = spot->fit->pool;
	request->fit = (int32) (spot->fit - pass->plan->fits);
	request->start = spot->start;
	request->end = spot->end;
	request->due = spot->start <= on_step(Max(pool->first, pass->plan->now + Max(spot->fit->delay, pool->lead)), pool->step);
	take_devices(pool, spot->fit->guest, request->devices, spot->start, spot->end);
}

/* Returns the pool and time in which a stored plan is; NULL: it may not be there any more. */
static const QueueFit *
planned_fit(const QueuePlan *plan, const QueueRequest *request)
{
	const QueueKind *kind = &plan->kinds[request->kind];
	const QueueFit *found = NULL;

	for (int i = 0; i < kind->fits; i++)
	{
		const QueueFit *fit = &plan->fits[kind->first_fit + i];
		int64		length;

		if (fit->pool != request->planned_pool || fit->from > request->planned_start || request->planned_start >= fit->until)
			continue;
		/* of times at other prices, one that holds all of it */
		length = length_in(plan, request, fit);
		if (length != 0 && request->planned_start + length <= fit->until)
			return fit;
		if (found == NULL || length != 0)
			found = fit;
	}
	return found;
}

/* ---- whose turn it is ---- */

/* Tells whether one node is served before another beside it. */
static bool
is_before(const QueuePass *pass, int32 one, int32 other)
{
	const QueueNode *a = &pass->nodes[one];
	const QueueNode *b = &pass->nodes[other];
	/* without a share, after all that have one, by what they have had */
	double		had_a = a->share > 0 ? a->work / a->share : a->work;
	double		had_b = b->share > 0 ? b->work / b->share : b->work;

	if ((a->share > 0) != (b->share > 0))
		return a->share > 0;
	if (had_a != had_b)
		return had_a < had_b;
	return pass->plan->requests[a->served].age < pass->plan->requests[b->served].age;
}

/* Makes one heap of two. */
static int32
join_heaps(QueuePass *pass, int32 one, int32 other)
{
	if (one == NONE || other == NONE)
		return one == NONE ? other : one;
	if (is_before(pass, other, one))
	{
		int32		swap = one;

		one = other;
		other = swap;
	}
	pass->nodes[other].beside = pass->nodes[one].sub;
	pass->nodes[one].sub = other;
	return one;
}

/* Takes the first out of a heap; returns what is left. */
static int32
without_first(QueuePass *pass, int32 first)
{
	QueueNode  *nodes = pass->nodes;
	int32		n = nodes[first].sub;
	int32		pairs = NONE;
	int32		heap = NONE;

	/* in pairs, and then from the last to the first */
	while (n != NONE)
	{
		int32		one = n;
		int32		other = nodes[n].beside;

		n = other == NONE ? NONE : nodes[other].beside;
		nodes[one].beside = NONE;
		if (other != NONE)
			nodes[other].beside = NONE;
		one = join_heaps(pass, one, other);
		nodes[one].beside = pairs;
		pairs = one;
	}
	while (pairs != NONE)
	{
		int32		next = nodes[pairs].beside;

		nodes[pairs].beside = NONE;
		heap = join_heaps(pass, heap, pairs);
		pairs = next;
	}
	nodes[first].sub = NONE;
	return heap;
}

/* Counts work for what an account asks for itself, and all above. */
static void
count_work(QueuePass *pass, int32 account, double work)
{
	for (int32 n = pass->plan->naccounts + account; n != NONE; n = pass->nodes[n].parent)
		pass->nodes[n].work += work;
}

/* Counts what is planned for a request. */
static void
count_request(QueuePass *pass, const QueueRequest *request)
{
	if (request->pool != NONE)
		count_work(pass, request->account,
				   pass->plan->fits[request->fit].rate * (double) request->devices * (double) (request->end - request->start));
}

/* The request of a node has been served: lets the next one of it, if there is one, and all above, take their places. */
static void
serve_next(QueuePass *pass, int32 leaf)
{
	QueueNode  *nodes = pass->nodes;
	int32		n = leaf;

	nodes[leaf].served = pass->plan->requests[nodes[leaf].served].next;
	while (nodes[n].parent != NONE)
	{
		int32		parent = nodes[n].parent;

		/* it is the first: it was served */
		nodes[parent].top = without_first(pass, n);
		if (nodes[n].served != NONE)
			nodes[parent].top = join_heaps(pass, nodes[parent].top, n);
		nodes[parent].served = nodes[parent].top == NONE ? NONE : nodes[nodes[parent].top].served;
		n = parent;
	}
}

/* Compares nodes: the deepest first. */
static int
compare_depth(const void *a, const void *b)
{
	int32		one = *(const int32 *) a;
	int32		other = *(const int32 *) b;
	int32		deeper = sorting->nodes[other].depth - sorting->nodes[one].depth;

	return deeper != 0 ? deeper : one < other ? -1 : one > other;
}

/* Lets the requests of a band wait: order[from] to order[to - 1]. */
static void
line_up(QueuePass *pass, int32 from, int32 to)
{
	QueuePlan  *plan = pass->plan;
	QueueNode  *nodes = pass->nodes;
	int32		count = 0;

	for (int32 i = from; i < to; i++)
	{
		int32		number = pass->order[i];
		QueueRequest *request = &plan->requests[number];
		int32		leaf = plan->naccounts + request->account;

		request->next = NONE;
		if (nodes[leaf].served == NONE)
			nodes[leaf].served = number;
		else
			plan->requests[nodes[leaf].last].next = number;
		nodes[leaf].last = number;
		for (int32 n = leaf; n != NONE && !nodes[n].waits; n = nodes[n].parent)
		{
			nodes[n].waits = true;
			pass->touched[count++] = n;
		}
	}
	sorting = pass;
	qsort(pass->touched, count, sizeof(int32), compare_depth);
	for (int32 i = 0; i < count; i++)
	{
		QueueNode  *node = &nodes[pass->touched[i]];

		node->waits = false;
		node->sub = node->beside = NONE;
		if (node->top != NONE)
			node->served = nodes[node->top].served;
		if (node->parent != NONE)
			nodes[node->parent].top = join_heaps(pass, nodes[node->parent].top, pass->touched[i]);
	}
}

/* ---- a pass ---- */

/* Tells why a stored plan does not fit into its pool before anything is planned. */
static QueueMoved
why_not(const QueuePool *pool)
{
	return pool->overrun ? QUEUE_MOVED_OVERRUN : pool->changed ? QUEUE_MOVED_CAPACITY : QUEUE_MOVED_BOOKED;
}

/* Tells whether a plan fits in what is left, or was there before the pass. */
static bool
plan_fits(const QueuePool *pool, const QueueFit *fit, int64 devices, int64 start, int64 end, bool before)
{
	return end <= Min(pool->until, fit->until) && TimelineFits(before ? &pool->free : &pool->left, devices, start, end) &&
		(!fit->guest || TimelineFits(before ? &pool->free_to_guests : &pool->left_to_guests, devices, start, end));
}

/* Makes of a stored plan what it is now; says in moved why it cannot stay. */
static QueueSpot
stored_plan(QueuePass *pass, QueueRequest *request)
{
	const QueueFit *fit = planned_fit(pass->plan, request);
	const QueuePool *pool;
	QueueSpot	spot = {.fit = fit};
	int64		length = fit == NULL ? 0 : length_in(pass->plan, request, fit);

	request->moved = QUEUE_NOT_MOVED;
	if (length == 0)
	{
		spot.fit = NULL;
		request->moved = QUEUE_MOVED_POOL;
		return spot;
	}
	pool = &pass->plan->pools[fit->pool];
	spot.start = Max(on_step(request->planned_start, pool->step), earliest(pass->plan, request, fit));
	spot.end = spot.start + length;
	if (spot.end > request->deadline)
	{
		spot.fit = NULL;
		request->moved = QUEUE_MOVED_LATE;
	}
	else if (!plan_fits(pool, fit, request->devices, spot.start, spot.end, true))
		request->moved = why_not(pool);
	else if (!plan_fits(pool, fit, request->devices, spot.start, spot.end, false))
		request->moved = QUEUE_MOVED_HIGHER;
	else if (spot.start > request->planned_start)
		request->moved = QUEUE_MOVED_LATE;
	return spot;
}

/* Compares requests that keep their plans: by when they begin. */
static int
compare_planned(const void *a, const void *b)
{
	const QueueRequest *one = &sorting->plan->requests[*(const int32 *) a];
	const QueueRequest *other = &sorting->plan->requests[*(const int32 *) b];

	if (one->planned_start != other->planned_start)
		return one->planned_start < other->planned_start ? -1 : 1;
	return one->age < other->age ? -1 : one->age > other->age;
}

/* Plans a request where there is room for it now. */
static void
plan_request(QueuePass *pass, QueueRequest *request)
{
	QueueSpot	spot = find_spot(pass, request, true);

	put_request(pass, request, &spot);
	request->planned = true;
}

/* The turn has come of one whose plan was held: it begins earlier where there is room. */
static void
move_up(QueuePass *pass, QueueRequest *request)
{
	QueuePool  *pool;
	QueueSpot	spot;
	int64		start = request->start;

	if (request->pool == NONE)
		return;
	pool = &pass->plan->pools[request->pool];
	take_devices(pool, pass->plan->fits[request->fit].guest, -request->devices, start, request->end);
	spot = find_spot(pass, request, false);
	put_request(pass, request, &spot);
	/* it leaves room behind */
	if (request->start != start || &pass->plan->pools[request->pool] != pool)
		reset_bounds(pool);
}

/* Puts in the stored plans of those of a band that keep them, and then those that cannot. */
static void
put_kept(QueuePass *pass, int32 from, int32 to)
{
	QueuePlan  *plan = pass->plan;
	int32		count = 0;

	for (int32 i = from; i < to; i++)
	{
		if (plan->requests[pass->order[i]].kept)
			pass->touched[count++] = pass->order[i];
	}
	sorting = pass;
	qsort(pass->touched, count, sizeof(int32), compare_planned);
	for (int32 i = 0; i < count; i++)
	{
		QueueRequest *request = &plan->requests[pass->touched[i]];
		QueueMoved	moved = request->moved;
		QueueSpot	spot = stored_plan(pass, request);
		bool		fits = spot.fit != NULL && (request->moved == QUEUE_NOT_MOVED || request->moved == QUEUE_MOVED_LATE);

		request->moved = moved != QUEUE_NOT_MOVED ? moved : fits ? QUEUE_NOT_MOVED : QUEUE_MOVED_OTHERS;
		request->pool = NONE;
		if (!fits)
			continue;
		put_request(pass, request, &spot);
		request->planned = true;
	}
	for (int32 i = 0; i < count; i++)
	{
		QueueRequest *request = &plan->requests[pass->touched[i]];

		if (!request->planned)
			plan_request(pass, request);
	}
}

/* Plans a band: order[from] to order[to - 1]. */
static void
plan_band(QueuePass *pass, int32 from, int32 to, bool first_round)
{
	QueuePlan  *plan = pass->plan;
	QueueNode  *all = &pass->nodes[pass->all];
	bool		head = true;
	int32		late = from;

	/* why they cannot have their plans, if they cannot, before any of the band is in */
	for (int32 i = from; i < to; i++)
	{
		QueueRequest *request = &plan->requests[pass->order[i]];

		request->planned = false;
		if (request->kept || request->late)
			(void) stored_plan(pass, request);
	}
	put_kept(pass, from, to);
	line_up(pass, from, to);
	while (all->served != NONE)
	{
		QueueRequest *request = &plan->requests[all->served];

		/* those who are late go before those who came after them; what anybody takes counts when it is his turn */
		for (; late < to && plan->requests[pass->order[late]].submitted < request->submitted && !request->planned; late++)
		{
			QueueRequest *earlier = &plan->requests[pass->order[late]];

			if (earlier->late && !earlier->planned)
				plan_request(pass, earlier);
		}
		if (!request->planned)
			plan_request(pass, request);
		else if (request->kept)
			move_up(pass, request);
		count_request(pass, request);
		if (first_round)
		{
			request->place = pass->served++;
			request->head = head;
			head = false;
		}
		serve_next(pass, plan->naccounts + request->account);
		if (plan->check != NULL && request->age % 64 == 0)
			plan->check();
	}
}

/* Begins a round: nothing is planned. */
static void
start_round(QueuePass *pass)
{
	QueuePlan  *plan = pass->plan;

	for (int32 i = 0; i < plan->npools; i++)
	{
		QueuePool  *pool = &plan->pools[i];

		TimelineCopy(&pool->left, &pool->free);
		if (pool->has_guests)
			TimelineCopy(&pool->left_to_guests, &pool->free_to_guests);
		reset_bounds(pool);
	}
	for (int32 i = 0; i <= pass->all; i++)
	{
		QueueNode  *node = &pass->nodes[i];
		const QueueAccount *account = i < pass->all ? &plan->accounts[i % plan->naccounts] : NULL;

		*node = (QueueNode) {.parent = NONE, .top = NONE, .sub = NONE, .beside = NONE, .served = NONE, .last = NONE};
		if (account == NULL)
			continue;
		node->parent = i >= plan->naccounts ? i - plan->naccounts : account->parent == NONE ? pass->all : account->parent;
		node->share = i >= plan->naccounts ? 1 : account->share;
		node->work = i >= plan->naccounts ? account->own_work : account->work;
	}
	for (int32 i = 0; i < pass->all; i++)
	{
		for (int32 n = i; n != NONE; n = pass->nodes[n].parent)
			pass->nodes[i].depth++;
	}
}

/*
 * Marks those that would begin later than they were promised.  Whom they push then may be late next, so each round takes
 * more of those that are not far from it, and the last all that were promised something.  Tells whether there are any.
 */
static bool
mark_late(QueuePlan *plan)
{
	bool		last = plan->rounds >= MOST_ROUNDS;
	bool		any = false;

	for (int32 i = 0; i < plan->nrequests; i++)
	{
		QueueRequest *request = &plan->requests[i];
		int64		start = request->pool == NONE ? PG_INT64_MAX : request->start;
		int64		patience;

		/* there is no plan to keep, and a promise all the same */
		if (request->planned_pool == NONE)
		{
			if (!request->late && request->latest != PG_INT64_MAX && start > request->latest)
				request->late = any = true;
			continue;
		}
		patience = Max(request->latest / 2 - request->planned_start / 2, 0) >> Max(plan->rounds - 2, 0);
		if (!request->kept && request->fixed != PG_INT64_MAX && (last || start > request->fixed))
			request->kept = any = true;
		if (!request->kept && !request->late && request->latest != PG_INT64_MAX &&
			(last || start > (plan->rounds == 1 ? request->latest : request->planned_start + patience)))
			request->late = any = true;
	}
	return any;
}

/* Forgets why those who begin in time could not have their stored plans; what has become of a plan whose pool is gone is told once. */
static void
forget_why(QueuePlan *plan)
{
	for (int32 i = 0; i < plan->nrequests; i++)
	{
		QueueRequest *request = &plan->requests[i];
		int64		promised = Min(request->latest, request->fixed);

		/* those who were there before it may push it */
		if (promised == PG_INT64_MAX || (request->pool != NONE && request->start <= promised))
			request->moved = QUEUE_NOT_MOVED;
		else if (request->planned_pool == NONE)
			request->moved = request->had_plan || request->pool != NONE ? QUEUE_MOVED_POOL : QUEUE_NOT_MOVED;
	}
}

/* Compares requests by band and submission. */
static int
compare_requests(const void *a, const void *b)
{
	const QueueRequest *one = &sorting->plan->requests[*(const int32 *) a];
	const QueueRequest *other = &sorting->plan->requests[*(const int32 *) b];

	if (one->band != other->band)
		return one->band > other->band ? -1 : 1;
	if (one->submitted != other->submitted)
		return one->submitted < other->submitted ? -1 : 1;
	return one->id < other->id ? -1 : one->id > other->id;
}

/* Makes a table of so many things. */
static void *
make_table(QueuePlan *plan, int32 count, size_t size)
{
	return plan->resize(plan->context, NULL, (size_t) Max(1, count) * size);
}

/* Makes what is known of starts in pools. */
static void
make_bounds(QueuePlan *plan)
{
	for (int32 i = 0; i < plan->npools; i++)
	{
		QueuePool  *pool = &plan->pools[i];

		for (int n = 0; n < 2; n++)
			pool->bounds[n] = n == 0 || pool->has_guests ? make_table(plan, 1, sizeof(QueueBounds)) : NULL;
		TimelineInit(&pool->left, plan->resize, plan->context);
		if (pool->has_guests)
			TimelineInit(&pool->left_to_guests, plan->resize, plan->context);
	}
}

/*
 * Plans all requests.  All the memory it takes stays with the context that it is given.  No fit is a guest's in a pool that
 * does not limit guests, and devices are from 1 to 1,000,000,000.
 */
void
QueueMakePlan(QueuePlan *plan)
{
	QueuePass	pass = {.plan = plan};
	int32		most = 0;

	pass.all = 2 * plan->naccounts;
	pass.nodes = make_table(plan, pass.all + 1, sizeof(QueueNode));
	pass.order = make_table(plan, plan->nrequests, sizeof(int32));
	pass.touched = make_table(plan, Max(pass.all + 1, plan->nrequests), sizeof(int32));
	for (int32 i = 0; i < plan->nrequests; i++)
	{
		pass.order[i] = i;
		plan->requests[i].kept = plan->requests[i].late = plan->requests[i].head = plan->requests[i].due = false;
		plan->requests[i].moved = QUEUE_NOT_MOVED;
		most = Max(most, plan->kinds[plan->requests[i].kind].fits);
	}
	pass.bounds = make_table(plan, most, sizeof(int64));
	make_bounds(plan);
	sorting = &pass;
	qsort(pass.order, plan->nrequests, sizeof(int32), compare_requests);
	for (int32 i = 0; i < plan->nrequests; i++)
		plan->requests[pass.order[i]].age = i;
	plan->rounds = 0;
	do
	{
		start_round(&pass);
		for (int32 from = 0, to; from < plan->nrequests; from = to)
		{
			for (to = from + 1; to < plan->nrequests; to++)
			{
				if (plan->requests[pass.order[to]].band != plan->requests[pass.order[from]].band)
					break;
			}
			plan_band(&pass, from, to, plan->rounds == 0);
		}
		plan->rounds++;
	} while (mark_late(plan));
	forget_why(plan);
}
