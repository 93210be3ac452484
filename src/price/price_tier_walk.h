/*
 * price_tier_walk.h
 *		How what takes a pool from one quantity to another lies in the tiers of a price.
 *
 * Like simplehash.h, this is included once for each type of number that quantities have,
 * after defining
 *		TIER_NAME(x)			the name of something for this type
 *		TIER_NUMBER				the type
 *		TIER_ZERO				nothing
 *		TIER_COMPARE(a, b)		below, at or above zero
 *		TIER_SUBTRACT(a, b)
 *		TIER_PACKAGES(b, size)	how many packages b, from 0 on, begins
 *		TIER_NUMERIC(n)			as numeric
 * which are undefined at the end.
 */

/* The quantities that a price states. */
typedef struct TIER_NAME(TierBounds)
{
	TIER_NUMBER free;
	TIER_NUMBER package_size;	/* of packages */
	int			nbounds;		/* of graduated and volume */
	TIER_NUMBER *bounds;		/* of what is billed, ascending: where tier 1 ends, and so on */
} TIER_NAME(TierBounds);

/* What lies in a tier. */
typedef struct TIER_NAME(TierShare)
{
	int			tier;
	bool		entered;		/* the tier's fee is due, if it has any */
	TIER_NUMBER units;
	TIER_NUMBER packages;		/* that begin in it; of packages */
} TIER_NAME(TierShare);

/* A walk from a quantity to another that is not below it. */
typedef struct TIER_NAME(TierWalk)
{
	const PriceTiers *tiers;
	const TIER_NAME(TierBounds) *bounds;
	int			tier;			/* that comes next; -1: none does */
	TIER_NUMBER at;				/* where we are; of what is billed, from tier 1 on */
	TIER_NUMBER end;			/* likewise */
	TIER_NUMBER whole;			/* of the pool, in the end */
} TIER_NAME(TierWalk);

/* Begins with the tier of what follows a quantity. */
static inline void
TIER_NAME(TierStart) (TIER_NAME(TierWalk) *walk, const PriceTiers *tiers, const TIER_NAME(TierBounds) *bounds,
					  TIER_NUMBER q0, TIER_NUMBER q1, TIER_NUMBER whole)
{
	walk->tiers = tiers;
	walk->bounds = bounds;
	walk->tier = 0;
	walk->at = q0;
	walk->end = q1;
	walk->whole = whole;
	if (TIER_COMPARE(q0, bounds->free) < 0)
		return;
	walk->at = TIER_SUBTRACT(q0, bounds->free);
	walk->end = TIER_SUBTRACT(q1, bounds->free);
	walk->tier = 1;
	while (tiers->model == MODEL_GRADUATED && walk->tier <= bounds->nbounds &&
		   TIER_COMPARE(bounds->bounds[walk->tier - 1], walk->at) <= 0)
		walk->tier++;
}

/* Returns the one tier of volume: that of the whole. */
static inline int
TIER_NAME(VolumeTier) (const TIER_NAME(TierWalk) *walk)
{
	TIER_NUMBER billed = TIER_SUBTRACT(walk->whole, walk->bounds->free);
	int			tier = 1;

	while (tier <= walk->bounds->nbounds && TIER_COMPARE(billed, walk->bounds->bounds[tier - 1]) > 0)
		tier++;
	return tier;
}

/* Returns what lies in the next tier; false at the end.  There is one at least, even of nothing. */
static inline bool
TIER_NAME(TierNext) (TIER_NAME(TierWalk) *walk, TIER_NAME(TierShare) *share)
{
	const TIER_NAME(TierBounds) *bounds = walk->bounds;
	int			tier = walk->tier;
	TIER_NUMBER to = walk->end;

	if (tier < 0)
		return false;
	share->tier = tier;
	share->entered = false;
	share->packages = TIER_ZERO;
	if (tier == 0)
	{
		bool		all = TIER_COMPARE(walk->end, bounds->free) <= 0;

		share->units = TIER_SUBTRACT(all ? walk->end : bounds->free, walk->at);
		walk->at = TIER_ZERO;
		walk->end = TIER_SUBTRACT(walk->end, bounds->free);
		walk->tier = all ? -1 : 1;
		return true;
	}
	walk->tier = -1;
	switch (walk->tiers->model)
	{
		case MODEL_GRADUATED:
			if (tier <= bounds->nbounds && TIER_COMPARE(bounds->bounds[tier - 1], walk->end) < 0)
			{
				to = bounds->bounds[tier - 1];
				walk->tier = tier + 1;
			}
			break;
		case MODEL_VOLUME:
			share->tier = TIER_NAME(VolumeTier) (walk);
			break;
		case MODEL_PACKAGE:
			share->packages = TIER_SUBTRACT(TIER_PACKAGES(to, bounds->package_size), TIER_PACKAGES(walk->at, bounds->package_size));
			break;
		case MODEL_FLAT:
		case MODEL_LIST:		/* has no tiers */
			break;
	}
	share->units = TIER_SUBTRACT(to, walk->at);
	if (walk->tiers->fees != NULL)
		share->entered = TIER_COMPARE(walk->at, tier == 1 ? TIER_ZERO : bounds->bounds[tier - 2]) == 0 &&
			TIER_COMPARE(to, walk->at) > 0;
	walk->at = to;
	return true;
}

/* Returns what is due for what lies in a tier. */
static inline Datum
TIER_NAME(ShareDue) (const PriceTiers *tiers, const TIER_NAME(TierShare) *share)
{
	return TierDue(tiers, share->tier, TIER_NUMERIC(tiers->model == MODEL_PACKAGE ? share->packages : share->units),
				   share->entered);
}

/* Returns R(q1) - R(q0), of a q1 that is not below q0. */
static inline Datum
TIER_NAME(TierCost) (const PriceTiers *tiers, const TIER_NAME(TierBounds) *bounds, TIER_NUMBER q0, TIER_NUMBER q1, TIER_NUMBER whole)
{
	TIER_NAME(TierWalk) walk;
	TIER_NAME(TierShare) share = {0};
	Datum		cost;

	TIER_NAME(TierStart) (&walk, tiers, bounds, q0, q1, whole);
	TIER_NAME(TierNext) (&walk, &share);
	cost = TIER_NAME(ShareDue) (tiers, &share);
	while (TIER_NAME(TierNext) (&walk, &share))
	{
		CHECK_FOR_INTERRUPTS();
		cost = NumericAdd(cost, TIER_NAME(ShareDue) (tiers, &share));
	}
	return cost;
}

#undef TIER_NAME
#undef TIER_NUMBER
#undef TIER_ZERO
#undef TIER_COMPARE
#undef TIER_SUBTRACT
#undef TIER_PACKAGES
#undef TIER_NUMERIC
