/*
 * offer_costs.c
 *		What offers cost: by the prices of the time of use, counted and rounded as rating does it.
 *
 * Tiers, packages and free quantities are counted from the beginning of each offer, over its pieces; what each price is due
 * for in a piece is rounded once, as a charge is.
 */
#include "base/compat.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "common/int.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"

#include "accelerator/accelerator.h"
#include "base/kept_rows.h"
#include "base/numeric_arith.h"
#include "capacity/pool_set.h"
#include "placement/composite.h"
#include "placement/offer_costs.h"
#include "price/price_tier.h"
#include "profile/profile_period.h"

/* ---- terms of prices ---- */

/* A price list hardly ever changes. */
static KeptRows kept_terms = {
	.query = "SELECT t.id, t.pool_number, t.digits, t.model, t.price, t.tier_bounds, t.tier_prices, t.tier_fees, t.package_size, t.free, t.factor,"
	" c.chip, u.parts, u.scale FROM compute_ledger._rating_prices($1) AS t CROSS JOIN pg_catalog.unnest($2) AS c (chip)"
	" CROSS JOIN LATERAL compute_ledger._price_units(t.unit, t.work, c.chip) AS u",
	.tables = {"price", "currency", "accelerator_model", "accelerator_peak"},
	.most = 256,
	/* in a spot market hardly two offers have the same prices */
	.largest = 16,
};

enum
{
	TERM_ID,
	TERM_POOL_NUMBER,
	TERM_DIGITS,
	TERM_MODEL,
	TERM_PRICE,
	TERM_TIER_BOUNDS,
	TERM_TIER_PRICES,
	TERM_TIER_FEES,
	TERM_PACKAGE_SIZE,
	TERM_FREE,
	TERM_FACTOR,
	TERM_CHIP,
	TERM_PARTS,
	TERM_SCALE,
	TERM_COLUMNS
};

static const RowColumn term_columns[TERM_COLUMNS] = {
	ROW_COLUMN("id", INT8OID), ROW_COLUMN("pool_number", INT8OID), ROW_COLUMN("digits", INT4OID), ROW_COLUMN("model", TEXTOID),
	ROW_COLUMN("price", NUMERICOID), ROW_COLUMN("tier_bounds", NUMERICARRAYOID), ROW_COLUMN("tier_prices", NUMERICARRAYOID),
	ROW_COLUMN("tier_fees", NUMERICARRAYOID), ROW_COLUMN("package_size", NUMERICOID), ROW_COLUMN("free", NUMERICOID), ROW_COLUMN("factor", NUMERICOID),
	ROW_COLUMN_OWN("chip", "accelerator"), ROW_COLUMN("parts", NUMERICOID), ROW_COLUMN("scale", NUMERICOID)
};

/* The terms of a price for a chip; 0 stands for NULL. */
typedef struct CostTerm
{
	int64		id;
	int64		pool_number;	/* of what is counted together */
	int32		digits;
	PriceModel	model;
	Accelerator chip;
	Datum		values[TERM_COLUMNS];
} CostTerm;

/* ---- pools ---- */

enum
{
	POOL_POOL,
	POOL_ACCELERATOR,
	POOL_PRICED,
	POOL_PRICES,
	POOL_LIST_PRICES,
	POOL_COLUMNS
};

static const RowColumn pool_columns[POOL_COLUMNS] = {
	ROW_COLUMN("pool", INT8OID), ROW_COLUMN_OWN("accelerator", "accelerator"), ROW_COLUMN("priced", TSTZRANGEARRAYOID),
	ROW_COLUMN("prices", INT8ARRAYOID), ROW_COLUMN("list_prices", INT8ARRAYOID)
};

struct CostPools
{
	Oid			chip_type;
	Composites	rows;
};

/* Reads pools. */
CostPools *
CostPoolsRead(Datum candidates)
{
	CostPools  *pools = palloc(sizeof(CostPools));

	CompositeReadArray(candidates, pool_columns, POOL_COLUMNS, POOL_PRICED, "pools", &pools->rows);
	pools->chip_type = CompositeType("accelerator");
	return pools;
}

/* ---- parts ---- */

/* What one price is due for in a piece. */
typedef struct CostPart
{
	int			piece;
	int64		price;			/* 0: none, as of the list price */
	int64		list_price;
	const Accelerator *chip;
	TimestampTz starts;
	Datum		device_time;	/* in microseconds of devices */
	const CostTerm *term;		/* by which it is counted; NULL: not known */
	Datum		factor;
	Datum		units;			/* 0: not known */
	Datum		until;			/* of what counts together, up to its end */
	Datum		total;			/* of all that counts together */
} CostPart;

typedef struct CostParts
{
	CostPart   *parts;
	int			count;
	int			room;
} CostParts;

/* Adds the parts of a piece. */
static void
add_piece_parts(CostParts *all, const CostPools *pools, const CostPiece *piece, int place)
{
	const Composites *rows = &pools->rows;
	Datum	   *priced;
	Datum	   *prices;
	Datum	   *list_prices;
	bool	   *no_range;
	bool	   *no_price;
	bool	   *no_list_price;
	int			counts[3];
	int			i = 0;

	while (i < rows->count && DatumGetInt64(CompositeValue(rows, i, POOL_POOL)) != piece->pool)
		i++;
	if (i == rows->count || CompositeIsNull(rows, i, POOL_PRICED) || CompositeIsNull(rows, i, POOL_PRICES) || CompositeIsNull(rows, i, POOL_LIST_PRICES))
		return;
	deconstruct_array(DatumGetArrayTypeP(CompositeValue(rows, i, POOL_PRICED)), TSTZRANGEOID, -1, false, TYPALIGN_DOUBLE,
					  &priced, &no_range, &counts[0]);
	deconstruct_array(DatumGetArrayTypeP(CompositeValue(rows, i, POOL_PRICES)), INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE,
					  &prices, &no_price, &counts[1]);
	deconstruct_array(DatumGetArrayTypeP(CompositeValue(rows, i, POOL_LIST_PRICES)), INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE,
					  &list_prices, &no_list_price, &counts[2]);
	for (int n = 0; n < counts[0] && n < counts[1] && n < counts[2]; n++)
	{
		int64		from;
		int64		to;
		int64		time;

		if (no_range[n] || !ProfileWindow(priced[n], &from, &to))
			continue;
		from = Max(from, piece->starts);
		to = Min(to, piece->ends);
		if (from >= to)
			continue;
		if (TIMESTAMP_NOT_FINITE(from) || TIMESTAMP_NOT_FINITE(to) || pg_sub_s64_overflow(to, from, &time))
			ereport(ERROR,
					(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
					 errmsg("a piece of an offer has no length")));
		if (all->count == all->room)
		{
			all->room = all->room * 2 + 8;
			all->parts = all->parts == NULL ? palloc(all->room * sizeof(CostPart)) : repalloc_huge(all->parts, all->room * sizeof(CostPart));
		}
		all->parts[all->count++] = (CostPart) {
			.piece = place,
			.price = no_price[n] ? 0 : DatumGetInt64(prices[n]),
			.list_price = no_list_price[n] ? 0 : DatumGetInt64(list_prices[n]),
			.chip = DatumGetAcceleratorP(CompositeValue(rows, i, POOL_ACCELERATOR)),
			.starts = from,
			.device_time = NumericMultiply(NumericFromInteger(piece->devices), NumericFromInteger(time)),
		};
	}
}

/* Compares integers. */
static int
compare_integers(int64 a, int64 b)
{
	return (a > b) - (a < b);
}

/* Orders numbers of prices. */
static int
order_ids(const void *a, const void *b)
{
	return compare_integers(DatumGetInt64(*(const Datum *) a), DatumGetInt64(*(const Datum *) b));
}

/* Orders terms, as they are looked for. */
static int
order_terms(const void *a, const void *b)
{
	const CostTerm *first = a;
	const CostTerm *second = b;
	int			order = compare_integers(first->id, second->id);

	return order != 0 ? order : memcmp(&first->chip, &second->chip, sizeof(Accelerator));
}

/* Adds a chip to others, each once: there are no more than pieces. */
static void
add_chip(Datum *chips, int *count, const Accelerator *chip)
{
	for (int i = 0; i < *count; i++)
		if (memcmp(DatumGetAcceleratorP(chips[i]), chip, sizeof(Accelerator)) == 0)
			return;
	chips[(*count)++] = AcceleratorPGetDatum(chip);
}

/* Sorts numbers of prices, and keeps each once; returns how many there are. */
static int
sort_ids(Datum *ids, int count)
{
	int			kept = 0;

	qsort(ids, count, sizeof(Datum), order_ids);
	for (int i = 0; i < count; i++)
		if (i == 0 || DatumGetInt64(ids[i]) != DatumGetInt64(ids[kept - 1]))
			ids[kept++] = ids[i];
	return kept;
}

/* Reads the terms of the prices of parts, in a context of the caller. */
static int
read_terms(const CostPools *pools, const CostParts *all, CostTerm **terms)
{
	Datum	   *ids = palloc((2 * all->count + 1) * sizeof(Datum));
	Datum	   *chips = palloc((all->count + 1) * sizeof(Datum));
	int			nids = 0;
	int			nchips = 0;
	Oid			types[] = {INT8ARRAYOID, get_array_type(pools->chip_type)};
	Datum		values[2];
	bool		nulls[2] = {false};
	const KeptAnswer *answer;

	for (int i = 0; i < all->count; i++)
	{
		if (all->parts[i].price != 0)
			ids[nids++] = Int64GetDatum(all->parts[i].price);
		if (all->parts[i].list_price != 0)
			ids[nids++] = Int64GetDatum(all->parts[i].list_price);
		add_chip(chips, &nchips, all->parts[i].chip);
	}
	nids = sort_ids(ids, nids);
	values[0] = PointerGetDatum(construct_array(ids, nids, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	values[1] = PointerGetDatum(construct_array(chips, nchips, pools->chip_type, sizeof(Accelerator), false, TYPALIGN_CHAR));
	answer = KeptRowsAsk(&kept_terms, 2, types, values, nulls);
	RowColumnsCheck(answer->desc, "terms of prices", term_columns, TERM_COLUMNS);
	*terms = palloc0((answer->nrows + 1) * sizeof(CostTerm));
	for (uint64 i = 0; i < answer->nrows; i++)
	{
		CostTerm   *term = &(*terms)[i];
		bool		no_value[TERM_COLUMNS];

		heap_deform_tuple(answer->rows[i], answer->desc, term->values, no_value);
		for (int column = 0; column < TERM_COLUMNS; column++)
		{
			if (no_value[column] && (column <= TERM_MODEL || column == TERM_CHIP))
				RowNullError("terms of prices", term_columns[column].name);
			if (no_value[column])
				term->values[column] = (Datum) 0;
			else if (column >= TERM_MODEL && column != TERM_CHIP)
				term->values[column] = PointerGetDatum(PG_DETOAST_DATUM_COPY(term->values[column]));
		}
		term->id = DatumGetInt64(term->values[TERM_ID]);
		term->pool_number = DatumGetInt64(term->values[TERM_POOL_NUMBER]);
		term->digits = DatumGetInt32(term->values[TERM_DIGITS]);
		term->model = PriceModelFromText(term->values[TERM_MODEL]);
		term->chip = *DatumGetAcceleratorP(term->values[TERM_CHIP]);
	}
	qsort(*terms, answer->nrows, sizeof(CostTerm), order_terms);
	return answer->nrows;
}

/* Returns the terms of a price for a chip; NULL: there are none. */
static const CostTerm *
term_of(const CostTerm *terms, int count, int64 price, const Accelerator *chip)
{
	CostTerm	sought = {.id = price, .chip = *chip};

	return bsearch(&sought, terms, count, sizeof(CostTerm), order_terms);
}

/* Orders parts that count together, as they come. */
static int
order_counted(const void *a, const void *b)
{
	const CostPart *first = *(CostPart *const *) a;
	const CostPart *second = *(CostPart *const *) b;
	int			order = compare_integers(first->term->pool_number, second->term->pool_number);

	if (order == 0)
		order = compare_integers(first->starts, second->starts);
	return order != 0 ? order : first->piece - second->piece;
}

/* Adds up the units of parts that count together, in the order of time. */
static void
run_up_parts(CostParts *all)
{
	CostPart  **parts = palloc(all->count * sizeof(CostPart *));
	Datum		sum = (Datum) 0;
	int			count = 0;
	int			first = 0;

	for (int i = 0; i < all->count; i++)
		if (all->parts[i].units != (Datum) 0)
			parts[count++] = &all->parts[i];
	qsort(parts, count, sizeof(CostPart *), order_counted);
	for (int i = 0; i < count; i++)
	{
		bool		is_last = i == count - 1 || parts[i]->term->pool_number != parts[i + 1]->term->pool_number;

		sum = i == first ? parts[i]->units : NumericAdd(sum, parts[i]->units);
		parts[i]->until = sum;
		for (; is_last && first <= i; first++)
			parts[first]->total = sum;
	}
}

/* Says by which terms parts are counted, and how many units they are. */
static void
count_parts(CostParts *all, const CostTerm *terms, int count)
{
	for (int i = 0; i < all->count; i++)
	{
		CostPart   *part = &all->parts[i];
		const CostTerm *price = term_of(terms, count, part->price, part->chip);
		bool		follows_list = price != NULL && price->model == MODEL_LIST;

		part->term = follows_list ? term_of(terms, count, part->list_price, part->chip) : price;
		part->factor = price != NULL && price->values[TERM_FACTOR] != (Datum) 0 ? price->values[TERM_FACTOR] : NumericFromInteger(1);
		if (part->term != NULL && part->term->values[TERM_PARTS] != (Datum) 0)
			part->units = NumericMultiply(part->device_time, part->term->values[TERM_PARTS]);
	}
	run_up_parts(all);
}

/* ---- what is due ---- */

/* Whether a price is the same for each unit. */
static bool
is_plain(const CostTerm *term)
{
	return term->model == MODEL_FLAT && NumericCompare(term->values[TERM_FREE], NumericFromInteger(0)) == 0;
}

static const RowColumn due_columns[] = {ROW_COLUMN("due", NUMERICOID)};

/* Returns what is due for a part, after those before it that count together. */
static Datum
due_of(const CostPart *part)
{
	static SPIPlanPtr plan = NULL;
	const CostTerm *term = part->term;
	Oid			types[] = {
		TEXTOID, NUMERICOID, NUMERICARRAYOID, NUMERICARRAYOID, NUMERICARRAYOID, NUMERICOID, NUMERICOID, NUMERICOID, NUMERICOID, NUMERICOID, NUMERICOID
	};
	Datum		arguments[lengthof(types)];
	char		nulls[lengthof(types)];
	MemoryContext context = CurrentMemoryContext;
	Datum		due;
	bool		isnull;

	if (is_plain(term))
		return NumericMultiply(term->values[TERM_PRICE], part->units);
	for (int i = 0; i < 7; i++)
		arguments[i] = term->values[TERM_MODEL + i];
	arguments[7] = NumericSubtract(part->until, part->units);
	arguments[8] = part->until;
	arguments[9] = part->total;
	arguments[10] = term->values[TERM_SCALE];
	for (int i = 0; i < (int) lengthof(types); i++)
		nulls[i] = arguments[i] == (Datum) 0 ? 'n' : ' ';
	SPI_connect();
	RunBookPlan(&plan, "SELECT compute_ledger._scaled_tier_cost($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) AS due",
				lengthof(types), types, arguments, nulls, true, SPI_OK_SELECT);
	RowColumnsCheck(SPI_tuptable->tupdesc, "_scaled_tier_cost()", due_columns, lengthof(due_columns));
	due = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	MemoryContextSwitchTo(context);
	if (!isnull)
		due = PointerGetDatum(PG_DETOAST_DATUM_COPY(due));
	SPI_finish();
	MemoryContextSwitchTo(context);
	return isnull ? NumericFromInteger(0) : due;
}

/* Returns the greatest of an array of numbers, or their sum; 0 for NULL. */
static Datum
reduce(Datum array, bool add)
{
	Datum	   *values;
	bool	   *nulls;
	int			count;
	Datum		result = NumericFromInteger(0);

	if (array == (Datum) 0)
		return result;
	deconstruct_array(DatumGetArrayTypeP(array), NUMERICOID, -1, false, TYPALIGN_INT, &values, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		if (nulls[i])
			continue;
		if (add)
			result = NumericAdd(result, values[i]);
		else if (i == 0 || NumericCompare(values[i], result) > 0)
			result = values[i];
	}
	return result;
}

/* Returns what is due for a part at the most: whatever the tier, the package begun, and nothing for nothing. */
static Datum
most_due(const CostPart *part)
{
	const Datum *values = part->term->values;
	Datum		packages;

	if (part->term->model == MODEL_FLAT)
		return NumericMultiply(values[TERM_PRICE], part->units);
	if (part->term->model == MODEL_PACKAGE)
	{
		packages = DirectFunctionCall2(numeric_div, part->units, values[TERM_PACKAGE_SIZE]);
		return NumericMultiply(values[TERM_PRICE], NumericAdd(packages, values[TERM_SCALE]));
	}
	return NumericAdd(NumericMultiply(reduce(values[TERM_TIER_PRICES], false), part->units),
					  NumericMultiply(reduce(values[TERM_TIER_FEES], true), values[TERM_SCALE]));
}

/* Orders parts by what is rounded together: a price in a piece. */
static int
order_rounded(const void *a, const void *b)
{
	const CostPart *first = *(CostPart *const *) a;
	const CostPart *second = *(CostPart *const *) b;
	int			order = first->piece - second->piece;

	if (order == 0)
		order = compare_integers(first->price, second->price);
	if (order == 0)
		order = compare_integers(first->term->digits, second->term->digits);
	return order != 0 ? order : NumericCompare(first->term->values[TERM_SCALE], second->term->values[TERM_SCALE]);
}

/* Adds up what is due for parts, rounded once for each price in a piece. */
static void
sum_up_parts(CostParts *all, CostPiece *pieces)
{
	CostPart  **parts = palloc(all->count * sizeof(CostPart *));
	int			count = 0;

	for (int i = 0; i < all->count; i++)
	{
		CostPiece  *piece = &pieces[all->parts[i].piece];

		if (!piece->is_priced)
			piece->cost = piece->worst = NumericFromInteger(0);
		piece->is_priced = true;
		if (all->parts[i].units == (Datum) 0)
			piece->cost = piece->worst = (Datum) 0;
		else
			parts[count++] = &all->parts[i];
	}
	qsort(parts, count, sizeof(CostPart *), order_rounded);
	for (int i = 0; i < count;)
	{
		const CostTerm *term = parts[i]->term;
		CostPiece  *piece = &pieces[parts[i]->piece];
		Datum		due = NumericFromInteger(0);
		Datum		worst = NumericFromInteger(0);
		int			end = i;

		for (; end < count && order_rounded(&parts[i], &parts[end]) == 0; end++)
		{
			CHECK_FOR_INTERRUPTS();
			/* of what is not all known nothing is said */
			if (piece->cost == (Datum) 0)
				continue;
			due = NumericAdd(due, NumericMultiply(parts[end]->factor, due_of(parts[end])));
			worst = NumericAdd(worst, NumericMultiply(parts[end]->factor, most_due(parts[end])));
		}
		if (piece->cost != (Datum) 0)
		{
			piece->cost = NumericAdd(piece->cost, NumericRoundRatio(due, term->values[TERM_SCALE], term->digits));
			piece->worst = NumericAdd(piece->worst, NumericRoundRatio(worst, term->values[TERM_SCALE], term->digits));
		}
		i = end;
	}
}

/* Says what each piece of an offer costs. */
void
CostOffer(const CostPools *pools, CostPiece *pieces, int count)
{
	CostParts	all = {0};
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "costs of an offer", ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);

	for (int i = 0; i < count; i++)
		add_piece_parts(&all, pools, &pieces[i], i);
	if (all.count > 0)
	{
		CostTerm   *terms;
		int			nterms = read_terms(pools, &all, &terms);

		count_parts(&all, terms, nterms);
		sum_up_parts(&all, pieces);
	}
	MemoryContextSwitchTo(caller);
	for (int i = 0; i < count; i++)
	{
		if (pieces[i].cost == (Datum) 0)
			continue;
		pieces[i].cost = datumCopy(pieces[i].cost, false, -1);
		pieces[i].worst = datumCopy(pieces[i].worst, false, -1);
	}
	MemoryContextDelete(context);
}

/* ---- as SQL asks for it ---- */

enum
{
	PIECE_OFFER,
	PIECE_POOL,
	PIECE_DEVICES,
	PIECE_STARTS,
	PIECE_ENDS,
	PIECE_COLUMNS
};

static const RowColumn piece_columns[PIECE_COLUMNS] = {
	ROW_COLUMN("offer", INT4OID), ROW_COLUMN("pool", INT8OID), ROW_COLUMN("devices", INT8OID), ROW_COLUMN("starts", TIMESTAMPTZOID),
	ROW_COLUMN("ends", TIMESTAMPTZOID)
};

/*
 * _compute_costs(pools _placement_pool[], pieces _offer_piece[]) -> rows of (offer integer, piece integer, cost numeric, worst numeric)
 */
PG_FUNCTION_INFO_V1(compute_costs);
Datum
compute_costs(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	CostPools  *pools;
	Composites	rows;
	CostPiece  *pieces;
	int		   *places;
	bool	   *done;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		return (Datum) 0;
	pools = CostPoolsRead(PG_GETARG_DATUM(0));
	CompositeReadArray(PG_GETARG_DATUM(1), piece_columns, PIECE_COLUMNS, PIECE_COLUMNS, "pieces", &rows);
	pieces = palloc0((rows.count + 1) * sizeof(CostPiece));
	places = palloc((rows.count + 1) * sizeof(int));
	done = palloc0(rows.count + 1);
	for (int i = 0; i < rows.count; i++)
	{
		int			count = 0;

		/* those of its offer */
		for (int n = i; n < rows.count && !done[i]; n++)
		{
			if (DatumGetInt32(CompositeValue(&rows, n, PIECE_OFFER)) != DatumGetInt32(CompositeValue(&rows, i, PIECE_OFFER)))
				continue;
			pieces[count] = (CostPiece) {
				.pool = DatumGetInt64(CompositeValue(&rows, n, PIECE_POOL)),
				.devices = DatumGetInt64(CompositeValue(&rows, n, PIECE_DEVICES)),
				.starts = DatumGetTimestampTz(CompositeValue(&rows, n, PIECE_STARTS)),
				.ends = DatumGetTimestampTz(CompositeValue(&rows, n, PIECE_ENDS)),
			};
			places[count++] = n;
		}
		CostOffer(pools, pieces, count);
		for (int n = 0; n < count; n++)
		{
			Datum		values[] = {CompositeValue(&rows, i, PIECE_OFFER), Int32GetDatum(places[n] + 1), pieces[n].cost, pieces[n].worst};
			bool		nulls[] = {false, false, pieces[n].cost == (Datum) 0, pieces[n].worst == (Datum) 0};

			done[places[n]] = true;
			if (pieces[n].is_priced)
				tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
		}
	}
	return (Datum) 0;
}
