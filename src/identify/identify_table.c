/*
 * identify_table.c
 *		Reading the tables of names.
 *
 * They are read as the caller, with every name qualified and plans that are kept for the
 * backend.  What was read is kept, too, until another snapshot sees other rows: a version
 * of the table (table_version.h) tells, at the price of a look at its pages.
 *
 * Aliases may be very many.  A call site asks for the first few names through their
 * index, one by one, and for further ones the whole table is read.
 */
#include "base/compat.h"

#include "access/xlog.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/numeric.h"

#include "accelerator/accelerator.h"
#include "accelerator/accelerator_words.h"
#include "base/row_columns.h"
#include "base/snapshot_key.h"
#include "base/table_version.h"
#include "identify/identify_forms.h"
#include "identify/identify_table.h"

/* A row of accelerator_alias. */
typedef struct AliasRow
{
	struct AliasRow *next;		/* of the same bucket */
	char	   *key;
	char	   *system;
	bool		shipped;
	bool		known;			/* it names a chip */
	Accelerator accelerator;
} AliasRow;

/* What is kept of a table. */
typedef struct NameTable
{
	const char *name;
	void		(*load) (MemoryContext context);
	MemoryContext context;		/* NULL = nothing */
	SnapshotKey key;			/* of the snapshot that saw it last */
	Oid			reader;			/* who saw it last */
	XLogRecPtr	written;		/* what the backend had written last then */
	TableVersion *version;		/* NULL = it is for that snapshot only */
} NameTable;

static void load_words(MemoryContext context);
static void load_variants(MemoryContext context);
static void load_devices(MemoryContext context);
static void load_instances(MemoryContext context);
static void load_aliases(MemoryContext context);

static NameTable words = {.name = "accelerator_word", .load = load_words};
static NameTable variants = {.name = "accelerator_variant", .load = load_variants};
static NameTable devices = {.name = "accelerator_model", .load = load_devices};
static NameTable instance_table = {.name = "accelerator_instance", .load = load_instances};
static NameTable alias_table = {.name = "accelerator_alias", .load = load_aliases};

static IdentifyGrammar grammar; /* of the first three */
static IdentifyInstance *instances;
static int	ninstances;
static AliasRow **aliases;		/* buckets by the hash of the key */
static uint32 aliases_mask;

/* ---- rows ---- */

/*
 * Runs a query of a table with the active snapshot, prepared once for the backend; returns the number
 * of rows, whose columns are as they are said to be.
 */
static uint64
run_plan(SPIPlanPtr *plan, const char *query, int nargs, Oid *argtypes, Datum *args,
		 const char *table, const RowColumn *columns, int ncolumns)
{
	if (*plan == NULL)
	{
		/* planned for any argument: there is an index for it, and planning takes longer than looking */
		SPIPlanPtr	p = SPI_prepare_cursor(query, nargs, argtypes, CURSOR_OPT_GENERIC_PLAN);

		if (p == NULL || SPI_keepplan(p) != 0)
			elog(ERROR, "could not prepare a query of the tables of names");
		*plan = p;
	}
	if (SPI_execute_plan(*plan, args, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the tables of names");
	RowColumnsCheck(SPI_tuptable->tupdesc, table, columns, ncolumns);
	return SPI_processed;
}

/* Copies a column of text of a result row into a context; NULL for null. */
static char *
text_column(uint64 row, int column, MemoryContext context)
{
	bool		isnull;
	Datum		d = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &isnull);
	MemoryContext old;
	char	   *s;

	if (isnull)
		return NULL;
	old = MemoryContextSwitchTo(context);
	s = TextDatumGetCString(d);
	MemoryContextSwitchTo(old);
	return s;
}

/* Raises for a column that is null, and is not by its table's constraints. */
static void
null_error(int column)
{
	RowNullError("the tables of names", NameStr(TupleDescAttr(SPI_tuptable->tupdesc, column - 1)->attname));
}

/* Copies a column of text that is not null. */
static char *
name_column(uint64 row, int column, MemoryContext context)
{
	char	   *s = text_column(row, column, context);

	if (s == NULL)
		null_error(column);
	return s;
}

/* Reads a column of type boolean, which is not null. */
static bool
bool_column(uint64 row, int column)
{
	bool		isnull;
	Datum		d = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &isnull);

	if (isnull)
		null_error(column);
	return DatumGetBool(d);
}

/* Reads a column of type accelerator of a result row; false for null. */
static bool
accelerator_column(uint64 row, int column, Accelerator *out)
{
	bool		isnull;
	Datum		d = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &isnull);

	if (!isnull)
		memcpy(out, DatumGetAcceleratorP(d), sizeof(*out));
	return !isnull;
}

/* The same of one that is not null. */
static void
chip_column(uint64 row, int column, Accelerator *out)
{
	if (!accelerator_column(row, column, out))
		null_error(column);
}

/* Reads a column of type integer; -1 for null. */
static int32
count_column(uint64 row, int column)
{
	bool		isnull;
	Datum		d = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &isnull);

	return isnull ? -1 : DatumGetInt32(d);
}

/* Reads a numeric column into a context; false for null. */
static bool
numeric_column(uint64 row, int column, MemoryContext context, Datum *out)
{
	bool		isnull;
	Datum		d = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &isnull);
	MemoryContext old;

	if (isnull)
		return false;
	old = MemoryContextSwitchTo(context);
	*out = NumericGetDatum(DatumGetNumericCopy(d));
	MemoryContextSwitchTo(old);
	return true;
}

/* ---- tables ---- */

/* Reads the vocabulary. */
static void
load_words(MemoryContext context)
{
	static const RowColumn columns[] = {
		ROW_COLUMN("kind", TEXTOID), ROW_COLUMN("word", TEXTOID), ROW_COLUMN("meaning", TEXTOID),
		ROW_COLUMN("family", TEXTOID), ROW_COLUMN("shipped", BOOLOID)
	};
	static SPIPlanPtr plan = NULL;
	uint64		n = run_plan(&plan,
							 "SELECT w.kind, w.word, w.meaning, w.family, w.shipped"
							 " FROM compute_ledger.accelerator_word AS w"
							 " WHERE pg_catalog.upper_inf(w.recorded)", 0, NULL, NULL,
							 "accelerator_word", columns, lengthof(columns));

	grammar.words = MemoryContextAllocZero(context, sizeof(IdentifyWord) * Max(n, 1));
	grammar.nwords = 0;
	for (uint64 i = 0; i < n; i++)
	{
		IdentifyWord *w = &grammar.words[grammar.nwords];
		char	   *kind = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1);

		if (kind == NULL || !IdentifyKindFromName(kind, &w->kind))
			continue;			/* of a later version, until the update has run */
		w->text = name_column(i, 2, context);
		w->meaning = text_column(i, 3, context);
		w->family = text_column(i, 4, context);
		w->user = !bool_column(i, 5);
		grammar.nwords++;
	}
	IdentifyIndex(&grammar);
}

/* Reads the variants. */
static void
load_variants(MemoryContext context)
{
	static const RowColumn columns[] = {
		ROW_COLUMN_OWN("accelerator", "accelerator"), ROW_COLUMN("form", TEXTOID), ROW_COLUMN("memory_gb", INT4OID),
		ROW_COLUMN("memory_type", TEXTOID)
	};
	static SPIPlanPtr plan = NULL;
	uint64		n = run_plan(&plan,
							 "SELECT v.accelerator, v.form, v.memory_gb, v.memory_type"
							 " FROM compute_ledger.accelerator_variant AS v"
							 " WHERE pg_catalog.upper_inf(v.recorded) ORDER BY v.accelerator", 0, NULL, NULL,
							 "accelerator_variant", columns, lengthof(columns));

	grammar.variants = MemoryContextAllocZero(context, sizeof(IdentifyVariant) * Max(n, 1));
	grammar.nvariants = (int) n;
	for (uint64 i = 0; i < n; i++)
	{
		IdentifyVariant *v = &grammar.variants[i];
		char	   *form = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2);
		bool		isnull;
		Datum		gb;

		chip_column(i, 1, &v->accelerator);
		if (form != NULL)
			AcceleratorFormFromWord(form, strlen(form), &v->form);
		gb = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 3, &isnull);
		v->memory_gb = isnull ? 0 : (uint16) DatumGetInt32(gb);
		v->memory_type = text_column(i, 4, context);
	}
}

/* Reads how devices are divided, and put together. */
static void
load_devices(MemoryContext context)
{
	static const RowColumn columns[] = {
		ROW_COLUMN_OWN("accelerator", "accelerator"), ROW_COLUMN("mig_slices", INT4OID),
		ROW_COLUMN("devices_per_package", INT4OID), ROW_COLUMN("shipped", BOOLOID)
	};
	static SPIPlanPtr plan = NULL;
	uint64		n = run_plan(&plan,
							 "SELECT m.accelerator, m.mig_slices, m.devices_per_package, m.shipped"
							 " FROM compute_ledger.accelerator_model AS m"
							 " WHERE pg_catalog.upper_inf(m.recorded)", 0, NULL, NULL,
							 "accelerator_model", columns, lengthof(columns));

	grammar.devices = MemoryContextAllocZero(context, sizeof(IdentifyDevice) * Max(n, 1));
	grammar.ndevices = (int) n;
	for (uint64 i = 0; i < n; i++)
	{
		IdentifyDevice *device = &grammar.devices[i];

		chip_column(i, 1, &device->accelerator);
		device->slices = count_column(i, 2);
		device->per_package = count_column(i, 3);
		device->user = !bool_column(i, 4);
	}
}

/* Reads the instance types. */
static void
load_instances(MemoryContext context)
{
	static const RowColumn columns[] = {
		ROW_COLUMN("sku", TEXTOID), ROW_COLUMN("provider", TEXTOID), ROW_COLUMN_OWN("accelerator", "accelerator"),
		ROW_COLUMN("devices", NUMERICOID), ROW_COLUMN("shipped", BOOLOID)
	};
	static SPIPlanPtr plan = NULL;
	uint64		n = run_plan(&plan,
							 "SELECT i.sku, i.provider, i.accelerator, i.devices, i.shipped"
							 " FROM compute_ledger.accelerator_instance AS i"
							 " WHERE pg_catalog.upper_inf(i.recorded)", 0, NULL, NULL,
							 "accelerator_instance", columns, lengthof(columns));

	instances = MemoryContextAllocZero(context, sizeof(IdentifyInstance) * Max(n, 1));
	ninstances = (int) n;
	for (uint64 i = 0; i < n; i++)
	{
		IdentifyInstance *row = &instances[i];

		row->pattern = name_column(i, 1, context);
		row->provider = name_column(i, 2, context);
		chip_column(i, 3, &row->accelerator);
		row->has_devices = numeric_column(i, 4, context, &row->devices);
		row->user = !bool_column(i, 5);
	}
}

/* What is read of accelerator_alias, the last where all of it is. */
static const RowColumn alias_columns[] = {
	ROW_COLUMN_OWN("accelerator", "accelerator"), ROW_COLUMN("shipped", BOOLOID), ROW_COLUMN("system", TEXTOID),
	ROW_COLUMN("alias", TEXTOID)
};

/* Reads columns accelerator, shipped and system of a row of accelerator_alias. */
static void
read_alias(uint64 row, MemoryContext context, AliasRow *alias)
{
	alias->known = accelerator_column(row, 1, &alias->accelerator);
	alias->shipped = bool_column(row, 2);
	alias->system = name_column(row, 3, context);
}

/* Returns the bucket of a key. */
static uint32
alias_bucket(const char *key, Size len)
{
	return hash_bytes((const unsigned char *) key, (int) len) & aliases_mask;
}

/* Reads the aliases. */
static void
load_aliases(MemoryContext context)
{
	static SPIPlanPtr plan = NULL;
	uint64		n = run_plan(&plan,
							 "SELECT a.accelerator, a.shipped, a.system, a.alias"
							 " FROM compute_ledger.accelerator_alias AS a"
							 " WHERE pg_catalog.upper_inf(a.recorded)", 0, NULL, NULL,
							 "accelerator_alias", alias_columns, lengthof(alias_columns));
	AliasRow   *rows = MemoryContextAllocHuge(context, sizeof(AliasRow) * Max(n, 1));

	aliases_mask = pg_nextpower2_32((uint32) Min(Max(n, 16), PG_INT32_MAX)) - 1;
	aliases = MemoryContextAllocExtended(context, sizeof(AliasRow *) * ((Size) aliases_mask + 1), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (uint64 i = 0; i < n; i++)
	{
		char		buf[IDENTIFY_KEY_MAX + 1];
		char	   *alias = name_column(i, 4, CurrentMemoryContext);
		Size		len = IdentifyKey(alias, strlen(alias), buf);
		uint32		bucket = alias_bucket(buf, len);

		read_alias(i, context, &rows[i]);
		rows[i].key = MemoryContextAlloc(context, len + 1);
		memcpy(rows[i].key, buf, len);
		rows[i].key[len] = '\0';
		rows[i].next = aliases[bucket];
		aliases[bucket] = &rows[i];
		pfree(alias);
	}
}

/* Notes who saw what is kept of a table, and when. */
static void
note_reader(NameTable *table)
{
	SnapshotKeyTake(&table->key);
	table->reader = GetUserId();
	table->written = ProcLastRecPtr;
}

/* Says whether what is kept of a table is what the active snapshot sees in it. */
static bool
is_current(NameTable *table)
{
	bool		same_snapshot;

	if (table->context == NULL)
		return false;
	same_snapshot = SnapshotKeyIsCurrent(&table->key) && table->reader == GetUserId();
	if (likely(same_snapshot && table->written == ProcLastRecPtr))
		return true;
	if (table->version ? !TableVersionIsCurrent(table->version, same_snapshot) : !same_snapshot)
		return false;
	note_reader(table);
	return true;
}

/* Forgets what is kept of a table. */
static void
forget(NameTable *table)
{
	if (table->context != NULL)
		MemoryContextDelete(table->context);
	table->context = NULL;
	table->version = NULL;
}

/*
 * Forgets what is kept of tables without a version, whose rows may depend on what no
 * snapshot tells: for each call site that begins.
 */
void
IdentifyForgetUnversioned(void)
{
	NameTable  *tables[] = {&words, &variants, &devices, &instance_table, &alias_table};

	for (int i = 0; i < (int) lengthof(tables); i++)
	{
		if (tables[i]->version == NULL)
			forget(tables[i]);
	}
}

/* Makes sure that what is kept of a table is what the active snapshot sees in it. */
static void
read_table(NameTable *table)
{
	MemoryContext context;
	MemoryContext caller;
	TableVersion *version;

	if (likely(is_current(table)))
		return;
	forget(table);
	context = AllocSetContextCreate(CurrentMemoryContext, "compute_ledger names", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSetIdentifier(context, table->name);
	caller = MemoryContextSwitchTo(context);
	version = TableVersionTake(get_relname_relid(table->name, get_namespace_oid("compute_ledger", false)), false);
	MemoryContextSwitchTo(caller);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	table->load(context);
	SPI_finish();
	/* A policy of the table may have asked for a name, too. */
	forget(table);
	MemoryContextSetParent(context, TopMemoryContext);
	table->context = context;
	table->version = version;
	note_reader(table);
}

/* Returns the vocabulary, the variants and what is known of devices. */
const IdentifyGrammar *
IdentifyGetGrammar(void)
{
	read_table(&words);
	read_table(&variants);
	read_table(&devices);
	return &grammar;
}

/* Returns the instance types; how many there are in *n. */
const IdentifyInstance *
IdentifyGetInstances(int *n)
{
	read_table(&instance_table);
	*n = ninstances;
	return instances;
}

/* ---- aliases ---- */

/* Returns the aliases of a key, through the index, in the current memory context. */
static AliasRow *
fetch_aliases(char *key)
{
	static SPIPlanPtr plan = NULL;
	MemoryContext caller = CurrentMemoryContext;
	Oid			argtype = TEXTOID;
	Datum		arg;
	uint64		n;
	AliasRow   *list = NULL;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	arg = CStringGetTextDatum(key);
	n = run_plan(&plan,
				 "SELECT a.accelerator, a.shipped, a.system FROM compute_ledger.accelerator_alias AS a"
				 " WHERE compute_ledger.accelerator_name_key(a.alias) OPERATOR(pg_catalog.=) $1"
				 " AND pg_catalog.upper_inf(a.recorded)", 1, &argtype, &arg,
				 "accelerator_alias", alias_columns, lengthof(alias_columns) - 1);
	for (uint64 i = 0; i < n; i++)
	{
		AliasRow   *alias = MemoryContextAlloc(caller, sizeof(AliasRow));

		read_alias(i, caller, alias);
		alias->key = key;
		alias->next = list;
		list = alias;
	}
	SPI_finish();
	return list;
}

/*
 * Looks a name up among the aliases.  systems holds the sources under which to look:
 * the first is empty, for the aliases that hold for any.  *known says whether the alias
 * names a chip: one may also say that a name means none.  *shipped says whose alias
 * it is.  A caller that will ask for many names wants the whole table.
 *
 * The user's rows come first, then those for a source, then those for the whole of a PCI
 * id.  One without its subsystem or revision is what the device is called in general.
 */
bool
IdentifyLookUpAlias(const char *name, Size len, char **systems, int nsystems, bool whole,
					Accelerator *out, bool *known, bool *shipped)
{
	char		buf[IDENTIFY_KEY_MAX + 1];
	Size		lengths[3];
	int			nkeys = 0;
	IdentifyPci pci;
	const AliasRow *best = NULL;
	int			best_rank = 0;
	Size		n = IdentifyKey(name, len, buf);

	if (n == 0)
		return false;
	lengths[nkeys++] = n;
	if (IdentifyReadPci(name, len, &pci))
	{
		if (pci.revision >= 0 && n > 3)
			lengths[nkeys++] = n - 3;
		if (n > 9)
			lengths[nkeys++] = 9;
	}

	whole = whole || is_current(&alias_table);
	if (whole)
		read_table(&alias_table);
	for (int k = 0; k < nkeys; k++)
	{
		const AliasRow *alias;

		buf[lengths[k]] = '\0';
		alias = whole ? aliases[alias_bucket(buf, lengths[k])] : fetch_aliases(buf);
		for (; alias != NULL; alias = alias->next)
		{
			if (strcmp(alias->key, buf) != 0)
				continue;
			for (int s = 0; s < nsystems; s++)
			{
				int			rank = (alias->shipped ? 32 : 0) + (s == 0 ? 16 : 0) + 4 * k + s;

				if (strcmp(alias->system, systems[s]) == 0 && (best == NULL || rank < best_rank))
				{
					best = alias;
					best_rank = rank;
				}
			}
		}
	}
	if (best == NULL)
		return false;
	*out = best->accelerator;
	*known = best->known;
	*shipped = best->shipped;
	return true;
}
