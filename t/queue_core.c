/*
 * queue_core.c
 *		Compares the planner of the queue with arrays of levels and a plain search.
 *
 * Usage: queue_core ROUNDS SEED.  Each round takes and gives back devices of a timeline at random, and asks it everything;
 * then it plans a random queue with the planner, and again by looking at every instant of every pool, walking down the tree
 * of accounts anew for each request.  queue_core time N POOLS prints how long a plan takes.
 */
#include "c.h"

#include "queue/plan.h"

#include "core_test.h"
#include <time.h>

#define SPAN	160				/* instants of a timeline */
#define POOLS	3
#define ACCOUNTS 7
#define REQUESTS 24

/* ---- a timeline ---- */

/* Returns the least of the levels from one instant to another; nothing is free from SPAN on. */
static int64
least(const int64 *levels, int64 from, int64 to)
{
	int64		result = PG_INT64_MAX;

	for (int64 at = from; at < to; at++)
		result = Min(result, at < 0 || at >= SPAN ? 0 : levels[at]);
	return result;
}

/* Finds a start by looking at each. */
static bool
fit(const int64 *levels, int64 devices, int64 length, int64 step, int64 from, int64 last, int64 *at)
{
	for (int64 start = from; start <= last; start++)
	{
		if (start % step == 0 && least(levels, start, start + length) >= devices)
		{
			*at = start;
			return true;
		}
	}
	return false;
}

/* Changes a timeline at random, and asks it everything. */
static void
try_timeline(void)
{
	Timeline	timeline;
	Timeline	copy;
	int64		levels[SPAN] = {0};
	int64		changes = 1 + below(60);

	TimelineInit(&timeline, resize, NULL);
	TimelineInit(&copy, resize, NULL);
	for (int64 i = 0; i < changes; i++)
	{
		int64		from = below(SPAN);
		int64		to = from + 1 + below(SPAN - from);
		int64		devices = below(20) - 8;

		TimelineAdd(&timeline, from, to, devices);
		for (int64 at = from; at < to; at++)
			levels[at] += devices;
	}
	TimelineCopy(&copy, &timeline);
	TimelineFree(&timeline);
	for (int i = 0; i < 60; i++)
	{
		int64		from = below(SPAN);
		int64		to = from + 1 + below(SPAN);
		int64		devices = 1 + below(30);
		int64		length = 1 + below(20);
		int64		step = 1 + below(5);
		int64		got = -1;
		int64		expected = -1;
		bool		found = TimelineFit(&copy, devices, length, step, from, to, &got);

		CHECK(TimelineFits(&copy, devices, from, to) == (least(levels, from, to) >= devices));
		CHECK(found == fit(levels, devices, length, step, from, to, &expected));
		CHECK(!found || got == expected);
	}
	TimelineFree(&copy);
}

/* ---- a plan ---- */

typedef struct World
{
	QueuePool	pools[POOLS];
	int64		levels[POOLS][2][SPAN];
	QueueFit	fits[REQUESTS * POOLS];
	QueueKind	kinds[REQUESTS];
	QueueAccount accounts[ACCOUNTS];
	QueueRequest requests[REQUESTS];
	QueuePlan	plan;
} World;

/* Makes pools, accounts and requests at random. */
static void
make_world(World *world)
{
	memset(world, 0, sizeof(World));
	world->plan = (QueuePlan) {.now = below(10), .pools = world->pools, .npools = (int32) (1 + below(POOLS)), .fits = world->fits,
		.kinds = world->kinds, .accounts = world->accounts, .naccounts = (int32) (1 + below(ACCOUNTS)), .requests = world->requests,
		.nrequests = (int32) (1 + below(REQUESTS)), .resize = resize};
	for (int32 i = 0; i < world->plan.npools; i++)
	{
		QueuePool  *pool = &world->pools[i];

		pool->id = i + 1;
		pool->granule = below(4) == 0 ? 2 : 1;
		pool->step = 1 + below(3);
		pool->first = (world->plan.now + pool->step - 1) / pool->step * pool->step;
		pool->until = SPAN - below(20);
		pool->has_guests = below(2);
		TimelineInit(&pool->free, resize, NULL);
		TimelineInit(&pool->free_to_guests, resize, NULL);
		for (int n = 0; n < 2; n++)
		{
			for (int64 at = 0, to; at < SPAN; at = to)
			{
				int64		devices = below(4) == 0 ? 0 : n == 0 ? 8 + below(8) : 4 + below(8);

				to = at + 1 + below(60);
				to = Min(SPAN, to);
				TimelineAdd(n == 0 ? &pool->free : &pool->free_to_guests, at, to, devices);
				for (int64 k = at; k < to; k++)
					world->levels[i][n][k] = devices;
			}
		}
	}
	for (int32 i = 0; i < world->plan.naccounts; i++)
	{
		QueueAccount *account = &world->accounts[i];

		account->parent = below(3) == 0 ? -1 : (int32) below(i + 1) - 1;
		account->share = below(5) == 0 ? 0 : (double) (1 + below(3));
		account->own_work = below(3) == 0 ? 0 : (double) below(200);
		for (int32 n = i; n != -1; n = world->accounts[n].parent)
			world->accounts[n].work += account->own_work;
	}
	for (int32 i = 0; i < world->plan.nrequests; i++)
	{
		QueueRequest *request = &world->requests[i];
		QueueKind  *kind = &world->kinds[i];

		kind->first_fit = i * POOLS;
		for (int32 n = 0; n < world->plan.npools; n++)
		{
			if (below(4) != 0)
				world->fits[kind->first_fit + kind->fits++] = (QueueFit) {.pool = n, .guest = world->pools[n].has_guests && below(2),
					.from = below(4) == 0 ? below(40) : 0, .until = below(4) == 0 ? 60 + below(60) : SPAN, .transfer = (double) below(2),
					.delay = below(4) == 0 ? below(10) : 0, .price = 3600e6 * (double) below(3), .rate = (double) (1 + below(3)), .speed = below(4)};
		}
		*request = (QueueRequest) {.id = i + 1, .account = (int32) below(world->plan.naccounts), .kind = i, .band = (int32) below(2),
			.submitted = below(5), .devices = 1 + below(below(2) ? 3 : 12), .not_before = below(4) == 0 ? below(40) : 0, .planned_pool = -1,
			.latest = PG_INT64_MAX, .fixed = PG_INT64_MAX, .most = below(4) == 0 ? (double) below(100) : 1e30,
			.deadline = below(4) == 0 ? below(100) : PG_INT64_MAX};
		if (below(4) == 0)
			request->work = 1 + below(100);
		else
			request->length = 1 + below(20);
	}
}

/* Tells whether there is room for a request in a pool from a start on. */
static bool
has_room(World *world, const QueueRequest *request, const QueueFit *f, int64 start, int64 length)
{
	return least(world->levels[f->pool][0], start, start + length) >= request->devices &&
		(!f->guest || least(world->levels[f->pool][1], start, start + length) >= request->devices);
}

/* Takes devices. */
static void
take_levels(World *world, const QueueRequest *request, const QueueFit *f, int64 start, int64 length)
{
	for (int64 at = start; at < start + length; at++)
	{
		world->levels[f->pool][0][at] -= request->devices;
		if (f->guest)
			world->levels[f->pool][1][at] -= request->devices;
	}
}

/* Tells whether one of two nodes, what an account has itself (own) or with all below, is served first; age is that of its oldest request. */
static bool
goes_first(const World *world, int32 a, bool own_a, int32 age_a, int32 b, bool own_b, int32 age_b)
{
	double		share_a = own_a ? 1 : world->accounts[a].share;
	double		share_b = own_b ? 1 : world->accounts[b].share;
	double		work_a = own_a ? world->accounts[a].own_work : world->accounts[a].work;
	double		work_b = own_b ? world->accounts[b].own_work : world->accounts[b].work;

	if ((share_a > 0) != (share_b > 0))
		return share_a > 0;
	work_a = share_a > 0 ? work_a / share_a : work_a;
	work_b = share_b > 0 ? work_b / share_b : work_b;
	return work_a != work_b ? work_a < work_b : age_a < age_b;
}

/* Returns the request that is served first of an account and all below (-1: of all), -1 if none waits. */
static int32
first_of(const World *world, const bool *served, int32 band, int32 account, bool *own)
{
	int32		best = -1;
	int32		best_node = -1;
	bool		best_own = false;

	/* its own, by age */
	for (int32 i = 0; i < world->plan.nrequests && account != -1; i++)
	{
		const QueueRequest *r = &world->requests[i];

		if (!served[i] && r->band == band && r->account == account && (best == -1 || r->age < world->requests[best].age))
		{
			best = i;
			best_node = account;
			best_own = true;
		}
	}
	for (int32 n = 0; n < world->plan.naccounts; n++)
	{
		int32		request;

		if (world->accounts[n].parent != account)
			continue;
		request = first_of(world, served, band, n, own);
		if (request != -1 && (best == -1 ||
							  goes_first(world, n, false, world->requests[request].age, best_node, best_own, world->requests[best].age)))
		{
			best = request;
			best_node = n;
			best_own = false;
		}
	}
	*own = best_own;
	return best;
}

/* Compares a plan with what looking at each start gives. */
static void
plan_plainly(World *world)
{
	bool		served[REQUESTS] = {false};
	int32		place = 0;

	for (int32 band = 1; band >= 0; band--)
	{
		bool		head = true;

		for (;;)
		{
			bool		own;
			int32		number = first_of(world, served, band, -1, &own);
			QueueRequest *request = &world->requests[Max(number, 0)];
			const QueueFit *best = NULL;
			int64		best_start = 0;
			int64		best_length = 0;
			double		best_price = 0;

			if (number == -1)
				break;
			served[number] = true;
			CHECK(request->place == place);
			CHECK(request->head == head);
			head = false;
			place++;
			for (int32 i = 0; i < world->kinds[request->kind].fits; i++)
			{
				const QueueFit *f = &world->fits[world->kinds[request->kind].first_fit + i];
				const QueuePool *pool = &world->pools[f->pool];
				int64		length = request->length;
				double		price;

				if (length == 0)
					length = f->speed == 0 ? 0 : (int64) ((request->work + f->speed * request->devices - 1) / (f->speed * request->devices));
				if (length == 0)
					continue;
				length = (length + pool->step - 1) / pool->step * pool->step;
				price = f->price / 3600e6 * (double) request->devices * (double) length + f->transfer;
				if (price > request->most || request->devices % pool->granule != 0)
					continue;
				for (int64 start = 0; start + length <= Min(Min(pool->until, f->until), request->deadline); start += pool->step)
				{
					if (start < pool->first || start < f->from || start < world->plan.now + f->delay || start < request->not_before ||
						!has_room(world, request, f, start, length))
						continue;
					if (best == NULL || start < best_start ||
						(start == best_start && (price < best_price || (price == best_price && f->rate > best->rate))))
					{
						best = f;
						best_start = start;
						best_length = length;
						best_price = price;
					}
					break;
				}
			}
			CHECK((best == NULL) == (request->pool == -1));
			if (best == NULL)
				continue;
			CHECK(request->pool == best->pool);
			CHECK(request->start == best_start);
			CHECK(request->end == best_start + best_length);
			take_levels(world, request, best, best_start, best_length);
			world->accounts[request->account].own_work += best->rate * (double) request->devices * (double) best_length;
			for (int32 n = request->account; n != -1; n = world->accounts[n].parent)
				world->accounts[n].work += best->rate * (double) request->devices * (double) best_length;
		}
	}
	CHECK(place == world->plan.nrequests);
}

/* Tells whether a request begins no later than it could if all were there who did not come after it, and nobody else. */
static bool
is_behind_older(World *world, const QueueRequest *request, const int64 (*levels)[2][SPAN])
{
	const QueueKind *kind = &world->kinds[request->kind];
	bool		could = false;

	memcpy(world->levels, levels, sizeof(world->levels));
	for (int32 i = 0; i < world->plan.nrequests; i++)
	{
		const QueueRequest *older = &world->requests[i];

		if (older != request && older->submitted <= request->submitted && older->pool != -1)
			take_levels(world, older, &world->fits[older->fit], older->start, older->end - older->start);
	}
	for (int32 i = 0; i < kind->fits; i++)
	{
		const QueueFit *f = &world->fits[kind->first_fit + i];
		const QueuePool *pool = &world->pools[f->pool];
		int64		length = request->length;
		double		price;

		if (length == 0)
			length = f->speed == 0 ? 0 : (int64) ((request->work + f->speed * request->devices - 1) / (f->speed * request->devices));
		length = (length + pool->step - 1) / pool->step * pool->step;
		price = f->price / 3600e6 * (double) request->devices * (double) length + f->transfer;
		if (length == 0 || request->devices % pool->granule != 0 || price > request->most)
			continue;
		for (int64 start = 0; start + length <= Min(Min(pool->until, f->until), request->deadline) && (request->pool == -1 || start < request->start); start += pool->step)
			could |= start >= pool->first && start >= f->from && start >= world->plan.now + f->delay && start >= request->not_before &&
				has_room(world, request, f, start, length);
	}
	return !could;
}

/*
 * Plans again as the next pass would, of the same requests with other shares, and some new ones: nobody begins later than he
 * was promised, but for those who came before him, and nothing is taken twice.
 */
static void
plan_again(World *world, const int64 (*levels)[2][SPAN])
{
	int32		count = world->plan.nrequests;

	for (int32 i = 0; i < count; i++)
	{
		QueueRequest *request = &world->requests[i];

		/* some are new; of one band, since a higher one comes first */
		request->band = 0;
		request->planned_pool = -1;
		request->latest = request->fixed = PG_INT64_MAX;
	}
	for (int pass = 0; pass < 4; pass++)
	{
		bool		kept = false;

		for (int32 i = 0; i < world->plan.naccounts; i++)
			world->accounts[i].work = world->accounts[i].own_work = (double) below(1000);
		world->plan.nrequests = (int32) Min(count, count / 2 + pass * 4);
		QueueMakePlan(&world->plan);
		memcpy(world->levels, levels, sizeof(world->levels));
		for (int32 i = 0; i < world->plan.nrequests; i++)
		{
			QueueRequest *request = &world->requests[i];
			const QueueFit *f = &world->fits[request->fit];

			kept |= request->kept;
			if (request->pool == -1)
				continue;
			CHECK(has_room(world, request, f, request->start, request->end - request->start));
			CHECK(f->pool == request->pool);
			CHECK(request->start >= world->pools[f->pool].first && request->end <= world->pools[f->pool].until);
			take_levels(world, request, f, request->start, request->end - request->start);
		}
		for (int32 i = 0; i < world->plan.nrequests; i++)
		{
			QueueRequest *request = &world->requests[i];
			bool		in_time = request->pool != -1 && request->start <= request->latest;

			CHECK(request->planned_pool == -1 || request->fixed == PG_INT64_MAX || (request->pool != -1 && request->start <= request->fixed));
			CHECK(request->planned_pool == -1 || in_time || request->late);
			CHECK(request->moved == QUEUE_NOT_MOVED);
			if (request->planned_pool != -1 && !in_time && !kept)
				CHECK(is_behind_older(world, request, levels));
		}
		for (int32 i = 0; i < world->plan.nrequests; i++)
		{
			QueueRequest *request = &world->requests[i];

			if (request->pool == -1)
				continue;
			if (request->planned_pool == -1)
				request->latest = request->start + below(3) * 10;
			if (request->head)
				request->fixed = Min(request->fixed, request->start);
			request->latest = Max(request->latest, request->start);
			request->planned_pool = request->pool;
			request->planned_start = request->start;
			request->planned_end = request->end;
		}
	}
}

/*
 * Lets one account ask for everything, promises each a start, and frees devices: then older ones that
 * begin earlier push others beyond what they were promised, and all the same each gets what is first after those before it.
 */
static void
plan_by_age(World *world, int64 (*levels)[2][SPAN])
{
	for (int32 i = 0; i < world->plan.nrequests; i++)
	{
		QueueRequest *request = &world->requests[i];

		request->account = 0;
		request->planned_pool = -1;
		request->latest = request->fixed = PG_INT64_MAX;
	}
	QueueMakePlan(&world->plan);
	for (int32 i = 0; i < world->plan.nrequests; i++)
	{
		QueueRequest *request = &world->requests[i];

		if (request->pool == -1)
			continue;
		request->planned_pool = request->pool;
		request->planned_start = request->start - (request->head ? 0 : below(8));
		request->planned_end = request->planned_start + request->end - request->start;
		request->latest = request->planned_start + below(32);
		if (request->head)
			request->fixed = request->start;
	}
	for (int i = 0; i < 6; i++)
	{
		int64		from = below(SPAN / 2);
		int64		to = from + 1 + below(20);
		int32		pool = (int32) below(world->plan.npools);

		for (int n = 0; n < 2; n++)
		{
			TimelineAdd(n == 0 ? &world->pools[pool].free : &world->pools[pool].free_to_guests, from, to, 4);
			for (int64 at = from; at < to; at++)
				levels[pool][n][at] += 4;
		}
	}
	QueueMakePlan(&world->plan);
	memcpy(world->levels, levels, sizeof(world->levels));
	plan_plainly(world);
}

/* Frees what a plan made, and its pools. */
static void
free_world(World *world)
{
	for (int32 i = 0; i < world->plan.npools; i++)
	{
		TimelineFree(&world->pools[i].free);
		TimelineFree(&world->pools[i].free_to_guests);
	}
}

static void
try_plan(void)
{
	static World world;
	static int64 levels[POOLS][2][SPAN];

	make_world(&world);
	memcpy(levels, world.levels, sizeof(levels));
	QueueMakePlan(&world.plan);
	plan_plainly(&world);
	plan_again(&world, levels);
	plan_by_age(&world, levels);
	free_world(&world);
}

/* Prints how long it takes to plan so many requests of random sizes over so many pools. */
static void
measure(int32 count, int32 npools)
{
	QueuePlan	plan = {.npools = npools, .naccounts = 100, .nrequests = count, .resize = resize};
	int64		minute = INT64CONST(60000000);
	clock_t		start;

	plan.pools = calloc(npools, sizeof(QueuePool));
	plan.fits = calloc(npools, sizeof(QueueFit));
	plan.kinds = calloc(1, sizeof(QueueKind));
	plan.accounts = calloc(plan.naccounts, sizeof(QueueAccount));
	plan.requests = calloc(count, sizeof(QueueRequest));
	plan.kinds[0].fits = npools;
	for (int32 i = 0; i < npools; i++)
	{
		plan.pools[i] = (QueuePool) {.id = i, .granule = 1, .step = minute, .until = 100000000 * minute};
		TimelineInit(&plan.pools[i].free, resize, NULL);
		TimelineAdd(&plan.pools[i].free, 0, 200000000 * minute, 256);
		plan.fits[i] = (QueueFit) {.pool = i, .until = PG_INT64_MAX, .price = i, .rate = 1};
	}
	for (int32 i = 0; i < plan.naccounts; i++)
		plan.accounts[i] = (QueueAccount) {.parent = -1, .share = 1};
	for (int32 i = 0; i < count; i++)
		plan.requests[i] = (QueueRequest) {.id = i, .account = (int32) below(plan.naccounts), .submitted = i, .devices = 1 + below(INT64CONST(1) << below(9)),
			.length = (1 + below(INT64CONST(1) << below(13))) * minute, .planned_pool = -1,
			.latest = PG_INT64_MAX, .fixed = PG_INT64_MAX, .most = 1e30, .deadline = PG_INT64_MAX};
	start = clock();
	QueueMakePlan(&plan);
	printf("%d requests over %d pools: %.3f s, in %d rounds\n", count, npools, (double) (clock() - start) / CLOCKS_PER_SEC, plan.rounds);
}

int
main(int argc, char **argv)
{
	int			rounds;

	if (argc == 4 && strcmp(argv[1], "time") == 0)
	{
		state = 20260701;
		measure(atoi(argv[2]), atoi(argv[3]));
		return 0;
	}
	if (argc != 3)
		return 2;
	rounds = atoi(argv[1]);
	state = strtoull(argv[2], NULL, 10) * 2 + 1;
	for (int i = 0; i < rounds; i++)
	{
		try_timeline();
		try_plan();
	}
	printf("%d rounds\n", rounds);
	return 0;
}
