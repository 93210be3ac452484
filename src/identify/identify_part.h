/*
 * identify_part.h
 *		Parts of a name that are read without a table: sizes, profiles, what a tool
 *		prints beside a name.  Pure C, as identify_core.c is.
 */
#ifndef COMPUTE_LEDGER_IDENTIFY_PART_H
#define COMPUTE_LEDGER_IDENTIFY_PART_H

#include "identify/identify_chars.h"
#include "identify/identify_word.h"

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
	EDGE_VGPU,
	EDGE_BESIDE					/* says nothing about which chip it is */
} EdgeKind;

/* One way to read the part of a name that begins at some place. */
typedef struct Edge
{
	EdgeKind	kind;
	const IdentifyWord *word;
	int			start;
	int			end;			/* where the part ends */
	uint32_t	memory_mib;		/* of the device, or of a vGPU */
	bool		memory_exact;	/* printed in GB, not measured in MiB */
	bool		vgpu;			/* of a vGPU profile */
	uint8_t		mig_slices;
	uint8_t		mig_attrs;
	uint16_t	mig_memory_gb;
} Edge;

/* How many readings a part has, besides its words, at most. */
#define IDENTIFY_PART_READERS	6

extern int	IdentifyReadParts(const Folded *f, int at, Edge *edges);

#endif							/* COMPUTE_LEDGER_IDENTIFY_PART_H */
