/*
 * identify_part.c
 *		Parts of a name that are read without a table.  See identify_part.h.
 */
#include "identify/identify_part.h"

#define lengthof(array) (sizeof(array) / sizeof((array)[0]))

/* Says whether a character of a folded name is a hexadecimal digit. */
static inline bool
is_hex(char c)
{
	return AsciiIsDigit(c) || (c >= 'a' && c <= 'f');
}

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

/* Reads a memory size: 80GB, 80 GiB, 80G, 81559MiB; with decimals, 79.6GiB, it was measured. */
static bool
read_memory(const Folded *f, int at, Edge *e)
{
	static const char *const units[] = {"gib", "gb", "g", "mib", "mb", NULL};
	uint32_t	value;
	uint32_t	mib = 0;
	int			decimals;
	int			unit;

	at = scan_digits(f->text, at, f->len, 7, &value);
	if (at < 0)
		return false;
	e->memory_exact = true;
	decimals = at + 1;
	if (at < f->len && f->text[at] == ' ' && f->was[at] == '.')
	{
		uint32_t	thousandths = 0;
		uint32_t	weight = 100;

		for (; decimals < f->len && AsciiIsDigit(f->text[decimals]); decimals++, weight /= 10)
			thousandths += weight * (uint32_t) (f->text[decimals] - '0');
		if (decimals == at + 1)
			return false;
		mib = thousandths * MIB_PER_GIB / 1000;
		at = decimals;
		e->memory_exact = false;
	}
	if (at < f->len && f->text[at] == ' ')
		at++;
	at = read_ending(f->text, at, f->len, units, &unit);
	if (at < 0)
		return false;
	if (unit < 3)
	{
		if (value > ACCELERATOR_GB_MAX)
			return false;
		mib += value * MIB_PER_GIB;
	}
	else
	{
		mib = value;
		e->memory_exact = false;
	}
	if (mib < 256 || mib / MIB_PER_GIB > ACCELERATOR_GB_MAX)
		return false;
	e->memory_mib = mib;
	e->kind = EDGE_MEMORY;
	e->end = at;
	return true;
}

/*
 * Reads a MIG profile: 3g.20gb, 1g.10gb+me, 1g.5gb.me, 1g.24gb+me.all, 1g.24gb-me,
 * 2g.48gb+gfx.  Of a compute instance, 1c.3g.20gb, the slices are its own.
 */
static bool
read_mig(const Folded *f, int at, Edge *e)
{
	static const char *const compute[] = {"c", NULL};
	static const char *const slices[] = {"g", NULL};
	static const char *const units[] = {"gb", NULL};
	static const char *const attrs[] = {"me all", "me", "gfx", NULL};
	uint32_t	value;
	uint32_t	own = 0;
	int			which;
	int			end;

	end = scan_digits(f->text, at, f->len, 2, &own);
	if (end > 0 && (end = read_ending(f->text, end, f->len, compute, &which)) > 0 &&
		end < f->len && f->text[end] == ' ' && own > 0)
		at = end + 1;
	else
		own = 0;

	at = scan_digits(f->text, at, f->len, 2, &value);
	if (at < 0 || value == 0 || value > ACCELERATOR_SLICES_MAX || own > value)
		return false;
	e->mig_slices = (uint8_t) (own ? own : value);
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
		uint8_t		bit;

		end = read_ending(f->text, at + 1, f->len, attrs, &which);
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

/*
 * Reads a vGPU profile of NVIDIA's: the frame buffer in GB and the series, 24Q, 4C, 2B4
 * (0Q and 0B: half a GB).  1-5C, 1-5CME is a MIG slice.
 */
static bool
read_vgpu(const Folded *f, int at, Edge *e)
{
	static const char *const series[] = {"cme", "b4", "a", "b", "c", "q", NULL};
	uint32_t	slices = 0;
	uint32_t	value;
	int			which;

	at = scan_digits(f->text, at, f->len, 3, &value);
	if (at < 0)
		return false;
	if (at < f->len && f->text[at] == ' ' && (f->was[at] == '-' || f->was[at] == '_'))
	{
		slices = value;
		at = scan_digits(f->text, at + 1, f->len, 3, &value);
		if (at < 0 || slices == 0 || slices > ACCELERATOR_SLICES_MAX || value == 0)
			return false;
	}
	at = read_ending(f->text, at, f->len, series, &which);
	if (at < 0)
		return false;
	if (slices > 0)
	{
		e->kind = EDGE_MIG;
		e->mig_slices = (uint8_t) slices;
		e->mig_memory_gb = (uint16_t) value;
		e->mig_attrs = which == 0 ? ACCELERATOR_MIG_ME : 0;
	}
	else
	{
		e->kind = EDGE_VGPU;
		e->memory_mib = value > 0 ? value * MIB_PER_GIB : MIB_PER_GIB / 2;
	}
	e->vgpu = true;
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
	e->kind = EDGE_BESIDE;
	e->end = at;
	return true;
}

/* Reads a UUID, as tools print it beside a name: 8-4-4-4-12 hexadecimal digits. */
static bool
read_uuid(const Folded *f, int at, Edge *e)
{
	static const int groups[] = {8, 4, 4, 4, 12};

	for (size_t g = 0; g < lengthof(groups); g++)
	{
		if (g > 0 && (at >= f->len || f->was[at] != '-' || f->text[at++] != ' '))
			return false;
		for (int n = 0; n < groups[g]; n++, at++)
			if (at >= f->len || !is_hex(f->text[at]))
				return false;
	}
	if (at < f->len && f->text[at] != ' ')
		return false;
	e->kind = EDGE_BESIDE;
	e->end = at;
	return true;
}

/*
 * Reads a field of a CSV line that is no name: first of all an index of one or two
 * digits; anywhere a version (535.104.05) or the address of a device (00000000:3B:00.0).
 */
static bool
read_field(const Folded *f, int at, Edge *e)
{
	int			start = at;
	int			points = 0;
	bool		digits = true;

	if (at > 0 && (f->text[at - 1] != ' ' || f->was[at - 1] != ','))
		return false;
	for (; at < f->len && (is_hex(f->text[at]) ||
						   (f->text[at] == ' ' && (f->was[at] == '.' || f->was[at] == ':'))); at++)
	{
		points += f->text[at] == ' ' && f->was[at] == '.';
		digits = digits && AsciiIsDigit(f->text[at]);
	}
	if (points == 0 && !(start == 0 && digits && at <= 2))
		return false;
	if (at < f->len ? f->text[at] != ' ' || f->was[at] != ',' : start == 0)
		return false;
	e->kind = EDGE_BESIDE;
	e->end = at;
	return true;
}

/* Collects the ways to read the part of a name that begins at a place without a table. */
int
IdentifyReadParts(const Folded *f, int at, Edge *edges)
{
	static bool (*const readers[IDENTIFY_PART_READERS]) (const Folded *, int, Edge *) = {
		read_mig, read_memory, read_power, read_vgpu, read_uuid, read_field
	};
	int			n = 0;

	if (!is_hex(f->text[at]))
		return 0;
	for (size_t r = 0; r < lengthof(readers); r++)
	{
		memset(&edges[n], 0, sizeof(Edge));
		edges[n].start = at;
		if (readers[r] (f, at, &edges[n]))
			n++;
	}
	return n;
}
