/*
 * accelerator_core.h
 *		The identity of an accelerator in 16 bytes: layout, parsing, printing,
 *		containment.  Pure C: needs nothing of PostgreSQL, so that it can be
 *		fuzzed and tested by itself.
 *
 * Representation, all parts big-endian, so that memcmp() is the order and a
 * class whose stated parts are a prefix is one contiguous range:
 *
 *	byte	part
 *	0-1		vendor: PCI-SIG vendor id; 0000 = any vendor
 *	2-9		model: 12 characters in base 40, the first the most significant.
 *			Digits: 0 = end, 1-26 = a-z, 27-36 = 0-9, 37 = '-', 38 = '.',
 *			39 = '+'.  40^12 < 2^64.  Every digit after an end is an end.
 *	10		form factor: high nibble family, low nibble which of the family
 *			(0 = unsaid, or the family has only one); 00 = unsaid
 *	11-12	memory in GB, 1 to 65534; 0 = unsaid
 *	13		MIG: low nibble compute slices, 1 to 14; high nibble attributes
 *			(ACCELERATOR_MIG_*); 00 = unsaid, or not a MIG slice
 *	14-15	memory of the MIG slice in GB, 1 to 65534
 *
 * A part that is not stated is all zeros.  What is stated must rest on
 * something: no model without a vendor; no form factor, memory or MIG slice
 * without a model.  Slices and memory of a MIG slice come together.
 *
 * The end of a class.  class_max(c) is the class with every part that is not
 * stated filled with ff: the upper bound, in memcmp order, of everything that c
 * contains.  It is a value of the type like any other and prints as the class
 * followed by '~'; no chip has one.  (ffff is the id of no vendor, ff..ff is
 * more than 40^12 - 1, and 65535 GB and 15 slices are refused, so a filled part
 * cannot be mistaken for a stated one.)
 *
 * Frozen: layout, digits, form factor codes and vendor ids are on disk, and the
 * words of the form factors decide how text is split.
 */
#ifndef COMPUTE_LEDGER_ACCELERATOR_CORE_H
#define COMPUTE_LEDGER_ACCELERATOR_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ACCELERATOR_SIZE		16
#define ACCELERATOR_MODEL_MAX	12	/* characters of a model name */
#define ACCELERATOR_GB_MAX		65534
#define ACCELERATOR_SLICES_MAX	14

/* Attributes of a MIG profile, as they are printed: +me, +gfx, +me.all, -me. */
#define ACCELERATOR_MIG_ME		0x1
#define ACCELERATOR_MIG_GFX		0x2
#define ACCELERATOR_MIG_ME_ALL	0x4
#define ACCELERATOR_MIG_NO_ME	0x8

/*
 * The longest text, with its NUL: 12 of vendor, '/', 12 of model, "-laptop",
 * "-65534gb", ":14g.65534gb+me.all+gfx" and '~' are 66.
 */
#define ACCELERATOR_MAXTEXT		96

typedef struct Accelerator
{
	uint8_t		data[ACCELERATOR_SIZE];
} Accelerator;

/* The parts in plain form; zero or empty = not stated. */
typedef struct AcceleratorParts
{
	uint16_t	vendor;			/* PCI-SIG id */
	char		model[ACCELERATOR_MODEL_MAX + 1];	/* lower case */
	uint8_t		form;			/* code of AcceleratorFormFromWord() */
	uint16_t	memory_gb;
	uint8_t		mig_slices;
	uint8_t		mig_attrs;		/* ACCELERATOR_MIG_* */
	uint16_t	mig_memory_gb;
} AcceleratorParts;

/* Why a text, a set of parts or 16 bytes are no accelerator. */
typedef enum AcceleratorError
{
	ACCELERATOR_OK = 0,
	ACCELERATOR_EMPTY,
	ACCELERATOR_BAD_VENDOR,
	ACCELERATOR_NO_MODEL,
	ACCELERATOR_MODEL_TOO_LONG,
	ACCELERATOR_BAD_MODEL_CHARACTER,
	ACCELERATOR_BAD_MODEL_EDGE,
	ACCELERATOR_MODEL_IS_PART,
	ACCELERATOR_MODEL_ENDS_IN_PART,
	ACCELERATOR_BAD_FORM,
	ACCELERATOR_BAD_MEMORY,
	ACCELERATOR_BAD_MIG,
	ACCELERATOR_BAD_MIG_SLICES,
	ACCELERATOR_BAD_MIG_MEMORY,
	ACCELERATOR_BAD_MIG_ATTRIBUTES,
	ACCELERATOR_NEEDS_VENDOR,
	ACCELERATOR_NEEDS_MODEL,
	ACCELERATOR_NOT_CANONICAL
} AcceleratorError;

extern AcceleratorError AcceleratorRead(const char *str, size_t len, Accelerator *out);
extern AcceleratorError AcceleratorPackParts(const AcceleratorParts *parts, Accelerator *out);
extern AcceleratorError AcceleratorReadMig(const char *str, size_t len, AcceleratorParts *parts);
extern void AcceleratorUnpack(const Accelerator *a, AcceleratorParts *parts);
extern AcceleratorError AcceleratorCheck(const Accelerator *a);
extern char *AcceleratorFormat(const Accelerator *a, char *buf);
extern char *AcceleratorFormatMig(const AcceleratorParts *parts, char *buf);
extern void AcceleratorClassMax(const Accelerator *a, Accelerator *out);
extern bool AcceleratorHasHole(const Accelerator *class);
extern bool AcceleratorIsBound(const Accelerator *a);
extern int	AcceleratorSpecificity(const Accelerator *a);

/* Says whether a form factor is one of a family whose word is a class: sxm5, maxq. */
static inline bool
AcceleratorFormIsMember(uint8_t code)
{
	return (code >> 4 == 0x1 || code >> 4 == 0x7) && (code & 0xf) != 0;
}

/* Says whether a form factor is the word of such a family: sxm, laptop. */
static inline bool
AcceleratorFormIsFamily(uint8_t code)
{
	return code == 0x10 || code == 0x70;
}

/* Says whether a form factor is a part soldered in a laptop: laptop, maxq. */
static inline bool
AcceleratorFormIsLaptop(uint8_t code)
{
	return code >> 4 == 0x7;
}

/* Which bits a value states: the mask under which its members equal it. */
typedef struct AcceleratorMask
{
	uint64_t	key[2];
	uint64_t	mask[2];
} AcceleratorMask;

/* Reads 8 bytes, big-endian; gcc and clang make one load and a byte swap of it. */
static inline uint64_t
AcceleratorLoad(const uint8_t *p)
{
	return (uint64_t) p[0] << 56 | (uint64_t) p[1] << 48 | (uint64_t) p[2] << 40 | (uint64_t) p[3] << 32 |
		(uint64_t) p[4] << 24 | (uint64_t) p[5] << 16 | (uint64_t) p[6] << 8 | (uint64_t) p[7];
}

static inline int
AcceleratorCompare(const Accelerator *a, const Accelerator *b)
{
	return memcmp(a->data, b->data, ACCELERATOR_SIZE);
}

/* Prepares a class for AcceleratorMaskContains(). */
static inline void
AcceleratorMaskSet(AcceleratorMask *m, const Accelerator *class)
{
	uint64_t	hi = AcceleratorLoad(class->data);
	uint64_t	lo = AcceleratorLoad(class->data + 8);

	m->key[0] = hi;
	m->key[1] = lo;
	m->mask[0] = m->mask[1] = 0;
	if (hi >> 48)
		m->mask[0] = UINT64_C(0xffff) << 48;
	if ((hi << 16) | (lo >> 48))
	{
		m->mask[0] |= UINT64_C(0xffffffffffff);
		m->mask[1] = UINT64_C(0xffff) << 48;
	}
	if (lo & UINT64_C(0x0000f00000000000))
		m->mask[1] |= UINT64_C(0x0000f00000000000);
	if (lo & UINT64_C(0x00000f0000000000))
		m->mask[1] |= UINT64_C(0x00000f0000000000);
	if (lo & UINT64_C(0x000000ffff000000))
		m->mask[1] |= UINT64_C(0x000000ffff000000);
	if (lo & UINT64_C(0x0000000000ffffff))
		m->mask[1] |= UINT64_C(0x0000000000ffffff);
}

static inline bool
AcceleratorMaskContains(const AcceleratorMask *m, const Accelerator *a)
{
	return (((AcceleratorLoad(a->data) ^ m->key[0]) & m->mask[0]) |
			((AcceleratorLoad(a->data + 8) ^ m->key[1]) & m->mask[1])) == 0;
}

/* Returns how far apart two values are in the order, as a number up to 2^128. */
static inline double
AcceleratorGap(const Accelerator *a, const Accelerator *b)
{
	unsigned __int128 x = (unsigned __int128) AcceleratorLoad(a->data) << 64 | AcceleratorLoad(a->data + 8);
	unsigned __int128 y = (unsigned __int128) AcceleratorLoad(b->data) << 64 | AcceleratorLoad(b->data + 8);

	return (double) (x > y ? x - y : y - x);
}

/* Says whether every part that the class states is the same in a. */
static inline bool
AcceleratorContains(const Accelerator *class, const Accelerator *a)
{
	AcceleratorMask m;

	AcceleratorMaskSet(&m, class);
	return AcceleratorMaskContains(&m, a);
}

/* Says whether no part that both state differs: some chip may belong to both. */
static inline bool
AcceleratorOverlaps(const Accelerator *a, const Accelerator *b)
{
	AcceleratorMask m,
				n;

	AcceleratorMaskSet(&m, a);
	AcceleratorMaskSet(&n, b);
	return (((m.key[0] ^ n.key[0]) & m.mask[0] & n.mask[0]) |
			((m.key[1] ^ n.key[1]) & m.mask[1] & n.mask[1])) == 0;
}

#endif							/* COMPUTE_LEDGER_ACCELERATOR_CORE_H */
