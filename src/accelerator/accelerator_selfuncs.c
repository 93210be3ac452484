/*
 * accelerator_selfuncs.c
 *		Estimates of @>, <@ and && from the statistics that ANALYZE keeps.
 *
 * The most common values are counted exactly.  For the rest:
 *
 * value <@ class: of the bounds of the histogram, which cut the rest into bins
 * of equal size, the class holds k that lie side by side; so it has between k - 1
 * (but at least one value) and k + 1 bins.  The geometric mean of the two is
 * never further off than it must be.
 *
 * class @> value: at most 14 classes contain a value, and which they are is
 * known, but not which are there.  Of k that are not among the most common
 * values, from 1 to k are: again the geometric mean (but no less than k /
 * 2.5), each with the average share of a value of the rest.  (The histogram is no help: one bound that happens to
 * be such a class stands for a whole bin of others.)
 */
#include "accelerator/accelerator.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_statistic.h"
#include "commands/vacuum.h"
#include "nodes/pathnodes.h"
#include "utils/lsyscache.h"
#include "utils/selfuncs.h"

/* Selectivity without statistics: one class of a hundred, one chip of 200. */
#define DEFAULT_CONTAINED_SEL	0.01
#define DEFAULT_CONTAINS_SEL	0.005

/* What ANALYZE knows of a column. */
typedef struct AcceleratorStats
{
	bool		known;			/* false: no statistics, the rest is unset */
	double		nullfrac;
	int			nmcv;
	Accelerator *mcv;
	double	   *freq;
	int			nbounds;
	Accelerator *bounds;
	double		rest;			/* share of the rows that are neither NULL nor in mcv */
	double		rest_distinct;	/* distinct values among them, at least 1 if there are any */
} AcceleratorStats;

/* What an operator asks of the column: column OPERATOR value. */
typedef enum ClassTest
{
	CONTAINED,					/* column <@ value */
	CONTAINS,					/* column @> value */
	OVERLAPS
} ClassTest;

/* Copies a slot's values, which are all of the type accelerator. */
static Accelerator *
copy_values(const AttStatsSlot *slot)
{
	Accelerator *values = palloc(Max(slot->nvalues, 1) * sizeof(Accelerator));

	for (int i = 0; i < slot->nvalues; i++)
		values[i] = *DatumGetAcceleratorP(slot->values[i]);
	return values;
}

/*
 * Says whether a slot has values of the type, or of a domain over it: what they
 * mean follows from the operator, only their size must be sure.
 */
static bool
slot_fits(const AttStatsSlot *slot)
{
	return get_typlen(slot->valuetype) == ACCELERATOR_SIZE;
}

/* Reads the statistics of a column. */
static void
get_stats(VariableStatData *vardata, Oid funcid, AcceleratorStats *stats)
{
	AttStatsSlot slot;
	bool		isdefault;
	double		ndistinct;
	double		sum = 0;

	memset(stats, 0, sizeof(*stats));
	if (!HeapTupleIsValid(vardata->statsTuple) ||
		!statistic_proc_security_check(vardata, funcid))
		return;
	stats->known = true;
	stats->nullfrac = ((Form_pg_statistic) GETSTRUCT(vardata->statsTuple))->stanullfrac;
	if (get_attstatsslot(&slot, vardata->statsTuple, STATISTIC_KIND_MCV, InvalidOid,
						 ATTSTATSSLOT_VALUES | ATTSTATSSLOT_NUMBERS))
	{
		if (slot_fits(&slot) && slot.nnumbers == slot.nvalues)
		{
			stats->nmcv = slot.nvalues;
			stats->mcv = copy_values(&slot);
			stats->freq = palloc(Max(slot.nvalues, 1) * sizeof(double));
			for (int i = 0; i < slot.nvalues; i++)
				sum += stats->freq[i] = slot.numbers[i];
		}
		free_attstatsslot(&slot);
	}
	if (get_attstatsslot(&slot, vardata->statsTuple, STATISTIC_KIND_HISTOGRAM, InvalidOid,
						 ATTSTATSSLOT_VALUES))
	{
		if (slot_fits(&slot))
		{
			stats->nbounds = slot.nvalues;
			stats->bounds = copy_values(&slot);
		}
		free_attstatsslot(&slot);
	}
	ndistinct = get_variable_numdistinct(vardata, &isdefault);
	stats->rest = Max(1 - stats->nullfrac - sum, 0);
	stats->rest_distinct = Max(ndistinct - stats->nmcv, 1);
	/* A column whose values are all common has no rest. */
	if (stats->nbounds == 0 && stats->nmcv > 0)
		stats->rest = Min(stats->rest, stats->freq[stats->nmcv - 1]);
}

/* Estimates what share of the rest a class holds of whose bounds it holds k. */
static double
rest_share(const AcceleratorStats *stats, int k)
{
	double		bin = 1.0 / Max(stats->nbounds - 1, 1);
	double		value = Min(1.0 / stats->rest_distinct, bin);

	return sqrt(Max((k - 1) * bin, value) * (k + 1) * bin);
}

/* Estimates the share of the rows that a class contains. */
static double
contained_sel(const AcceleratorStats *stats, const Accelerator *class)
{
	AcceleratorMask m;
	int			specificity = AcceleratorSpecificity(class);
	double		sel = 0;
	double		share;
	int			hits = 0;
	int			near = 0;

	if (!stats->known)
		return DEFAULT_CONTAINED_SEL;
	AcceleratorMaskSet(&m, class);
	for (int i = 0; i < stats->nmcv; i++)
		if (AcceleratorMaskContains(&m, &stats->mcv[i]))
			sel += stats->freq[i];
	for (int i = 0; i < stats->nbounds; i++)
	{
		if (AcceleratorMaskContains(&m, &stats->bounds[i]))
			hits++;
		/* Vendor and model are the first ten bytes. */
		else if (memcmp(stats->bounds[i].data, class->data, 10) == 0)
			near++;
	}
	share = rest_share(stats, hits);

	/*
	 * A slice with everything stated is one value.  A class that states memory or
	 * a slice is usually one to nine, so three: a device and its slices, or the
	 * forms that they come in.  Only where memory, but no form factor, is stated
	 * of a model with many values (so that some are bounds) is it more, say a
	 * third of them, which do not lie side by side.
	 */
	if (specificity == 31)
		share = Min(share, 1 / stats->rest_distinct);
	else if (specificity >= 15 || (specificity >= 8 && hits + near <= 1))
		share = Min(share, 3 / stats->rest_distinct);
	else if (specificity >= 8 && hits == 0)
		share = Max(Min(share, 3 / stats->rest_distinct), rest_share(stats, near) / 3);
	sel += stats->rest * share;
	return Min(sel, 1 - stats->nullfrac);
}

/* Returns in how many ways parts of a value can be left out, itself included. */
static int
count_generalisations(const Accelerator *a)
{
	AcceleratorParts parts;
	int			n = 1;

	AcceleratorUnpack(a, &parts);
	if (parts.vendor == 0)
		return 1;				/* any */
	if (parts.model[0] == '\0')
		return 2;				/* any, and the maker */
	if (parts.form)
		n *= AcceleratorFormIsMember(parts.form) ? 3 : 2;
	if (parts.memory_gb)
		n *= 2;
	if (parts.mig_slices)
		n *= 2;
	return n + 2;
}

/* Estimates the share of the rows that are classes which contain a value. */
static double
contains_sel(const AcceleratorStats *stats, const Accelerator *value)
{
	double		sel = 0;
	double		each;
	int			left = count_generalisations(value);

	if (!stats->known)
		return DEFAULT_CONTAINS_SEL;
	for (int i = 0; i < stats->nmcv; i++)
	{
		if (AcceleratorContains(&stats->mcv[i], value))
		{
			sel += stats->freq[i];
			left--;
		}
	}
	if (left > 0)
	{
		each = stats->rest / stats->rest_distinct;
		/* What is rarer than every common value has no larger a share. */
		if (stats->nmcv > 0)
			each = Min(each, stats->freq[stats->nmcv - 1]);
		sel += Min(Max(sqrt((double) left), left / 2.5), stats->rest_distinct) * each;
	}
	return Min(sel, 1 - stats->nullfrac);
}

/* Estimates column OPERATOR value. */
static double
test_sel(const AcceleratorStats *stats, ClassTest test, const Accelerator *value)
{
	double		a,
				b;

	switch (test)
	{
		case CONTAINED:
			return contained_sel(stats, value);
		case CONTAINS:
			return contains_sel(stats, value);
		case OVERLAPS:
			break;
	}
	a = contained_sel(stats, value);
	b = contains_sel(stats, value);
	return a + b - a * b;
}

static int
compare_values(const void *a, const void *b)
{
	return AcceleratorCompare((const Accelerator *) a, (const Accelerator *) b);
}

/*
 * Estimates column OPERATOR some value that is not known yet: for a class, the
 * average model's share of the rows.
 */
static double
unknown_sel(const AcceleratorStats *stats, ClassTest test)
{
	int			models = 0;
	int			n = stats->nmcv + stats->nbounds;
	Accelerator *values;

	if (!stats->known)
		return test == CONTAINS ? DEFAULT_CONTAINS_SEL : DEFAULT_CONTAINED_SEL;
	if (test == CONTAINS)
	{
		/* About three classes of the average share. */
		double		distinct = stats->nmcv + (stats->rest > 0 ? stats->rest_distinct : 0);

		return (1 - stats->nullfrac) * Min(1, 3 / Max(distinct, 1));
	}
	if (n == 0)
		return DEFAULT_CONTAINED_SEL;
	values = palloc(n * sizeof(Accelerator));
	for (int i = 0; i < n; i++)
		values[i] = i < stats->nmcv ? stats->mcv[i] : stats->bounds[i - stats->nmcv];
	qsort(values, n, sizeof(Accelerator), compare_values);
	/* Vendor and model are the first ten bytes. */
	for (int i = 0; i < n; i++)
		models += i == 0 || memcmp(&values[i - 1], &values[i], 10) != 0;
	pfree(values);
	return (1 - stats->nullfrac) / Max(models, 1);
}

/* Estimates a restriction; test is that of left OPERATOR right. */
static double
restriction_sel(FunctionCallInfo fcinfo, ClassTest test)
{
	PlannerInfo *root = (PlannerInfo *) PG_GETARG_POINTER(0);
	Oid			operator = PG_GETARG_OID(1);
	List	   *args = (List *) PG_GETARG_POINTER(2);
	int			varRelid = PG_GETARG_INT32(3);
	VariableStatData vardata;
	AcceleratorStats stats;
	Node	   *other;
	bool		varonleft;
	double		sel;

	if (!get_restriction_variable(root, args, varRelid, &vardata, &other, &varonleft))
		return test == CONTAINS ? DEFAULT_CONTAINS_SEL : DEFAULT_CONTAINED_SEL;
	if (!varonleft && test != OVERLAPS)
		test = test == CONTAINS ? CONTAINED : CONTAINS;
	if (IsA(other, Const) && ((Const *) other)->constisnull)
	{
		ReleaseVariableStats(vardata);
		return 0;
	}
	get_stats(&vardata, get_opcode(operator), &stats);
	if (IsA(other, Const))
		sel = test_sel(&stats, test, DatumGetAcceleratorP(((Const *) other)->constvalue));
	else
		sel = unknown_sel(&stats, test);
	ReleaseVariableStats(vardata);
	CLAMP_PROBABILITY(sel);
	return sel;
}

/*
 * Copies a column's values and the share of the rows that each stands for: its
 * common values, and for the rest the bounds of its histogram.  No more than
 * SAMPLE_MAX of either: a join looks at all of one column for each of the other.
 */
#define SAMPLE_MAX 256

typedef struct AcceleratorSample
{
	int			n;
	Accelerator value[2 * SAMPLE_MAX];
	double		share[2 * SAMPLE_MAX];
} AcceleratorSample;

static AcceleratorSample *
make_sample(const AcceleratorStats *stats)
{
	AcceleratorSample *sample = palloc(sizeof(AcceleratorSample));
	double		all = 0;
	double		taken = 0;
	int			step = stats->nbounds / SAMPLE_MAX + 1;
	int			nbounds = (stats->nbounds + step - 1) / step;

	sample->n = Min(stats->nmcv, SAMPLE_MAX);
	for (int i = 0; i < stats->nmcv; i++)
		all += stats->freq[i];
	for (int i = 0; i < sample->n; i++)
	{
		sample->value[i] = stats->mcv[i];
		taken += sample->share[i] = stats->freq[i];
	}
	for (int i = 0; i < sample->n && taken > 0; i++)
		sample->share[i] *= all / taken;
	for (int i = 0; i < stats->nbounds; i += step)
	{
		sample->value[sample->n] = stats->bounds[i];
		sample->share[sample->n++] = stats->rest / nbounds;
	}
	return sample;
}

/*
 * Estimates a join of a column of elements with a column of classes.  One side
 * is taken value by value, and each is estimated against the other side as a
 * constant would be: the side of the classes, unless it has many more than a
 * sample can stand for.
 */
static double
join_sel(const AcceleratorStats *elements, const AcceleratorStats *classes)
{
	bool		by_class = classes->rest <= 0 || classes->rest_distinct <= 3 * classes->nbounds;
	AcceleratorSample *sample = make_sample(by_class ? classes : elements);
	double		sel = 0;

	for (int i = 0; i < sample->n; i++)
		sel += sample->share[i] *
			(by_class ? contained_sel(elements, &sample->value[i]) : contains_sel(classes, &sample->value[i]));
	pfree(sample);
	return sel;
}

/*
 * Estimates the share of the rows of one side of a semijoin that find a match
 * on the other; test is that of searched OPERATOR kept.
 */
static double
semijoin_sel(const AcceleratorStats *kept, const AcceleratorStats *searched, ClassTest test, double rows)
{
	AcceleratorSample *sample = make_sample(kept);
	double		sel = 0;

	for (int i = 0; i < sample->n; i++)
	{
		double		matches = test_sel(searched, test, &sample->value[i]) * rows;

		sel += sample->share[i] * Min(matches, 1);
	}
	pfree(sample);
	return sel;
}

/* Estimates a join clause; test is that of left OPERATOR right. */
static double
joining_sel(FunctionCallInfo fcinfo, ClassTest test)
{
	PlannerInfo *root = (PlannerInfo *) PG_GETARG_POINTER(0);
	Oid			operator = PG_GETARG_OID(1);
	List	   *args = (List *) PG_GETARG_POINTER(2);
	JoinType	jointype = (JoinType) PG_GETARG_INT16(3);
	SpecialJoinInfo *sjinfo = (SpecialJoinInfo *) PG_GETARG_POINTER(4);
	VariableStatData left,
				right;
	AcceleratorStats lstats,
				rstats;
	bool		reversed;
	double		sel;

	get_join_variables(root, args, sjinfo, &left, &right, &reversed);
	get_stats(&left, get_opcode(operator), &lstats);
	get_stats(&right, get_opcode(operator), &rstats);

	if (!lstats.known && !rstats.known)
		sel = test == OVERLAPS ? DEFAULT_CONTAINED_SEL : DEFAULT_CONTAINS_SEL;
	else if (!rstats.known)
		sel = unknown_sel(&lstats, test);
	else if (!lstats.known)
		sel = unknown_sel(&rstats, test == OVERLAPS ? OVERLAPS :
						  test == CONTAINS ? CONTAINED : CONTAINS);
	else if (jointype == JOIN_SEMI || jointype == JOIN_ANTI)
	{
		/* The side that is kept is the left one, or the right one if reversed. */
		const AcceleratorStats *kept = reversed ? &rstats : &lstats;
		const AcceleratorStats *searched = reversed ? &lstats : &rstats;
		RelOptInfo *rel = reversed ? left.rel : right.rel;
		ClassTest	seen = test;	/* of a searched value to a kept one */

		if (!reversed && test != OVERLAPS)
			seen = test == CONTAINS ? CONTAINED : CONTAINS;
		sel = semijoin_sel(kept, searched, seen, rel ? rel->rows : 1000);
	}
	else if (test == CONTAINED)
		sel = join_sel(&lstats, &rstats);
	else if (test == CONTAINS)
		sel = join_sel(&rstats, &lstats);
	else
	{
		double		a = join_sel(&lstats, &rstats);
		double		b = join_sel(&rstats, &lstats);

		sel = a + b - a * b;
	}
	ReleaseVariableStats(left);
	ReleaseVariableStats(right);
	CLAMP_PROBABILITY(sel);
	return sel;
}

PG_FUNCTION_INFO_V1(accelerator_contained_sel);
Datum
accelerator_contained_sel(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(restriction_sel(fcinfo, CONTAINED));
}

PG_FUNCTION_INFO_V1(accelerator_contains_sel);
Datum
accelerator_contains_sel(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(restriction_sel(fcinfo, CONTAINS));
}

PG_FUNCTION_INFO_V1(accelerator_overlaps_sel);
Datum
accelerator_overlaps_sel(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(restriction_sel(fcinfo, OVERLAPS));
}

PG_FUNCTION_INFO_V1(accelerator_contained_joinsel);
Datum
accelerator_contained_joinsel(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(joining_sel(fcinfo, CONTAINED));
}

PG_FUNCTION_INFO_V1(accelerator_contains_joinsel);
Datum
accelerator_contains_joinsel(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(joining_sel(fcinfo, CONTAINS));
}

PG_FUNCTION_INFO_V1(accelerator_overlaps_joinsel);
Datum
accelerator_overlaps_joinsel(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(joining_sel(fcinfo, OVERLAPS));
}

/*
 * Statistics of a column: the standard ones, with four times the default target
 * unless the column has one of its own.  The rows that are read stay as many;
 * kept are more common values and finer bins, so that a class of a few values in
 * a table of ten thousand is estimated well.
 */
PG_FUNCTION_INFO_V1(accelerator_typanalyze);
Datum
accelerator_typanalyze(PG_FUNCTION_ARGS)
{
	VacAttrStats *stats = (VacAttrStats *) PG_GETARG_POINTER(0);
	bool		by_default = VacAttrStatsTarget(stats) < 0;
	bool		result = std_typanalyze(stats);

	if (result && by_default)
		VacAttrStatsTarget(stats) = Min(4 * VacAttrStatsTarget(stats), 10000);
	PG_RETURN_BOOL(result);
}
