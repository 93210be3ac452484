/*
 * timeline.c
 *		A balanced tree of levels over time: a treap, whose priorities are drawn from a fixed seed.
 */
#include "c.h"

#include "queue/timeline.h"

#define NO_NODE			(-1)

/* Returns the next number of a fixed sequence (xorshift). */
static uint32
next_random(Timeline *timeline)
{
	uint32		x = timeline->random;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return timeline->random = x;
}

/* Makes a node; pointers to nodes are good until the next one is made. */
static int32
make_node(Timeline *timeline, int64 at, int64 level)
{
	TimelineNode *node;

	if (timeline->count == timeline->allocated)
	{
		timeline->allocated = Max(32, timeline->allocated * 2);
		timeline->nodes = timeline->resize(timeline->context, timeline->nodes, (size_t) timeline->allocated * sizeof(TimelineNode));
	}
	node = &timeline->nodes[timeline->count];
	node->at = at;
	node->level = node->lowest = node->highest = level;
	node->pending = 0;
	node->left = node->right = NO_NODE;
	node->priority = next_random(timeline);
	return timeline->count++;
}

/* Adds to the levels of a node and all below. */
static void
add_below(Timeline *timeline, int32 n, int64 devices)
{
	TimelineNode *node;

	if (n == NO_NODE)
		return;
	node = &timeline->nodes[n];
	node->level += devices;
	node->lowest += devices;
	node->highest += devices;
	node->pending += devices;
}

/* Passes down what a node has to. */
static void
pass_down(Timeline *timeline, TimelineNode *node)
{
	if (node->pending == 0)
		return;
	add_below(timeline, node->left, node->pending);
	add_below(timeline, node->right, node->pending);
	node->pending = 0;
}

/* Takes what a node says of all below from its two parts. */
static void
sum_up(Timeline *timeline, TimelineNode *node)
{
	int32		parts[2] = {node->left, node->right};

	node->lowest = node->highest = node->level;
	for (int i = 0; i < 2; i++)
	{
		if (parts[i] == NO_NODE)
			continue;
		node->lowest = Min(node->lowest, timeline->nodes[parts[i]].lowest + node->pending);
		node->highest = Max(node->highest, timeline->nodes[parts[i]].highest + node->pending);
	}
}

/* Divides a tree into what is before an instant and the rest. */
static void
divide(Timeline *timeline, int32 n, int64 at, int32 *before, int32 *rest)
{
	TimelineNode *node;

	if (n == NO_NODE)
	{
		*before = *rest = NO_NODE;
		return;
	}
	node = &timeline->nodes[n];
	pass_down(timeline, node);
	if (node->at < at)
	{
		divide(timeline, node->right, at, &node->right, rest);
		*before = n;
	}
	else
	{
		divide(timeline, node->left, at, before, &node->left);
		*rest = n;
	}
	sum_up(timeline, node);
}

/* Puts a new node into a tree; returns its top. */
static int32
put_node(Timeline *timeline, int32 n, int32 added)
{
	TimelineNode *node;
	TimelineNode *mine = &timeline->nodes[added];

	if (n == NO_NODE)
		return added;
	node = &timeline->nodes[n];
	if (mine->priority > node->priority)
	{
		divide(timeline, n, mine->at, &mine->left, &mine->right);
		sum_up(timeline, mine);
		return added;
	}
	pass_down(timeline, node);
	if (mine->at < node->at)
		node->left = put_node(timeline, node->left, added);
	else
		node->right = put_node(timeline, node->right, added);
	sum_up(timeline, node);
	return n;
}

/* Finds the node in whose time an instant is, and the level then; the first node is before all instants. */
static const TimelineNode *
node_at(const Timeline *timeline, int64 at, int64 *level)
{
	const TimelineNode *found = NULL;
	int64		above = 0;

	for (int32 n = timeline->root; n != NO_NODE;)
	{
		const TimelineNode *node = &timeline->nodes[n];

		if (node->at > at)
		{
			above += node->pending;
			n = node->left;
			continue;
		}
		found = node;
		*level = node->level + above;
		above += node->pending;
		n = node->right;
	}
	return found;
}

/* Lets a node begin at an instant. */
static void
cut_at(Timeline *timeline, int64 at)
{
	int64		level = 0;

	if (node_at(timeline, at, &level)->at != at)
	{
		/* its place in memory may change */
		int32		added = make_node(timeline, at, level);

		timeline->root = put_node(timeline, timeline->root, added);
	}
}

/* Adds to the levels of nodes from one instant to another, of a tree whose nodes are all after "after" and before "before". */
static void
add_between(Timeline *timeline, int32 n, int64 after, int64 before, int64 from, int64 to, int64 devices)
{
	TimelineNode *node;

	if (n == NO_NODE || before <= from || after >= to)
		return;
	if (after >= from && before <= to)
	{
		add_below(timeline, n, devices);
		return;
	}
	node = &timeline->nodes[n];
	if (node->at >= from && node->at < to)
		node->level += devices;
	add_between(timeline, node->left, after, node->at, from, to, devices);
	add_between(timeline, node->right, node->at, before, from, to, devices);
	sum_up(timeline, node);
}

/* Finds the first node after an instant whose level is below a number, or not. */
static bool
find_after(const Timeline *timeline, int32 n, int64 above, int64 after, int64 devices, bool below, int64 *at)
{
	const TimelineNode *node;

	if (n == NO_NODE)
		return false;
	node = &timeline->nodes[n];
	if (below ? node->lowest + above >= devices : node->highest + above < devices)
		return false;
	if (node->at > after)
	{
		if (find_after(timeline, node->left, above + node->pending, after, devices, below, at))
			return true;
		if ((node->level + above < devices) == below)
		{
			*at = node->at;
			return true;
		}
	}
	return find_after(timeline, node->right, above + node->pending, after, devices, below, at);
}

/* Makes a timeline on which nothing is free. */
void
TimelineInit(Timeline *timeline, ProfileResize resize, void *context)
{
	memset(timeline, 0, sizeof(Timeline));
	timeline->resize = resize;
	timeline->context = context;
	timeline->random = 2463534242U;
	timeline->root = make_node(timeline, PG_INT64_MIN, 0);
}

/* Makes a timeline, whose memory is its own, the same as another. */
void
TimelineCopy(Timeline *timeline, const Timeline *from)
{
	if (timeline->allocated < from->count)
	{
		timeline->allocated = from->count;
		timeline->nodes = timeline->resize(timeline->context, timeline->nodes, (size_t) from->count * sizeof(TimelineNode));
	}
	memcpy(timeline->nodes, from->nodes, (size_t) from->count * sizeof(TimelineNode));
	timeline->count = from->count;
	timeline->root = from->root;
	timeline->random = from->random;
}

/* Gives its memory back. */
void
TimelineFree(Timeline *timeline)
{
	timeline->nodes = timeline->resize(timeline->context, timeline->nodes, 0);
	timeline->count = timeline->allocated = 0;
}

/* Adds devices, or takes them (below 0), from one instant to another, which is after it. */
void
TimelineAdd(Timeline *timeline, int64 from, int64 to, int64 devices)
{
	cut_at(timeline, from);
	cut_at(timeline, to);
	add_between(timeline, timeline->root, PG_INT64_MIN, PG_INT64_MAX, from, to, devices);
}

/* Tells whether so many devices are free from one instant to another. */
bool
TimelineFits(const Timeline *timeline, int64 devices, int64 from, int64 to)
{
	int64		level = 0;
	int64		blocked;

	(void) node_at(timeline, from, &level);
	return level >= devices &&
		(!find_after(timeline, timeline->root, 0, from, devices, true, &blocked) || blocked >= to);
}

/* Returns the first multiple of a step that is not before an instant. */
static int64
round_up(int64 at, int64 step)
{
	int64		over = at % step;

	return over == 0 ? at : over > 0 ? at - over + step : at - over;
}

/*
 * Finds the earliest start, a multiple of step from "from" to "last", at which so many devices are free for a length of
 * time.  Instants are such that a length and a step may be added to them.
 */
bool
TimelineFit(const Timeline *timeline, int64 devices, int64 length, int64 step, int64 from, int64 last, int64 *at)
{
	int64		start = round_up(from, step);

	while (start <= last)
	{
		int64		level = 0;
		int64		blocked = start;

		(void) node_at(timeline, start, &level);
		if (level >= devices &&
			(!find_after(timeline, timeline->root, 0, start, devices, true, &blocked) || blocked - start >= length))
		{
			*at = start;
			return true;
		}
		if (!find_after(timeline, timeline->root, 0, blocked, devices, false, &start))
			return false;
		start = round_up(start, step);
	}
	return false;
}
