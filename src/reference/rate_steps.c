/*
 * rate_steps.c
 *		What one device counts for over time, from the rows that apply to it.
 *
 * Of the rows whose class contains the device and that are valid at an instant the
 * one of the most specific class decides, as in a routing table; of two rows for the
 * same class, the user's.  A peak rate of a model is none of its laptop parts, which
 * share a name with the card and little else; a factor is for all that its class
 * contains.  A MIG slice for which no row is made counts
 * slices / slices of the device of the device's rate, rounded half to even to
 * 1 MFLOP/s: n slices of an n-slice device differ from the whole by at most n / 2
 * MFLOP/s.
 */
#include "base/compat.h"

#include "base/half_even.h"
#include "reference/rate_steps.h"

/* Orders rows by who decides: most specific first, then the user's. */
static int
compare_rows(const void *a, const void *b)
{
	const RateRow *ra = (const RateRow *) a;
	const RateRow *rb = (const RateRow *) b;

	if (ra->specificity != rb->specificity)
		return ra->specificity > rb->specificity ? -1 : 1;
	if (ra->shipped != rb->shipped)
		return ra->shipped ? 1 : -1;
	return 0;
}

/* Sorts rows so that the first one that applies decides. */
void
RateRowsSort(RateRow *rows, int nrows)
{
	if (nrows > 1)
		qsort(rows, nrows, sizeof(RateRow), compare_rows);
}

/* Orders instants. */
static int
compare_instants(const void *a, const void *b)
{
	TimestampTz ta = *(const TimestampTz *) a;
	TimestampTz tb = *(const TimestampTz *) b;

	return (ta > tb) - (ta < tb);
}

/* Says whether a peak rate of a class is one of x. */
bool
PeakIsFor(const Accelerator *class, const Accelerator *x)
{
	AcceleratorParts stated,
				parts;

	if (!AcceleratorContains(class, x))
		return false;
	AcceleratorUnpack(class, &stated);
	AcceleratorUnpack(x, &parts);
	return !AcceleratorFormIsLaptop(parts.form) || stated.form != 0 || stated.model[0] == '\0';
}

/* Says whether a row is one of x. */
static bool
row_is_for(const RateRow *row, const Accelerator *x)
{
	return QuantityBasis(&row->rate) < BASIS_FIRST_USER ? PeakIsFor(&row->accelerator, x) :
		AcceleratorContains(&row->accelerator, x);
}

/* Returns a row's rate as it counts for the slices of a device that x is. */
static Quantity
share_of(const RateRow *row, int slices, int device_slices)
{
	int128		amount = QuantityAmount(&row->rate);
	uint128		share = DivideHalfEven(QuantityMagnitude(amount) * slices, device_slices);
	Quantity	result;

	QuantitySet(&result, amount < 0 ? -(int128) share : (int128) share, QuantityBasis(&row->rate));
	return result;
}

/*
 * Makes the steps of an accelerator from sorted rows, of which those that do not
 * apply are left out; returns their number, which is at least 1.
 *
 * device_slices is the number of MIG slices of the device that x is a slice of, 0 if
 * not known.  *needs_slices says whether a rate is missing for that reason.
 */
int
RateStepsMake(const RateRow *rows, int nrows, const Accelerator *x,
			  int device_slices, RateStep **steps, bool *needs_slices)
{
	AcceleratorParts parts;
	const RateRow **apply = palloc(sizeof(RateRow *) * Max(nrows, 1));
	TimestampTz *instants = palloc(sizeof(TimestampTz) * (2 * nrows + 1));
	int			napply = 0;
	int			ninstants = 0;
	int			nsteps = 0;

	*needs_slices = false;
	AcceleratorUnpack(x, &parts);
	instants[ninstants++] = DT_NOBEGIN;
	for (int i = 0; i < nrows; i++)
	{
		if (!row_is_for(&rows[i], x))
			continue;
		apply[napply++] = &rows[i];
		instants[ninstants++] = rows[i].from;
		if (rows[i].bounded)
			instants[ninstants++] = rows[i].to;
	}
	qsort(instants, ninstants, sizeof(TimestampTz), compare_instants);

	*steps = palloc0(sizeof(RateStep) * ninstants);
	for (int i = 0; i < ninstants; i++)
	{
		RateStep	step = {instants[i], false, {{0}}};
		const RateStep *last = nsteps > 0 ? &(*steps)[nsteps - 1] : NULL;

		if (last != NULL && last->from == step.from)
			continue;
		for (int j = 0; j < napply; j++)
		{
			const RateRow *row = apply[j];
			AcceleratorParts class;

			if (step.from < row->from || (row->bounded && step.from >= row->to))
				continue;
			AcceleratorUnpack(&row->accelerator, &class);
			if (parts.mig_slices == 0 || class.mig_slices != 0)
			{
				step.rate = row->rate;
				step.known = true;
			}
			else if (device_slices >= parts.mig_slices)
			{
				step.rate = share_of(row, parts.mig_slices, device_slices);
				step.known = true;
			}
			else
				*needs_slices = true;
			break;
		}
		if (last != NULL && last->known == step.known &&
			memcmp(&last->rate, &step.rate, sizeof(Quantity)) == 0)
			continue;
		(*steps)[nsteps++] = step;
	}
	pfree(apply);
	pfree(instants);
	return nsteps;
}
