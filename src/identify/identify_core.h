/*
 * identify_core.h
 *		Reading the name of an accelerator: a grammar of words, driven by tables.
 *
 * Pure C over the identity of accelerator_core.h: no fmgr, no memory allocation,
 * so that it can be fuzzed by itself.  The words, the variants and their source
 * are rows of tables (docs/identify.md); here is only how they combine:
 *
 *	- A name is folded to lower case, and every run of separators to one blank.
 *	- It must be covered from end to end by words of the vocabulary and by
 *	  memory sizes ("80GB", "81559MiB"), MIG profiles ("3g.40gb+me") and powers
 *	  ("300W").  One part that no word explains makes the name unknown: an
 *	  unknown suffix is more often another chip than decoration.
 *	- What the words say must agree: one vendor, one model, one form factor, one
 *	  memory size.  Otherwise the name is unknown.
 *	- The variants of the model that the name allows decide the rest.  One left:
 *	  that is the chip.  Several: the class that holds them, made only of parts
 *	  that the name states.  None known: the parts as stated.
 *
 * So a wrong answer needs a wrong row; a missing row gives a wider class, or none.
 */
#ifndef COMPUTE_LEDGER_IDENTIFY_CORE_H
#define COMPUTE_LEDGER_IDENTIFY_CORE_H

#include "accelerator/accelerator_core.h"

/* No printed name of one device is longer. */
#define IDENTIFY_NAME_MAX	256

/* A key, see IdentifyKey(), may be a little longer than the name: of 0x and eight digits. */
#define IDENTIFY_KEY_MAX	(IDENTIFY_NAME_MAX + 16)

typedef enum IdentifyKind
{
	IDENTIFY_VENDOR,			/* names a maker; enough for the class of it */
	IDENTIFY_CHIP,				/* a die, an architecture: only agrees with a maker */
	IDENTIFY_MODEL,				/* names a model by itself */
	IDENTIFY_PRODUCT,			/* names a model if its maker is named too */
	IDENTIFY_SUFFIX,			/* changes a model of its family into another */
	IDENTIFY_FORM,				/* a form factor */
	IDENTIFY_MEMORY_TYPE,		/* HBM3, GDDR6X */
	IDENTIFY_NOISE,				/* says nothing about which chip it is */
	IDENTIFY_REWRITE			/* stands for other letters */
} IdentifyKind;

#define IDENTIFY_NKINDS	(IDENTIFY_REWRITE + 1)

/*
 * One word.  In the text a blank is where a separator may stand, and '#' is one
 * digit; between a letter and a digit a separator may always stand.  The meaning
 * of a model is an accelerator in which each '#' stands for the digit read at
 * the '#' of the same number; of a suffix, what is added to the model.
 */
typedef struct IdentifyWord
{
	const char *text;
	const char *meaning;		/* NULL for noise */
	const char *family;			/* of a model: which suffixes it takes */
	IdentifyKind kind;
	bool		user;			/* a user's row: wins over a shipped one */
	int			literals;		/* characters of text that are not blank or # */
	int			next;			/* next word with the same first byte, or -1 */
} IdentifyWord;

/* One variant of a model that is known to exist. */
typedef struct IdentifyVariant
{
	Accelerator accelerator;
	uint8_t		form;			/* 0 = not known */
	uint16_t	memory_gb;		/* 0 = not known */
	const char *memory_type;	/* NULL = not known */
} IdentifyVariant;

typedef struct IdentifyGrammar
{
	IdentifyWord *words;
	int			nwords;
	IdentifyVariant *variants;
	int			nvariants;
	int			first[256];		/* first byte of a word to its list, or -1 */
	bool		utf8;			/* bytes from 0x80 are UTF-8 */
} IdentifyGrammar;

/* A PCI id as tools print it; the subsystem is 0:0 when not given. */
typedef struct IdentifyPci
{
	uint16_t	vendor;
	uint16_t	device;
	uint16_t	subvendor;
	uint16_t	subdevice;
	int			revision;		/* -1 = not given */
} IdentifyPci;

extern bool IdentifyKindFromName(const char *name, IdentifyKind *kind);
extern const char *IdentifyCheckWord(IdentifyKind kind, const char *text,
									 const char *meaning, const char *family);
extern void IdentifyIndex(IdentifyGrammar *g);
extern bool IdentifyFillModel(const char *meaning, const char *filled, int nfilled,
							  AcceleratorParts *parts);
extern int	IdentifyMatchWord(const IdentifyWord *w, const char *s, int at, int len,
							  char *digits, int *ndigits);
extern bool IdentifyRead(const IdentifyGrammar *g, const char *name, size_t len,
						 Accelerator *out);
extern size_t IdentifyKey(const char *name, size_t len, char *key);
extern bool IdentifyReadPci(const char *name, size_t len, IdentifyPci *pci);
extern bool IdentifyReadCanonical(const char *name, size_t len, Accelerator *out);
extern size_t IdentifyUnwrap(const char **name, size_t len);
extern bool IdentifyNextDevice(const char **list, size_t *len,
							   const char **name, size_t *namelen);
extern bool IdentifyJoin(const Accelerator *a, const Accelerator *b, Accelerator *out);
extern bool IdentifyMatchSku(const char *pattern, const char *sku, size_t len,
							 long *devices, int *literals);
extern size_t IdentifySkuFold(const char *sku, size_t len, char *out);

#endif							/* COMPUTE_LEDGER_IDENTIFY_CORE_H */
