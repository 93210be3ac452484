/*
 * identify_forms.h
 *		Forms that systems print around the name of an accelerator.
 */
#ifndef COMPUTE_LEDGER_IDENTIFY_FORMS_H
#define COMPUTE_LEDGER_IDENTIFY_FORMS_H

#include "accelerator/accelerator_core.h"
#include "identify/identify_chars.h"

/* A key, see IdentifyKey(), may be a little longer than the name: of 0x and eight digits. */
#define IDENTIFY_KEY_MAX	(IDENTIFY_NAME_MAX + 16)

/* A PCI id as tools print it; the subsystem is 0:0 when not given. */
typedef struct IdentifyPci
{
	uint16_t	vendor;
	uint16_t	device;
	uint16_t	subvendor;
	uint16_t	subdevice;
	int			revision;		/* -1 = not given */
} IdentifyPci;

extern size_t IdentifyPlain(const char *text, size_t len, char *out);
extern size_t IdentifyKey(const char *name, size_t len, char *key);
extern bool IdentifyReadPci(const char *name, size_t len, IdentifyPci *pci);
extern bool IdentifyReadCanonical(const char *name, size_t len, Accelerator *out);
extern size_t IdentifyUnwrap(const char **name, size_t len);
extern bool IdentifyNextDevice(const char **list, size_t *len,
							   const char **name, size_t *namelen, long *count);
extern bool IdentifyTakeCount(const char *name, size_t len, size_t *from, char *out,
							  size_t *outlen, long *count, bool *counts_model);
extern bool IdentifyMatchSku(const char *pattern, const char *sku, size_t len,
							 long *devices, int *literals);
extern size_t IdentifySkuFold(const char *sku, size_t len, char *out);

#endif							/* COMPUTE_LEDGER_IDENTIFY_FORMS_H */
