/*
 * identify_table.c
 *		Reading the tables of names.
 *
 * Everything here runs between SPI_connect() and SPI_finish(), as the caller, with every
 * name qualified.  Plans are kept for the backend.
 */
#include "base/compat.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "accelerator/accelerator.h"
#include "accelerator/accelerator_words.h"
#include "identify/identify_forms.h"
#include "identify/identify_table.h"

static SPIPlanPtr alias_plan = NULL;
static SPIPlanPtr word_plan = NULL;
static SPIPlanPtr variant_plan = NULL;
static SPIPlanPtr instance_plan = NULL;
static SPIPlanPtr device_plan = NULL;

/* Prepares a query once for the backend. */
static SPIPlanPtr
get_plan(SPIPlanPtr *plan, const char *query, int nargs, Oid *argtypes)
{
	if (*plan == NULL)
	{
		SPIPlanPtr	p = SPI_prepare(query, nargs, argtypes);

		if (p == NULL || SPI_keepplan(p) != 0)
			elog(ERROR, "could not prepare a query of the tables of names");
		*plan = p;
	}
	return *plan;
}

/* Runs a prepared query with the active snapshot; returns the number of rows. */
static uint64
run_plan(SPIPlanPtr plan, Datum *args)
{
	if (SPI_execute_plan(plan, args, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the tables of names");
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

/* Reads the vocabulary and the variants into a context. */
IdentifyGrammar *
IdentifyLoadGrammar(MemoryContext context)
{
	IdentifyGrammar *g = MemoryContextAllocZero(context, sizeof(IdentifyGrammar));
	uint64		n;

	n = run_plan(get_plan(&word_plan,
						  "SELECT w.kind, w.word, w.meaning, w.family, w.shipped"
						  " FROM compute_ledger.accelerator_word AS w"
						  " WHERE pg_catalog.upper_inf(w.recorded)", 0, NULL), NULL);
	g->words = MemoryContextAllocZero(context, sizeof(IdentifyWord) * Max(n, 1));
	for (uint64 i = 0; i < n; i++)
	{
		IdentifyWord *w = &g->words[g->nwords];
		char	   *kind = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1);
		bool		isnull;

		if (kind == NULL || !IdentifyKindFromName(kind, &w->kind))
			continue;			/* of a later version, until the update has run */
		w->text = text_column(i, 2, context);
		w->meaning = text_column(i, 3, context);
		w->family = text_column(i, 4, context);
		w->user = !DatumGetBool(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 5, &isnull));
		g->nwords++;
	}
	SPI_freetuptable(SPI_tuptable);
	IdentifyIndex(g);

	n = run_plan(get_plan(&variant_plan,
						  "SELECT v.accelerator, v.form, v.memory_gb, v.memory_type"
						  " FROM compute_ledger.accelerator_variant AS v"
						  " WHERE pg_catalog.upper_inf(v.recorded)", 0, NULL), NULL);
	g->variants = MemoryContextAllocZero(context, sizeof(IdentifyVariant) * Max(n, 1));
	for (uint64 i = 0; i < n; i++)
	{
		IdentifyVariant *v = &g->variants[i];
		char	   *form = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2);
		bool		isnull;
		Datum		gb;

		accelerator_column(i, 1, &v->accelerator);
		if (form != NULL)
			AcceleratorFormFromWord(form, strlen(form), &v->form);
		gb = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 3, &isnull);
		v->memory_gb = isnull ? 0 : (uint16) DatumGetInt32(gb);
		v->memory_type = text_column(i, 4, context);
	}
	g->nvariants = (int) n;
	SPI_freetuptable(SPI_tuptable);

	n = run_plan(get_plan(&device_plan,
						  "SELECT m.accelerator, m.mig_slices FROM compute_ledger.accelerator_model AS m"
						  " WHERE pg_catalog.upper_inf(m.recorded)", 0, NULL), NULL);
	g->devices = MemoryContextAllocZero(context, sizeof(IdentifySlices) * Max(n, 1));
	for (uint64 i = 0; i < n; i++)
	{
		bool		isnull;
		Datum		slices = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2, &isnull);

		accelerator_column(i, 1, &g->devices[i].accelerator);
		g->devices[i].slices = isnull ? 0 : DatumGetInt32(slices);
	}
	g->ndevices = (int) n;
	SPI_freetuptable(SPI_tuptable);
	return g;
}

/* Reads the instance types into a context; returns how many there are in *ninstances. */
IdentifyInstance *
IdentifyLoadInstances(MemoryContext context, int *ninstances)
{
	uint64		n = run_plan(get_plan(&instance_plan,
									  "SELECT i.sku, i.provider, i.accelerator, i.devices, i.shipped"
									  " FROM compute_ledger.accelerator_instance AS i"
									  " WHERE pg_catalog.upper_inf(i.recorded)", 0, NULL), NULL);
	IdentifyInstance *instances = MemoryContextAllocZero(context, sizeof(IdentifyInstance) * Max(n, 1));

	for (uint64 i = 0; i < n; i++)
	{
		IdentifyInstance *row = &instances[i];
		bool		isnull;

		row->pattern = text_column(i, 1, context);
		row->provider = text_column(i, 2, context);
		accelerator_column(i, 3, &row->accelerator);
		row->has_devices = numeric_column(i, 4, context, &row->devices);
		row->user = !DatumGetBool(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 5, &isnull));
	}
	*ninstances = (int) n;
	SPI_freetuptable(SPI_tuptable);
	return instances;
}

/* Makes an array of up to a few texts. */
static Datum
make_text_array(char **values, int n)
{
	Datum		d[4];

	for (int i = 0; i < n; i++)
		d[i] = CStringGetTextDatum(values[i]);
	return PointerGetDatum(construct_array(d, n, TEXTOID, -1, false, TYPALIGN_INT));
}

/*
 * Looks a name up among the aliases.  systems holds the sources under which to
 * look, besides the aliases that hold for any.  *known says whether the alias
 * names a chip: one may also say that a name means none.  *shipped says whose alias
 * it is.
 */
bool
IdentifyLookUpAlias(const char *name, Size len, char **systems, int nsystems, Accelerator *out,
					bool *known, bool *shipped)
{
	char		buf[IDENTIFY_KEY_MAX + 1];
	char	   *keys[4];
	int			nkeys = 0;
	IdentifyPci pci;
	Oid			argtypes[2] = {TEXTARRAYOID, TEXTARRAYOID};
	Datum		args[2];
	bool		found;
	Size		n = IdentifyKey(name, len, buf);

	if (n == 0)
		return false;
	buf[n] = '\0';
	keys[nkeys++] = pstrdup(buf);

	/* A PCI id without its subsystem or revision is what the device is called in general. */
	if (IdentifyReadPci(name, len, &pci))
	{
		if (pci.revision >= 0 && n > 3)
			keys[nkeys++] = pnstrdup(buf, n - 3);
		if (n > 9)
			keys[nkeys++] = pnstrdup(buf, 9);
	}

	args[0] = make_text_array(keys, nkeys);
	args[1] = make_text_array(systems, nsystems);
	found = run_plan(get_plan(&alias_plan,
							  "SELECT a.accelerator, a.shipped FROM compute_ledger.accelerator_alias AS a"
							  " WHERE compute_ledger.accelerator_name_key(a.alias) OPERATOR(pg_catalog.=) ANY ($1)"
							  " AND a.system OPERATOR(pg_catalog.=) ANY ($2)"
							  " AND pg_catalog.upper_inf(a.recorded)"
							  " ORDER BY a.shipped, a.system OPERATOR(pg_catalog.=) '',"
							  " pg_catalog.length(compute_ledger.accelerator_name_key(a.alias)) DESC"
							  " LIMIT 1", 2, argtypes), args) > 0;
	if (found)
	{
		bool		isnull;

		*known = accelerator_column(0, 1, out);
		*shipped = DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &isnull));
	}
	SPI_freetuptable(SPI_tuptable);
	return found;
}
