/*
 * identify_word.h
 *		The vocabulary of accelerator names: words and variants, rows of tables.
 */
#ifndef COMPUTE_LEDGER_IDENTIFY_WORD_H
#define COMPUTE_LEDGER_IDENTIFY_WORD_H

#include "accelerator/accelerator_core.h"

typedef enum IdentifyKind
{
	IDENTIFY_VENDOR,			/* names a maker; enough for the class of it */
	IDENTIFY_CHIP,				/* a die, an architecture: only agrees with a maker */
	IDENTIFY_MODEL,				/* names a model by itself */
	IDENTIFY_PRODUCT,			/* names a model if its maker is named too */
	IDENTIFY_VGPU,				/* names a model before the profile of a vGPU */
	IDENTIFY_SUFFIX,			/* changes a model of its family into another */
	IDENTIFY_FORM,				/* a form factor */
	IDENTIFY_MEMORY_TYPE,		/* HBM3, GDDR6X */
	IDENTIFY_SYSTEM,			/* names more than one device; may say their form factor */
	IDENTIFY_NOISE,				/* says nothing about which chip it is */
	IDENTIFY_REWRITE			/* stands for other letters */
} IdentifyKind;

#define IDENTIFY_NKINDS	(IDENTIFY_REWRITE + 1)

/*
 * One word.  In the text a blank is where a separator may stand, and '#' is one
 * digit; between a letter and a digit a separator may always stand.  The meaning
 * of a model is an accelerator in which each '#' stands for the digit read at
 * the '#' of the same number; of a suffix, what is added to the model; of a vgpu,
 * an accelerator and, after a blank, the memory of the card if that is not stated in it.
 */
typedef struct IdentifyWord
{
	const char *text;
	const char *meaning;		/* NULL for noise, and for a system that states no form */
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

/* How a device, or a class of them, is divided, and put together. */
typedef struct IdentifyDevice
{
	Accelerator accelerator;
	bool		user;			/* the user's row */
	int			slices;			/* of MIG; -1 = not known to be divided */
	int			per_package;	/* devices that are sold as one; -1 = not known of more than one */
} IdentifyDevice;

typedef struct IdentifyGrammar
{
	IdentifyWord *words;
	int			nwords;
	IdentifyVariant *variants;	/* in order of the accelerator */
	int			nvariants;
	IdentifyDevice *devices;
	int			ndevices;
	int			first[256];		/* first byte of a word to its list, or -1 */
} IdentifyGrammar;

extern bool IdentifyKindFromName(const char *name, IdentifyKind *kind);
extern const char *IdentifyCheckWord(IdentifyKind kind, const char *text,
									 const char *meaning, const char *family);
extern void IdentifyIndex(IdentifyGrammar *g);
extern bool IdentifyFillModel(const char *meaning, const char *filled, int nfilled,
							  AcceleratorParts *parts);
extern uint16_t IdentifyBoardMemory(const char *meaning);
extern bool IdentifyBeginsWord(const IdentifyGrammar *g, const char *s, int len);
extern int	IdentifyMatchWord(const IdentifyWord *w, const char *s, int at, int len,
							  char *digits, int *ndigits);

#endif							/* COMPUTE_LEDGER_IDENTIFY_WORD_H */
