/*
 * cost_offers.c
 *		Offers with what they cost, what they are ranked by, and why they are out for it.
 */
#include "base/compat.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include "base/numeric_arith.h"
#include "base/value.h"
#include "capacity/pool_set.h"
#include "placement/composite.h"
#include "placement/cost_offers.h"
#include "profile/profile_period.h"

/* ---- what is asked ---- */

enum
{
	REQUEST_DATA_GB,
	REQUEST_RESULTS_GB,
	REQUEST_BETWEEN_GB,
	REQUEST_REQUIRED,
	REQUEST_NOT_BEFORE = REQUEST_REQUIRED,
	REQUEST_CEILING,
	REQUEST_MAX_COST,
	REQUEST_COLUMNS
};

static const RowColumn request_columns[REQUEST_COLUMNS] = {
	ROW_COLUMN("data_gb", NUMERICOID), ROW_COLUMN("results_gb", NUMERICOID), ROW_COLUMN("between_gb", NUMERICOID),
	ROW_COLUMN("not_before", TIMESTAMPTZOID), ROW_COLUMN("ceiling", NUMERICOID), ROW_COLUMN("max_cost", NUMERICOID)
};

enum
{
	POOL_POOL,
	POOL_GUEST,
	POOL_CURRENCY,
	POOL_COLUMNS
};

static const RowColumn pool_columns[POOL_COLUMNS] = {ROW_COLUMN("pool", INT8OID), ROW_COLUMN("guest", BOOLOID), ROW_COLUMN("currency", TEXTOID)};

struct CostAsked
{
	const AskedPlace *asked;
	Datum		request;
	Datum		candidates;
	Oid			types[2];		/* of these */
	bool		preempting;
	bool		brief;			/* lines are not wanted */
	bool		transfers;		/* something is brought somewhere */
	Composites	more;			/* columns of the request */
	Composites	pools;
	CostPools  *prices;			/* NULL: not read yet */
};

/* Says for what offers are to be priced. */
CostAsked *
CostAskedMake(Datum request, const AskedPlace *asked, Datum candidates, const Oid types[2], bool preempting, bool brief)
{
	CostAsked  *made = palloc0(sizeof(CostAsked));

	made->asked = asked;
	made->request = request;
	made->candidates = candidates;
	made->types[0] = types[0];
	made->types[1] = types[1];
	made->preempting = preempting;
	made->brief = brief;
	CompositeRead(request, request_columns, REQUEST_COLUMNS, REQUEST_REQUIRED, "a request", &made->more);
	for (int column = 0; column < REQUEST_REQUIRED; column++)
	{
		if (NumericCompare(CompositeValue(&made->more, 0, column), NumericFromInteger(0)) != 0)
			made->transfers = true;
	}
	return made;
}

/* ---- offers as rows ---- */

static const RowColumn offer_columns[OFFER_COLUMNS] = {
	ROW_COLUMN("pools", INT8ARRAYOID), ROW_COLUMN("devices", INT8ARRAYOID), ROW_COLUMN("starts", TIMESTAMPTZOID), ROW_COLUMN("ends", TIMESTAMPTZOID),
	ROW_COLUMN("efficiency", NUMERICOID), ROW_COLUMN("cost", NUMERICOID), ROW_COLUMN("worst", NUMERICOID), ROW_COLUMN("transfer_cost", NUMERICOID),
	ROW_COLUMN("lines", JSONBOID), ROW_COLUMN("late", BOOLOID), ROW_COLUMN("objective", NUMERICOID), ROW_COLUMN("too_dear", TEXTOID),
	ROW_COLUMN("displaces", BOOLOID)
};

/* Returns what rows of _placement_offer are. */
TupleDesc
CostedOfferDesc(Oid type)
{
	TupleDesc	desc = lookup_rowtype_tupdesc_copy(type, -1);

	if (desc->natts != OFFER_COLUMNS)
		elog(ERROR, "unexpected columns of _placement_offer");
	RowColumnsCheck(desc, "offers", offer_columns, OFFER_COLUMNS);
	return desc;
}

/* Makes an array of rows. */
Datum
CostedArray(Datum *rows, int count, Oid type)
{
	int16		size;
	bool		by_value;
	char		align;

	get_typlenbyvalalign(type, &size, &by_value, &align);
	return PointerGetDatum(construct_array(rows, count, type, size, by_value, align));
}

/* Makes the row of an offer. */
Datum
CostedOfferRow(const CostedOffer *offer, TupleDesc desc)
{
	Datum	   *pools = palloc(offer->npieces * sizeof(Datum));
	Datum	   *devices = palloc(offer->npieces * sizeof(Datum));
	Datum		values[OFFER_COLUMNS];
	bool		nulls[OFFER_COLUMNS];

	for (int i = 0; i < offer->npieces; i++)
	{
		pools[i] = Int64GetDatum(offer->pieces[i].pool);
		devices[i] = Int64GetDatum(offer->pieces[i].devices);
	}
	values[OFFER_POOLS] = CostedArray(pools, offer->npieces, INT8OID);
	values[OFFER_DEVICES] = CostedArray(devices, offer->npieces, INT8OID);
	values[OFFER_STARTS] = TimestampTzGetDatum(offer->starts);
	values[OFFER_ENDS] = TimestampTzGetDatum(offer->ends);
	values[OFFER_EFFICIENCY] = offer->efficiency;
	values[OFFER_COST] = offer->cost;
	values[OFFER_WORST] = offer->worst;
	values[OFFER_TRANSFER_COST] = offer->transfer_cost;
	values[OFFER_LINES] = offer->lines;
	values[OFFER_LATE] = BoolGetDatum(offer->late);
	values[OFFER_OBJECTIVE] = offer->objective;
	values[OFFER_TOO_DEAR] = offer->too_dear;
	values[OFFER_DISPLACES] = BoolGetDatum(offer->displaces);
	for (int i = 0; i < OFFER_COLUMNS; i++)
		nulls[i] = i >= OFFER_EFFICIENCY && i != OFFER_LATE && i != OFFER_DISPLACES && values[i] == (Datum) 0;
	return HeapTupleGetDatum(heap_form_tuple(desc, values, nulls));
}

/* ---- what it costs ---- */

/* Adds up what the pieces of an offer cost; a piece for which there is no price at all is as if it were not there. */
static void
add_up_pieces(CostedOffer *offer)
{
	bool		is_known = true;

	for (int i = 0; i < offer->npieces; i++)
	{
		const CostPiece *piece = &offer->pieces[i];

		if (!piece->is_priced)
			continue;
		if (!offer->is_priced)
			offer->cost = offer->worst = NumericFromInteger(0);
		offer->is_priced = true;
		if (piece->cost == (Datum) 0)
			is_known = false;
		else if (is_known)
		{
			offer->cost = NumericAdd(offer->cost, piece->cost);
			offer->worst = NumericAdd(offer->worst, piece->worst);
		}
	}
	if (!is_known)
		offer->cost = offer->worst = (Datum) 0;
}

/* Returns the row of a piece, with the number of its offer. */
static Datum
piece_row(int offer, const CostPiece *piece, TupleDesc desc)
{
	Datum		values[] = {
		Int32GetDatum(offer), Int64GetDatum(piece->pool), Int64GetDatum(piece->devices), TimestampTzGetDatum(piece->starts),
		TimestampTzGetDatum(piece->ends)
	};
	bool		nulls[lengthof(values)] = {false};

	if (desc->natts != (int) lengthof(values))
		elog(ERROR, "unexpected columns of _offer_piece");
	return HeapTupleGetDatum(heap_form_tuple(desc, values, nulls));
}

static const RowColumn line_columns[] = {ROW_COLUMN("transfer_cost", NUMERICOID), ROW_COLUMN("lines", JSONBOID), ROW_COLUMN("offer", INT4OID)};

/* Says what transfers of offers cost, and lists all that costs something. */
static void
add_transfers(const CostAsked *asked, CostedOffer *offers, int count)
{
	static SPIPlanPtr plan = NULL;
	static Oid	planned_type = InvalidOid;
	Oid			piece_type;
	Oid			types[5];
	Datum		arguments[5];
	TupleDesc	desc;
	Datum	   *rows;
	Datum	   *costs;
	bool	   *no_costs;
	int			npieces = 0;
	int			bounds[] = {1};
	TimestampTz base = asked->asked->at;
	MemoryContext context = CurrentMemoryContext;

	for (int i = 0; i < count; i++)
		npieces += offers[i].npieces;
	piece_type = CompositeType("_offer_piece");
	desc = lookup_rowtype_tupdesc_copy(piece_type, -1);
	rows = palloc((npieces + 1) * sizeof(Datum));
	costs = palloc((npieces + 1) * sizeof(Datum));
	no_costs = palloc(npieces + 1);
	npieces = 0;
	for (int i = 0; i < count; i++)
	{
		for (int n = 0; n < offers[i].npieces; n++)
		{
			costs[npieces] = offers[i].pieces[n].cost;
			no_costs[npieces] = offers[i].pieces[n].cost == (Datum) 0;
			rows[npieces++] = piece_row(i + 1, &offers[i].pieces[n], desc);
		}
	}
	if (!CompositeIsNull(&asked->more, 0, REQUEST_NOT_BEFORE))
		base = Max(base, DatumGetTimestampTz(CompositeValue(&asked->more, 0, REQUEST_NOT_BEFORE)));
	memcpy(types, (Oid[]) {asked->types[0], asked->types[1], get_array_type(piece_type), NUMERICARRAYOID, TIMESTAMPTZOID}, sizeof(types));
	arguments[0] = asked->request;
	arguments[1] = asked->candidates;
	arguments[2] = CostedArray(rows, npieces, piece_type);
	arguments[3] = PointerGetDatum(construct_md_array(costs, no_costs, 1, &npieces, bounds, NUMERICOID, -1, false, TYPALIGN_INT));
	arguments[4] = TimestampTzGetDatum(base);
	if (planned_type != types[2])
	{
		/* the extension was made anew since */
		plan = NULL;
		planned_type = types[2];
	}
	SPI_connect();
	RunBookPlan(&plan, "SELECT l.transfer_cost, l.lines, l.offer FROM compute_ledger._offer_lines($1, $2, $3, $4, $5) AS l",
				lengthof(types), types, arguments, NULL, true, SPI_OK_SELECT);
	RowColumnsCheck(SPI_tuptable->tupdesc, "_offer_lines()", line_columns, lengthof(line_columns));
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];
		bool		isnull;
		int32		offer = DatumGetInt32(SPI_getbinval(row, SPI_tuptable->tupdesc, 3, &isnull));

		if (isnull || offer < 1 || offer > count)
			elog(ERROR, "lines of an offer that was not asked about");
		offers[offer - 1].transfer_cost = ValueOfFound(row, 1, NUMERICOID, context);
		offers[offer - 1].lines = ValueOfFound(row, 2, JSONBOID, context);
	}
	SPI_finish();
	MemoryContextSwitchTo(context);
}

/* Reads pools, once. */
static const Composites *
costed_pools(CostAsked *asked)
{
	if (asked->pools.values == NULL)
		CompositeReadArray(asked->candidates, pool_columns, POOL_COLUMNS, POOL_CURRENCY, "pools", &asked->pools);
	return &asked->pools;
}

static const RowColumn displaces_columns[] = {ROW_COLUMN("displaces", BOOLOID)};
static const RowColumn money_columns[] = {ROW_COLUMN("money", TEXTOID)};

/* Whether somebody has to give way to a piece. */
static bool
piece_displaces(CostAsked *asked, const CostPiece *piece)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[] = {INT8OID, BOOLOID, INT8OID, TSTZRANGEOID, TIMESTAMPTZOID};
	const Composites *pools = costed_pools(asked);
	bool		displaces = false;

	for (int i = 0; i < pools->count; i++)
	{
		Datum		arguments[] = {
			Int64GetDatum(piece->pool), CompositeValue(pools, i, POOL_GUEST), Int64GetDatum(piece->devices), ProfileMakeRange(piece->starts, piece->ends),
			TimestampTzGetDatum(asked->asked->at)
		};
		bool		isnull;

		if (DatumGetInt64(CompositeValue(pools, i, POOL_POOL)) != piece->pool)
			continue;
		SPI_connect();
		RunBookPlan(&plan, "SELECT compute_ledger._displaces($1, $2, $3, $4, $5) AS displaces",
					lengthof(types), types, arguments, NULL, true, SPI_OK_SELECT);
		RowColumnsCheck(SPI_tuptable->tupdesc, "_displaces()", displaces_columns, lengthof(displaces_columns));
		displaces = DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull)) && !isnull;
		SPI_finish();
		break;
	}
	return displaces;
}

/* Returns an amount of money for people to read, in the currency of the pools. */
static char *
money_text(CostAsked *asked, Datum amount)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[] = {NUMERICOID, TEXTOID};
	const Composites *pools = costed_pools(asked);
	bool		no_currency = pools->count == 0 || CompositeIsNull(pools, 0, POOL_CURRENCY);
	Datum		arguments[] = {amount, no_currency ? (Datum) 0 : CompositeValue(pools, 0, POOL_CURRENCY)};
	char		nulls[] = {' ', no_currency ? 'n' : ' '};
	MemoryContext context = CurrentMemoryContext;
	Datum		money = (Datum) 0;

	SPI_connect();
	RunBookPlan(&plan, "SELECT compute_ledger._money_text($1, $2) AS money", lengthof(types), types, arguments, nulls, true, SPI_OK_SELECT);
	RowColumnsCheck(SPI_tuptable->tupdesc, "_money_text()", money_columns, lengthof(money_columns));
	if (SPI_processed > 0)
		money = ValueOfFound(SPI_tuptable->vals[0], 1, TEXTOID, context);
	SPI_finish();
	MemoryContextSwitchTo(context);
	return money == (Datum) 0 ? "" : TextDatumGetCString(money);
}

/* Says why an offer of so many devices is out for what it costs; 0: it is not. */
static Datum
dear_reason(CostAsked *asked, const CostedOffer *offer, int64 devices)
{
	/* it is priced, so it has a length */
	Datum		seconds = NumericGetDatum(int64_div_fast_to_numeric(offer->ends - offer->starts, 6));
	Datum		device_seconds = NumericMultiply(NumericFromInteger(devices), seconds);
	Datum		by_hour;
	Datum		total;
	const char *reason = NULL;

	if (offer->cost == (Datum) 0 || offer->transfer_cost == (Datum) 0)
		return CStringGetTextDatum("no price of transfer between its pieces");
	by_hour = NumericMultiply(offer->cost, NumericFromInteger(3600));
	total = NumericAdd(offer->cost, offer->transfer_cost);
	if (!CompositeIsNull(&asked->more, 0, REQUEST_CEILING) &&
		NumericCompare(by_hour, NumericMultiply(CompositeValue(&asked->more, 0, REQUEST_CEILING), device_seconds)) > 0)
		reason = psprintf("above the ceiling: %s for a device-hour",
						  money_text(asked, DirectFunctionCall2(numeric_div, by_hour, device_seconds)));
	else if (!CompositeIsNull(&asked->more, 0, REQUEST_MAX_COST) && NumericCompare(total, CompositeValue(&asked->more, 0, REQUEST_MAX_COST)) > 0)
		reason = psprintf("costs %s, which is too much", money_text(asked, total));
	return reason == NULL ? (Datum) 0 : CStringGetTextDatum(reason);
}

/* Says what offers cost and what they are ranked by; of an offer for no part of which there is a price only that. */
void
CostOffers(CostAsked *asked, CostedOffer *offers, int count)
{
	if (asked->prices == NULL)
		asked->prices = CostPoolsRead(asked->candidates);
	for (int i = 0; i < count; i++)
	{
		CostOffer(asked->prices, offers[i].pieces, offers[i].npieces);
		add_up_pieces(&offers[i]);
		offers[i].transfer_cost = NumericFromInteger(0);
	}
	if (asked->transfers || !asked->brief)
		add_transfers(asked, offers, count);
	for (int i = 0; i < count; i++)
	{
		CostedOffer *offer = &offers[i];
		int64		devices = 0;

		for (int n = 0; n < offer->npieces; n++)
			devices += offer->pieces[n].devices;
		offer->late = offer->ends > asked->asked->deadline;
		if (!offer->is_priced)
			continue;
		offer->too_dear = dear_reason(asked, offer, devices);
		if (offer->cost != (Datum) 0 && offer->transfer_cost != (Datum) 0)
			offer->objective = NumericAdd(NumericAdd(offer->cost, offer->transfer_cost), DelayMoney(asked->asked, devices, offer->ends));
		for (int n = 0; n < offer->npieces && asked->preempting && !offer->displaces; n++)
			offer->displaces = piece_displaces(asked, &offer->pieces[n]);
	}
}

/* ---- as SQL asks for it ---- */

/* Reads the pieces of an offer. */
static void
read_pieces(Datum pools, Datum devices, CostedOffer *offer)
{
	Datum	   *values[2];
	bool	   *nulls[2];
	int			counts[2];

	deconstruct_array(DatumGetArrayTypeP(pools), INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &values[0], &nulls[0], &counts[0]);
	deconstruct_array(DatumGetArrayTypeP(devices), INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &values[1], &nulls[1], &counts[1]);
	if (counts[0] != counts[1])
		elog(ERROR, "an offer has %d pools and %d numbers of devices", counts[0], counts[1]);
	offer->pieces = palloc0((counts[0] + 1) * sizeof(CostPiece));
	offer->npieces = counts[0];
	for (int i = 0; i < counts[0]; i++)
	{
		if (nulls[0][i] || nulls[1][i])
			RowNullError("offers", "pools");
		offer->pieces[i] = (CostPiece) {
			.pool = DatumGetInt64(values[0][i]), .devices = DatumGetInt64(values[1][i]), .starts = offer->starts, .ends = offer->ends
		};
	}
}

/*
 * _cost_offers(asked placement_request, candidates _placement_pool[], offers _placement_offer[], at timestamptz, preempting boolean)
 *		-> _placement_offer[]
 */
PG_FUNCTION_INFO_V1(cost_offers);
Datum
cost_offers(PG_FUNCTION_ARGS)
{
	Oid			types[] = {get_fn_expr_argtype(fcinfo->flinfo, 0), get_fn_expr_argtype(fcinfo->flinfo, 1)};
	AskedPlace	asked;
	Composites	rows;
	CostedOffer *offers;
	Datum	   *answer;
	TupleDesc	desc;
	int			count = 0;

	for (int i = 0; i < 5; i++)
		if (PG_ARGISNULL(i))
			PG_RETURN_NULL();
	desc = CostedOfferDesc(get_element_type(get_fn_expr_argtype(fcinfo->flinfo, 2)));
	CompositeReadArray(PG_GETARG_DATUM(2), offer_columns, OFFER_COLUMNS, OFFER_EFFICIENCY, "offers", &rows);
	offers = palloc0((rows.count + 1) * sizeof(CostedOffer));
	for (int i = 0; i < rows.count; i++)
	{
		offers[i].starts = DatumGetTimestampTz(CompositeValue(&rows, i, OFFER_STARTS));
		offers[i].ends = DatumGetTimestampTz(CompositeValue(&rows, i, OFFER_ENDS));
		offers[i].efficiency = CompositeIsNull(&rows, i, OFFER_EFFICIENCY) ? (Datum) 0 : CompositeValue(&rows, i, OFFER_EFFICIENCY);
		read_pieces(CompositeValue(&rows, i, OFFER_POOLS), CompositeValue(&rows, i, OFFER_DEVICES), &offers[i]);
	}
	if (rows.count == 0)
		PG_RETURN_NULL();
	AskedRead(PG_GETARG_DATUM(0), PG_GETARG_TIMESTAMPTZ(3), &asked);
	CostOffers(CostAskedMake(PG_GETARG_DATUM(0), &asked, PG_GETARG_DATUM(1), types, PG_GETARG_BOOL(4), false), offers, rows.count);
	answer = palloc(rows.count * sizeof(Datum));
	for (int i = 0; i < rows.count; i++)
		if (offers[i].is_priced)
			answer[count++] = CostedOfferRow(&offers[i], desc);
	if (count == 0)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(CostedArray(answer, count, desc->tdtypeid));
}
