/*
 * usage_judge.c
 *		What becomes of a batch of usage.
 *
 * The rows of the batch go by twice.  First their names are noted, so that all are looked up at once, and hashes of their keys,
 * because one may come several times, and a record in several revisions.  Then each is read and compared with the keys that are
 * there, and what it comes to is put where the statements find it that write it (judged.c); rows of which there may be others,
 * or for whose hash there was no room, are put aside, sorted, and judged in the end.
 *
 * All is read with the snapshot of the statement that calls, which also deletes the rows from the inbox.
 */
#include "base/compat.h"

#include "access/genam.h"
#include "catalog/namespace.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "commands/sequence.h"
#include "common/hashfn.h"
#include "common/sha2.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "tcop/dest.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/tuplesort.h"
#include "utils/typcache.h"

#include "base/key_table.h"
#include "base/row_columns.h"
#include "usage/judged.h"
#include "usage/number_set.h"
#include "usage/usage_digest.h"
#include "usage/usage_instant.h"
#include "usage/usage_key.h"
#include "usage/usage_names.h"
#include "usage/usage_rules.h"

/* ---- columns of rows that are read and written ---- */

enum
{
	RAW_ID,
	RAW_RECEIVED_AT,
	RAW_RECEIVED_BY,
	RAW_CELLS,
	RAW_COLUMNS = RAW_CELLS + USAGE_CELLS
};

#define RAW_ROW_COLUMNS \
	ROW_COLUMN("id", INT8OID), ROW_COLUMN("received_at", TIMESTAMPTZOID), ROW_COLUMN("received_by", NAMEOID), \
	ROW_COLUMN("source", TEXTOID), ROW_COLUMN("source_id", TEXTOID), ROW_COLUMN("revision", TEXTOID), ROW_COLUMN("account", TEXTOID), \
	ROW_COLUMN("region", TEXTOID), ROW_COLUMN("accelerator", TEXTOID), ROW_COLUMN("devices", TEXTOID), ROW_COLUMN("started_at", TEXTOID), \
	ROW_COLUMN("ended_at", TEXTOID), ROW_COLUMN("measure", TEXTOID), ROW_COLUMN("number_format", TEXTOID), ROW_COLUMN("achieved_work", TEXTOID), \
	ROW_COLUMN("run", TEXTOID), ROW_COLUMN("labels", TEXTOID), ROW_COLUMN("retracted", TEXTOID), ROW_COLUMN("reservation", TEXTOID)

static const RowColumn raw_columns[RAW_COLUMNS] = {RAW_ROW_COLUMNS};

static const RowColumn key_row_columns[] = {
	ROW_COLUMN("record", INT8OID), ROW_COLUMN("source", INT4OID), ROW_COLUMN("month", INT2OID), ROW_COLUMN("digest", BYTEAOID),
	ROW_COLUMN("key", BYTEAOID), ROW_COLUMN("batch", INT8OID)
};

static const RowColumn record_columns[] = {
	ROW_COLUMN("id", INT8OID), ROW_COLUMN("account", INT8OID), ROW_COLUMN("started_at", TIMESTAMPTZOID), ROW_COLUMN("ended_at", TIMESTAMPTZOID),
	ROW_COLUMN("superseded", TIMESTAMPTZOID), ROW_COLUMN("kind", INT4OID), ROW_COLUMN("revision", INT4OID), ROW_COLUMN("devices", NUMERICOID),
	ROW_COLUMN_OWN("achieved_work", "compute_unit"), ROW_COLUMN("reservation", INT8OID), ROW_COLUMN("reservation_name", TEXTOID),
	ROW_COLUMN("source_id", TEXTOID), ROW_COLUMN("account_name", TEXTOID), ROW_COLUMN("run", TEXTOID), ROW_COLUMN("labels", JSONBOID)
};

static const RowColumn rejected_columns[] = {
	RAW_ROW_COLUMNS,
	ROW_COLUMN("time_zone", TEXTOID), ROW_COLUMN("unix_seconds", BOOLOID), ROW_COLUMN("faults", TEXTOID), ROW_COLUMN("read_revision", INT4OID),
	ROW_COLUMN("starts", TIMESTAMPTZOID), ROW_COLUMN("ends", TIMESTAMPTZOID), ROW_COLUMN("latest", TIMESTAMPTZOID)
};

/* Columns of a row that is put aside: by which it is sorted, its number, and all of it as it came. */
enum
{
	ASIDE_SOURCE_ID,
	ASIDE_SOURCE,
	ASIDE_REVISION,
	ASIDE_ID,
	ASIDE_RECORD,
	ASIDE_RAW,
	ASIDE_COLUMNS = ASIDE_RAW + RAW_COLUMNS
};

#define ASIDE_SORTED	(ASIDE_ID + 1)

enum
{
	KEY_SOURCE,
	KEY_KEY,
	KEY_DIGEST,
	KEY_RECORD,
	KEY_MONTH,
	KEY_COLUMNS
};

static const RowColumn key_columns[KEY_COLUMNS] = {
	ROW_COLUMN("source", INT4OID), ROW_COLUMN("key", BYTEAOID), ROW_COLUMN("digest", BYTEAOID), ROW_COLUMN("record", INT8OID), ROW_COLUMN("month", INT2OID)
};

/* ---- a batch ---- */

typedef struct Judge
{
	MemoryContext context;
	MemoryContext row_context;
	int64		number;			/* of the batch */
	TimestampTz stamp;
	bool		is_own;			/* the ledger has made the records of reservations */
	bool		has_months;		/* only records that start in these are taken */
	int			nmonths;
	DateADT    *months;
	UsageNames *names;
	NumberSet	keys;			/* hashes of keys, in the first pass */
	bool		has_others;		/* there are keys beyond what that has room for */
	NumberSet	repeated;		/* of those that came more than once, or look so */
	bool		repeats;		/* there are any, or others */
	Oid			record_sequence;
	KeyTable	key_table;
	Relation	key_index;
	DigestState digest;
	uint8		retraction[USAGE_DIGEST_BYTES];
	JudgedBatch *judged;
	Tuplesortstate *aside;
	TupleTableSlot *aside_slot;
	int64		passed;			/* rows that are not of the batch */
	int64		taken;
	int64		count[VERDICT_REJECTED + 1];
	int64		records;
	ArrayBuildState *old_records;	/* what is superseded */
	ArrayBuildState *old_months;
	ArrayBuildState *reservations;	/* that records name, each once */
	NumberSet	reservations_seen;
} Judge;

/* A row of it, in the memory of the row. */
typedef struct Row
{
	int64		record;			/* number that it has if it becomes a record */
	const Datum *raw;
	const bool *no_raw;
	text	   *cells[USAGE_CELLS];
	const UsageSource *source;
	UsageValues v;
	UsageMeaning m;
	int64		account;
	const UsageRegion *region;
	const UsageChip *chip;
	int64		reservation;
	char	   *faults;
} Row;

/* What else the batch has of the record of a row. */
typedef struct Rank
{
	bool		is_first;		/* of its revision */
	bool		is_as_first;	/* says what the first one says */
	int32		highest;		/* revision */
} Rank;

/* What usage_key has of the record of a row. */
typedef struct Before
{
	bool		is_there;		/* any revision, and the highest one: */
	int32		revision;
	bool		has_record;
	int64		record;
	int16		month;
	bool		is_same_there;	/* the revision of the row */
	bool		is_as_there;	/* which says the same */
} Before;

/* ---- reading a row ---- */

/* Returns the hash of a key; collisions do no harm. */
static uint64
hash_key(const text *source, const text *source_id)
{
	return hash_bytes_extended((const unsigned char *) VARDATA_ANY(source_id), VARSIZE_ANY_EXHDR(source_id),
							   hash_bytes_extended((const unsigned char *) VARDATA_ANY(source), VARSIZE_ANY_EXHDR(source), 0));
}

/* Whether a record starts in a month that is taken; without an instant there is no month. */
static bool
is_in_month(const Judge *judge, const UsageValues *v)
{
	DateADT		month;

	if (!judge->has_months || !v->has_start)
		return true;
	month = InstantMonth(v->started_at);
	for (int i = 0; i < judge->nmonths; i++)
	{
		if (judge->months[i] == month)
			return true;
	}
	return false;
}

/*
 * Returns the source of a row, which is one without a name if the row gives none, or one that is too long; NULL: it is not
 * taken.
 */
static const UsageSource *
find_source(const Judge *judge, const text *cell)
{
	return UsageSourceOf(judge->names, cell == NULL || VARSIZE_ANY_EXHDR(cell) > USAGE_MAX_NAME ? cstring_to_text("") : cell);
}

/* Reads a row of the batch and resolves its names; false if it is of a source, or of a month, that is not taken. */
static bool
read_row(Judge *judge, const Datum *raw, const bool *no_raw, Row *row)
{
	const TimestampTz *start;

	row->raw = raw;
	row->no_raw = no_raw;
	for (int i = 0; i < USAGE_CELLS; i++)
		row->cells[i] = no_raw[RAW_CELLS + i] ? NULL : DatumGetTextPP(raw[RAW_CELLS + i]);
	row->source = find_source(judge, row->cells[CELL_SOURCE]);
	if (row->source == NULL)
		return false;
	ReadUsageCells(row->cells, row->source->name, judge->is_own, row->source->time_zone, row->source->unix_seconds, &row->v);
	if (!is_in_month(judge, &row->v))
		return false;
	start = row->v.has_start ? &row->v.started_at : NULL;
	row->region = UsageRegionOf(judge->names, row->cells[CELL_REGION]);
	row->chip = UsageChipOf(judge->names, row->cells[CELL_ACCELERATOR], row->source);
	row->m.has_latest = true;
	row->m.latest = row->source->latest;
	row->m.has_account = UsageAccountOf(judge->names, row->cells[CELL_ACCOUNT], start, &row->account, &row->m.is_account);
	row->m.has_region = row->region != NULL && row->region->is_there;
	row->m.has_reservation = row->v.reservation != NULL &&
		UsageReservationOf(judge->names, row->v.reservation, row->region, start, &row->reservation);
	row->m.has_accelerator = row->chip != NULL && row->chip->accelerator != NULL;
	row->faults = FindUsageFaults(&row->v, &row->m);
	return true;
}

/* Makes the digest of a row whose cells could be read. */
static void
digest_row(Judge *judge, const Row *row, uint8 *digest)
{
	const UsageValues *v = &row->v;
	uint8		whole[PG_SHA256_DIGEST_LENGTH];
	const void *pointers[USAGE_DIGEST_VALUES] = {
		row->cells[CELL_ACCOUNT], row->cells[CELL_REGION], row->cells[CELL_ACCELERATOR], v->devices, NULL, NULL,
		v->measure, v->number_format, v->achieved_work, v->run, v->labels, v->reservation
	};
	NullableDatum values[USAGE_DIGEST_VALUES];

	if (v->retracted)
	{
		memcpy(digest, judge->retraction, USAGE_DIGEST_BYTES);
		return;
	}
	for (int i = 0; i < USAGE_DIGEST_VALUES; i++)
	{
		values[i].value = PointerGetDatum(pointers[i]);
		values[i].isnull = pointers[i] == NULL;
	}
	values[4] = (NullableDatum) {.value = TimestampTzGetDatum(v->started_at)};
	values[5] = (NullableDatum) {.value = TimestampTzGetDatum(v->ended_at)};
	MakeUsageDigest(&judge->digest, values, whole);
	memcpy(digest, whole, USAGE_DIGEST_BYTES);
}

/* ---- keys that are there ---- */

/* Orders keys as their index does. */
static int
order_keys(const bytea *a, const bytea *b)
{
	Size		len = Min(VARSIZE_ANY_EXHDR(a), VARSIZE_ANY_EXHDR(b));
	int			order = memcmp(VARDATA_ANY(a), VARDATA_ANY(b), len);

	return order != 0 ? order : (int) VARSIZE_ANY_EXHDR(a) - (int) VARSIZE_ANY_EXHDR(b);
}

/* Begins to read the keys of a source from one to another, the last one first. */
static SysScanDesc
scan_keys(Judge *judge, const UsageSource *source, bytea *from, bytea *to, ScanKey keys)
{
	KeyTableKey(&judge->key_table, &keys[0], KEY_SOURCE, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(source->number));
	KeyTableKey(&judge->key_table, &keys[1], KEY_KEY, BTGreaterEqualStrategyNumber, F_BYTEAGE, PointerGetDatum(from));
	KeyTableKey(&judge->key_table, &keys[2], KEY_KEY, BTLessEqualStrategyNumber, F_BYTEALE, PointerGetDatum(to));
	return systable_beginscan_ordered(judge->key_table.relation, judge->key_index, GetActiveSnapshot(), 3, keys);
}

/* Whether a key that was read has a digest. */
static bool
has_digest(const Judge *judge, HeapTuple key, const uint8 *digest)
{
	bool		isnull;
	bytea	   *there = (bytea *) DatumGetPointer(KeyTableValue(&judge->key_table, key, KEY_DIGEST, &isnull));

	return !isnull && VARSIZE_ANY_EXHDR(there) == USAGE_DIGEST_BYTES && memcmp(VARDATA_ANY(there), digest, USAGE_DIGEST_BYTES) == 0;
}

/* Finds what usage_key has of the record of a row; nothing, if all of the source's keys come before it. */
static void
find_before(Judge *judge, const Row *row, bytea *first_key, const uint8 *digest, Before *before)
{
	ScanKeyData keys[3];
	SysScanDesc scan;
	HeapTuple	key;
	bool		isnull;

	memset(before, 0, sizeof(*before));
	if (row->source->last_key == NULL || order_keys(first_key, row->source->last_key) > 0)
		return;
	scan = scan_keys(judge, row->source, first_key, MakeUsageKey(row->cells[CELL_SOURCE_ID], PG_INT32_MAX), keys);
	key = systable_getnext_ordered(scan, BackwardScanDirection);
	if (key != NULL)
	{
		before->is_there = true;
		before->revision = UsageKeyRevision(DatumGetByteaPP(KeyTableValue(&judge->key_table, key, KEY_KEY, &isnull)));
		before->record = DatumGetInt64(KeyTableValue(&judge->key_table, key, KEY_RECORD, &isnull));
		before->has_record = !isnull;
		before->month = DatumGetInt16(KeyTableValue(&judge->key_table, key, KEY_MONTH, &isnull));
		before->has_record &= !isnull;
		before->is_same_there = before->revision == row->v.revision;
		before->is_as_there = before->is_same_there && has_digest(judge, key, digest);
	}
	systable_endscan_ordered(scan);
	if (before->is_there && before->revision > row->v.revision)
	{
		bytea	   *same = MakeUsageKey(row->cells[CELL_SOURCE_ID], row->v.revision);

		scan = scan_keys(judge, row->source, same, same, keys);
		key = systable_getnext_ordered(scan, BackwardScanDirection);
		before->is_same_there = key != NULL;
		before->is_as_there = key != NULL && has_digest(judge, key, digest);
		systable_endscan_ordered(scan);
	}
}

/* ---- rows to write ---- */

/* Puts a value into a column, or nothing. */
static void
put_value(Datum *values, bool *nulls, int column, bool is_there, Datum value)
{
	nulls[column] = !is_there;
	values[column] = is_there ? value : (Datum) 0;
}

/* Writes the key of a row that was accepted. */
static void
put_key(Judge *judge, const Row *row, bytea *first_key, const uint8 *digest)
{
	union
	{
		bytea		bytes;
		char		room[VARHDRSZ + USAGE_DIGEST_BYTES];
	}			copy;
	bool		is_record = !row->v.retracted;
	Datum		values[lengthof(key_row_columns)];
	bool		nulls[lengthof(key_row_columns)] = {0};

	SET_VARSIZE(&copy.bytes, VARHDRSZ + USAGE_DIGEST_BYTES);
	memcpy(VARDATA(&copy.bytes), digest, USAGE_DIGEST_BYTES);
	put_value(values, nulls, 0, is_record, Int64GetDatum(row->record));
	values[1] = Int32GetDatum(row->source->number);
	put_value(values, nulls, 2, is_record, Int16GetDatum(is_record ? UsageMonthNumber(row->v.started_at) : 0));
	values[3] = PointerGetDatum(&copy);
	values[4] = PointerGetDatum(row->v.revision == 0 ? first_key : MakeUsageKey(row->cells[CELL_SOURCE_ID], row->v.revision));
	put_value(values, nulls, 5, !is_record, Int64GetDatum(judge->number));
	JudgedPut(judge->judged, JUDGED_KEYS, key_row_columns, lengthof(key_row_columns), values, nulls);
}

/* Writes the record that a row has become. */
static void
put_record(Judge *judge, const Row *row, bool is_late)
{
	const UsageValues *v = &row->v;
	Datum		values[lengthof(record_columns)];
	bool		nulls[lengthof(record_columns)] = {0};

	values[0] = Int64GetDatum(row->record);
	values[1] = Int64GetDatum(row->account);
	values[2] = TimestampTzGetDatum(v->started_at);
	values[3] = TimestampTzGetDatum(v->ended_at);
	values[4] = TimestampTzGetDatum(is_late ? judge->stamp : DT_NOEND);
	values[5] = Int32GetDatum(UsageKindOf(judge->names, row->source, row->region, row->cells[CELL_REGION], row->chip, row->cells[CELL_ACCELERATOR],
										  UsageRateAt(row->chip, v->started_at), v->measure, v->number_format));
	values[6] = Int32GetDatum(v->revision);
	RowPutPointer(values, nulls, 7, v->devices);
	RowPutPointer(values, nulls, 8, v->achieved_work);
	put_value(values, nulls, 9, row->m.has_reservation, Int64GetDatum(row->reservation));
	RowPutPointer(values, nulls, 10, v->reservation);
	RowPutPointer(values, nulls, 11, row->cells[CELL_SOURCE_ID]);
	RowPutPointer(values, nulls, 12, row->cells[CELL_ACCOUNT]);
	RowPutPointer(values, nulls, 13, v->run);
	RowPutPointer(values, nulls, 14, v->labels);
	JudgedPut(judge->judged, JUDGED_RECORDS, record_columns, lengthof(record_columns), values, nulls);
	judge->records++;
	if (row->m.has_reservation && NumberSetAdd(&judge->reservations_seen, (uint64) row->reservation))
		judge->reservations = accumArrayResult(judge->reservations, Int64GetDatum(row->reservation), false, INT8OID, judge->context);
}

/* Writes a row that was rejected, and why. */
static void
put_rejected(Judge *judge, const Row *row, bool is_conflict)
{
	const UsageValues *v = &row->v;
	char	   *faults = !is_conflict ? row->faults : row->faults == NULL ? "conflict" : psprintf("conflict,%s", row->faults);
	Datum		values[lengthof(rejected_columns)];
	bool		nulls[lengthof(rejected_columns)] = {0};

	memcpy(values, row->raw, RAW_COLUMNS * sizeof(Datum));
	memcpy(nulls, row->no_raw, RAW_COLUMNS * sizeof(bool));
	RowPutPointer(values, nulls, RAW_COLUMNS, row->source->time_zone);
	values[RAW_COLUMNS + 1] = BoolGetDatum(row->source->unix_seconds);
	values[RAW_COLUMNS + 2] = CStringGetTextDatum(faults);
	put_value(values, nulls, RAW_COLUMNS + 3, v->has_revision, Int32GetDatum(v->revision));
	put_value(values, nulls, RAW_COLUMNS + 4, v->has_start, TimestampTzGetDatum(v->started_at));
	put_value(values, nulls, RAW_COLUMNS + 5, v->has_end, TimestampTzGetDatum(v->ended_at));
	values[RAW_COLUMNS + 6] = TimestampTzGetDatum(row->source->latest);
	JudgedPut(judge->judged, JUDGED_REJECTED, rejected_columns, lengthof(rejected_columns), values, nulls);
}

/* Says what becomes of a row, and writes that. */
static void
conclude(Judge *judge, const Row *row, const uint8 *digest, const Rank *rank)
{
	const UsageValues *v = &row->v;
	bytea	   *first_key = NULL;
	Before		before = {0};
	UsageVerdict verdict;

	if (v->unreadable == NULL)
	{
		first_key = MakeUsageKey(row->cells[CELL_SOURCE_ID], 0);
		find_before(judge, row, first_key, digest, &before);
	}
	verdict = JudgeUsage(v->unreadable == NULL, row->faults == NULL, before.is_same_there, before.is_as_there, rank->is_first, rank->is_as_first);
	judge->count[verdict]++;
	if (verdict == VERDICT_ACCEPTED)
	{
		put_key(judge, row, first_key, digest);
		if (!v->retracted)
			put_record(judge, row, v->revision < rank->highest || (before.is_there && v->revision < before.revision));
		if (before.has_record && v->revision == rank->highest && v->revision > before.revision)
		{
			judge->old_records = accumArrayResult(judge->old_records, Int64GetDatum(before.record), false, INT8OID, judge->context);
			judge->old_months = accumArrayResult(judge->old_months, Int16GetDatum(before.month), false, INT2OID, judge->context);
		}
	}
	else if (verdict != VERDICT_DUPLICATE)
		put_rejected(judge, row, verdict == VERDICT_CONFLICT);
}

/* ---- records that come more than once ---- */

/* Describes rows that are put aside. */
static TupleDesc
describe_aside(void)
{
	static const Oid types[ASIDE_RAW] = {TEXTOID, INT4OID, INT4OID, INT8OID, INT8OID};
	TupleDesc	desc = CreateTemplateTupleDesc(ASIDE_COLUMNS);

	for (int i = 0; i < ASIDE_COLUMNS; i++)
		TupleDescInitEntry(desc, i + 1, NULL, i < ASIDE_RAW ? types[i] : raw_columns[i - ASIDE_RAW].type, -1, 0);
	return desc;
}

/* Puts a row aside, to be judged with the others of its record: by source, revision, the highest one first, and arrival. */
static void
put_aside(Judge *judge, const Row *row)
{
	TupleTableSlot *slot;

	if (judge->aside == NULL)
	{
		TypeCacheEntry *of_text = lookup_type_cache(TEXTOID, TYPECACHE_LT_OPR);
		TypeCacheEntry *of_int4 = lookup_type_cache(INT4OID, TYPECACHE_LT_OPR | TYPECACHE_GT_OPR);
		TypeCacheEntry *of_int8 = lookup_type_cache(INT8OID, TYPECACHE_LT_OPR);
		AttrNumber	columns[ASIDE_SORTED] = {ASIDE_SOURCE_ID + 1, ASIDE_SOURCE + 1, ASIDE_REVISION + 1, ASIDE_ID + 1};
		Oid			operators[ASIDE_SORTED] = {of_text->lt_opr, of_int4->lt_opr, of_int4->gt_opr, of_int8->lt_opr};
		Oid			collations[ASIDE_SORTED] = {C_COLLATION_OID, InvalidOid, InvalidOid, InvalidOid};
		bool		nulls_first[ASIDE_SORTED] = {false};
		MemoryContext old = MemoryContextSwitchTo(judge->context);
		TupleDesc	desc = describe_aside();

		judge->aside_slot = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
		judge->aside = tuplesort_begin_heap(desc, ASIDE_SORTED, columns, operators, collations, nulls_first, work_mem, NULL, TUPLESORT_NONE);
		MemoryContextSwitchTo(old);
	}
	slot = ExecClearTuple(judge->aside_slot);
	memset(slot->tts_isnull, 0, ASIDE_RAW * sizeof(bool));
	slot->tts_values[ASIDE_SOURCE_ID] = PointerGetDatum(row->cells[CELL_SOURCE_ID]);
	slot->tts_values[ASIDE_SOURCE] = Int32GetDatum(row->source->number);
	slot->tts_values[ASIDE_REVISION] = Int32GetDatum(row->v.revision);
	slot->tts_values[ASIDE_ID] = row->raw[RAW_ID];
	slot->tts_values[ASIDE_RECORD] = Int64GetDatum(row->record);
	memcpy(slot->tts_values + ASIDE_RAW, row->raw, RAW_COLUMNS * sizeof(Datum));
	memcpy(slot->tts_isnull + ASIDE_RAW, row->no_raw, RAW_COLUMNS * sizeof(bool));
	tuplesort_puttupleslot(judge->aside, ExecStoreVirtualTuple(slot));
}

/* Judges the rows that were put aside. */
static void
judge_aside(Judge *judge)
{
	TupleTableSlot *slot;
	text	   *source_id = NULL;	/* of the row before, and the like */
	int32		source = 0;
	int32		revision = 0;
	uint8		first[USAGE_DIGEST_BYTES];
	Rank		rank = {0};

	if (judge->aside == NULL)
		return;
	tuplesort_performsort(judge->aside);
	slot = MakeSingleTupleTableSlot(judge->aside_slot->tts_tupleDescriptor, &TTSOpsMinimalTuple);
	while (tuplesort_gettupleslot(judge->aside, true, false, slot, NULL))
	{
		MemoryContext old;
		Row			row = {0};
		uint8		digest[USAGE_DIGEST_BYTES];
		text	   *name;
		bool		is_new;

		CHECK_FOR_INTERRUPTS();
		MemoryContextReset(judge->row_context);
		old = MemoryContextSwitchTo(judge->row_context);
		slot_getallattrs(slot);
		row.record = DatumGetInt64(slot->tts_values[ASIDE_RECORD]);
		if (!read_row(judge, slot->tts_values + ASIDE_RAW, slot->tts_isnull + ASIDE_RAW, &row) || row.faults != NULL)
			elog(ERROR, "a usage record was read twice, and not alike");
		digest_row(judge, &row, digest);
		name = row.cells[CELL_SOURCE_ID];
		is_new = source_id == NULL || source != row.source->number || VARSIZE_ANY_EXHDR(name) != VARSIZE_ANY_EXHDR(source_id) ||
			memcmp(VARDATA_ANY(name), VARDATA_ANY(source_id), VARSIZE_ANY_EXHDR(name)) != 0;
		if (is_new)
			rank.highest = row.v.revision;
		rank.is_first = is_new || row.v.revision != revision;
		if (rank.is_first)
			memcpy(first, digest, USAGE_DIGEST_BYTES);
		rank.is_as_first = memcmp(first, digest, USAGE_DIGEST_BYTES) == 0;
		conclude(judge, &row, digest, &rank);
		MemoryContextSwitchTo(old);
		if (is_new)
		{
			if (source_id != NULL)
				pfree(source_id);
			source_id = (text *) DatumGetPointer(datumCopy(PointerGetDatum(name), false, -1));
			source = row.source->number;
		}
		revision = row.v.revision;
	}
	ExecDropSingleTupleTableSlot(slot);
	ExecDropSingleTupleTableSlot(judge->aside_slot);
	tuplesort_end(judge->aside);
}

/* ---- the rows of the batch ---- */

/* Something that takes the rows of a query, one by one. */
typedef struct RowReceiver
{
	DestReceiver pub;
	Judge	   *judge;
	void		(*take) (Judge *judge, const Datum *values, const bool *nulls);
	const RowColumn *columns;
	int			ncolumns;
} RowReceiver;

/* Columns of the first pass. */
enum
{
	FIRST_SOURCE,
	FIRST_SOURCE_ID,
	FIRST_ACCOUNT,
	FIRST_ACCELERATOR,
	FIRST_COLUMNS
};

static const RowColumn first_columns[FIRST_COLUMNS] = {
	ROW_COLUMN("source", TEXTOID), ROW_COLUMN("source_id", TEXTOID), ROW_COLUMN("account", TEXTOID), ROW_COLUMN("accelerator", TEXTOID)
};

/* Notes the key and the names of a row. */
static void
note_row(Judge *judge, const Datum *values, const bool *nulls)
{
	text	   *cells[FIRST_COLUMNS];
	const UsageSource *source;
	uint64		hash;
	bool		is_full = NumberSetIsFull(&judge->keys);

	for (int i = 0; i < FIRST_COLUMNS; i++)
		cells[i] = nulls[i] ? NULL : DatumGetTextPP(values[i]);
	source = find_source(judge, cells[FIRST_SOURCE]);
	if (source == NULL)
		return;
	UsageNamesNote(judge->names, source, cells[FIRST_ACCOUNT], cells[FIRST_ACCELERATOR]);
	/* without a source or a name it is rejected */
	if (cells[FIRST_SOURCE] == NULL || cells[FIRST_SOURCE_ID] == NULL)
		return;
	hash = hash_key(cells[FIRST_SOURCE], cells[FIRST_SOURCE_ID]);
	if (is_full ? NumberSetHas(&judge->keys, hash) : !NumberSetAdd(&judge->keys, hash))
		(void) NumberSetAdd(&judge->repeated, hash);
	else if (is_full)
		judge->has_others = true;
	else
		return;
	judge->repeats = true;
}

/* Whether there may be other rows of the record of a row. */
static bool
may_repeat(const Judge *judge, const Row *row)
{
	uint64		hash;

	if (!judge->repeats)
		return false;
	hash = hash_key(row->cells[CELL_SOURCE], row->cells[CELL_SOURCE_ID]);
	return NumberSetHas(&judge->repeated, hash) || (judge->has_others && !NumberSetHas(&judge->keys, hash));
}

/* Judges a row, or puts it aside: one without faults of whose record there may be others. */
static void
judge_row(Judge *judge, const Datum *values, const bool *nulls)
{
	const Rank	alone = {.is_first = true,.is_as_first = true};
	Row			row = {0};
	Rank		rank = alone;
	uint8		digest[USAGE_DIGEST_BYTES];

	if (nulls[RAW_ID])
		RowNullError("usage_inbox", "id");
	if (!read_row(judge, values, nulls, &row))
	{
		judge->passed++;
		return;
	}
	judge->taken++;
	row.record = nextval_internal(judge->record_sequence, false);
	if (row.faults == NULL && may_repeat(judge, &row))
	{
		put_aside(judge, &row);
		return;
	}
	if (row.v.unreadable == NULL)
		digest_row(judge, &row, digest);
	rank.highest = row.v.revision;
	conclude(judge, &row, digest, &rank);
}

static bool
receive_row(TupleTableSlot *slot, DestReceiver *self)
{
	RowReceiver *receiver = (RowReceiver *) self;
	MemoryContext old;

	MemoryContextReset(receiver->judge->row_context);
	old = MemoryContextSwitchTo(receiver->judge->row_context);
	slot_getallattrs(slot);
	receiver->take(receiver->judge, slot->tts_values, slot->tts_isnull);
	MemoryContextSwitchTo(old);
	return true;
}

static void
begin_rows(DestReceiver *self, int operation, TupleDesc desc)
{
	RowReceiver *receiver = (RowReceiver *) self;

	(void) operation;
	RowColumnsCheck(desc, "usage_inbox", receiver->columns, receiver->ncolumns);
}

static void
end_rows(DestReceiver *self)
{
	(void) self;
}

/* Sends some columns of the rows of the batch, with alias i, to where they are taken. */
static void
run_batch(Judge *judge, const char *columns, const char *rows, const char *order, ParamListInfo arguments, RowReceiver *receiver)
{
	SPIExecuteOptions options = {.params = arguments,.read_only = true,.dest = &receiver->pub};

	receiver->pub.receiveSlot = receive_row;
	receiver->pub.rStartup = begin_rows;
	receiver->pub.rShutdown = end_rows;
	receiver->pub.rDestroy = end_rows;
	receiver->pub.mydest = DestTuplestore;
	receiver->judge = judge;
	SPI_connect();
	if (SPI_execute_extended(psprintf("SELECT %s FROM %s%s", columns, rows, order), &options) != SPI_OK_SELECT)
		elog(ERROR, "could not read the usage of a batch");
	SPI_finish();
}

/* ---- the function ---- */

/* Arguments of _judge_usage(); the last four are those of the query, in their order. */
enum
{
	ARGUMENT_KIND,
	ARGUMENT_BATCH,
	ARGUMENT_BASIS,
	ARGUMENT_STAMP,
	ARGUMENT_SOURCES,
	ARGUMENT_ZONES,
	ARGUMENT_UNIX_SOURCES,
	ARGUMENT_MONTHS,
	ARGUMENT_LAST,
	ARGUMENT_IDS,
	ARGUMENT_MEND,
	ARGUMENT_GIVEN
};

#define QUERY_ARGUMENTS	4

/* Where the rows of a kind of batch come from. */
static const char *
rows_of_kind(const char *kind)
{
	if (strcmp(kind, "accept") == 0)
		return "compute_ledger.usage_inbox AS i WHERE $1 IS NULL OR i.id OPERATOR(pg_catalog.<=) $1";
	if (strcmp(kind, "retry") == 0)
		return "compute_ledger.usage_rejected AS r CROSS JOIN LATERAL pg_catalog.jsonb_populate_record("
			"ROW(r.id, r.received_at, r.received_by, r.source, r.source_id, r.revision, r.account, r.region, r.accelerator, r.devices, r.started_at,"
			" r.ended_at, r.measure, r.number_format, r.achieved_work, r.run, r.labels, r.retracted, r.reservation)::compute_ledger.usage_inbox, $3) AS i"
			" WHERE r.id OPERATOR(pg_catalog.=) ANY ($2)";
	if (strcmp(kind, "reserve") == 0)
		return "pg_catalog.jsonb_populate_recordset(NULL::compute_ledger.usage_inbox, $4) AS i";
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown kind of batch: \"%s\"", kind)));
}

/* Notes the months whose records are taken. */
static void
set_months(Judge *judge, ArrayType *months)
{
	Datum	   *dates;
	bool	   *nulls;
	int			count;

	deconstruct_array(months, DATEOID, sizeof(DateADT), true, TYPALIGN_INT, &dates, &nulls, &count);
	judge->has_months = true;
	judge->months = palloc(Max(count, 1) * sizeof(DateADT));
	for (int i = 0; i < count; i++)
	{
		if (!nulls[i])
			judge->months[judge->nmonths++] = DatumGetDateADT(dates[i]);
	}
}

/* Makes the arguments of the query. */
static ParamListInfo
query_arguments(FunctionCallInfo fcinfo)
{
	static const Oid types[QUERY_ARGUMENTS] = {INT8OID, INT8ARRAYOID, JSONBOID, JSONBOID};
	ParamListInfo list = makeParamList(QUERY_ARGUMENTS);

	for (int i = 0; i < QUERY_ARGUMENTS; i++)
	{
		ParamExternData *p = &list->params[i];

		p->value = fcinfo->args[ARGUMENT_LAST + i].value;
		p->isnull = fcinfo->args[ARGUMENT_LAST + i].isnull;
		p->pflags = PARAM_FLAG_CONST;
		p->ptype = types[i];
	}
	return list;
}

/* Begins a batch. */
static void
begin_judge(Judge *judge, FunctionCallInfo fcinfo)
{
	bytea	   *retracted = DatumGetByteaPP(DirectFunctionCall1(sha256_bytea, CStringGetTextDatum("retracted")));

	judge->context = CurrentMemoryContext;
	judge->row_context = AllocSetContextCreate(CurrentMemoryContext, "compute_ledger usage row", ALLOCSET_DEFAULT_SIZES);
	judge->keys.context = judge->repeated.context = judge->reservations_seen.context = CurrentMemoryContext;
	judge->keys.limit = Max(get_hash_memory_limit(), (Size) maintenance_work_mem * 1024);
	judge->number = PG_GETARG_INT64(ARGUMENT_BATCH);
	judge->stamp = PG_GETARG_TIMESTAMPTZ(ARGUMENT_STAMP);
	memcpy(judge->retraction, VARDATA_ANY(retracted), USAGE_DIGEST_BYTES);
	if (!PG_ARGISNULL(ARGUMENT_MONTHS))
		set_months(judge, PG_GETARG_ARRAYTYPE_P(ARGUMENT_MONTHS));
	judge->record_sequence = get_relname_relid("usage_record_id_seq", get_namespace_oid("compute_ledger", false));
	judge->names = UsageNamesBegin(judge->context, PG_GETARG_INT32(ARGUMENT_BASIS), PG_GETARG_DATUM(ARGUMENT_SOURCES), judge->stamp,
								   PG_GETARG_DATUM(ARGUMENT_ZONES), PG_ARGISNULL(ARGUMENT_ZONES),
								   PG_GETARG_DATUM(ARGUMENT_UNIX_SOURCES), PG_ARGISNULL(ARGUMENT_UNIX_SOURCES));
	/* here, so that the hash is not made in the memory of a row */
	DigestBegin(&judge->digest);
	judge->judged = JudgedBegin(judge->number);
	KeyTableOpen(&judge->key_table, "usage_key", key_columns, KEY_COLUMNS, 2);
	judge->key_index = index_open(judge->key_table.index, AccessShareLock);
}

/* Puts an array into a column; NULL: there is nothing in it. */
static void
put_array(const Judge *judge, Datum *values, bool *nulls, int column, ArrayBuildState *array)
{
	nulls[column] = array == NULL;
	values[column] = array == NULL ? (Datum) 0 : makeArrayResult(array, judge->context);
}

/*
 * _judge_usage(kind text, batch bigint, basis integer, stamp timestamptz, sources text[], zones jsonb, unix_sources text[], months date[],
 *		last bigint, ids bigint[], mend jsonb, given jsonb) -> counts, and what was superseded or named
 *
 * Finds what becomes of a batch: of what a kind of it has, of these sources, and of months, if they are given.
 */
PG_FUNCTION_INFO_V1(judge_usage);
Datum
judge_usage(PG_FUNCTION_ARGS)
{
	RowReceiver first = {.take = note_row,.columns = first_columns,.ncolumns = FIRST_COLUMNS};
	RowReceiver all = {.take = judge_row,.columns = raw_columns,.ncolumns = RAW_COLUMNS};
	Judge		judge = {0};
	TupleDesc	desc;
	Datum		values[9];
	bool		nulls[9] = {0};
	char	   *kind;
	const char *rows;

	for (int i = ARGUMENT_KIND; i <= ARGUMENT_SOURCES; i++)
	{
		if (PG_ARGISNULL(i))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("a batch of usage has a kind, a number, a basis, a stamp and sources")));
	}
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE || desc->natts != lengthof(values))
		elog(ERROR, "return type must be a row of %d columns", (int) lengthof(values));
	kind = text_to_cstring(PG_GETARG_TEXT_PP(ARGUMENT_KIND));
	rows = rows_of_kind(kind);
	begin_judge(&judge, fcinfo);
	judge.is_own = strcmp(kind, "reserve") == 0;

	run_batch(&judge, "i.source, i.source_id, i.account, i.accelerator", rows, "", query_arguments(fcinfo), &first);
	UsageNamesLookUp(judge.names);
	if (judge.keys.slots != NULL && !judge.has_others)
		pfree(judge.keys.slots);
	run_batch(&judge, "i.id, i.received_at, i.received_by, i.source, i.source_id, i.revision, i.account, i.region, i.accelerator, i.devices, i.started_at,"
			  " i.ended_at, i.measure, i.number_format, i.achieved_work, i.run, i.labels, i.retracted, i.reservation", rows, " ORDER BY i.id",
			  query_arguments(fcinfo), &all);
	judge_aside(&judge);
	JudgedEnd(judge.judged);
	DigestFree(&judge.digest);
	index_close(judge.key_index, NoLock);
	KeyTableClose(&judge.key_table);

	values[0] = Int64GetDatum(judge.passed);
	values[1] = Int64GetDatum(judge.taken);
	values[2] = Int64GetDatum(judge.count[VERDICT_ACCEPTED]);
	values[3] = Int64GetDatum(judge.count[VERDICT_DUPLICATE]);
	values[4] = Int64GetDatum(judge.count[VERDICT_CONFLICT] + judge.count[VERDICT_REJECTED]);
	values[5] = Int64GetDatum(judge.records);
	put_array(&judge, values, nulls, 6, judge.old_records);
	put_array(&judge, values, nulls, 7, judge.old_months);
	put_array(&judge, values, nulls, 8, judge.reservations);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
