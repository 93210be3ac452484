/*
 * accelerator_words.h
 *		The words of the accelerator type: makers and form factors.  Pure C.
 */
#ifndef COMPUTE_LEDGER_ACCELERATOR_WORDS_H
#define COMPUTE_LEDGER_ACCELERATOR_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One maker: its word, PCI-SIG id and where the id is from. */
typedef struct AcceleratorVendor
{
	const char *word;			/* canonical, lower case */
	uint16_t	id;
	const char *name;
	const char *source;
} AcceleratorVendor;

typedef struct AcceleratorFormFactor
{
	const char *word;
	uint8_t		code;
	const char *description;
} AcceleratorFormFactor;

/* Vendors: 0 stands for any, and is found by the word "any". */
extern bool AcceleratorVendorFromWord(const char *word, size_t len, uint16_t *id);
extern char *AcceleratorVendorName(uint16_t id, char *buf);	/* buf of 16 */
extern bool AcceleratorVendorIsValid(uint16_t id);
extern const AcceleratorVendor *AcceleratorVendorTable(size_t *n);
extern const AcceleratorVendor *AcceleratorVendorAliasTable(size_t *n);

extern bool AcceleratorFormFromWord(const char *word, size_t len, uint8_t *code);
extern const char *AcceleratorFormWord(uint8_t code);	/* NULL if unassigned */
extern const AcceleratorFormFactor *AcceleratorFormTable(size_t *n);

#endif							/* COMPUTE_LEDGER_ACCELERATOR_WORDS_H */
