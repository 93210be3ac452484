/*
 * rollup_sum.c
 *		All rollups of usage at once: what the records of a query come to in each of their tables.
 *
 * Records come straight from the executor, and are added to the cells of their group: account, payer and kind (region,
 * accelerator, measure and basis).  When all have come the cells are rows of usage by the hour, and everything else is
 * sums of them.
 *
 * Cells that do not fit into memory: then half of what accounts have in a region of a device is left for another pass over
 * the records, and half of what stays if there are still too many, so that each pass is whole for all sums of an account.
 *
 * Hours that count for another from now on are rows again, with what has been added to them; of the one who had them they
 * are taken from the sums only.
 *
 * To correct the tables, what they say is taken away: what is left is to be added to them.  A check does the same with the
 * hours, but takes sums of the hours that are stored, so that one hour that is wrong is not said of its day and month, too.
 */
#include "base/compat.h"

#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/memutils.h"

#include "base/decimal.h"
#include "quantity/quantity_type.h"
#include "report/rollup_read.h"
#include "report/rollup_sum.h"

/* Orders kinds by region, accelerator, measure, basis. */
static int
compare_rollup_kinds(const void *a, const void *b, void *arg)
{
	const Rollup *rollup = (const Rollup *) arg;
	const KindKey *x = &rollup->kinds[*(const int *) a].key;
	const KindKey *y = &rollup->kinds[*(const int *) b].key;
	int			order;

	if (x->region != y->region)
		return x->region < y->region ? -1 : 1;
	if ((order = AcceleratorCompare(&x->accelerator, &y->accelerator)) != 0)
		return order;
	if (x->measure != y->measure)
	{
		const text *m;
		const text *n;

		if (x->measure == NO_MEASURE || y->measure == NO_MEASURE)
			return x->measure == NO_MEASURE ? -1 : 1;
		m = rollup->measures[x->measure];
		n = rollup->measures[y->measure];
		order = memcmp(VARDATA_ANY(m), VARDATA_ANY(n), Min(VARSIZE_ANY_EXHDR(m), VARSIZE_ANY_EXHDR(n)));
		return order != 0 ? order : VARSIZE_ANY_EXHDR(m) < VARSIZE_ANY_EXHDR(n) ? -1 : 1;
	}
	return x->basis < y->basis ? -1 : x->basis > y->basis;
}

/* Numbers kinds in order. */
static void
rank_kinds(Rollup *rollup)
{
	int		   *order = MemoryContextAllocHuge(rollup->context, Max(1, rollup->nkinds) * sizeof(int));

	for (int i = 0; i < rollup->nkinds; i++)
		order[i] = i;
	qsort_arg(order, rollup->nkinds, sizeof(int), compare_rollup_kinds, rollup);
	for (int i = 0; i < rollup->nkinds; i++)
		rollup->kinds[order[i]].rank = i;
	pfree(order);
}

/* Gives a row, of which the amounts are filled in. */
static void
put_rollup_row(Rollup *rollup, RollupTable table, int64 who, int64 when, DateADT day, const KindKey *kind, Datum *values, bool *nulls)
{
	bool		hourly = table == ROLLUP_USAGE_HOURLY || table == ROLLUP_FLEET_HOURLY;

	values[ROLLUP_COL_TABLE] = Int32GetDatum((int32) table);
	nulls[ROLLUP_COL_TABLE] = false;
	values[ROLLUP_COL_ACCOUNT] = Int64GetDatum(who);
	nulls[ROLLUP_COL_ACCOUNT] = who == 0;
	values[ROLLUP_COL_REGION] = Int32GetDatum(kind->region);
	nulls[ROLLUP_COL_REGION] = false;
	values[ROLLUP_COL_ACCELERATOR] = AcceleratorPGetDatum(&kind->accelerator);
	nulls[ROLLUP_COL_ACCELERATOR] = false;
	if (kind->measure != NO_MEASURE)
	{
		values[ROLLUP_COL_MEASURE] = PointerGetDatum(rollup->measures[kind->measure]);
		values[ROLLUP_COL_BASIS] = Int32GetDatum(kind->basis);
	}
	nulls[ROLLUP_COL_MEASURE] = nulls[ROLLUP_COL_BASIS] = kind->measure == NO_MEASURE;
	if (hourly)
		values[ROLLUP_COL_HOUR] = TimestampTzGetDatum(when * USECS_PER_HOUR);
	nulls[ROLLUP_COL_HOUR] = !hourly;
	values[ROLLUP_COL_DAY] = DateADTGetDatum(day);
	nulls[ROLLUP_COL_DAY] = table == ROLLUP_FLEET_HOURLY;
	rollup->sink->put(rollup->sink, table, values, nulls);
	MemoryContextReset(rollup->scratch);
}

/* Sets a value of a row. */
static inline void
set_value(Datum *values, bool *nulls, int column, Datum value)
{
	values[column] = value;
	nulls[column] = false;
}

/* Gives an hour of usage. */
static void
put_hour(Rollup *rollup, const GroupKey *key, const RollupCell *cell)
{
	Datum		values[ROLLUP_COLUMNS];
	bool		nulls[ROLLUP_COLUMNS];
	const KindKey *kind = &rollup->kinds[key->kind].key;
	MemoryContext previous = MemoryContextSwitchTo(rollup->scratch);

	memset(nulls, true, sizeof(nulls));
	set_value(values, nulls, ROLLUP_COL_STARTED, Int64GetDatum(cell->started));
	set_value(values, nulls, ROLLUP_COL_LENGTH, Int64GetDatum(cell->length));
	set_value(values, nulls, ROLLUP_COL_SHARED, Int64GetDatum(cell->shared));
	set_value(values, nulls, ROLLUP_COL_RATED, Int64GetDatum(cell->rated));
	set_value(values, nulls, ROLLUP_COL_ACHIEVING, Int64GetDatum(cell->achieving));
	set_value(values, nulls, ROLLUP_COL_DEVICE_TIME, NumericFromInt128(cell->device_time, 0));
	if (cell->has_work)
		set_value(values, nulls, ROLLUP_COL_WORK, QuantityPGetDatum(QuantityMake(cell->work, (uint16) kind->basis)));
	if (cell->has_achieved)
		set_value(values, nulls, ROLLUP_COL_ACHIEVED, QuantityPGetDatum(QuantityMake(cell->achieved, BASIS_FLOP)));
	MemoryContextSwitchTo(previous);
	put_rollup_row(rollup, ROLLUP_USAGE_HOURLY, key->account, RollupHour(cell->key), RollupDay(cell->key), kind, values, nulls);
}

/* Tells whether a sum is nothing. */
static bool
is_nothing(const RollupTotal *sum)
{
	for (int i = 0; i < SUM_LENGTHS; i++)
	{
		if (sum->lengths[i] != 0)
			return false;
	}
	for (int i = 0; i < SUM_TIMES; i++)
	{
		if (sum->times[i] != 0)
			return false;
	}
	return true;
}

/* Gives a sum. */
static void
put_sum(Rollup *rollup, const RollupTotal *sum)
{
	RollupTable table = (RollupTable) sum->key.table;
	const KindKey *kind = &rollup->kinds[sum->key.what].key;
	Datum		values[ROLLUP_COLUMNS];
	bool		nulls[ROLLUP_COLUMNS];
	MemoryContext previous = MemoryContextSwitchTo(rollup->scratch);

	memset(nulls, true, sizeof(nulls));
	if (table == ROLLUP_USAGE_DAILY)
	{
		for (int i = 0; i < (int) lengthof(rollup_usage_lengths); i++)
			set_value(values, nulls, rollup_usage_lengths[i], Int64GetDatum(sum->lengths[i]));
		set_value(values, nulls, ROLLUP_COL_DEVICE_TIME, NumericFromInt128(sum->times[SUM_DEVICE_TIME], 0));
		if (sum->has_work)
			set_value(values, nulls, ROLLUP_COL_WORK, QuantityPGetDatum(QuantityMake(sum->times[SUM_WORK], (uint16) kind->basis)));
		if (sum->has_achieved)
			set_value(values, nulls, ROLLUP_COL_ACHIEVED, QuantityPGetDatum(QuantityMake(sum->times[SUM_ACHIEVED], BASIS_FLOP)));
	}
	else
	{
		for (int i = 0; i < (int) lengthof(rollup_utilization_lengths); i++)
			set_value(values, nulls, rollup_utilization_lengths[i], Int64GetDatum(sum->lengths[i]));
		for (int i = 0; i < (int) lengthof(rollup_utilization_times); i++)
			set_value(values, nulls, rollup_utilization_times[i], NumericFromInt128(sum->times[i], 0));
	}
	MemoryContextSwitchTo(previous);
	put_rollup_row(rollup, table, sum->key.who, sum->key.when, (DateADT) sum->key.when, kind, values, nulls);
}

/* Orders sums as the key of their table does. */
static inline int
compare_sums(const SumEntry *a, const SumEntry *b)
{
	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	if (a->second != b->second)
		return a->second < b->second ? -1 : 1;
	return a->rank - b->rank;
}

#define ST_SORT sort_sums
#define ST_ELEMENT_TYPE SumEntry
#define ST_COMPARE(a, b) compare_sums(a, b)
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

/* Returns the first of a date's month. */
static DateADT
first_of_month(DateADT day)
{
	int			year;
	int			month;
	int			of_month;

	j2date(day + POSTGRES_EPOCH_JDATE, &year, &month, &of_month);
	return day - of_month + 1;
}

/* Returns the date of an instant; before or after all for what is not finite. */
static int64
date_of(TimestampTz at)
{
	if (TIMESTAMP_NOT_FINITE(at))
		return at < 0 ? PG_INT32_MIN : PG_INT32_MAX;
	return at / USECS_PER_DAY - (at % USECS_PER_DAY < 0);
}

/* Whether what a sum is of lies in the hours that are compared, as rollup_read.c has it of stored rows. */
static bool
is_whole(const Rollup *rollup, const SumKey *key)
{
	int64		from = date_of(rollup->query->from);
	int64		to = date_of(rollup->query->to);

	switch (key->table)
	{
		case ROLLUP_USAGE_DAILY:
			return key->when > from && key->when < to - 1;
		case ROLLUP_USAGE_MONTHLY:
		case ROLLUP_CAPACITY_MONTHLY:
			/* 31 days after its first, a month is over, and the next is not */
			return key->when >= from && first_of_month((DateADT) key->when + 31) <= to;
		default:
			return true;
	}
}

/* Notes a sum, if it is of a table, to be given. */
static inline void
list_sum(const Rollup *rollup, const RollupTotal *sum, RollupTable table, SumEntry *list, Size *count)
{
	bool		of_accounts = RollupIsOfAccounts(table);
	SumEntry   *entry = &list[*count];

	if (sum->key.table != (int32) table || is_nothing(sum) || !is_whole(rollup, &sum->key))
		return;
	entry->first = of_accounts ? sum->key.who : sum->key.when;
	entry->second = of_accounts ? sum->key.when : sum->key.who;
	entry->rank = rollup->kinds[sum->key.what].rank;
	entry->sum = sum;
	(*count)++;
}

/* Gives the sums of a table. */
static void
put_sums(Rollup *rollup, RollupTable table)
{
	bool		hourly = table == ROLLUP_FLEET_HOURLY;
	sums_hash  *sums = hourly ? rollup->days : RollupSumsOf(rollup, table);
	SumEntry   *list = MemoryContextAllocHuge(rollup->context, Max(1, (Size) sums->members * (hourly ? HOURS_PER_DAY : 1)) * sizeof(SumEntry));
	Size		count = 0;
	sums_iterator iterator;
	RollupTotal		   *sum;

	sums_start_iterate(sums, &iterator);
	while ((sum = sums_iterate(sums, &iterator)) != NULL)
	{
		if (!hourly)
			list_sum(rollup, sum, table, list, &count);
		else if (sum->hours != NULL)
			for (int i = 0; i < HOURS_PER_DAY; i++)
				list_sum(rollup, &sum->hours[i], table, list, &count);
	}
	sort_sums(list, count);
	for (Size i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		put_sum(rollup, list[i].sum);
	}
	pfree(list);
}

/* Whether what there is of a group is part of the sums: in a check what is stored, else what records say. */
static inline bool
is_of_sums(const Rollup *rollup, const RollupGroup *group)
{
	return (group->key.payer == 0) == (rollup->query->purpose == ROLLUP_CHECK);
}

/* Adds what was added up of a local day to its sum. */
static void
end_local_day(Rollup *rollup, RollupGroup *group)
{
	const RollupCell *cell = &group->local.cell;
	RollupTotal		   *sum;

	if (group->local.day == DATEVAL_NOBEGIN)
		return;
	sum = RollupFindSum(rollup->sums, ROLLUP_USAGE_DAILY, group->key.account, group->local.day, (int) group->key.kind);
	sum->has_work |= cell->has_work;
	sum->has_achieved |= cell->has_achieved;
	RollupAddLength(&sum->lengths[SUM_STARTED], cell->started, true);
	RollupAddLength(&sum->lengths[SUM_LENGTH], cell->length, true);
	RollupAddLength(&sum->lengths[SUM_SHARED], cell->shared, true);
	RollupAddLength(&sum->lengths[SUM_RATED], cell->rated, true);
	RollupAddLength(&sum->lengths[SUM_ACHIEVING], cell->achieving, true);
	RollupAddTime(&sum->times[SUM_DEVICE_TIME], cell->device_time, true);
	RollupAddTime(&sum->times[SUM_WORK], cell->work, true);
	RollupAddTime(&sum->times[SUM_ACHIEVED], cell->achieved, true);
}

/* Adds what there is of a cell to a sum of utilization. */
static inline void
add_use(RollupTotal *sum, const RollupCell *cell, int64 measure)
{
	RollupAddLength(&sum->lengths[SUM_ALL], cell->length, true);
	if (measure <= SUM_USED)
	{
		RollupAddLength(&sum->lengths[measure], cell->shared, true);
		RollupAddTime(&sum->times[measure], cell->device_time, true);
	}
}

/* Adds what was added up of a day of UTC to its sums. */
static void
end_utc_day(Rollup *rollup, RollupGroup *group)
{
	const Kind *kind = &rollup->kinds[group->key.kind];
	const RollupCell *cell = &group->utc.cell;
	DateADT		month;

	if (group->utc.day == DATEVAL_NOBEGIN)
		return;
	if (is_of_sums(rollup, group))
		add_use(RollupFindSum(rollup->sums, ROLLUP_UTILIZATION_DAILY, group->key.account, group->utc.day, kind->place), cell, kind->key.measure);
	if (group->key.payer == 0)
		return;
	month = first_of_month(group->utc.day);
	add_use(RollupFindSum(rollup->months, ROLLUP_USAGE_MONTHLY, group->key.payer, month, kind->place), cell, kind->key.measure);
}

/* Adds a cell to what is being added up. */
static inline void
add_running(Running *running, const RollupCell *cell)
{
	RollupCell *sum = &running->cell;

	sum->has_work |= cell->has_work;
	sum->has_achieved |= cell->has_achieved;
	RollupAddLength(&sum->started, cell->started, true);
	RollupAddLength(&sum->length, cell->length, true);
	RollupAddLength(&sum->shared, cell->shared, true);
	RollupAddLength(&sum->rated, cell->rated, true);
	RollupAddLength(&sum->achieving, cell->achieving, true);
	RollupAddTime(&sum->device_time, cell->device_time, true);
	RollupAddTime(&sum->work, cell->work, true);
	RollupAddTime(&sum->achieved, cell->achieved, true);
}

/* Begins to add up another day. */
static inline void
start_day(Running *running, DateADT day)
{
	memset(running, 0, sizeof(Running));
	running->day = day;
}

/* Adds a cell to the sums that it is part of. */
static void
add_to_sums(Rollup *rollup, RollupGroup *group, int64 hour, const RollupCell *cell)
{
	DateADT		local = RollupDay(cell->key);
	DateADT		utc = RollupUtcDate(hour);

	if (group->utc.day != utc)
	{
		end_utc_day(rollup, group);
		start_day(&group->utc, utc);
		group->hours = is_of_sums(rollup, group) ? RollupFindHours(rollup, utc, rollup->kinds[group->key.kind].place) : NULL;
	}
	add_running(&group->utc, cell);
	if (group->hours == NULL)
		return;
	if (group->local.day != local)
	{
		end_local_day(rollup, group);
		start_day(&group->local, local);
	}
	add_running(&group->local, cell);
	add_use(RollupHourOfDay(group->hours, hour), cell, rollup->kinds[group->key.kind].key.measure);
}

/* Orders cells as the key of their table does. */
static inline int
compare_entries(const Entry *a, const Entry *b)
{
	if (a->hour != b->hour)
		return a->hour < b->hour ? -1 : 1;
	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	return a->cell->key < b->cell->key ? -1 : a->cell->key > b->cell->key;
}

#define ST_SORT sort_entries
#define ST_ELEMENT_TYPE Entry
#define ST_COMPARE(a, b) compare_entries(a, b)
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

/* Gives the hours of an account's groups, and adds them to the sums. */
static void
end_account(Rollup *rollup, RollupGroup **groups, int count)
{
	Size		ncells = 0;
	Entry	   *entries;
	RollupCell **cells;

	for (int i = 0; i < count; i++)
		ncells += RollupCellCount(groups[i]->state);
	entries = MemoryContextAllocHuge(rollup->context, Max(1, ncells) * sizeof(Entry));
	cells = MemoryContextAllocHuge(rollup->context, Max(1, ncells) * sizeof(RollupCell *));
	ncells = 0;
	for (int i = 0; i < count; i++)
	{
		RollupGroup	   *group = groups[i];
		int			n = RollupCellCount(group->state);

		RollupCellPointers(group->state, cells);
		for (int j = 0; j < n; j++)
		{
			Entry	   *entry = &entries[ncells++];

			entry->hour = RollupHour(cells[j]->key);
			entry->rank = rollup->kinds[group->key.kind].rank;
			entry->group = group;
			entry->cell = cells[j];
		}
		/* none of what they are */
		start_day(&group->local, DATEVAL_NOBEGIN);
		start_day(&group->utc, DATEVAL_NOBEGIN);
		group->hours = NULL;
	}
	sort_entries(entries, ncells);
	for (Size i = 0; i < ncells;)
	{
		RollupCell	cell = *entries[i].cell;
		Size		first = i;

		CHECK_FOR_INTERRUPTS();
		add_to_sums(rollup, entries[i].group, entries[i].hour, entries[i].cell);
		if (unlikely(entries[i].group->key.gone != 0))
			cell = (RollupCell) {.key = cell.key};
		/* what several pay for is one row */
		for (i++; i < ncells && compare_entries(&entries[first], &entries[i]) == 0; i++)
		{
			Running		sum = {.cell = cell};

			add_to_sums(rollup, entries[i].group, entries[i].hour, entries[i].cell);
			if (entries[i].group->key.gone != 0)
				continue;
			add_running(&sum, entries[i].cell);
			cell = sum.cell;
		}
		if (!RollupCellIsNothing(&cell))
			put_hour(rollup, &entries[first].group->key, &cell);
	}
	for (int i = 0; i < count; i++)
	{
		end_local_day(rollup, groups[i]);
		end_utc_day(rollup, groups[i]);
	}
	pfree(entries);
	pfree(cells);
}

/* Orders groups by account. */
static int
compare_groups(const void *a, const void *b)
{
	const RollupGroup *x = *(RollupGroup *const *) a;
	const RollupGroup *y = *(RollupGroup *const *) b;

	return x->key.account < y->key.account ? -1 : x->key.account > y->key.account;
}

/* Gives all that there is of the accounts of a pass. */
static void
end_pass(Rollup *rollup)
{
	RollupGroup	  **list = MemoryContextAllocHuge(rollup->context, Max(1, rollup->groups->members) * sizeof(RollupGroup *));
	int			count = 0;
	groups_iterator iterator;
	GroupSlot  *slot;

	rank_kinds(rollup);
	groups_start_iterate(rollup->groups, &iterator);
	while ((slot = groups_iterate(rollup->groups, &iterator)) != NULL)
		list[count++] = slot->group;
	qsort(list, count, sizeof(RollupGroup *), compare_groups);
	for (int first = 0, next; first < count; first = next)
	{
		for (next = first + 1; next < count && list[next]->key.account == list[first]->key.account; next++)
			;
		end_account(rollup, &list[first], next - first);
		for (int i = first; i < next; i++)
			MemoryContextDelete(list[i]->context);
	}
	pfree(list);
	if (rollup->query->purpose != ROLLUP_ADD)
	{
		RollupReadStored(rollup, ROLLUP_USAGE_DAILY);
		RollupReadStored(rollup, ROLLUP_UTILIZATION_DAILY);
		rank_kinds(rollup);
	}
	put_sums(rollup, ROLLUP_USAGE_DAILY);
	put_sums(rollup, ROLLUP_UTILIZATION_DAILY);
}

/* Gives what is of all accounts together. */
static void
end_all(Rollup *rollup)
{
	sums_iterator iterator;
	RollupTotal		   *day;

	RollupReadCapacity(rollup);
	sums_start_iterate(rollup->days, &iterator);
	while ((day = sums_iterate(rollup->days, &iterator)) != NULL)
	{
		RollupTotal		   *month = RollupFindSum(rollup->months, ROLLUP_CAPACITY_MONTHLY, 0, first_of_month((DateADT) day->key.when), day->key.what);

		for (int hour = 0; hour < HOURS_PER_DAY; hour++)
		{
			for (int i = 0; i < SUM_LENGTHS; i++)
				RollupAddLength(&day->lengths[i], day->hours[hour].lengths[i], true);
			for (int i = 0; i < SUM_TIMES; i++)
				RollupAddTime(&day->times[i], day->hours[hour].times[i], true);
		}
		RollupAddLength(&month->lengths[SUM_CAPACITY], day->lengths[SUM_CAPACITY], true);
		RollupAddLength(&month->lengths[SUM_UNKNOWN], day->lengths[SUM_UNKNOWN], true);
		RollupAddTime(&month->times[SUM_CAPACITY], day->times[SUM_CAPACITY], true);
	}
	if (rollup->query->purpose != ROLLUP_ADD)
	{
		for (RollupTable table = ROLLUP_FLEET_HOURLY; table <= ROLLUP_CAPACITY_MONTHLY; table++)
			RollupReadStored(rollup, table);
	}
	rank_kinds(rollup);
	for (RollupTable table = ROLLUP_FLEET_HOURLY; table <= ROLLUP_CAPACITY_MONTHLY; table++)
		put_sums(rollup, table);
}

/* Goes on to accounts that have been in no pass; returns whether there are any. */
static bool
next_pass(Rollup *rollup)
{
	while (rollup->mask != 0)
	{
		uint32		highest = rollup->mask - rollup->mask / 2;

		if ((rollup->slice & highest) == 0)
		{
			rollup->slice |= highest;
			return true;
		}
		rollup->mask /= 2;
		rollup->slice &= rollup->mask;
	}
	return false;
}

/* Adds up what a query gives, and gives its rows, those of one table after each other in the order of its key as far as that can be. */
void
RollupSum(const RollupQuery *query, RollupSink *sink)
{
	Rollup		rollup = {.query = query, .sink = sink};
	static const char *const measures[] = {[SUM_RESERVED] = "reserved", [SUM_ALLOCATED] = "allocated", [SUM_USED] = "used"};

	rollup.context = AllocSetContextCreate(CurrentMemoryContext, "rollups", ALLOCSET_DEFAULT_SIZES);
	rollup.cells = AllocSetContextCreate(rollup.context, "cells", ALLOCSET_DEFAULT_SIZES);
	rollup.scratch = AllocSetContextCreate(rollup.context, "a row", ALLOCSET_DEFAULT_SIZES);
	rollup.limit = Max(get_hash_memory_limit(), (Size) maintenance_work_mem * 1024);
	rollup.numbers = kinds_create(rollup.context, 64, NULL);
	rollup.months = sums_create(rollup.context, 64, NULL);
	rollup.days = sums_create(rollup.context, 64, NULL);
	for (int i = 0; i < (int) lengthof(measures); i++)
		RollupMeasure(&rollup, CStringGetTextDatum(measures[i]));

	rollup.accounts = account_zones_create(rollup.context, 64, NULL);

	SPI_connect();
	rollup.known = KnownKindsRead(rollup.context);
	RollupReadZones(&rollup);
	do
	{
		rollup.groups = groups_create(rollup.context, 64, NULL);
		rollup.sums = sums_create(rollup.context, 64, NULL);
		if (query->purpose == ROLLUP_ADD)
			RollupReadMoved(&rollup);
		else
			RollupReadStored(&rollup, ROLLUP_USAGE_HOURLY);
		RollupReadRecords(&rollup);
		end_pass(&rollup);
		groups_destroy(rollup.groups);
		sums_destroy(rollup.sums);
	} while (next_pass(&rollup));
	end_all(&rollup);
	SPI_finish();
	MemoryContextDelete(rollup.context);
}
