/*
 * rating_usage.c
 *		Reads the usage records that a rating is about, once, into combinations.
 *
 * Rows come straight from the executor: nothing is done to most of them but to find
 * their combination and to add 32 bytes to it.  What they are of is made of their kind once.
 */
#include "base/compat.h"

#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "tcop/dest.h"
#include "utils/builtins.h"

#include "base/row_columns.h"
#include "profile/device_level.h"
#include "profile/profile.h"
#include "rating/rating.h"
#include "rating/rating_usage.h"
#include "usage/known_kind.h"

/* A combination's place in the hash table. */
typedef struct KindSlot
{
	UsageKind	kind;
	uint32		hash;
	int			combination;
	char		status;
} KindSlot;

/* Hashes what is known of a kind, 8 bytes at a time. */
static inline uint32
hash_kind(const UsageKind *kind)
{
	uint64		words[offsetof(UsageKind, reservation) / sizeof(uint64)];
	uint64		h = (uint64) kind->reservation * UINT64CONST(0xff51afd7ed558ccd); /* mostly none */

	StaticAssertStmt(offsetof(UsageKind, reservation) % sizeof(uint64) == 0, "a kind must be whole words");
	memcpy(words, kind, sizeof(words));
	for (int i = 0; i < (int) lengthof(words); i++)
	{
		h = (h ^ words[i]) * UINT64CONST(0x9e3779b97f4a7c15);
		h ^= h >> 32;
	}
	return (uint32) h;
}

#define SH_PREFIX kinds
#define SH_ELEMENT_TYPE KindSlot
#define SH_KEY_TYPE UsageKind
#define SH_KEY kind
#define SH_HASH_KEY(tb, key) hash_kind(&(key))
#define SH_EQUAL(tb, a, b) (memcmp(&(a), &(b), sizeof(UsageKind)) == 0)
#define SH_STORE_HASH
#define SH_GET_HASH(tb, a) (a)->hash
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

/* Columns of records. */
enum
{
	COL_ACCOUNT, COL_KIND, COL_ID, COL_START, COL_END, COL_RECORDED, COL_DEVICES, COL_WORK, COL_RESERVATION, COL_FIRST_RECORDED
};

#define USAGE_COLUMNS	(COL_FIRST_RECORDED + 1)

static const RowColumn usage_columns[] = {
	[COL_ACCOUNT] = ROW_COLUMN("account", INT8OID),
	[COL_KIND] = ROW_COLUMN("kind", INT4OID),
	[COL_ID] = ROW_COLUMN("id", INT8OID),
	[COL_START] = ROW_COLUMN("started_at", TIMESTAMPTZOID),
	[COL_END] = ROW_COLUMN("ended_at", TIMESTAMPTZOID),
	[COL_RECORDED] = ROW_COLUMN("recorded", TIMESTAMPTZOID),
	[COL_DEVICES] = ROW_COLUMN("devices", NUMERICOID),
	[COL_WORK] = ROW_COLUMN_OWN("achieved_work", "compute_unit"),
	[COL_RESERVATION] = ROW_COLUMN("reservation", INT8OID),
	[COL_FIRST_RECORDED] = ROW_COLUMN("first_recorded", TIMESTAMPTZOID),
};

/* Receives the rows of the query. */
typedef struct UsageReceiver
{
	DestReceiver receiver;
	Rating	   *rating;
	kinds_hash *kinds;
	known_kinds_hash *known;	/* what records are of; each means a UsageKind of no account */
	int			numbers[USAGE_COLUMNS];
	int			last;			/* the last column that is needed of every record */
} UsageReceiver;

/* Adds a combination without entries, and returns its number. */
int
AddCombination(Rating *rating, const UsageKind *kind)
{
	int64		room = rating->combination_room;
	Combination *combination;

	if (rating->ncombinations == PG_INT32_MAX / 2)
		elog(ERROR, "too many combinations of usage");
	RatingReserve(rating, rating->combinations, rating->ncombinations, room);
	rating->combination_room = (int) room;
	combination = &rating->combinations[rating->ncombinations];
	memset(combination, 0, sizeof(Combination));
	combination->kind = *kind;
	for (int i = 0; i < rating->nbills && !combination->billed; i++)
		combination->billed = IsBilled(&rating->bills[i], kind->measure);
	return rating->ncombinations++;
}

/* Makes room for one more entry of a combination. */
void
ReserveEntry(Rating *rating, Combination *combination)
{
	if (combination->count < combination->room)
		return;
	RatingReserve(rating, combination->entries, combination->count, combination->room);
	if (combination->kind.has_work)
		combination->work = combination->work == NULL ?
			MemoryContextAllocHuge(rating->context, combination->room * sizeof(EntryWork)) :
			repalloc_huge(combination->work, combination->room * sizeof(EntryWork));
	if (combination->kind.share != DEVICE_UNITS)
		combination->counted = combination->counted == NULL ?
			MemoryContextAllocHuge(rating->context, combination->room * sizeof(int64)) :
			repalloc_huge(combination->counted, combination->room * sizeof(int64));
}

/* Raises for a record without something that every one has. */
static void
missing_value_error(const UsageReceiver *self, const bool *nulls)
{
	for (int i = 0; i < COL_WORK; i++)
		if (nulls[self->numbers[i] - 1])
			RowNullError("_usage_record", usage_columns[i].name);
}

/* Returns what decides the price of a record, but for what is its own. */
static const UsageKind *
kind_of_usage(Rating *rating, KnownKind *known)
{
	UsageKind  *kind = known->meaning;

	if (kind != NULL)
		return kind;
	kind = known->meaning = MemoryContextAllocZero(rating->context, sizeof(UsageKind));
	kind->region = known->region;
	kind->basis = known->basis;
	kind->accelerator = known->accelerator;
	kind->has_rate = known->rate != NULL;
	if (kind->has_rate)
		kind->rate = *known->rate;
	kind->measure = (int16) RatingName(rating, known->measure);
	kind->number_format = known->number_format == 0 ? -1 : (int16) RatingName(rating, known->number_format);
	kind->share = known->share;
	return kind;
}

/* Takes one record. */
static bool
receive_record(TupleTableSlot *slot, DestReceiver *receiver)
{
	UsageReceiver *self = (UsageReceiver *) receiver;
	Rating	   *rating = self->rating;
	const int  *numbers = self->numbers;
	const Datum *values = slot->tts_values;
	const bool *nulls = slot->tts_isnull;
	UsageKind	kind;
	KindSlot   *known;
	Combination *combination;
	UsageEntry *entry;
	Datum		devices;
	MemoryContext previous;
	bool		found;

	/* names, labels and the like stand behind these */
	slot_getsomeattrs(slot, self->last);
	/* all of them, without a branch for each */
	if (unlikely(nulls[numbers[COL_ACCOUNT] - 1] | nulls[numbers[COL_KIND] - 1] | nulls[numbers[COL_ID] - 1] | nulls[numbers[COL_START] - 1] |
				 nulls[numbers[COL_END] - 1] | nulls[numbers[COL_RECORDED] - 1] | nulls[numbers[COL_DEVICES] - 1]))
		missing_value_error(self, nulls);

	kind = *kind_of_usage(rating, KnownKindFind(self->known, DatumGetInt32(values[numbers[COL_KIND] - 1])));
	kind.account = DatumGetInt64(values[numbers[COL_ACCOUNT] - 1]);
	kind.has_work = !nulls[numbers[COL_WORK] - 1];
	if (!nulls[numbers[COL_RESERVATION] - 1])
		kind.reservation = DatumGetInt64(values[numbers[COL_RESERVATION] - 1]);

	known = kinds_insert(self->kinds, kind, &found);
	if (!found)
		known->combination = AddCombination(rating, &kind);
	combination = &rating->combinations[known->combination];
	/* what is drawn of a reservation counts in it by any measure */
	if (!combination->billed && kind.reservation == 0)
		return true;

	if (combination->count == combination->room)
		ReserveEntry(rating, combination);
	entry = &combination->entries[combination->count];
	entry->start = DatumGetTimestampTz(values[numbers[COL_START] - 1]);
	entry->end = DatumGetTimestampTz(values[numbers[COL_END] - 1]);
	entry->record = DatumGetInt64(values[numbers[COL_ID] - 1]);
	devices = values[numbers[COL_DEVICES] - 1];
	/* nobody empties the context of the whole query between two records */
	previous = MemoryContextSwitchTo(rating->scratch);
	entry->level = kind.share == 0 ? 0 : DeviceLevelOf(devices, kind.share);
	if (kind.share != DEVICE_UNITS)
		combination->counted[combination->count] = DeviceLevelFromNumeric(devices);
	MemoryContextSwitchTo(previous);
	MemoryContextReset(rating->scratch);
	if (kind.has_work)
	{
		EntryWork  *work = &combination->work[combination->count];

		work->achieved = QuantityAmount(DatumGetQuantityP(values[numbers[COL_WORK] - 1]));
		work->recorded = DT_NOBEGIN;
		if (TIMESTAMP_IS_NOEND(entry->end))
		{
			bool		same;
			Datum		first = slot_getattr(slot, numbers[COL_FIRST_RECORDED], &same);

			work->recorded = DatumGetTimestampTz(same ? values[numbers[COL_RECORDED] - 1] : first);
		}
	}
	combination->count++;
	return true;
}

/* Finds the columns of what is going to come. */
static void
start_receiving(DestReceiver *receiver, int operation, TupleDesc desc)
{
	UsageReceiver *self = (UsageReceiver *) receiver;

	(void) operation;
	self->last = 0;
	for (int i = 0; i < USAGE_COLUMNS; i++)
	{
		self->numbers[i] = RowColumnNumber(desc, "_usage_record", &usage_columns[i]);
		if (i != COL_FIRST_RECORDED)
			self->last = Max(self->last, self->numbers[i]);
	}
}

/* Does nothing: there is nothing to end. */
static void
end_receiving(DestReceiver *receiver)
{
	(void) receiver;
}

/* Orders combinations by what a charge states of them, but for the account. */
static int
compare_kinds(const void *a, const void *b, void *arg)
{
	Rating	   *rating = (Rating *) arg;
	const UsageKind *x = &rating->combinations[*(const int *) a].kind;
	const UsageKind *y = &rating->combinations[*(const int *) b].kind;
	int			order;

	if (x->region != y->region)
		return x->region < y->region ? -1 : 1;
	if ((order = memcmp(&x->accelerator, &y->accelerator, sizeof(Accelerator))) != 0)
		return order;
	if (x->number_format != y->number_format)
	{
		if (x->number_format < 0 || y->number_format < 0)
			return x->number_format < 0 ? 1 : -1;
		return DatumGetInt32(DirectFunctionCall2Coll(bttextcmp, C_COLLATION_OID, rating->names[x->number_format],
													 rating->names[y->number_format]));
	}
	if (x->measure != y->measure)
		return DatumGetInt32(DirectFunctionCall2Coll(bttextcmp, C_COLLATION_OID, rating->names[x->measure],
													 rating->names[y->measure]));
	if (x->basis != y->basis)
		return x->basis < y->basis ? -1 : 1;
	if (x->has_rate != y->has_rate)
		return x->has_rate ? -1 : 1;
	if (x->share != y->share)
		return x->share < y->share ? -1 : 1;
	if (x->reservation != y->reservation)
		return x->reservation < y->reservation ? -1 : 1;
	if (x->part != y->part)
		return (int) x->part - (int) y->part;
	return QuantityCompare(&x->rate, &y->rate);
}

/* Numbers combinations in an order that does not depend on that of the rows. */
void
OrderCombinations(Rating *rating)
{
	int		   *sorted = MemoryContextAllocHuge(rating->context, Max(1, rating->ncombinations) * sizeof(int));
	int			order = 0;

	for (int i = 0; i < rating->ncombinations; i++)
		sorted[i] = i;
	qsort_arg(sorted, rating->ncombinations, sizeof(int), compare_kinds, rating);
	for (int i = 0; i < rating->ncombinations; i++)
	{
		if (i > 0 && compare_kinds(&sorted[i - 1], &sorted[i], rating) != 0)
			order++;
		rating->combinations[sorted[i]].order = order;
	}
	pfree(sorted);
}

/* Reads the usage of the accounts that are paid for. */
void
ReadUsage(Rating *rating)
{
	const RatingScope *scope = &rating->scope;
	Oid			types[] = {INT8ARRAYOID, TIMESTAMPTZOID, TIMESTAMPTZOID, TIMESTAMPTZOID};
	Datum		values[] = {scope->accounts, TimestampTzGetDatum(scope->from), TimestampTzGetDatum(scope->to), scope->as_of};
	/* SPI looks at the kind of a receiver only to tell it from its own and from none */
	UsageReceiver self = {
		.receiver = {.receiveSlot = receive_record, .rStartup = start_receiving,
		.rShutdown = end_receiving, .rDestroy = end_receiving, .mydest = DestTuplestore},
		.rating = rating
	};

	self.kinds = kinds_create(rating->context, 1024, NULL);
	self.known = KnownKindsRead(rating->context);
	/* rows as they stand in the table are handed over without being copied */
	RunRatingQuery("SELECT r.* FROM compute_ledger._usage_record AS r"
				   " WHERE r.account = ANY ($1) AND r.started_at < $3 AND r.ended_at > $2"
				   " AND r.recorded <= $4 AND r.superseded > $4",
				   4, types, values, NULL, &self.receiver);
	kinds_destroy(self.kinds);
}
