/*
 * profile_object.h
 *		Profiles as PostgreSQL values.
 *
 * A device_profile or rate_profile is either flat (a varlena that holds the stored
 * form of profile_codec.h) or expanded (utils/expandeddatum.h): a ProfileObject, whose
 * events are in memory.  An aggregate's state is an expanded profile that grows in
 * place, and its result is the same object, so that peak(device_profile(...)) never
 * encodes anything.  A value on its way into a table is flattened to the stored form;
 * a partial state on its way to a parallel leader to a run (profile_run.h), which is
 * written and read faster.  A run is read as a value, too, should it become one.
 */
#ifndef COMPUTE_LEDGER_PROFILE_OBJECT_H
#define COMPUTE_LEDGER_PROFILE_OBJECT_H

#include "base/compat.h"

#include "utils/expandeddatum.h"

#include "profile/profile_codec.h"

/* An expanded profile. */
typedef struct ProfileObject
{
	ExpandedObjectHeader header;
	int			magic;			/* PROFILE_OBJECT_MAGIC */
	ProfileKind kind;
	uint16		basis;			/* of a rate_profile that has_basis */
	bool		has_basis;
	bool		checked;		/* normal, and all levels in the type's range */
	bool		state;			/* an aggregate's: goes elsewhere as a run, until it is final */
	bool		final;			/* a value, not a state: its levels have to be in range */
	bool		read;			/* its intervals were sorted for a reader before */
	bool		growing;		/* none of the above, nor flat, is set */
	ProfileEvents events;
	Size		compact_at;		/* events to add up at, when there are so many */
	uint8	   *flat;			/* flattened form, if it was asked for; NULL if not */
	Size		flat_size;
} ProfileObject;

#define PROFILE_OBJECT_MAGIC	0x50524f46

/* A profile opened for reading, whichever form it has. */
typedef struct ProfileSource
{
	ProfileKind kind;
	uint16		basis;
	ProfileCursor start;
	ProfileEvents sorted;		/* what the cursor reads of a state that is not sorted */
	ProfileFlat flat;
	const uint8 *bytes;			/* the whole stored form, if it is at hand */
	Datum		stored;			/* else where slices come from */
} ProfileSource;

/* How much of a stored profile an accessor will look at. */
typedef enum ProfileAccess
{
	PROFILE_WHOLE,
	PROFILE_SLICES
} ProfileAccess;

extern const char *ProfileTypeName(ProfileKind kind);
pg_noreturn extern void ProfileRaise(ProfileStatus status, ProfileKind kind);
extern void *ProfileResizeMemory(void *context, void *pointer, size_t size);

extern ProfileObject *ProfileMake(MemoryContext parent, ProfileKind kind, uint16 basis);
extern ProfileObject *ProfileState(FunctionCallInfo fcinfo, ProfileKind kind);
extern void ProfileSetBasis(ProfileObject *object, uint16 basis);
extern void ProfileAddPeriod(ProfileObject *object, int64 from, int64 to, int128 level);
extern void ProfileMerge(ProfileObject *object, Datum profile, bool negate);
extern ProfileObject *ProfileFinish(ProfileObject *object);
extern void ProfileSetFinal(Datum state);
extern Datum ProfileGetDatum(ProfileObject *object);
extern Datum ProfileStateDatum(FunctionCallInfo fcinfo, ProfileObject *object);
extern ProfileKind ProfileKindOf(Datum profile);
extern void ProfileOpen(ProfileSource *source, Datum profile, ProfileAccess access);
extern const uint8 *ProfileBytes(Datum profile, Size *size);

#endif							/* COMPUTE_LEDGER_PROFILE_OBJECT_H */
