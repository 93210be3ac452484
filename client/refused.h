/*
 * refused.h
 *		The file of what was refused.
 */
#ifndef COMPUTE_LEDGER_REFUSED_H
#define COMPUTE_LEDGER_REFUSED_H

#include "chunk.h"

typedef struct RefusedFile RefusedFile;

extern RefusedFile *RefusedOpen(const UsageFile *file, const char *path);
extern void RefusedWrite(RefusedFile *refused, const UsageFile *file);
extern const char *RefusedPath(const RefusedFile *refused);
extern void RefusedClose(RefusedFile *refused);

#endif							/* COMPUTE_LEDGER_REFUSED_H */
