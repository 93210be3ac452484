/*
 * usage_rules.c
 *		What a usage record may be: what its cells mean, which faults it has, and what becomes of it.
 */
#include "base/compat.h"

#include "funcapi.h"
#include "lib/stringinfo.h"
#include "port.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "base/row_columns.h"
#include "usage/usage_cell.h"
#include "usage/usage_instant.h"
#include "usage/usage_rules.h"

/* Digits of the number of a reservation, at most. */
#define MAX_NUMBER		18

/* 2000-01-01: a clock that was never set shows less, and each month would have its partition. */
#define CLOCK_SET		INT64CONST(0)

#define MAX_DEVICES		1000000000

/* ---- cells ---- */

/* Whether there is nothing in a cell. */
static bool
is_empty(const text *cell)
{
	return cell == NULL || VARSIZE_ANY_EXHDR(cell) == 0;
}

/* Whether a cell is a string. */
static bool
is_string(const text *cell, const char *str)
{
	return cell != NULL && VARSIZE_ANY_EXHDR(cell) == strlen(str) && memcmp(VARDATA_ANY(cell), str, strlen(str)) == 0;
}

/* Returns the one of some words, in small letters, that a cell is in whatever letters; NULL if it is none. */
static text *
word_in_letters(const text *cell, const char *const *words, int count)
{
	Size		len = cell == NULL ? 0 : VARSIZE_ANY_EXHDR(cell);

	for (int i = 0; len > 0 && i < count; i++)
	{
		Size		same = 0;

		while (same < len && pg_ascii_tolower(VARDATA_ANY(cell)[same]) == (unsigned char) words[i][same])
			same++;
		if (same == len && words[i][len] == '\0')
			return cstring_to_text_with_len(words[i], len);
	}
	return NULL;
}

/* Whether a cell names a reservation: ledger: and a number from 1 on, or centre: and anything. */
static bool
is_reservation(const text *cell)
{
	static const char ledger[] = "ledger:";
	static const char centre[] = "centre:";
	const Size	skip = sizeof(ledger) - 1;
	const char *str = VARDATA_ANY(cell);
	Size		len = VARSIZE_ANY_EXHDR(cell);

	if (len <= skip || len > USAGE_MAX_NAME)
		return false;
	if (memcmp(str, centre, skip) == 0)
		return true;
	if (memcmp(str, ledger, skip) != 0 || len > skip + MAX_NUMBER || str[skip] == '0')
		return false;
	for (Size i = skip; i < len; i++)
	{
		if (str[i] < '0' || str[i] > '9')
			return false;
	}
	return true;
}

/* Adds a fault to those that there are, with a comma between them. */
static void
add_fault(StringInfo faults, bool is_one, const char *fault)
{
	if (!is_one)
		return;
	if (faults->data == NULL)
		initStringInfo(faults);
	if (faults->len > 0)
		appendStringInfoChar(faults, ',');
	appendStringInfoString(faults, fault);
}

/* Reads the cells of what is used. */
static void
read_body(text *const *cells, bool is_own, text *time_zone, bool unix_seconds, UsageValues *v)
{
	static const char *const measures[] = {"allocated", "reserved", "used"};
	static const char *const formats[] = {"fp64", "fp32", "tf32", "fp16", "bf16", "fp8", "fp6", "fp4", "int8", "int4"};
	Datum		d;

	if (!is_empty(cells[CELL_DEVICES]) && ReadNumericCell(cells[CELL_DEVICES], &d))
		v->devices = (struct varlena *) DatumGetPointer(d);
	v->has_start = !is_empty(cells[CELL_STARTED_AT]) && ReadInstant(cells[CELL_STARTED_AT], time_zone, unix_seconds, &v->started_at) == INSTANT_OK;
	v->has_end = true;
	if (is_empty(cells[CELL_ENDED_AT]))
		v->ended_at = DT_NOEND;
	else
		v->has_end = ReadInstant(cells[CELL_ENDED_AT], time_zone, unix_seconds, &v->ended_at) == INSTANT_OK;
	if (is_empty(cells[CELL_MEASURE]))
		v->measure = cstring_to_text(measures[0]);
	else
	{
		v->measure = word_in_letters(cells[CELL_MEASURE], measures, lengthof(measures));
		if (v->measure == NULL && is_own)
			v->measure = cells[CELL_MEASURE];
	}
	v->number_format = word_in_letters(cells[CELL_NUMBER_FORMAT], formats, lengthof(formats));
	if (!is_empty(cells[CELL_ACHIEVED_WORK]) && ReadWorkCell(cells[CELL_ACHIEVED_WORK], &d))
		v->achieved_work = DatumGetPointer(d);
	if (!is_empty(cells[CELL_RUN]))
		v->run = cells[CELL_RUN];
	if (!is_empty(cells[CELL_LABELS]) && ReadLabelsCell(cells[CELL_LABELS], &d))
		v->labels = (struct varlena *) DatumGetPointer(d);
	if (cells[CELL_RESERVATION] != NULL && is_reservation(cells[CELL_RESERVATION]))
		v->reservation = cells[CELL_RESERVATION];
}

/* Returns the faults of cells that were read; a column: its cell cannot be read. */
static char *
find_unreadable(text *const *cells, const text *sender, const UsageValues *v)
{
	StringInfoData faults = {0};
	const text *source = cells[CELL_SOURCE];
	const text *source_id = cells[CELL_SOURCE_ID];

	add_fault(&faults, is_empty(source), "no source");
	add_fault(&faults, is_empty(source_id), "no source_id");
	add_fault(&faults, (source != NULL && VARSIZE_ANY_EXHDR(source) > USAGE_MAX_NAME) ||
			  (source_id != NULL && VARSIZE_ANY_EXHDR(source_id) > USAGE_MAX_NAME), "key too long");
	add_fault(&faults, !v->is_own && is_string(sender, "compute_ledger"), "own source");
	add_fault(&faults, !v->has_revision, "revision");
	add_fault(&faults, !v->has_retracted, "retracted");
	/* of what is taken back nothing else is read */
	if (!v->has_retracted || !v->retracted)
	{
		add_fault(&faults, v->devices == NULL, is_empty(cells[CELL_DEVICES]) ? "no devices" : "devices");
		add_fault(&faults, !v->has_start, is_empty(cells[CELL_STARTED_AT]) ? "no start" : "started_at");
		add_fault(&faults, !v->has_end, "ended_at");
		add_fault(&faults, v->measure == NULL, "measure");
		add_fault(&faults, v->number_format == NULL && !is_empty(cells[CELL_NUMBER_FORMAT]), "number_format");
		add_fault(&faults, v->achieved_work == NULL && !is_empty(cells[CELL_ACHIEVED_WORK]), "achieved_work");
		add_fault(&faults, v->labels == NULL && !is_empty(cells[CELL_LABELS]), "labels");
		add_fault(&faults, v->reservation == NULL && !is_empty(cells[CELL_RESERVATION]), "reservation");
	}
	return faults.data;
}

/*
 * Reads the cells of a record.  The sender is its source as usage_source has it; is_own: the ledger has made it of a
 * reservation.  What is read may point into the cells.
 */
void
ReadUsageCells(text *const *cells, const text *sender, bool is_own, text *time_zone, bool unix_seconds, UsageValues *v)
{
	memset(v, 0, sizeof(*v));
	v->is_own = is_own;
	v->has_revision = is_empty(cells[CELL_REVISION]) || ReadRevisionCell(cells[CELL_REVISION], &v->revision);
	v->has_retracted = is_empty(cells[CELL_RETRACTED]) || ReadBooleanCell(cells[CELL_RETRACTED], &v->retracted);
	read_body(cells, is_own, time_zone, unix_seconds, v);
	v->unreadable = find_unreadable(cells, sender, v);
}

/* ---- faults ---- */

/* Whether a number of devices is none that can be counted: half a unit of 1/1,680,000 would be none. */
static bool
is_uncountable(struct varlena *devices)
{
	static struct varlena *least = NULL;
	static struct varlena *most;
	Datum		d = PointerGetDatum(devices);

	if (least == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

		most = (struct varlena *) DatumGetPointer(NumericGetDatum(int64_to_numeric(MAX_DEVICES)));
		least = (struct varlena *) DatumGetPointer(DirectFunctionCall3(numeric_in, CStringGetDatum("0.000000297619047619047619047619"),
																	   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
		MemoryContextSwitchTo(old);
	}
	return !DatumGetBool(DirectFunctionCall2(numeric_gt, d, PointerGetDatum(least))) ||
		!DatumGetBool(DirectFunctionCall2(numeric_le, d, PointerGetDatum(most)));
}

/*
 * Returns all faults of a record, as _usage_fault() takes them, with commas between them, from those of its cells, and from
 * what its names mean; NULL: none.
 */
char *
FindUsageFaults(const UsageValues *v, const UsageMeaning *m)
{
	StringInfoData faults = {0};

	if (v->has_retracted && v->retracted)
		return v->unreadable;
	add_fault(&faults, v->unreadable != NULL, v->unreadable);
	add_fault(&faults, v->has_start && v->started_at < CLOCK_SET, "clock not set");
	add_fault(&faults, !v->is_own && m->has_latest &&
			  ((v->has_start && v->started_at > m->latest) || (v->has_end && v->ended_at > m->latest && !TIMESTAMP_IS_NOEND(v->ended_at))), "clock");
	add_fault(&faults, v->has_start && v->has_end && v->ended_at <= v->started_at, "no period");
	add_fault(&faults, v->devices != NULL && is_uncountable(v->devices), "number of devices");
	/* without a start it is not known whether the account is valid then */
	add_fault(&faults, !m->has_account && (v->has_start || !m->is_account), "unknown account");
	add_fault(&faults, !m->has_region, "unknown region");
	add_fault(&faults, v->reservation != NULL && !m->has_reservation, "unknown reservation");
	add_fault(&faults, v->reservation != NULL && !v->is_own && is_string(v->measure, "reserved"), "reserved twice");
	/* the last one: where it is the first fault it is the only one */
	add_fault(&faults, !m->has_accelerator, "unknown accelerator");
	return faults.data;
}

/* ---- what becomes of it ---- */

/*
 * Says what becomes of a record: whether its cells can be read, whether it has no faults at all; whether usage_key has
 * something under its key, which says the same; whether it is the first of a batch with its key, or says the same as that.
 */
UsageVerdict
JudgeUsage(bool is_readable, bool is_sound, bool is_there, bool is_as_there, bool is_first, bool is_as_first)
{
	if (!is_readable)
		return VERDICT_REJECTED;
	if (is_there)
		return is_as_there ? VERDICT_DUPLICATE : VERDICT_CONFLICT;
	if (!is_sound)
		return VERDICT_REJECTED;
	if (is_first)
		return VERDICT_ACCEPTED;
	return is_as_first ? VERDICT_DUPLICATE : VERDICT_CONFLICT;
}

/* ---- functions ---- */

/* Returns the cell that an argument is; NULL for NULL. */
static text *
cell_argument(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : PG_GETARG_TEXT_PP(n);
}

/*
 * _usage_values(sender text, [cells...,] time_zone text, unix_seconds boolean) -> row
 */
PG_FUNCTION_INFO_V1(usage_values);
Datum
usage_values(PG_FUNCTION_ARGS)
{
	text	   *cells[USAGE_CELLS];
	UsageValues v;
	TupleDesc	desc;
	Datum		values[12];
	bool		nulls[12] = {0};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE || desc->natts != lengthof(values))
		elog(ERROR, "return type must be a row of %d columns", (int) lengthof(values));
	for (int i = 0; i < USAGE_CELLS; i++)
		cells[i] = cell_argument(fcinfo, i + 1);
	ReadUsageCells(cells, cell_argument(fcinfo, 0), false, cell_argument(fcinfo, USAGE_CELLS + 1),
				   !PG_ARGISNULL(USAGE_CELLS + 2) && PG_GETARG_BOOL(USAGE_CELLS + 2), &v);
	values[0] = Int32GetDatum(v.revision);
	nulls[0] = !v.has_revision;
	values[1] = BoolGetDatum(v.retracted);
	nulls[1] = !v.has_retracted;
	RowPutPointer(values, nulls, 2, v.devices);
	values[3] = TimestampTzGetDatum(v.started_at);
	nulls[3] = !v.has_start;
	values[4] = TimestampTzGetDatum(v.ended_at);
	nulls[4] = !v.has_end;
	RowPutPointer(values, nulls, 5, v.measure);
	RowPutPointer(values, nulls, 6, v.number_format);
	RowPutPointer(values, nulls, 7, v.achieved_work);
	RowPutPointer(values, nulls, 8, v.run);
	RowPutPointer(values, nulls, 9, v.labels);
	RowPutPointer(values, nulls, 10, v.reservation);
	RowPutPointer(values, nulls, 11, v.unreadable == NULL ? NULL : cstring_to_text(v.unreadable));
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

/*
 * _usage_faults(unreadable text, retracted boolean, started_at timestamptz, ended_at timestamptz, latest timestamptz, devices numeric,
 *		account bigint, is_account boolean, region integer, reservation_name text, reservation bigint, measure text, accelerator accelerator) -> text
 */
PG_FUNCTION_INFO_V1(usage_faults);
Datum
usage_faults(PG_FUNCTION_ARGS)
{
	UsageValues v = {
		.unreadable = PG_ARGISNULL(0) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(0)),
		.has_retracted = !PG_ARGISNULL(1),
		.retracted = !PG_ARGISNULL(1) && PG_GETARG_BOOL(1),
		.has_start = !PG_ARGISNULL(2),
		.started_at = PG_ARGISNULL(2) ? 0 : PG_GETARG_TIMESTAMPTZ(2),
		.has_end = !PG_ARGISNULL(3),
		.ended_at = PG_ARGISNULL(3) ? 0 : PG_GETARG_TIMESTAMPTZ(3),
		.devices = PG_ARGISNULL(5) ? NULL : (struct varlena *) PG_GETARG_NUMERIC(5),
		.reservation = cell_argument(fcinfo, 9),
		.measure = cell_argument(fcinfo, 11),
	};
	UsageMeaning m = {
		.has_latest = !PG_ARGISNULL(4),
		.latest = PG_ARGISNULL(4) ? 0 : PG_GETARG_TIMESTAMPTZ(4),
		.has_account = !PG_ARGISNULL(6),
		.is_account = !PG_ARGISNULL(7) && PG_GETARG_BOOL(7),
		.has_region = !PG_ARGISNULL(8),
		.has_reservation = !PG_ARGISNULL(10),
		.has_accelerator = !PG_ARGISNULL(12),
	};
	char	   *faults = FindUsageFaults(&v, &m);

	if (faults == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(faults));
}

/*
 * _usage_verdict(unreadable text, faults text, digest bytea, there bytea) -> text
 */
PG_FUNCTION_INFO_V1(usage_verdict);
Datum
usage_verdict(PG_FUNCTION_ARGS)
{
	static const char *const verdicts[] = {
		[VERDICT_ACCEPTED] = "accepted", [VERDICT_DUPLICATE] = "duplicate", [VERDICT_CONFLICT] = "conflict", [VERDICT_REJECTED] = "rejected"
	};
	bool		is_as_there = !PG_ARGISNULL(2) && !PG_ARGISNULL(3) &&
		DatumGetBool(DirectFunctionCall2(byteaeq, PG_GETARG_DATUM(2), PG_GETARG_DATUM(3)));

	PG_RETURN_TEXT_P(cstring_to_text(verdicts[JudgeUsage(PG_ARGISNULL(0), PG_ARGISNULL(1), !PG_ARGISNULL(3), is_as_there, true, true)]));
}
