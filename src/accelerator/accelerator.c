/*
 * accelerator.c
 *		The SQL type accelerator: input, output, comparison, containment, parts.
 *
 * All functions are STRICT: NULL in gives NULL out.
 */
#include "accelerator/accelerator.h"

#include "funcapi.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "accelerator/accelerator_words.h"

/* Returns the sentence that says what is wrong. */
static const char *
error_detail(AcceleratorError e)
{
	switch (e)
	{
		case ACCELERATOR_OK:
			break;
		case ACCELERATOR_EMPTY:
			return "The value is empty.";
		case ACCELERATOR_BAD_VENDOR:
			return "The vendor is not known.";
		case ACCELERATOR_NEEDS_VENDOR:
			return "A class of any vendor states no model.";
		case ACCELERATOR_NO_MODEL:
			return "The model is missing after the vendor.";
		case ACCELERATOR_MODEL_TOO_LONG:
			return "A model has at most 12 characters.";
		case ACCELERATOR_BAD_MODEL_CHARACTER:
			return "A model consists of letters, digits, \"-\", \".\" and \"+\".";
		case ACCELERATOR_BAD_MODEL_EDGE:
			return "A model begins with a letter or a digit and does not end in \"-\" or \".\".";
		case ACCELERATOR_MODEL_IS_PART:
			return "There is a form factor or a memory size where the model should be.";
		case ACCELERATOR_MODEL_ENDS_IN_PART:
			return "The form factor comes once and before the memory size, which comes once.";
		case ACCELERATOR_BAD_FORM:
			return "The form factor is not known.";
		case ACCELERATOR_BAD_MEMORY:
			return "The memory size is a whole number of GB from 1 to 65534, without leading zeros.";
		case ACCELERATOR_BAD_MIG:
			return "A MIG slice has the form <slices>g.<n>gb.";
		case ACCELERATOR_BAD_MIG_SLICES:
			return "The compute slices of a MIG slice are a number from 1 to 14, without leading zeros.";
		case ACCELERATOR_BAD_MIG_MEMORY:
			return "The memory of a MIG slice is a whole number of GB from 1 to 65534, without leading zeros.";
		case ACCELERATOR_BAD_MIG_ATTRIBUTES:
			return "The attributes of a MIG slice are at most one of \"+me\", \"+me.all\" and \"-me\", and \"+gfx\".";
		case ACCELERATOR_NEEDS_MODEL:
			return "A form factor, a memory size or a MIG slice needs a model.";
		case ACCELERATOR_NOT_CANONICAL:
			return "The value is neither an accelerator, a class, nor the end of a class.";
	}
	return "The value is not valid.";
}

/* Returns the hint that says what to do. */
static const char *
error_hint(AcceleratorError e)
{
	switch (e)
	{
		case ACCELERATOR_BAD_VENDOR:
			return "Write a maker of which accelerator_vendors() has no word as \"pci\" and the four hexadecimal digits of its PCI vendor id, "
				"or of one from fd00 to fdff if it has none.";
		case ACCELERATOR_MODEL_TOO_LONG:
			return "Leave out the maker, the product line and what the other parts say; identify() reads the names that systems print.";
		case ACCELERATOR_BAD_FORM:
			return "accelerator_form_factors() lists them; one that is not there is part of the model.";
		default:
			return "Write vendor/model[-form][-<n>gb][:<slices>g.<n>gb], for example \"nvidia/h100-sxm5-80gb\".";
	}
}

/* See accelerator.h. */
bool
AcceleratorPack(const AcceleratorParts *parts, Accelerator *out, struct Node *escontext)
{
	AcceleratorError e = AcceleratorPackParts(parts, out);

	if (e != ACCELERATOR_OK)
		ereturn(escontext, false,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid part of an accelerator"),
				 errdetail("%s", error_detail(e)),
				 errhint("%s", error_hint(e))));
	return true;
}

/*
 * Reads the text form, which need not end in NUL; on bad text reports 22P02 to
 * escontext (throws when it is NULL) and returns NULL, else a palloc'd value.
 */
static Accelerator *
parse_accelerator(const char *str, size_t len, struct Node *escontext)
{
	Accelerator a;
	Accelerator *result;
	AcceleratorError e = AcceleratorRead(str, len, &a);

	if (e != ACCELERATOR_OK)
		ereturn(escontext, NULL,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("invalid input syntax for type %s: \"%.*s\"", "accelerator",
						pg_mbcliplen(str, (int) Min(len, 1024), 256), str),
				 errdetail("%s", error_detail(e)),
				 errhint("%s", error_hint(e))));
	result = palloc(sizeof(Accelerator));
	*result = a;
	return result;
}

/* Reads the text form. */
PG_FUNCTION_INFO_V1(accelerator_in);
Datum
accelerator_in(PG_FUNCTION_ARGS)
{
	char	   *str = PG_GETARG_CSTRING(0);
	Accelerator *a = parse_accelerator(str, strlen(str), fcinfo->context);

	if (a == NULL)
		PG_RETURN_NULL();		/* a soft error */
	PG_RETURN_ACCELERATOR_P(a);
}

/* Writes the canonical text form. */
PG_FUNCTION_INFO_V1(accelerator_out);
Datum
accelerator_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(AcceleratorFormat(PG_GETARG_ACCELERATOR_P(0),
										palloc(ACCELERATOR_MAXTEXT)));
}

/* Reads the binary form: the 16 bytes, checked as strictly as text. */
PG_FUNCTION_INFO_V1(accelerator_recv);
Datum
accelerator_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buf = (StringInfo) PG_GETARG_POINTER(0);
	Accelerator *a = palloc(sizeof(Accelerator));
	AcceleratorError e;

	pq_copymsgbytes(buf, (char *) a->data, ACCELERATOR_SIZE);
	e = AcceleratorCheck(a);
	if (e != ACCELERATOR_OK)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid binary value for type %s", "accelerator"),
				 errdetail("%s", error_detail(e))));
	PG_RETURN_ACCELERATOR_P(a);
}

/* Writes the binary form. */
PG_FUNCTION_INFO_V1(accelerator_send);
Datum
accelerator_send(PG_FUNCTION_ARGS)
{
	Accelerator *a = PG_GETARG_ACCELERATOR_P(0);
	StringInfoData buf;

	pq_begintypsend(&buf);
	pq_sendbytes(&buf, (const char *) a->data, ACCELERATOR_SIZE);
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

/* Comparison: the order of the bytes. */

PG_FUNCTION_INFO_V1(accelerator_eq);
Datum
accelerator_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(AcceleratorCompare(PG_GETARG_ACCELERATOR_P(0), PG_GETARG_ACCELERATOR_P(1)) == 0);
}

PG_FUNCTION_INFO_V1(accelerator_ne);
Datum
accelerator_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(AcceleratorCompare(PG_GETARG_ACCELERATOR_P(0), PG_GETARG_ACCELERATOR_P(1)) != 0);
}

PG_FUNCTION_INFO_V1(accelerator_lt);
Datum
accelerator_lt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(AcceleratorCompare(PG_GETARG_ACCELERATOR_P(0), PG_GETARG_ACCELERATOR_P(1)) < 0);
}

PG_FUNCTION_INFO_V1(accelerator_le);
Datum
accelerator_le(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(AcceleratorCompare(PG_GETARG_ACCELERATOR_P(0), PG_GETARG_ACCELERATOR_P(1)) <= 0);
}

PG_FUNCTION_INFO_V1(accelerator_gt);
Datum
accelerator_gt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(AcceleratorCompare(PG_GETARG_ACCELERATOR_P(0), PG_GETARG_ACCELERATOR_P(1)) > 0);
}

PG_FUNCTION_INFO_V1(accelerator_ge);
Datum
accelerator_ge(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(AcceleratorCompare(PG_GETARG_ACCELERATOR_P(0), PG_GETARG_ACCELERATOR_P(1)) >= 0);
}

PG_FUNCTION_INFO_V1(accelerator_cmp);
Datum
accelerator_cmp(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(AcceleratorCompare(PG_GETARG_ACCELERATOR_P(0), PG_GETARG_ACCELERATOR_P(1)));
}

/* Transition function of max(). */
PG_FUNCTION_INFO_V1(accelerator_larger);
Datum
accelerator_larger(PG_FUNCTION_ARGS)
{
	Accelerator *a = PG_GETARG_ACCELERATOR_P(0);
	Accelerator *b = PG_GETARG_ACCELERATOR_P(1);

	PG_RETURN_ACCELERATOR_P(AcceleratorCompare(a, b) >= 0 ? a : b);
}

/* Transition function of min(). */
PG_FUNCTION_INFO_V1(accelerator_smaller);
Datum
accelerator_smaller(PG_FUNCTION_ARGS)
{
	Accelerator *a = PG_GETARG_ACCELERATOR_P(0);
	Accelerator *b = PG_GETARG_ACCELERATOR_P(1);

	PG_RETURN_ACCELERATOR_P(AcceleratorCompare(a, b) <= 0 ? a : b);
}

/*
 * Hashes the 16 bytes as two numbers: the finalizer of MurmurHash3 (Austin
 * Appleby, public domain) over one, folded into the other, twice.  Less than half
 * the time of hash_any() on so short a key, and the same on any machine.  Frozen:
 * hash partitions depend on it.
 */
static inline uint64
hash_accelerator(const Accelerator *a, uint64 seed)
{
	uint64		h = AcceleratorLoad(a->data) ^ seed;

	h ^= h >> 33;
	h *= UINT64CONST(0xff51afd7ed558ccd);
	h ^= h >> 33;
	h *= UINT64CONST(0xc4ceb9fe1a85ec53);
	h ^= h >> 33;
	h += AcceleratorLoad(a->data + 8);
	h ^= h >> 33;
	h *= UINT64CONST(0xff51afd7ed558ccd);
	h ^= h >> 33;
	h *= UINT64CONST(0xc4ceb9fe1a85ec53);
	h ^= h >> 33;
	return h;
}

PG_FUNCTION_INFO_V1(accelerator_hash);
Datum
accelerator_hash(PG_FUNCTION_ARGS)
{
	PG_RETURN_UINT32((uint32) hash_accelerator(PG_GETARG_ACCELERATOR_P(0), 0));
}

PG_FUNCTION_INFO_V1(accelerator_hash_extended);
Datum
accelerator_hash_extended(PG_FUNCTION_ARGS)
{
	PG_RETURN_UINT64(hash_accelerator(PG_GETARG_ACCELERATOR_P(0), (uint64) PG_GETARG_INT64(1)));
}

/* Containment. */

/* class @> accelerator: every part that the class states is equal. */
PG_FUNCTION_INFO_V1(accelerator_contains);
Datum
accelerator_contains(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(AcceleratorContains(PG_GETARG_ACCELERATOR_P(0), PG_GETARG_ACCELERATOR_P(1)));
}

/* accelerator <@ class. */
PG_FUNCTION_INFO_V1(accelerator_contained);
Datum
accelerator_contained(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(AcceleratorContains(PG_GETARG_ACCELERATOR_P(1), PG_GETARG_ACCELERATOR_P(0)));
}

/* a && b: no part that both state differs. */
PG_FUNCTION_INFO_V1(accelerator_overlaps);
Datum
accelerator_overlaps(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(AcceleratorOverlaps(PG_GETARG_ACCELERATOR_P(0), PG_GETARG_ACCELERATOR_P(1)));
}

/* The upper bound, in the type's order, of what a class contains. */
PG_FUNCTION_INFO_V1(accelerator_class_max);
Datum
accelerator_class_max(PG_FUNCTION_ARGS)
{
	Accelerator *result = palloc(sizeof(Accelerator));

	AcceleratorClassMax(PG_GETARG_ACCELERATOR_P(0), result);
	PG_RETURN_ACCELERATOR_P(result);
}

PG_FUNCTION_INFO_V1(accelerator_specificity);
Datum
accelerator_specificity(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(AcceleratorSpecificity(PG_GETARG_ACCELERATOR_P(0)));
}

/* Parts; NULL where the value does not state one. */

PG_FUNCTION_INFO_V1(accelerator_vendor);
Datum
accelerator_vendor(PG_FUNCTION_ARGS)
{
	AcceleratorParts parts;
	char		buf[16];

	AcceleratorUnpack(PG_GETARG_ACCELERATOR_P(0), &parts);
	if (parts.vendor == 0)
		PG_RETURN_NULL();
	AcceleratorVendorName(parts.vendor, buf);
	PG_RETURN_TEXT_P(cstring_to_text(buf));
}

PG_FUNCTION_INFO_V1(accelerator_vendor_id);
Datum
accelerator_vendor_id(PG_FUNCTION_ARGS)
{
	AcceleratorParts parts;

	AcceleratorUnpack(PG_GETARG_ACCELERATOR_P(0), &parts);
	if (parts.vendor == 0)
		PG_RETURN_NULL();
	PG_RETURN_INT32(parts.vendor);
}

PG_FUNCTION_INFO_V1(accelerator_model);
Datum
accelerator_model(PG_FUNCTION_ARGS)
{
	AcceleratorParts parts;

	AcceleratorUnpack(PG_GETARG_ACCELERATOR_P(0), &parts);
	if (parts.model[0] == '\0')
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(parts.model));
}

PG_FUNCTION_INFO_V1(accelerator_form_factor);
Datum
accelerator_form_factor(PG_FUNCTION_ARGS)
{
	AcceleratorParts parts;

	AcceleratorUnpack(PG_GETARG_ACCELERATOR_P(0), &parts);
	if (parts.form == 0)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(AcceleratorFormWord(parts.form)));
}

PG_FUNCTION_INFO_V1(accelerator_memory_gb);
Datum
accelerator_memory_gb(PG_FUNCTION_ARGS)
{
	AcceleratorParts parts;

	AcceleratorUnpack(PG_GETARG_ACCELERATOR_P(0), &parts);
	if (parts.memory_gb == 0)
		PG_RETURN_NULL();
	PG_RETURN_INT32(parts.memory_gb);
}

PG_FUNCTION_INFO_V1(accelerator_mig_profile);
Datum
accelerator_mig_profile(PG_FUNCTION_ARGS)
{
	AcceleratorParts parts;
	char		buf[ACCELERATOR_MAXTEXT];

	AcceleratorUnpack(PG_GETARG_ACCELERATOR_P(0), &parts);
	if (parts.mig_slices == 0)
		PG_RETURN_NULL();
	AcceleratorFormatMig(&parts, buf);
	PG_RETURN_TEXT_P(cstring_to_text(buf));
}

PG_FUNCTION_INFO_V1(accelerator_mig_slices);
Datum
accelerator_mig_slices(PG_FUNCTION_ARGS)
{
	AcceleratorParts parts;

	AcceleratorUnpack(PG_GETARG_ACCELERATOR_P(0), &parts);
	if (parts.mig_slices == 0)
		PG_RETURN_NULL();
	PG_RETURN_INT32(parts.mig_slices);
}

PG_FUNCTION_INFO_V1(accelerator_mig_memory_gb);
Datum
accelerator_mig_memory_gb(PG_FUNCTION_ARGS)
{
	AcceleratorParts parts;

	AcceleratorUnpack(PG_GETARG_ACCELERATOR_P(0), &parts);
	if (parts.mig_slices == 0)
		PG_RETURN_NULL();
	PG_RETURN_INT32(parts.mig_memory_gb);
}

/*
 * accelerator_trunc(part, accelerator): the class that states the parts up to
 * the one named and no more.  22023 for another word.
 */
PG_FUNCTION_INFO_V1(accelerator_trunc);
Datum
accelerator_trunc(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {"any", "vendor", "model", "form_factor", "memory", "mig"};
	text	   *part = PG_GETARG_TEXT_PP(0);
	Accelerator *result = palloc(sizeof(Accelerator));
	AcceleratorParts parts;
	char	   *name = text_to_cstring(part);
	size_t		level;

	for (level = 0; level < lengthof(names); level++)
		if (pg_strcasecmp(name, names[level]) == 0)
			break;
	if (level == lengthof(names))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("part \"%s\" not recognized for type %s", name, "accelerator"),
				 errhint("Valid parts are \"any\", \"vendor\", \"model\", \"form_factor\", \"memory\" and \"mig\".")));
	AcceleratorUnpack(PG_GETARG_ACCELERATOR_P(1), &parts);
	if (level < 5)
		parts.mig_slices = parts.mig_attrs = parts.mig_memory_gb = 0;
	if (level < 4)
		parts.memory_gb = 0;
	if (level < 3)
		parts.form = 0;
	if (level < 2)
		parts.model[0] = '\0';
	if (level < 1)
		parts.vendor = 0;
	AcceleratorPack(&parts, result, NULL);
	PG_RETURN_ACCELERATOR_P(result);
}

/* Reports a part that make_accelerator() was given and that cannot be. */
static void
bad_part(const char *part, const char *value, AcceleratorError e)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid %s of an accelerator: \"%s\"", part, value),
			 errdetail("%s", error_detail(e)),
			 errhint("%s", error_hint(e))));
}

/* Returns a text argument in lower case, NULL for NULL. */
static char *
get_word(FunctionCallInfo fcinfo, int n)
{
	char	   *word;

	if (PG_ARGISNULL(n))
		return NULL;
	word = text_to_cstring(PG_GETARG_TEXT_PP(n));
	for (char *p = word; *p; p++)
		*p = pg_ascii_tolower((unsigned char) *p);
	return word;
}

/*
 * make_accelerator(vendor, model, form_factor, memory_gb, mig): the value with
 * these parts.  NULL = not stated.  22023 for a part that cannot be.
 */
PG_FUNCTION_INFO_V1(make_accelerator);
Datum
make_accelerator(PG_FUNCTION_ARGS)
{
	Accelerator *result = palloc(sizeof(Accelerator));
	AcceleratorParts parts;
	char	   *vendor = get_word(fcinfo, 0);
	char	   *model = get_word(fcinfo, 1);
	char	   *form = get_word(fcinfo, 2);
	char	   *mig = get_word(fcinfo, 4);

	memset(&parts, 0, sizeof(parts));
	if (vendor && !AcceleratorVendorFromWord(vendor, strlen(vendor), &parts.vendor))
		bad_part("vendor", vendor, ACCELERATOR_BAD_VENDOR);
	if (model)
	{
		if (strlen(model) > ACCELERATOR_MODEL_MAX)
			bad_part("model", model, ACCELERATOR_MODEL_TOO_LONG);
		if (*model == '\0')
			bad_part("model", model, ACCELERATOR_NO_MODEL);
		strcpy(parts.model, model);
	}
	if (form && !AcceleratorFormFromWord(form, strlen(form), &parts.form))
		bad_part("form factor", form, ACCELERATOR_BAD_FORM);
	if (!PG_ARGISNULL(3))
	{
		int32		gb = PG_GETARG_INT32(3);

		if (gb < 1 || gb > ACCELERATOR_GB_MAX)
			bad_part("memory size", psprintf("%d", gb), ACCELERATOR_BAD_MEMORY);
		parts.memory_gb = (uint16) gb;
	}
	if (mig)
	{
		AcceleratorError e = AcceleratorReadMig(mig, strlen(mig), &parts);

		if (e != ACCELERATOR_OK)
			bad_part("MIG slice", mig, e);
	}
	AcceleratorPack(&parts, result, NULL);
	PG_RETURN_ACCELERATOR_P(result);
}

/* The makers that have a word: (vendor, vendor_id, name, aliases, source). */
PG_FUNCTION_INFO_V1(accelerator_vendors);
Datum
accelerator_vendors(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	size_t		n,
				nalias;
	const AcceleratorVendor *vendors = AcceleratorVendorTable(&n);
	const AcceleratorVendor *aliases = AcceleratorVendorAliasTable(&nalias);

	InitMaterializedSRF(fcinfo, 0);
	for (size_t i = 0; i < n; i++)
	{
		Datum		values[5];
		bool		nulls[5] = {false};
		StringInfoData list;

		initStringInfo(&list);
		for (size_t j = 0; j < nalias; j++)
			if (aliases[j].id == vendors[i].id)
				appendStringInfo(&list, "%s%s", list.len ? ", " : "", aliases[j].word);
		values[0] = CStringGetTextDatum(vendors[i].word);
		values[1] = CStringGetTextDatum(psprintf("%04x", vendors[i].id));
		values[2] = CStringGetTextDatum(vendors[i].name);
		values[3] = CStringGetTextDatum(list.data);
		nulls[3] = list.len == 0;
		values[4] = CStringGetTextDatum(vendors[i].source);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* The form factors: (form_factor, description). */
PG_FUNCTION_INFO_V1(accelerator_form_factors);
Datum
accelerator_form_factors(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	size_t		n;
	const AcceleratorFormFactor *forms = AcceleratorFormTable(&n);

	InitMaterializedSRF(fcinfo, 0);
	for (size_t i = 0; i < n; i++)
	{
		Datum		values[2];
		bool		nulls[2] = {false};

		values[0] = CStringGetTextDatum(forms[i].word);
		values[1] = CStringGetTextDatum(forms[i].description);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}
