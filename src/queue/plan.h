/*
 * plan.h
 *		One pass of the queue: in which order requests are served, and when and where each would begin.
 *
 * Pure: needs c.h only, and memory through a function that it is given.  Instants and lengths are in microseconds, work in
 * FLOP, which is what a rate in MFLOP/s does in a microsecond.
 */
#ifndef COMPUTE_LEDGER_PLAN_H
#define COMPUTE_LEDGER_PLAN_H

#include "queue/timeline.h"

/* Bounds of starts are kept by sizes: so many steps for each doubling. */
#define QUEUE_SIZES		2
#define QUEUE_WIDTHS	(31 * QUEUE_SIZES)
#define QUEUE_LENGTHS	(52 * QUEUE_SIZES)
#define QUEUE_SHAPES	1024

/* Before this instant nothing of this shape begins. */
typedef struct QueueShape
{
	int64		devices;		/* 0: none */
	int64		length;
	int64		start;
} QueueShape;

/* What is known of starts in a pool, for all or for guests; it stays true while a pass takes more and more. */
typedef struct QueueBounds
{
	int64		by_size[QUEUE_WIDTHS][QUEUE_LENGTHS];
	QueueShape	by_shape[QUEUE_SHAPES];
} QueueBounds;

typedef struct QueuePool
{
	int64		id;
	int64		granule;		/* devices are multiples of it */
	int64		step;			/* starts and ends are multiples of it */
	int64		first;			/* the earliest start */
	int64		until;			/* the latest end */
	int64		lead;			/* what begins so long after the pass is due, too */
	bool		changed;		/* what it offers is not what it was when plans were last made */
	bool		overrun;		/* somebody is there longer than he should be */
	bool		has_guests;		/* guests are limited */
	Timeline	free;			/* before the pass */
	Timeline	free_to_guests;
	Timeline	left;			/* while it plans */
	Timeline	left_to_guests;
	QueueBounds *bounds[2];		/* for all, for guests */
} QueuePool;

/* A pool in which requests of a kind may run, and a time in which they may. */
typedef struct QueueFit
{
	int32		pool;
	bool		guest;
	int64		from;
	int64		until;
	int64		delay;			/* from the pass to the earliest start: while data is on its way */
	double		price;			/* of a device-hour */
	double		transfer;		/* of what goes there and comes back */
	double		rate;			/* work of a device, in the basis that shares are counted in */
	int128		speed;			/* that of requests with an amount of work, in their basis; 0: it has none */
} QueueFit;

/* Requests of one account that may run in the same pools. */
typedef struct QueueKind
{
	int32		first_fit;
	int32		fits;
} QueueKind;

/* An account, in the tree. */
typedef struct QueueAccount
{
	int32		parent;			/* -1: none */
	double		share;
	double		work;			/* what it and all below has had, and what is taken in this pass */
	double		own_work;		/* what it has had itself: its own requests stand beside the accounts below it */
} QueueAccount;

/* Why a request begins later than it was promised. */
typedef enum QueueMoved
{
	QUEUE_NOT_MOVED,
	QUEUE_MOVED_HIGHER,			/* a higher band */
	QUEUE_MOVED_CAPACITY,		/* the pool offers less */
	QUEUE_MOVED_OVERRUN,		/* somebody is there longer than he should be */
	QUEUE_MOVED_BOOKED,			/* something was booked that is not the queue's */
	QUEUE_MOVED_LATE,			/* no pass was made when it should have begun */
	QUEUE_MOVED_POOL,			/* it may not run in its pool any more */
	QUEUE_MOVED_OTHERS			/* another one that had to be moved */
} QueueMoved;

typedef struct QueueRequest
{
	int64		id;
	int32		account;
	int32		kind;
	int32		band;
	int64		submitted;
	int64		devices;
	int64		length;			/* 0: work */
	int128		work;
	int64		not_before;
	double		most;			/* that it may cost */
	int64		deadline;		/* what ends later is none */
	/* the plan that is stored */
	bool		had_plan;		/* there is one */
	int32		planned_pool;	/* -1: none, or one that is not there any more */
	int64		planned_start;
	int64		planned_end;
	int64		latest;			/* the latest start that those who came later may push it to */
	int64		fixed;			/* its start when it was the first of its band */
	/* what comes out */
	int32		pool;			/* -1: it cannot be planned */
	int32		fit;
	int64		start;
	int64		end;
	int32		place;			/* in the order of service */
	bool		head;			/* the first of its band */
	bool		kept;			/* its stored plan was put in first: else it would begin after what was fixed */
	bool		late;			/* it goes before those who came later: else they would push it too far */
	bool		due;			/* it begins as early as anything could in its pool */
	QueueMoved	moved;
	/* of the pass */
	int32		next;			/* of its account */
	int32		age;			/* place by band and submission */
	bool		planned;		/* in this round */
} QueueRequest;

typedef struct QueuePlan
{
	int64		now;
	QueuePool  *pools;
	int32		npools;
	QueueFit   *fits;
	QueueKind  *kinds;
	QueueAccount *accounts;
	int32		naccounts;
	QueueRequest *requests;
	int32		nrequests;
	int32		rounds;			/* how often it was planned */
	ProfileResize resize;
	void	   *context;
	void		(*check) (void);	/* called now and then; may not return */
} QueuePlan;

extern void QueueMakePlan(QueuePlan *plan);

#endif							/* COMPUTE_LEDGER_PLAN_H */
