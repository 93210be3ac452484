/*
 * rate_parts.c
 *		The functions _rate_parts and _rate_all_parts: the parts of records that a charge, or
 *		each of many, is made of.
 *
 * What a charge costs depends on all usage in its pool, so a charge is traced in a rating
 * of its payer's whole billing period.  Such a rating is kept for the statement, for the
 * other charges of the period are mostly asked for next.
 */
#include "base/compat.h"

#include "access/htup_details.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rls.h"
#include "utils/typcache.h"

#include "base/decimal.h"
#include "base/numeric_arith.h"
#include "base/snapshot_key.h"
#include "profile/device_level.h"
#include "rating/rating.h"
#include "rating/rating_cell.h"
#include "rating/rating_charge.h"
#include "rating/rating_cost.h"
#include "rating/rating_pool.h"
#include "rating/rating_run.h"

/* ---- ratings that are kept ---- */

/* A rating, what it saw, and who asked: row-level security shows each user, in each session, other rows. */
typedef struct KeptRating
{
	SnapshotKey snapshot;
	Oid			user;
	Oid			session_user;
	bool		row_security;
	Rating	   *rating;
	MemoryContextCallback forget;
} KeptRating;

/* The last ones of the statement, the very last first: a correction is traced in two. */
static KeptRating *kept[2];

/* Forgets a rating whose memory goes. */
static void
forget_rating(void *arg)
{
	for (int i = 0; i < (int) lengthof(kept); i++)
	{
		if (kept[i] == arg)
			kept[i] = NULL;
	}
}

/* Whether two scopes ask for the same. */
static bool
same_scope(const RatingScope *a, const RatingScope *b)
{
	return a->as_of == b->as_of && a->from == b->from && a->to == b->to &&
		a->root_is_null == b->root_is_null && a->root == b->root &&
		datumIsEqual(a->book, b->book, false, -1) &&
		datumIsEqual(a->period, b->period, false, -1) &&
		datumIsEqual(a->payers, b->payers, false, -1) &&
		datumIsEqual(a->accounts, b->accounts, false, -1);
}

/*
 * Whether what row-level security shows depends on no more than what is known of a kept
 * rating: the ledger's policies go by who asks.  Somebody else's may depend on anything,
 * such as a setting that changes between two traces of a DO block.
 */
static bool
has_own_policies_only(void)
{
	bool		found;

	SPI_connect();
	RunRatingQuery("SELECT FROM pg_catalog.pg_policy AS p"
				   " JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) p.polrelid"
				   " JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace"
				   " WHERE n.nspname OPERATOR(pg_catalog.=) 'compute_ledger'"
				   " AND p.polname OPERATOR(pg_catalog.<>) ALL ('{owner,whole_ledger,visible}'::pg_catalog.name[])",
				   0, NULL, NULL, NULL, NULL);
	found = SPI_processed > 0;
	SPI_finish();
	return !found;
}

/* Keeps a rating for the rest of the statement, instead of the oldest. */
static void
keep_rating(Rating *rating)
{
	RatingScope *scope = &rating->scope;
	MemoryContext previous = MemoryContextSwitchTo(rating->context);
	KeptRating *keep = palloc0(sizeof(KeptRating));

	scope->book = datumCopy(scope->book, false, -1);
	scope->period = datumCopy(scope->period, false, -1);
	scope->payers = datumCopy(scope->payers, false, -1);
	scope->accounts = datumCopy(scope->accounts, false, -1);
	MemoryContextSwitchTo(previous);
	SnapshotKeyTake(&keep->snapshot);
	keep->user = GetUserId();
	keep->session_user = GetSessionUserId();
	keep->row_security = row_security;
	keep->rating = rating;
	keep->forget.func = forget_rating;
	keep->forget.arg = keep;
	MemoryContextRegisterResetCallback(rating->context, &keep->forget);
	/* the statement's own memory, where it has any */
	MemoryContextSetParent(rating->context, PortalContext != NULL ? PortalContext : TopTransactionContext);
	if (kept[1] != NULL)
		MemoryContextDelete(kept[1]->rating->context);
	kept[1] = kept[0];
	kept[0] = keep;
}

/* Returns the rating of a scope: one that is kept, or a new one, which is kept if it may be. */
static Rating *
get_rating(const RatingScope *scope, Oid accelerator_type)
{
	Rating	   *rating;

	for (int i = 0; i < (int) lengthof(kept); i++)
	{
		if (kept[i] == NULL)
			continue;
		if (!SnapshotKeyIsCurrent(&kept[i]->snapshot))
			MemoryContextDelete(kept[i]->rating->context);
		else if (kept[i]->user == GetUserId() && kept[i]->session_user == GetSessionUserId() &&
				 kept[i]->row_security == row_security && same_scope(&kept[i]->rating->scope, scope))
			return kept[i]->rating;
	}
	rating = MakeRating(scope, accelerator_type);
	if (has_own_policies_only())
		keep_rating(rating);
	return rating;
}

/* Frees a rating that is not kept. */
static void
release_rating(Rating *rating)
{
	for (int i = 0; i < (int) lengthof(kept); i++)
	{
		if (kept[i] != NULL && kept[i]->rating == rating)
			return;
	}
	MemoryContextDelete(rating->context);
}

/* ---- the charge that is given ---- */

/* What a row of type rated_charge says of the usage that is charged. */
typedef struct GivenCharge
{
	bool		by_sum;			/* it says all that tells a charge by its sum from others */
	bool		has_rate;
	int32		region;
	int32		basis;
	DateADT		day;
	int			measure;		/* number of a name */
	int			number_format;	/* likewise; -1: not known */
	int64		account;
	int64		payer;
	int64		billing_period;
	int64		price;			/* 0: none */
	int64		list_price;		/* 0: none */
	bool		corrects;		/* a correction is of all that its list prices cut */
	int32		share;			/* 0: not known */
	int16		part;			/* a DrawingPart */
	int64		reservation;	/* 0: none */
	Accelerator accelerator;
	Quantity	rate;
} GivenCharge;

/* Returns a column of the row; 0 for NULL, which is noted. */
static Datum
given_column(HeapTupleHeader row, const char *name, bool *isnull)
{
	bool		null;
	Datum		value = GetAttributeByName(row, name, &null);

	*isnull |= null;
	return null ? (Datum) 0 : value;
}

/* Returns what part of usage, or of a reservation, a kind of charge is for. */
static DrawingPart
part_of_kind(Datum kind)
{
	char	   *name = TextDatumGetCString(kind);

	return strcmp(name, "drawn") == 0 ? PART_DRAWN :
		strcmp(name, "reservation used") == 0 ? PART_USED :
		strcmp(name, "reservation unused") == 0 ? PART_UNUSED : PART_WHOLE;
}

/* Reads the row. */
static void
read_given(Rating *rating, HeapTupleHeader row, GivenCharge *given)
{
	bool		isnull = false;
	bool		without_rate = false;
	bool		unpriced = false;
	bool		unlisted = false;
	bool		no_correction = false;
	bool		unknown = false;
	bool		unshared = false;
	bool		unreserved = false;
	Datum		kind = given_column(row, "kind", &isnull);
	Datum		accelerator = given_column(row, "accelerator", &isnull);
	Datum		measure = given_column(row, "measure", &isnull);
	Datum		rate = given_column(row, "rate", &without_rate);
	Datum		number_format = given_column(row, "number_format", &unknown);

	memset(given, 0, sizeof(GivenCharge));
	given->account = DatumGetInt64(given_column(row, "account", &isnull));
	given->payer = DatumGetInt64(given_column(row, "payer", &isnull));
	given->billing_period = DatumGetInt64(given_column(row, "billing_period", &isnull));
	given->region = DatumGetInt32(given_column(row, "region", &isnull));
	given->basis = DatumGetInt32(given_column(row, "basis", &isnull));
	given->day = DatumGetDateADT(given_column(row, "day", &isnull));
	given->price = DatumGetInt64(given_column(row, "price", &unpriced));
	given->list_price = DatumGetInt64(given_column(row, "list_price", &unlisted));
	(void) given_column(row, "corrects", &no_correction);
	given->corrects = !no_correction;
	given->share = DatumGetInt32(given_column(row, "share", &unshared));
	given->reservation = DatumGetInt64(given_column(row, "reservation", &unreserved));
	given->has_rate = !without_rate;
	if (given->has_rate)
		memcpy(&given->rate, DatumGetQuantityP(rate), sizeof(Quantity));
	given->number_format = unknown ? -1 : RatingName(rating, number_format);
	given->by_sum = !isnull;
	if (!given->by_sum)
		return;
	given->measure = RatingName(rating, measure);
	given->part = (int16) part_of_kind(kind);
	memcpy(&given->accelerator, DatumGetAcceleratorP(accelerator), sizeof(Accelerator));
}

/* Whether a cell is of the payer, billing period and price that are given. */
static bool
has_given_price(const Rating *rating, const RatingCell *cell, const GivenCharge *given)
{
	return rating->places[cell->place].payer == given->payer &&
		rating->bills[cell->bill].id == given->billing_period &&
		(cell->price < 0 ? 0 : rating->prices[cell->price].id) == given->price;
}

/* Returns whose usage a charge is for. */
static int64
charge_owner(const Rating *rating, int charge)
{
	return rating->places[rating->cells[rating->charges[charge].cell].place].owner;
}

/* Returns the first charge of an account, of which those of a rating are in order, or where it would stand. */
static int
first_charge_of(const Rating *rating, int64 account)
{
	int			low = 0;
	int			high = rating->ncharges;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (charge_owner(rating, middle) < account)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Returns the first charge from one on that is given; -1 if there is none that is charged by its sum. */
static int
find_charge(const Rating *rating, const GivenCharge *given, int from)
{
	if (!given->by_sum)
		return -1;
	for (int i = Max(from, first_charge_of(rating, given->account));
		 i < rating->ncharges && charge_owner(rating, i) == given->account; i++)
	{
		const RatingCell *cell = &rating->cells[rating->charges[i].cell];
		const UsageKind *kind = &rating->combinations[cell->combination].kind;

		if (cell->asked && !cell->special &&
			rating->days[cell->day].date == given->day &&
			has_given_price(rating, cell, given) &&
			(given->corrects || cell->price < 0 || (cell->list_price < 0 ? 0 : rating->prices[cell->list_price].id) == given->list_price) &&
			kind->region == given->region && kind->basis == given->basis &&
			kind->measure == given->measure && kind->number_format == given->number_format &&
			memcmp(&kind->accelerator, &given->accelerator, sizeof(Accelerator)) == 0 &&
			kind->share == given->share &&
			kind->reservation == given->reservation && kind->part == given->part &&
			kind->has_rate == given->has_rate && memcmp(&kind->rate, &given->rate, sizeof(Quantity)) == 0)
			return i;
	}
	return -1;
}

/* ---- rows ---- */

/* Columns of _rate_parts(). */
enum
{
	PART_RECORD, PART_FROM, PART_TO, PART_DEVICES, PART_AMOUNT, PART_QUANTITY, PART_COST, PART_COLUMNS
};

/* Fills in the row of a part between two instants; quantity and cost are left to the caller. */
static void
describe_part(const Rating *rating, const RatingPart *part, TimestampTz from, TimestampTz to,
			  Datum *values, bool *nulls)
{
	memset(nulls, false, PART_COLUMNS * sizeof(bool));
	values[PART_RECORD] = Int64GetDatum(part->record);
	values[PART_FROM] = TimestampTzGetDatum(from);
	values[PART_TO] = TimestampTzGetDatum(to);
	values[PART_DEVICES] = DeviceLevelGetNumeric(part->counted);
	nulls[PART_AMOUNT] = rating->combinations[rating->cells[part->cell].combination].kind.share == 0;
	values[PART_AMOUNT] = NumericFromInt128((int128) part->level * (to - from), 0);
	nulls[PART_QUANTITY] = nulls[PART_COST] = true;
}

/* Returns the parts of a charge that is charged by its sum: shares of quantity and cost, as differences of rounded totals. */
static void
put_parts(Rating *rating, int number, ReturnSetInfo *result)
{
	const Charge *charge = &rating->charges[number];
	const RatingCell *cell = &rating->cells[charge->cell];
	RunningCost running;
	RatingParts trace = {0};
	MemoryContext own = AllocSetContextCreate(CurrentMemoryContext, "trace of a charge", ALLOCSET_DEFAULT_SIZES);
	MemoryContext row = AllocSetContextCreate(own, "part of a charge", ALLOCSET_SMALL_SIZES);
	MemoryContext previous = MemoryContextSwitchTo(own);

	TraceCharge(rating, number, &trace);
	StartRunningCost(&running, charge, cell->price < 0 ? NULL : &rating->prices[CountedPrice(rating, cell)]);
	MemoryContextSwitchTo(row);
	for (int64 i = 0; i < trace.count; i++)
	{
		const RatingPart *part = &trace.parts[i];
		Datum		values[PART_COLUMNS];
		bool		nulls[PART_COLUMNS];

		CHECK_FOR_INTERRUPTS();
		describe_part(rating, part, part->from, part->to, values, nulls);
		nulls[PART_QUANTITY] = false;
		nulls[PART_COST] = running.price == NULL;
		AddToRunningCost(&running, part->units, part->due, &values[PART_QUANTITY], &values[PART_COST]);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
		MemoryContextReset(row);
	}
	MemoryContextSwitchTo(previous);
	MemoryContextDelete(own);
	if (trace.parts)
		pfree(trace.parts);
}

/* Returns the parts that lie in the period of a charge that is not charged by its sum. */
static void
put_special_parts(Rating *rating, const GivenCharge *given, const RatingScope *own, ReturnSetInfo *result)
{
	RatingParts parts = {0};
	MemoryContext row = AllocSetContextCreate(CurrentMemoryContext, "part of a charge", ALLOCSET_SMALL_SIZES);
	MemoryContext previous = MemoryContextSwitchTo(row);

	for (int64 i = 0; i < rating->ncells; i++)
	{
		if (!rating->cells[i].special || !has_given_price(rating, &rating->cells[i], given))
			continue;
		CollectParts(rating, &i, 1, false, &parts);
		for (int64 n = 0; n < parts.count; n++)
		{
			TimestampTz from = Max(parts.parts[n].from, own->asked_from);
			TimestampTz to = Min(parts.parts[n].to, own->asked_to);
			Datum		values[PART_COLUMNS];
			bool		nulls[PART_COLUMNS];

			CHECK_FOR_INTERRUPTS();
			if (from >= to)
				continue;
			describe_part(rating, &parts.parts[n], from, to, values, nulls);
			tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
			MemoryContextReset(row);
		}
	}
	MemoryContextSwitchTo(previous);
	MemoryContextDelete(row);
	if (parts.parts)
		pfree(parts.parts);
}

/*
 * _rate_parts(book, as_of, payers, accounts, root, period, starts, ends, charge rated_charge)
 *		-> setof (record, part_from, part_to, devices, amount, quantity, cost)
 *
 * The parts of records that a charge is made of; the period is that of the charge or one
 * that holds it.  Of what is not charged by its sum, quantity and cost are NULL.  Raises
 * 22004 without the charge, its period, or what is rated.
 */
PG_FUNCTION_INFO_V1(rate_parts);
Datum
rate_parts(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	HeapTupleHeader row;
	TupleDesc	desc;
	Oid			accelerator_type;
	Datum		period;
	bool		isnull;
	RatingScope scope;
	RatingScope own;			/* what the charge alone asks for */
	GivenCharge given;
	Rating	   *whole;
	Rating	   *rating;			/* the whole, or cut at the bounds of the charge */
	int			number;

	if (PG_ARGISNULL(8))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the charge must be stated")));
	row = PG_GETARG_HEAPTUPLEHEADER(8);
	desc = lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(row), HeapTupleHeaderGetTypMod(row));
	RatedChargeCheck(desc);
	/* the column's type, whatever schema it is in */
	accelerator_type = SPI_gettypeid(desc, SPI_fnumber(desc, "accelerator"));
	ReleaseTupleDesc(desc);
	period = GetAttributeByName(row, "period", &isnull);
	if (isnull)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the period of the charge must be stated")));
	InitMaterializedSRF(fcinfo, 0);

	ReadRatingScope(fcinfo, &scope);
	own = scope;
	AskForPeriod(&own, period);
	rating = whole = get_rating(&scope, accelerator_type);
	read_given(rating, row, &given);
	number = find_charge(rating, &given, 0);
	if (number >= 0 && (rating->charges[number].from < own.asked_from || rating->charges[number].to > own.asked_to))
	{
		/* a part of a day was asked for: a charge of its own, which is rated by itself */
		rating = MakeRating(&own, accelerator_type);
		read_given(rating, row, &given);
		number = find_charge(rating, &given, 0);
	}
	if (number < 0)
		put_special_parts(rating, &given, &own, result);
	for (; number >= 0; number = find_charge(rating, &given, number + 1))
		put_parts(rating, number, result);
	if (rating != whole)
		release_rating(rating);
	release_rating(whole);
	return (Datum) 0;
}

/* ---- of many charges ---- */

/* Columns of _rate_all_parts(). */
enum
{
	ALL_NUMBER, ALL_RECORD, ALL_AMOUNT, ALL_COST, ALL_COLUMNS
};

/* A part by its charge. */
typedef struct ChargePart
{
	int			charge;
	int64		part;			/* number in the trace, where those of a charge are in order */
} ChargePart;

/* Orders parts by charge. */
static int
compare_charge_parts(const void *a, const void *b)
{
	const ChargePart *x = (const ChargePart *) a;
	const ChargePart *y = (const ChargePart *) b;

	if (x->charge != y->charge)
		return x->charge < y->charge ? -1 : 1;
	return x->part < y->part ? -1 : x->part > y->part;
}

/* Returns the parts of charges; numbers says which of those that are given each charge of the rating is, -1: none. */
static void
put_all_parts(Rating *rating, const int *numbers, ReturnSetInfo *result)
{
	RatingParts trace = {0};
	bool	   *wanted = palloc(Max(1, rating->ncharges) * sizeof(bool));
	ChargePart *order;
	RunningCost running = {0};
	MemoryContext row;
	MemoryContext previous;

	for (int i = 0; i < rating->ncharges; i++)
		wanted[i] = numbers[i] >= 0;
	TraceCharges(rating, wanted, &trace);
	order = palloc_extended(Max(1, trace.count) * sizeof(ChargePart), MCXT_ALLOC_HUGE);
	for (int64 i = 0; i < trace.count; i++)
		order[i] = (ChargePart) {.charge = rating->cells[trace.parts[i].cell].charge, .part = i};
	qsort(order, trace.count, sizeof(ChargePart), compare_charge_parts);

	row = AllocSetContextCreate(CurrentMemoryContext, "part of a charge", ALLOCSET_SMALL_SIZES);
	for (int64 i = 0; i < trace.count; i++)
	{
		const RatingPart *part = &trace.parts[order[i].part];
		const Charge *charge = &rating->charges[order[i].charge];
		const RatingCell *cell = &rating->cells[charge->cell];
		Datum		values[ALL_COLUMNS];
		bool		nulls[ALL_COLUMNS] = {false};
		Datum		quantity;

		CHECK_FOR_INTERRUPTS();
		if (i == 0 || order[i].charge != order[i - 1].charge)
			StartRunningCost(&running, charge, cell->price < 0 ? NULL : &rating->prices[CountedPrice(rating, cell)]);
		previous = MemoryContextSwitchTo(row);
		values[ALL_NUMBER] = Int32GetDatum(numbers[order[i].charge] + 1);
		values[ALL_RECORD] = Int64GetDatum(part->record);
		nulls[ALL_AMOUNT] = rating->combinations[rating->cells[part->cell].combination].kind.share == 0;
		values[ALL_AMOUNT] = NumericFromInt128((int128) part->level * (part->to - part->from), 0);
		nulls[ALL_COST] = running.price == NULL;
		AddToRunningCost(&running, part->units, part->due, &quantity, &values[ALL_COST]);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
		MemoryContextSwitchTo(previous);
		MemoryContextReset(row);
	}
	MemoryContextDelete(row);
	if (trace.parts)
		pfree(trace.parts);
}

/*
 * _rate_all_parts(book, as_of, payers, accounts, root, period, starts, ends, charges rated_charge[])
 *		-> setof (number, record, amount, cost)
 *
 * What _rate_parts() says of each of many charges that are charged by their sums, in one
 * pass; number is that of the charge in the array.  The charges are whole ones of what is
 * rated: of others, and of NULL, there are no rows.
 */
PG_FUNCTION_INFO_V1(rate_all_parts);
Datum
rate_all_parts(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext own;
	MemoryContext previous;
	ArrayType  *array;
	TupleDesc	desc;
	Oid			accelerator_type;
	int16		length;
	bool		by_value;
	char		align;
	Datum	   *given_rows;
	bool	   *nulls;
	int			count;
	RatingScope scope;
	Rating	   *rating;
	int		   *numbers;

	if (PG_ARGISNULL(8))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the charges must be stated")));
	array = PG_GETARG_ARRAYTYPE_P(8);
	desc = lookup_rowtype_tupdesc(ARR_ELEMTYPE(array), -1);
	RatedChargeCheck(desc);
	accelerator_type = SPI_gettypeid(desc, SPI_fnumber(desc, "accelerator"));
	ReleaseTupleDesc(desc);
	InitMaterializedSRF(fcinfo, 0);
	ReadRatingScope(fcinfo, &scope);
	rating = get_rating(&scope, accelerator_type);

	own = AllocSetContextCreate(CurrentMemoryContext, "trace of charges", ALLOCSET_DEFAULT_SIZES);
	previous = MemoryContextSwitchTo(own);
	get_typlenbyvalalign(ARR_ELEMTYPE(array), &length, &by_value, &align);
	deconstruct_array(array, ARR_ELEMTYPE(array), length, by_value, align, &given_rows, &nulls, &count);
	numbers = palloc(Max(1, rating->ncharges) * sizeof(int));
	memset(numbers, -1, rating->ncharges * sizeof(int));
	for (int i = 0; i < count; i++)
	{
		GivenCharge given;

		CHECK_FOR_INTERRUPTS();
		if (nulls[i])
			continue;
		read_given(rating, DatumGetHeapTupleHeader(given_rows[i]), &given);
		for (int n = find_charge(rating, &given, 0); n >= 0; n = find_charge(rating, &given, n + 1))
			numbers[n] = i;
	}
	put_all_parts(rating, numbers, result);
	MemoryContextSwitchTo(previous);
	MemoryContextDelete(own);
	release_rating(rating);
	return (Datum) 0;
}
