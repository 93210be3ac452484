/*
 * usage_rules.h
 *		What a usage record may be: what its cells mean, which faults it has, and what becomes of it.
 *
 * accept_usage() judges a batch in C (usage_judge.c), record_usage() one record in SQL; both by what is here.
 */
#ifndef COMPUTE_LEDGER_USAGE_RULES_H
#define COMPUTE_LEDGER_USAGE_RULES_H

#include "base/compat.h"

#include "datatype/timestamp.h"

#define USAGE_MAX_NAME		1000	/* bytes of a source's name, of a record's in it and of a reservation's */

/* The cells of a record, in the order of usage_inbox. */
typedef enum UsageCell
{
	CELL_SOURCE,
	CELL_SOURCE_ID,
	CELL_REVISION,
	CELL_ACCOUNT,
	CELL_REGION,
	CELL_ACCELERATOR,
	CELL_DEVICES,
	CELL_STARTED_AT,
	CELL_ENDED_AT,
	CELL_MEASURE,
	CELL_NUMBER_FORMAT,
	CELL_ACHIEVED_WORK,
	CELL_RUN,
	CELL_LABELS,
	CELL_RETRACTED,
	CELL_RESERVATION,
	USAGE_CELLS
} UsageCell;

/* What cells mean; a pointer that is NULL: there is none, or it cannot be read. */
typedef struct UsageValues
{
	bool		is_own;			/* the ledger has made it of a reservation */
	bool		has_revision;
	bool		has_retracted;
	bool		retracted;
	bool		has_start;
	bool		has_end;		/* infinity, if the cell is empty */
	int32		revision;
	TimestampTz started_at;
	TimestampTz ended_at;
	struct varlena *devices;	/* numeric */
	text	   *measure;
	text	   *number_format;
	void	   *achieved_work;	/* compute_unit */
	text	   *run;
	struct varlena *labels;		/* jsonb */
	text	   *reservation;
	char	   *unreadable;		/* faults of the cells, with commas between them; NULL: none */
} UsageValues;

/* What the names of a record mean, and what else its faults depend on. */
typedef struct UsageMeaning
{
	bool		has_latest;
	bool		has_account;
	bool		is_account;		/* there is an account of this name, valid then or not */
	bool		has_region;
	bool		has_reservation;
	bool		has_accelerator;
	TimestampTz latest;			/* end of what the clock of its source may say */
} UsageMeaning;

typedef enum UsageVerdict
{
	VERDICT_ACCEPTED,
	VERDICT_DUPLICATE,
	VERDICT_CONFLICT,
	VERDICT_REJECTED
} UsageVerdict;

extern void ReadUsageCells(text *const *cells, const text *sender, bool is_own, text *time_zone, bool unix_seconds, UsageValues *v);
extern char *FindUsageFaults(const UsageValues *v, const UsageMeaning *m);
extern UsageVerdict JudgeUsage(bool is_readable, bool is_sound, bool is_there, bool is_as_there, bool is_first, bool is_as_first);

#endif							/* COMPUTE_LEDGER_USAGE_RULES_H */
