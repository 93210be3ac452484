/*
 * identify_table.h
 *		Reading the tables of names.
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

extern IdentifyGrammar *IdentifyLoadGrammar(MemoryContext context);
extern IdentifyInstance *IdentifyLoadInstances(MemoryContext context, int *ninstances);
extern bool IdentifyLookUpAlias(const char *name, Size len, char **systems, int nsystems,
								Accelerator *out, bool *known, bool *shipped);

#endif							/* COMPUTE_LEDGER_IDENTIFY_TABLE_H */
