/*
 * identify_table.h
 *		Reading the tables of names.
 *
 * What is returned holds until the next call of any of these functions.
 */
#ifndef COMPUTE_LEDGER_IDENTIFY_TABLE_H
#define COMPUTE_LEDGER_IDENTIFY_TABLE_H

#include "base/compat.h"

#include "identify/identify_word.h"

/* A row of accelerator_instance. */
typedef struct IdentifyInstance
{
	char	   *pattern;
	char	   *provider;
	bool		user;
	bool		has_devices;
	Accelerator accelerator;
	Datum		devices;		/* numeric */
} IdentifyInstance;

extern void IdentifyForgetUnversioned(void);
extern const IdentifyGrammar *IdentifyGetGrammar(void);
extern const IdentifyInstance *IdentifyGetInstances(int *n);
extern bool IdentifyLookUpAlias(const char *name, Size len, char **systems, int nsystems, bool whole,
								Accelerator *out, bool *known, bool *shipped);

#endif							/* COMPUTE_LEDGER_IDENTIFY_TABLE_H */
