/*
 * identify_core.c
 *		The grammar of accelerator names.  See identify_core.h for the rules.
 */
#include "accelerator/accelerator_words.h"
#include "identify/identify_core.h"
#include "identify/identify_part.h"

/* NVIDIA's id; only its drivers make vGPUs by profiles of memory. */
#define VENDOR_NVIDIA	0x10de

/* The family of form factors that are another chip by the same name. */
#define FAMILY_LAPTOP	0x7

/* Parts that a name may have, readings of one part, and readings that are tried. */
#define MAX_PARTS		48
#define MAX_EDGES		24
#define MAX_READINGS	64

/* What a reading states. */
typedef struct Statement
{
	uint16_t	vendor;
	bool		vendor_named;	/* by a word that is enough by itself */
	bool		model_named;
	AcceleratorParts model;
	const char *family;
	char		suffix[ACCELERATOR_MODEL_MAX + 1];
	uint8_t		form;
	uint32_t	memory_mib;
	bool		memory_exact;
	const char *memory_type;
	uint8_t		mig_slices;
	uint8_t		mig_attrs;
	uint16_t	mig_memory_gb;
	uint32_t	vgpu_mib;		/* memory of a vGPU; 0 = none is named */
	uint16_t	board_gb;		/* memory of the card that it is of, if its name tells */
	bool		several;		/* a system of several devices is named */
} Statement;

/* ---- characters ---- */

/* Says whether a sign may stand between two names that are alternatives. */
static inline bool
parts_names(char c)
{
	return c == '/' || c == '|' || c == ',' || c == ';';
}

/* Folds a name: lower case, one blank for a run of separators; false if too long. */
static bool
fold_name(const char *name, size_t len, Folded *f)
{
	int			n = 0;

	if (len > IDENTIFY_NAME_MAX)
		return false;
	for (size_t i = 0; i < len;)
	{
		char		c = AsciiFold(name[i]);
		size_t		width = 1;
		bool		blank = !(AsciiIsLower(c) || AsciiIsDigit(c) || IdentifyIsHigh(c) || c == '+');

		/* (R) and (TM) */
		if (c == '(')
		{
			if (len - i >= 3 && AsciiFold(name[i + 1]) == 'r' && name[i + 2] == ')')
				width = 3;
			else if (len - i >= 4 && AsciiFold(name[i + 1]) == 't' &&
					 AsciiFold(name[i + 2]) == 'm' && name[i + 3] == ')')
				width = 4;
		}
		if (blank)
		{
			if (n > 0 && f->text[n - 1] != ' ')
			{
				f->text[n] = ' ';
				f->was[n++] = name[i];
			}
			else if (n > 0 && parts_names(name[i]))
				f->was[n - 1] = name[i];	/* tells more than the blank before it */
		}
		else
		{
			f->text[n] = c;
			f->was[n++] = name[i];
		}
		i += width;
	}
	while (n > 0 && f->text[n - 1] == ' ')
		n--;
	f->text[n] = '\0';
	f->len = n;
	return true;
}

/* ---- parts of a name ---- */

/*
 * Says which of two readings to try first: the longer, then the more literal, then the
 * user's, then that of a vGPU, which holds only if there is one.
 */
static bool
edge_before(const Edge *a, const Edge *b)
{
	int			la = a->word ? a->word->literals : 0;
	int			lb = b->word ? b->word->literals : 0;

	if (a->end != b->end)
		return a->end > b->end;
	if (a->word && b->word && a->word->user != b->word->user &&
		strcmp(a->word->text, b->word->text) == 0)
		return a->word->user;
	if (la == lb && a->word && b->word)
		return a->word->kind == IDENTIFY_VGPU && b->word->kind != IDENTIFY_VGPU;
	return la > lb;
}

/* Adds a reading in its place; the least likely ones fall off a full list. */
static void
add_edge(Edge *edges, int *n, const Edge *e)
{
	int			i = *n < MAX_EDGES ? (*n)++ : MAX_EDGES - 1;

	if (i == MAX_EDGES - 1 && *n == MAX_EDGES && edges[i].end > 0 && !edge_before(e, &edges[i]))
		return;
	for (; i > 0 && edge_before(e, &edges[i - 1]); i--)
		edges[i] = edges[i - 1];
	edges[i] = *e;
}

/* Collects the ways to read the part of a name that begins at a place. */
static int
collect_edges(const IdentifyGrammar *g, const Folded *f, int at, Edge *edges)
{
	int			n = 0;
	int			lists[2] = {(unsigned char) f->text[at], '#'};
	Edge		parts[IDENTIFY_PART_READERS];
	Edge		e;

	memset(edges, 0, sizeof(Edge) * MAX_EDGES);
	for (int l = 0; l < 2; l++)
	{
		if (l == 1 && !AsciiIsDigit(f->text[at]))
			break;
		for (int i = g->first[lists[l]]; i >= 0; i = g->words[i].next)
		{
			char		digits[16];
			int			ndigits;

			if (g->words[i].kind == IDENTIFY_REWRITE)
				continue;
			memset(&e, 0, sizeof(e));
			e.end = IdentifyMatchWord(&g->words[i], f->text, at, f->len, digits, &ndigits);
			if (e.end <= at)
				continue;
			e.kind = EDGE_WORD;
			e.word = &g->words[i];
			e.start = at;
			add_edge(edges, &n, &e);
		}
	}
	for (int i = 0, nparts = IdentifyReadParts(f, at, parts); i < nparts; i++)
		add_edge(edges, &n, &parts[i]);
	return n;
}

/* Replaces what stands for other letters; false if the name gets too long. */
static bool
rewrite(const IdentifyGrammar *g, Folded *f)
{
	Folded		out;
	int			n = 0;
	bool		changed = false;

	for (int at = 0; at < f->len;)
	{
		const IdentifyWord *best = NULL;
		int			end = at;

		if (IdentifyIsBoundary(f->text, at, f->len))
			for (int i = g->first[(unsigned char) f->text[at]]; i >= 0; i = g->words[i].next)
			{
				char		digits[16];
				int			ndigits,
							to;

				if (g->words[i].kind != IDENTIFY_REWRITE)
					continue;
				to = IdentifyMatchWord(&g->words[i], f->text, at, f->len, digits, &ndigits);
				if (to > end || (to == end && best && g->words[i].user))
				{
					end = to;
					best = &g->words[i];
				}
			}
		if (best)
		{
			int			w = (int) strlen(best->meaning);

			if (n + w + 1 > IDENTIFY_NAME_MAX * 2)
				return false;
			memcpy(out.text + n, best->meaning, (size_t) w);
			memset(out.was + n, ' ', (size_t) w);
			n += w;
			at = end;
			if (w > 0 && out.text[n - 1] == ' ' && at < f->len && f->text[at] == ' ')
				at++;			/* one blank is enough */
			changed = true;
		}
		else
		{
			if (n + 1 > IDENTIFY_NAME_MAX * 2)
				return false;
			out.text[n] = f->text[at];
			out.was[n++] = f->was[at++];
		}
	}
	if (changed)
	{
		memcpy(f->text, out.text, (size_t) n);
		memcpy(f->was, out.was, (size_t) n);
		f->text[n] = '\0';
		f->len = n;
	}
	return true;
}

/* ---- what the parts say together ---- */

/* Says whether a stated form factor, or class of them, holds a variant's. */
static bool
form_holds(uint8_t stated, uint8_t known)
{
	return stated == 0 || known == 0 || stated == known ||
		((stated & 0xf) == 0 && (stated >> 4) == (known >> 4));
}

/* Takes the narrower of two form factors into the first; false if they differ. */
static bool
merge_form(uint8_t *form, uint8_t other)
{
	if (form_holds(*form, other))
	{
		if (other != 0)
			*form = other;
		return true;
	}
	return form_holds(other, *form);
}

/* Says whether a measured memory is one that is printed: up to 9% less. */
static bool
measures(uint32_t measured, uint32_t printed)
{
	return measured <= printed && (uint64_t) measured * 100 >= (uint64_t) printed * 91;
}

/* Adds a memory size; false if it contradicts the one before.  What is printed is kept. */
static bool
add_memory(Statement *st, uint32_t mib, bool exact)
{
	if (st->memory_mib == 0)
	{
		st->memory_mib = mib;
		st->memory_exact = exact;
		return true;
	}
	if (st->memory_exact == exact)
		return st->memory_mib == mib;
	if (st->memory_exact)
		return measures(mib, st->memory_mib);
	if (!measures(st->memory_mib, mib))
		return false;
	st->memory_mib = mib;
	st->memory_exact = true;
	return true;
}

/* Adds the profile of a MIG slice; false if there was one. */
static bool
add_mig(Statement *st, uint8_t slices, uint8_t attrs, uint16_t memory_gb)
{
	if (st->mig_slices != 0)
		return false;
	st->mig_slices = slices;
	st->mig_attrs = attrs;
	st->mig_memory_gb = memory_gb;
	return true;
}

/* Adds what a word that names a model says; false if it contradicts what was said before. */
static bool
add_model(Statement *st, const Folded *f, const Edge *e)
{
	AcceleratorParts parts;
	char		digits[16];
	int			ndigits = 0;

	IdentifyMatchWord(e->word, f->text, e->start, f->len, digits, &ndigits);
	if (!IdentifyFillModel(e->word->meaning, digits, ndigits, &parts) ||
		(st->vendor != 0 && st->vendor != parts.vendor))
		return false;
	if (st->model_named && strcmp(st->model.model, parts.model) != 0)
		return false;
	st->vendor = parts.vendor;
	st->model_named = true;
	memcpy(st->model.model, parts.model, sizeof(parts.model));
	st->model.vendor = parts.vendor;
	if (e->word->kind == IDENTIFY_VGPU)
		st->board_gb = IdentifyBoardMemory(e->word->meaning);
	else if (e->word->family)
		st->family = e->word->family;
	if (!merge_form(&st->form, parts.form))
		return false;
	if (parts.mig_slices && !add_mig(st, parts.mig_slices, parts.mig_attrs, parts.mig_memory_gb))
		return false;
	return parts.memory_gb == 0 ||
		add_memory(st, (uint32_t) parts.memory_gb * MIB_PER_GIB, true);
}

/* Adds what one part says; false if it contradicts what was said before. */
static bool
add_statement(Statement *st, const Folded *f, const Edge *e)
{
	AcceleratorParts parts;
	uint8_t		form;

	switch (e->kind)
	{
		case EDGE_BESIDE:
			return true;
		case EDGE_MEMORY:
			return add_memory(st, e->memory_mib, e->memory_exact);
		case EDGE_MIG:
			return add_mig(st, e->mig_slices, e->mig_attrs, e->mig_memory_gb);
		case EDGE_VGPU:
			if (st->vgpu_mib != 0)
				return false;
			st->vgpu_mib = e->memory_mib;
			return true;
		case EDGE_WORD:
			break;
	}
	switch (e->word->kind)
	{
		case IDENTIFY_NOISE:
		case IDENTIFY_REWRITE:
			return true;
		case IDENTIFY_VENDOR:
		case IDENTIFY_CHIP:
			if (!IdentifyFillModel(e->word->meaning, NULL, 0, &parts) ||
				(st->vendor != 0 && st->vendor != parts.vendor))
				return false;
			st->vendor = parts.vendor;
			if (e->word->kind == IDENTIFY_VENDOR)
				st->vendor_named = true;
			return true;
		case IDENTIFY_MODEL:
		case IDENTIFY_PRODUCT:
		case IDENTIFY_VGPU:
			return add_model(st, f, e);
		case IDENTIFY_SUFFIX:
			if (st->family == NULL || strcmp(st->family, e->word->family) != 0 ||
				strlen(st->suffix) + strlen(e->word->meaning) >= sizeof(st->suffix))
				return false;
			strcat(st->suffix, e->word->meaning);
			return true;
		case IDENTIFY_SYSTEM:
			st->several = true;
			if (e->word->meaning == NULL)
				return true;
			/* fall through */
		case IDENTIFY_FORM:
			return AcceleratorFormFromWord(e->word->meaning, strlen(e->word->meaning), &form) &&
				merge_form(&st->form, form);
		case IDENTIFY_MEMORY_TYPE:
			if (st->memory_type && strcmp(st->memory_type, e->word->meaning) != 0)
				return false;
			st->memory_type = e->word->meaning;
			return true;
	}
	return false;
}

/* Says whether a stated memory is a variant's: exactly in GB, up to 9% less as measured in MiB. */
static bool
memory_agrees(const Statement *st, uint16_t known)
{
	if (st->memory_mib == 0 || known == 0)
		return true;
	if (st->memory_exact)
		return st->memory_mib == (uint32_t) known * MIB_PER_GIB;
	return measures(st->memory_mib, (uint32_t) known * MIB_PER_GIB);
}

/* Makes the narrowest class that holds two; false if they have no vendor in common. */
bool
IdentifyJoin(const Accelerator *a, const Accelerator *b, Accelerator *out)
{
	AcceleratorParts p,
				q;

	AcceleratorUnpack(a, &p);
	AcceleratorUnpack(b, &q);
	if (p.vendor != q.vendor)
		return false;
	if (strcmp(p.model, q.model) != 0)
	{
		uint16_t	vendor = p.vendor;

		memset(&p, 0, sizeof(p));
		p.vendor = vendor;
		return AcceleratorPackParts(&p, out) == ACCELERATOR_OK;
	}
	if (p.form != q.form)
	{
		if ((p.form >> 4) != (q.form >> 4) || AcceleratorFormWord(p.form & 0xf0) == NULL)
			p.form = 0;
		else
			p.form &= 0xf0;
	}
	if (p.memory_gb != q.memory_gb)
		p.memory_gb = 0;
	if (p.mig_slices != q.mig_slices || p.mig_attrs != q.mig_attrs ||
		p.mig_memory_gb != q.mig_memory_gb)
		p.mig_slices = p.mig_attrs = p.mig_memory_gb = 0;
	return AcceleratorPackParts(&p, out) == ACCELERATOR_OK;
}

/* Returns the place of the first variant that is not before those of the stated model. */
static int
first_variant(const IdentifyGrammar *g, const Statement *st)
{
	AcceleratorParts parts;
	Accelerator model;
	int			low = 0;
	int			high = g->nvariants;

	memset(&parts, 0, sizeof(parts));
	parts.vendor = st->model.vendor;
	memcpy(parts.model, st->model.model, sizeof(parts.model));
	if (AcceleratorPackParts(&parts, &model) != ACCELERATOR_OK)
		return high;
	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (AcceleratorCompare(&g->variants[middle].accelerator, &model) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/*
 * Joins the variants of the stated model that agree with the statement, looking
 * only at what use says.  Returns how many different ones there are.
 */
#define USE_FORM	1
#define USE_MEMORY	2

static int
join_variants(const IdentifyGrammar *g, const Statement *st, int use, AcceleratorParts *out)
{
	Accelerator join = {{0}};
	int			n = 0;

	for (int i = first_variant(g, st); i < g->nvariants; i++)
	{
		const IdentifyVariant *v = &g->variants[i];
		AcceleratorParts parts;
		Accelerator wider;

		AcceleratorUnpack(&v->accelerator, &parts);
		if (parts.vendor != st->model.vendor || strcmp(parts.model, st->model.model) != 0)
			break;				/* it and all that follow are of other models */
		if ((use & USE_FORM) && !form_holds(st->form, v->form))
			continue;
		if ((use & USE_MEMORY) &&
			(!memory_agrees(st, v->memory_gb) ||
			 (st->memory_type && v->memory_type && strcmp(st->memory_type, v->memory_type) != 0)))
			continue;
		if (n == 0)
			join = v->accelerator;
		else if (AcceleratorCompare(&join, &v->accelerator) == 0)
			continue;
		else if (IdentifyJoin(&join, &v->accelerator, &wider))
			join = wider;
		n++;
	}
	if (n > 0)
		AcceleratorUnpack(&join, out);
	return n;
}

/* Says whether the vocabulary knows variants of the stated model. */
static bool
has_variants(const IdentifyGrammar *g, const Statement *st)
{
	AcceleratorParts unused;

	return join_variants(g, st, 0, &unused) > 0;
}

/* Says whether one of two devices, or classes of them, may hold the other. */
static bool
may_be(const AcceleratorParts *a, const AcceleratorParts *b)
{
	return a->vendor == b->vendor && strcmp(a->model, b->model) == 0 &&
		(form_holds(a->form, b->form) || form_holds(b->form, a->form)) &&
		(a->memory_gb == 0 || b->memory_gb == 0 || a->memory_gb == b->memory_gb);
}

/*
 * Returns what the table says of a device, or of a class that holds it: the most specific
 * row that says it, of two for the same class the user's.  -1 = nothing.
 */
static int
device_figure(const IdentifyGrammar *g, const Accelerator *x, int (*figure) (const IdentifyDevice *device))
{
	const IdentifyDevice *best = NULL;
	int			best_specificity = -1;

	for (int i = 0; i < g->ndevices; i++)
	{
		const IdentifyDevice *device = &g->devices[i];
		int			specificity;

		if (figure(device) < 0 || !AcceleratorContains(&device->accelerator, x))
			continue;
		specificity = AcceleratorSpecificity(&device->accelerator);
		if (specificity > best_specificity || (specificity == best_specificity && device->user))
		{
			best = device;
			best_specificity = specificity;
		}
	}
	return best == NULL ? -1 : figure(best);
}

static int
slices_of(const IdentifyDevice *device)
{
	return device->slices;
}

static int
per_package_of(const IdentifyDevice *device)
{
	return device->per_package;
}

/*
 * Says whether a device can have a slice of so many parts.  Of a class that no row holds,
 * some device of it can; of what no table tells, it can.
 */
static bool
may_have_slices(const IdentifyGrammar *g, const AcceleratorParts *device, int slices)
{
	Accelerator x;
	int			most = -1;
	bool		told = false;

	if (AcceleratorPackParts(device, &x) == ACCELERATOR_OK)
		most = device_figure(g, &x, slices_of);
	if (most >= 0)
		return slices <= most;
	for (int i = 0; i < g->ndevices; i++)
	{
		AcceleratorParts parts;

		AcceleratorUnpack(&g->devices[i].accelerator, &parts);
		if (!may_be(&parts, device))
			continue;
		if (g->devices[i].slices >= slices)
			return true;
		told = true;
	}
	return !told;
}

/* Returns how many devices are sold as one of an accelerator: of a slice, that is one. */
int
IdentifyDevicesPerPackage(const IdentifyGrammar *g, const Accelerator *accelerator)
{
	AcceleratorParts device;
	int			most;

	AcceleratorUnpack(accelerator, &device);
	if (device.mig_slices)
		return 1;
	most = device_figure(g, accelerator, per_package_of);
	if (most >= 0)
		return most;
	most = 1;
	for (int i = 0; i < g->ndevices; i++)
	{
		AcceleratorParts parts;

		AcceleratorUnpack(&g->devices[i].accelerator, &parts);
		if (g->devices[i].per_package > most && may_be(&parts, &device))
			most = g->devices[i].per_package;
	}
	return most;
}

/*
 * Finds the memory of the card that a vGPU is of: 0 = not known.  A card whose memory is
 * printed in several ways has the smallest that holds the profile.  False if none does.
 */
static bool
find_card_memory(const IdentifyGrammar *g, const Statement *st, const AcceleratorParts *card, uint32_t *mib)
{
	const Accelerator *seen = NULL;
	bool		any = false;

	*mib = (uint32_t) (st->board_gb ? st->board_gb : card->memory_gb) * MIB_PER_GIB;
	if (*mib != 0)
		return *mib >= st->vgpu_mib;
	for (int i = 0; i < g->nvariants; i++)
	{
		const IdentifyVariant *v = &g->variants[i];
		uint32_t	known = (uint32_t) v->memory_gb * MIB_PER_GIB;
		AcceleratorParts parts;

		AcceleratorUnpack(&v->accelerator, &parts);
		if (parts.vendor != card->vendor || strcmp(parts.model, card->model) != 0 ||
			!form_holds(card->form, parts.form))
			continue;
		any = true;
		if (known < st->vgpu_mib)
			continue;
		if (seen != NULL && AcceleratorCompare(seen, &v->accelerator) != 0)
		{
			*mib = 0;			/* one of several cards */
			return true;
		}
		if (*mib == 0 || known < *mib)
			*mib = known;
		seen = &v->accelerator;
	}
	return !any || seen != NULL;
}

/*
 * Finds form factor and memory of a statement's model among its variants.  What no
 * variant has is not claimed, neither by the statement nor for another variant: then the
 * answer is a class, without that memory, or without that form.
 */
static void
settle_variant(const IdentifyGrammar *g, const Statement *st, AcceleratorParts *parts)
{
	AcceleratorParts join;
	int			n = join_variants(g, st, USE_FORM | USE_MEMORY, &join);

	if (n == 1)
	{
		parts->form = join.form;
		parts->memory_gb = join.memory_gb;
	}
	else if (n > 1)
	{
		/* Only what the name states, as narrow as all of them allow. */
		parts->form = st->form ? join.form : 0;
		parts->memory_gb = st->memory_mib ? join.memory_gb : 0;
	}
	/* The form factor is believed before the memory, which may be a share or count something else. */
	else if (join_variants(g, st, USE_FORM, &join) > 0)
		parts->form = st->form ? join.form : 0;
	else if (st->form >> 4 == FAMILY_LAPTOP)
		parts->form = st->form; /* another chip by the same name */
	else if (join_variants(g, st, USE_MEMORY, &join) > 0)
		parts->memory_gb = st->memory_mib ? join.memory_gb : 0;
}

/* Turns a statement into what it means. */
static bool
settle(const IdentifyGrammar *g, Statement *st, IdentifyMeaning *out)
{
	AcceleratorParts parts;

	memset(out, 0, sizeof(*out));
	memset(&parts, 0, sizeof(parts));
	out->several = st->several;
	out->model_named = st->model_named;
	parts.vendor = st->vendor;
	if (!st->model_named || st->model.model[0] == '\0')
	{
		/* Several models go by this name, or none is named: the maker is all there is. */
		if (st->suffix[0] || st->vgpu_mib || (!st->vendor_named && !st->model_named))
			return false;
		return AcceleratorPackParts(&parts, &out->accelerator) == ACCELERATOR_OK;
	}
	if (strlen(st->model.model) + strlen(st->suffix) > ACCELERATOR_MODEL_MAX)
		return false;
	strcat(st->model.model, st->suffix);
	memcpy(parts.model, st->model.model, sizeof(parts.model));

	if (has_variants(g, st))
		settle_variant(g, st, &parts);
	else
	{
		/* Nothing to check it with: what was said. */
		parts.form = st->form;
		if (st->memory_exact)
			parts.memory_gb = (uint16_t) (st->memory_mib / MIB_PER_GIB);
	}

	if (st->mig_slices)
	{
		if (!may_have_slices(g, &parts, st->mig_slices))
			return false;
		parts.mig_slices = st->mig_slices;
		parts.mig_attrs = st->mig_attrs;
		parts.mig_memory_gb = st->mig_memory_gb;
	}
	if (st->vgpu_mib)
	{
		if (st->mig_slices || st->vendor != VENDOR_NVIDIA ||
			!find_card_memory(g, st, &parts, &out->card_mib))
			return false;
		out->vgpu_mib = st->vgpu_mib;
	}
	return AcceleratorPackParts(&parts, &out->accelerator) == ACCELERATOR_OK;
}

/* ---- reading ---- */

typedef struct Reader
{
	const IdentifyGrammar *g;
	const Folded *f;
	signed char reach[IDENTIFY_NAME_MAX * 2 + 2];	/* can the end be reached: -1 not known */
	Edge		parts[MAX_PARTS];
	int			nparts;
	int			readings;
} Reader;

/* Returns the place after a blank. */
static int
skip_blank(const Folded *f, int at)
{
	return at < f->len && f->text[at] == ' ' ? at + 1 : at;
}

/* Makes a statement of the parts and settles it. */
static bool
accept(Reader *r, IdentifyMeaning *out)
{
	Statement	st;
	bool		maker = false;
	bool		vgpu = false;
	int			model_end = -1;

	memset(&st, 0, sizeof(st));
	/* A suffix may stand before its model in the name: models first. */
	for (int pass = 0; pass < 2; pass++)
		for (int i = 0; i < r->nparts; i++)
		{
			const Edge *e = &r->parts[i];
			bool		suffix = e->kind == EDGE_WORD && e->word->kind == IDENTIFY_SUFFIX;

			vgpu = vgpu || e->vgpu;
			if (suffix != (pass == 1))
				continue;
			if (e->kind == EDGE_WORD &&
				(e->word->kind == IDENTIFY_VENDOR || e->word->kind == IDENTIFY_CHIP))
				maker = true;
			/* Two models with a slash or a comma between them are alternatives. */
			if (e->kind == EDGE_WORD &&
				(e->word->kind == IDENTIFY_MODEL || e->word->kind == IDENTIFY_PRODUCT || e->word->kind == IDENTIFY_VGPU))
			{
				for (int k = model_end; k >= 0 && k < e->start; k++)
					if (parts_names(r->f->was[k]))
						return false;
				model_end = e->end;
			}
			if (!add_statement(&st, r->f, e))
				return false;
		}
	/* A product needs its maker named, the code of a vGPU's card the profile. */
	for (int i = 0; i < r->nparts; i++)
		if (r->parts[i].kind == EDGE_WORD &&
			((r->parts[i].word->kind == IDENTIFY_PRODUCT && !maker) ||
			 (r->parts[i].word->kind == IDENTIFY_VGPU && !vgpu)))
			return false;
	return settle(r->g, &st, out);
}

/* Reads on from a place, the likeliest reading first. */
static bool
read_from(Reader *r, int at, IdentifyMeaning *out)
{
	Edge		edges[MAX_EDGES];
	int			n;
	bool		reached = false;

	at = skip_blank(r->f, at);
	if (at >= r->f->len)
	{
		r->readings++;
		r->reach[at] = 1;
		return accept(r, out);
	}
	/* A name of so many parts is none: all ways through it are given up, of which there may be very many. */
	if (r->nparts >= MAX_PARTS)
		r->readings = MAX_READINGS;
	if (r->reach[at] == 0 || r->readings >= MAX_READINGS)
		return false;
	n = collect_edges(r->g, r->f, at, edges);
	for (int i = 0; i < n; i++)
	{
		int			next = skip_blank(r->f, edges[i].end);

		r->parts[r->nparts++] = edges[i];
		if (read_from(r, next, out))
			return true;
		r->nparts--;
		if (r->reach[next] != 0)
			reached = true;
	}
	/* Only what was tried to the end is known not to lead anywhere. */
	if (!reached && r->readings < MAX_READINGS)
		r->reach[at] = 0;
	else if (reached)
		r->reach[at] = 1;
	return false;
}

/* Reads a name by the grammar. */
static bool
read_plain(const IdentifyGrammar *g, const char *name, size_t len, IdentifyMeaning *out)
{
	Folded		f;
	Reader		r;

	if (!fold_name(name, len, &f) || f.len == 0 || !rewrite(g, &f))
		return false;
	r.g = g;
	r.f = &f;
	r.nparts = 0;
	r.readings = 0;
	memset(r.reach, -1, sizeof(r.reach));
	return read_from(&r, 0, out);
}

/*
 * Reads a name.  Where it is not one name, tries what is in brackets at its end
 * ("GH100 [H100 PCIe]" is a die and the card) and alternatives ("MI250X/MI250",
 * "A10|T4", "B200, B300"), whose answer is the class that holds them all.
 */
bool
IdentifyRead(const IdentifyGrammar *g, const char *name, size_t len, IdentifyMeaning *out)
{
	const char *open;
	bool		any = false;

	if (len == 0 || len > IDENTIFY_NAME_MAX)
		return false;
	if (read_plain(g, name, len, out))
		return true;
	if (name[len - 1] == ']' && (open = memchr(name, '[', len)) != NULL)
		return open > name && IdentifyRead(g, open + 1, len - (size_t) (open + 1 - name) - 1, out);
	for (size_t start = 0, i = 0; i <= len; i++)
	{
		IdentifyMeaning one;
		Accelerator join;

		if (i < len && !parts_names(name[i]))
			continue;
		if (start == 0 && i == len)
			return false;		/* no alternatives */
		if (!read_plain(g, name + start, i - start, &one))
			return false;
		if (!any)
			*out = one;
		else if (IdentifyJoin(&out->accelerator, &one.accelerator, &join))
		{
			memset(out, 0, sizeof(*out));
			out->accelerator = join;
			out->several = true;
		}
		else
			return false;
		any = true;
		start = i + 1;
	}
	return any;
}
