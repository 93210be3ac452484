/*
 * timeline.h
 *		How much of a pool is free at each instant, while a pass of the queue plans.
 *
 * A balanced tree over the instants at which the level changes: taking devices over a period, and asking when a level is
 * next below or not below a number, are O(log n) steps.
 *
 * Pure: needs c.h only, and memory through a function that it is given.
 */
#ifndef COMPUTE_LEDGER_TIMELINE_H
#define COMPUTE_LEDGER_TIMELINE_H

#include "profile/profile.h"

/* A level from an instant to the next node's.  Levels are without what the nodes above are still to pass down. */
typedef struct TimelineNode
{
	int64		at;
	int64		level;
	int64		lowest;			/* of all below and this one */
	int64		highest;
	int64		pending;		/* to be added to all below */
	int32		left;
	int32		right;
	uint32		priority;		/* not below those of the nodes below */
} TimelineNode;

typedef struct Timeline
{
	TimelineNode *nodes;
	int32		count;
	int32		allocated;
	int32		root;
	uint32		random;
	ProfileResize resize;
	void	   *context;
} Timeline;

extern void TimelineInit(Timeline *timeline, ProfileResize resize, void *context);
extern void TimelineCopy(Timeline *timeline, const Timeline *from);
extern void TimelineFree(Timeline *timeline);
extern void TimelineAdd(Timeline *timeline, int64 from, int64 to, int64 devices);
extern bool TimelineFits(const Timeline *timeline, int64 devices, int64 from, int64 to);
extern bool TimelineFit(const Timeline *timeline, int64 devices, int64 length, int64 step, int64 from, int64 last, int64 *at);

#endif							/* COMPUTE_LEDGER_TIMELINE_H */
