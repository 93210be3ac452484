/*
 * identify_core.c
 *		The grammar of accelerator names.  See identify_core.h for the rules.
 */
#include "accelerator/accelerator_words.h"
#include "identify/identify_chars.h"
#include "identify/identify_core.h"

#define lengthof(array) (sizeof(array) / sizeof((array)[0]))

/* Parts that a name may have, readings of one part, and readings that are tried. */
#define MAX_PARTS		48
#define MAX_EDGES		24
#define MAX_READINGS	64

#define MIB_PER_GIB		1024

/* A name folded for reading; each blank remembers what stood there. */
typedef struct Folded
{
	char		text[IDENTIFY_NAME_MAX * 2 + 1];
	char		was[IDENTIFY_NAME_MAX * 2 + 1];
	int			len;
} Folded;

typedef enum EdgeKind
{
	EDGE_WORD,
	EDGE_MEMORY,
	EDGE_MIG,
	EDGE_POWER
} EdgeKind;

/* One way to read the part of a name that begins at some place. */
typedef struct Edge
{
	EdgeKind	kind;
	const IdentifyWord *word;
	int			start;
	int			end;			/* where the part ends */
	uint32_t	memory_mib;
	bool		memory_exact;	/* printed in GB, not measured in MiB */
	uint8_t		mig_slices;
	uint8_t		mig_attrs;
	uint16_t	mig_memory_gb;
} Edge;

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
} Statement;

/* ---- characters ---- */

/* Says whether a sign may stand between two names that are alternatives. */
static inline bool
parts_names(char c)
{
	return c == '/' || c == '|' || c == ',' || c == ';';
}

/* Signs that print like a blank or add nothing, as UTF-8. */
static const char *const blanks[] = {
	"\xc2\xa0", "\xc2\xae", "\xe2\x84\xa2", "\xe3\x80\x80", "\xef\xbc\x88",
	"\xef\xbc\x89", "\xe2\x80\x93", "\xe2\x80\x94", "\xe2\x80\x91", "\xef\xbc\x9a"
};

/* Folds a name: lower case, one blank for a run of separators; false if too long. */
static bool
fold_name(const char *name, size_t len, bool utf8, Folded *f)
{
	int			n = 0;

	if (len > IDENTIFY_NAME_MAX)
		return false;
	for (size_t i = 0; i < len;)
	{
		char		c = AsciiFold(name[i]);
		size_t		width = 1;
		bool		blank = !(AsciiIsLower(c) || AsciiIsDigit(c) || IdentifyIsHigh(c) || c == '+');

		if (utf8 && IdentifyIsHigh(c))
			for (size_t k = 0; k < lengthof(blanks); k++)
			{
				size_t		w = strlen(blanks[k]);

				if (len - i >= w && memcmp(name + i, blanks[k], w) == 0)
				{
					blank = true;
					width = w;
				}
			}
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

/* Reads digits; returns where they end, or -1 if there are none or too many. */
static int
scan_digits(const char *s, int at, int len, int max, uint32_t *value)
{
	int			start = at;

	*value = 0;
	while (at < len && AsciiIsDigit(s[at]))
	{
		if (at - start >= max)
			return -1;
		*value = *value * 10 + (uint32_t) (s[at++] - '0');
	}
	return at > start ? at : -1;
}

/* Reads one of some endings, longest first, that ends at a boundary. */
static int
read_ending(const char *s, int at, int len, const char *const *endings, int *which)
{
	for (int i = 0; endings[i]; i++)
	{
		int			n = (int) strlen(endings[i]);

		if (len - at >= n && memcmp(s + at, endings[i], (size_t) n) == 0 &&
			IdentifyIsBoundary(s, at + n, len))
		{
			*which = i;
			return at + n;
		}
	}
	return -1;
}

/* Reads a memory size: 80GB, 80 GiB, 80G, 81559MiB. */
static bool
read_memory(const Folded *f, int at, Edge *e)
{
	static const char *const units[] = {"gib", "gb", "g", "mib", "mb", NULL};
	uint32_t	value;
	int			unit;

	at = scan_digits(f->text, at, f->len, 7, &value);
	if (at < 0)
		return false;
	if (at < f->len && f->text[at] == ' ')
		at++;
	at = read_ending(f->text, at, f->len, units, &unit);
	if (at < 0 || value == 0)
		return false;
	e->memory_exact = unit < 3;
	if (e->memory_exact && value > ACCELERATOR_GB_MAX)
		return false;
	e->memory_mib = e->memory_exact ? value * MIB_PER_GIB : value;
	if (e->memory_mib < 256 || e->memory_mib / MIB_PER_GIB > ACCELERATOR_GB_MAX)
		return false;
	e->kind = EDGE_MEMORY;
	e->end = at;
	return true;
}

/* Reads a MIG profile: 3g.20gb, 1g.10gb+me, 1g.5gb.me, 1g.24gb+me.all, 1g.24gb-me, 2g.48gb+gfx. */
static bool
read_mig(const Folded *f, int at, Edge *e)
{
	static const char *const slices[] = {"g", NULL};
	static const char *const units[] = {"gb", NULL};
	static const char *const attrs[] = {"me all", "me", "gfx", NULL};
	uint32_t	value;
	int			which;

	at = scan_digits(f->text, at, f->len, 2, &value);
	if (at < 0 || value == 0 || value > ACCELERATOR_SLICES_MAX)
		return false;
	e->mig_slices = (uint8_t) value;
	at = read_ending(f->text, at, f->len, slices, &which);
	if (at < 0 || at >= f->len || f->text[at] != ' ')
		return false;
	at = scan_digits(f->text, at + 1, f->len, 5, &value);
	if (at < 0 || value == 0 || value > ACCELERATOR_GB_MAX)
		return false;
	e->mig_memory_gb = (uint16_t) value;
	at = read_ending(f->text, at, f->len, units, &which);
	if (at < 0)
		return false;
	e->mig_attrs = 0;
	while (at + 1 < f->len && (f->text[at] == ' ' || f->text[at] == '+'))
	{
		int			end = read_ending(f->text, at + 1, f->len, attrs, &which);
		uint8_t		bit;

		if (end < 0)
			break;
		if (f->was[at] == '-' && which == 1)
			bit = ACCELERATOR_MIG_NO_ME;
		else
			bit = which == 0 ? ACCELERATOR_MIG_ME_ALL :
				which == 1 ? ACCELERATOR_MIG_ME : ACCELERATOR_MIG_GFX;
		e->mig_attrs |= bit;
		at = end;
	}
	e->kind = EDGE_MIG;
	e->end = at;
	return true;
}

/* Reads a power: 150W.  It says nothing about which chip it is. */
static bool
read_power(const Folded *f, int at, Edge *e)
{
	static const char *const units[] = {"watts", "watt", "w", NULL};
	uint32_t	value;
	int			which;

	at = scan_digits(f->text, at, f->len, 4, &value);
	if (at < 0)
		return false;
	at = read_ending(f->text, at, f->len, units, &which);
	if (at < 0)
		return false;
	e->kind = EDGE_POWER;
	e->end = at;
	return true;
}

/* Says which of two readings to try first: the longer, then the more literal, then the user's. */
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
	if (AsciiIsDigit(f->text[at]))
	{
		static bool (*const readers[]) (const Folded *, int, Edge *) = {
			read_mig, read_memory, read_power
		};

		for (size_t r = 0; r < lengthof(readers); r++)
		{
			memset(&e, 0, sizeof(e));
			e.start = at;
			if (readers[r] (f, at, &e))
				add_edge(edges, &n, &e);
		}
	}
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

/* Adds what one part says; false if it contradicts what was said before. */
static bool
add_statement(Statement *st, const Folded *f, const Edge *e)
{
	AcceleratorParts parts;
	char		digits[16];
	int			ndigits = 0;
	uint8_t		form;

	switch (e->kind)
	{
		case EDGE_POWER:
			return true;
		case EDGE_MEMORY:
			if (st->memory_mib != 0 && st->memory_mib != e->memory_mib)
				return false;
			st->memory_mib = e->memory_mib;
			st->memory_exact = e->memory_exact;
			return true;
		case EDGE_MIG:
			if (st->mig_slices != 0)
				return false;
			st->mig_slices = e->mig_slices;
			st->mig_attrs = e->mig_attrs;
			st->mig_memory_gb = e->mig_memory_gb;
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
			if (e->word->family)
				st->family = e->word->family;
			if (!merge_form(&st->form, parts.form))
				return false;
			if (parts.memory_gb)
			{
				if (st->memory_mib != 0 && st->memory_mib != (uint32_t) parts.memory_gb * MIB_PER_GIB)
					return false;
				st->memory_mib = (uint32_t) parts.memory_gb * MIB_PER_GIB;
				st->memory_exact = true;
			}
			return true;
		case IDENTIFY_SUFFIX:
			if (st->family == NULL || strcmp(st->family, e->word->family) != 0 ||
				strlen(st->suffix) + strlen(e->word->meaning) >= sizeof(st->suffix))
				return false;
			strcat(st->suffix, e->word->meaning);
			return true;
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
	return st->memory_mib <= (uint32_t) known * MIB_PER_GIB &&
		(uint64_t) st->memory_mib * 100 >= (uint64_t) known * MIB_PER_GIB * 91;
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

/* Turns a statement into an accelerator. */
static bool
settle(const IdentifyGrammar *g, Statement *st, Accelerator *out)
{
	AcceleratorParts parts;
	AcceleratorParts join;
	int			n;

	memset(&parts, 0, sizeof(parts));
	parts.vendor = st->vendor;
	if (!st->model_named || st->model.model[0] == '\0')
	{
		/* Several models go by this name, or none is named: the maker is all there is. */
		if (st->suffix[0] || (!st->vendor_named && !st->model_named))
			return false;
		return AcceleratorPackParts(&parts, out) == ACCELERATOR_OK;
	}
	if (strlen(st->model.model) + strlen(st->suffix) > ACCELERATOR_MODEL_MAX)
		return false;
	strcat(st->model.model, st->suffix);
	memcpy(parts.model, st->model.model, sizeof(parts.model));
	parts.mig_slices = st->mig_slices;
	parts.mig_attrs = st->mig_attrs;
	parts.mig_memory_gb = st->mig_memory_gb;

	if (!has_variants(g, st))
	{
		/* Nothing to check it with: what was said. */
		parts.form = st->form;
		if (st->memory_exact)
			parts.memory_gb = (uint16_t) (st->memory_mib / MIB_PER_GIB);
		return AcceleratorPackParts(&parts, out) == ACCELERATOR_OK;
	}

	n = join_variants(g, st, USE_FORM | USE_MEMORY, &join);
	if (n == 0)
	{
		/*
		 * No such variant is known.  The form factor is believed before the
		 * memory, which may be a share of it or count something else.
		 */
		st->memory_mib = 0;
		st->memory_type = NULL;
		n = join_variants(g, st, USE_FORM | USE_MEMORY, &join);
		if (n == 0 && st->form != 0)
		{
			parts.form = st->form;
			return AcceleratorPackParts(&parts, out) == ACCELERATOR_OK;
		}
	}
	if (n == 1)
	{
		parts.form = join.form;
		parts.memory_gb = join.memory_gb;
	}
	else
	{
		/* Only what the name states, as narrow as all of them allow. */
		parts.form = st->form ? join.form : 0;
		parts.memory_gb = st->memory_mib ? join.memory_gb : 0;
	}
	return AcceleratorPackParts(&parts, out) == ACCELERATOR_OK;
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
accept(Reader *r, Accelerator *out)
{
	Statement	st;
	bool		maker = false;
	int			model_end = -1;

	memset(&st, 0, sizeof(st));
	/* A suffix may stand before its model in the name: models first. */
	for (int pass = 0; pass < 2; pass++)
		for (int i = 0; i < r->nparts; i++)
		{
			const Edge *e = &r->parts[i];
			bool		suffix = e->kind == EDGE_WORD && e->word->kind == IDENTIFY_SUFFIX;

			if (suffix != (pass == 1))
				continue;
			if (e->kind == EDGE_WORD &&
				(e->word->kind == IDENTIFY_VENDOR || e->word->kind == IDENTIFY_CHIP))
				maker = true;
			/* Two models with a slash or a comma between them are alternatives. */
			if (e->kind == EDGE_WORD &&
				(e->word->kind == IDENTIFY_MODEL || e->word->kind == IDENTIFY_PRODUCT))
			{
				for (int k = model_end; k >= 0 && k < e->start; k++)
					if (parts_names(r->f->was[k]))
						return false;
				model_end = e->end;
			}
			if (!add_statement(&st, r->f, e))
				return false;
		}
	/* A product needs its maker named. */
	for (int i = 0; i < r->nparts; i++)
		if (r->parts[i].kind == EDGE_WORD && r->parts[i].word->kind == IDENTIFY_PRODUCT && !maker)
			return false;
	return settle(r->g, &st, out);
}

/* Reads on from a place, the likeliest reading first. */
static bool
read_from(Reader *r, int at, Accelerator *out)
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
	if (r->reach[at] == 0 || r->nparts >= MAX_PARTS || r->readings >= MAX_READINGS)
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
	if (!reached && r->nparts < MAX_PARTS && r->readings < MAX_READINGS)
		r->reach[at] = 0;
	else if (reached)
		r->reach[at] = 1;
	return false;
}

/* Reads a name by the grammar. */
static bool
read_plain(const IdentifyGrammar *g, const char *name, size_t len, Accelerator *out)
{
	Folded		f;
	Reader		r;

	if (!fold_name(name, len, g->utf8, &f) || f.len == 0 || !rewrite(g, &f))
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
IdentifyRead(const IdentifyGrammar *g, const char *name, size_t len, Accelerator *out)
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
		Accelerator one,
					join;

		if (i < len && !parts_names(name[i]))
			continue;
		if (start == 0 && i == len)
			return false;		/* no alternatives */
		if (!read_plain(g, name + start, i - start, &one))
			return false;
		if (!any)
			*out = one;
		else if (IdentifyJoin(out, &one, &join))
			*out = join;
		else
			return false;
		any = true;
		start = i + 1;
	}
	return any;
}
