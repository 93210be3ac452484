/*
 * rate_steps.h
 *		What one device counts for over time, from the rows that apply to it.
 */
#ifndef COMPUTE_LEDGER_RATE_STEPS_H
#define COMPUTE_LEDGER_RATE_STEPS_H

#include "base/compat.h"
#include "datatype/timestamp.h"

#include "accelerator/accelerator.h"
#include "quantity/quantity.h"

/* A row of accelerator_peak or basis_factor; times are half-open. */
typedef struct RateRow
{
	Accelerator accelerator;	/* the class that it is for */
	Quantity	rate;			/* of one device */
	TimestampTz from;			/* DT_NOBEGIN: always was */
	TimestampTz to;				/* only if bounded */
	bool		bounded;		/* without, it is valid at infinity too */
	bool		shipped;
	int			specificity;
} RateRow;

/* From this instant to the next step's, the rate is this, or there is none. */
typedef struct RateStep
{
	TimestampTz from;
	bool		known;
	Quantity	rate;
} RateStep;

extern bool PeakIsFor(const Accelerator *class, const Accelerator *x);
extern void RateRowsSort(RateRow *rows, int nrows);
extern int	RateStepsMake(const RateRow *rows, int nrows, const Accelerator *x,
						  int device_slices, RateStep **steps, bool *needs_slices);

/*
 * Returns the step in force at an instant.  The first step is from DT_NOBEGIN, so
 * there always is one.
 */
static inline const RateStep *
RateStepAt(const RateStep *steps, int nsteps, TimestampTz at)
{
	int			lo = 0;
	int			hi = nsteps;

	while (hi - lo > 1)
	{
		int			mid = (lo + hi) / 2;

		if (steps[mid].from <= at)
			lo = mid;
		else
			hi = mid;
	}
	return &steps[lo];
}

#endif							/* COMPUTE_LEDGER_RATE_STEPS_H */
