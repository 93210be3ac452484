/*
 * profile_object.c
 *		Profiles as PostgreSQL values: the expanded form, and reading either form.
 */
#include "base/compat.h"

#include "access/detoast.h"
#include "utils/memutils.h"

#include "profile/profile_normal.h"
#include "profile/profile_object.h"
#include "profile/profile_run.h"
#include "quantity/quantity_type.h"

/* A state with so many intervals or events is added up before it takes more. */
#define COMPACT_AT		((size_t) 16 * 1024 * 1024)

static Size flat_size(ExpandedObjectHeader *header);
static void flatten_into(ExpandedObjectHeader *header, void *result, Size allocated);
static const uint8 *own_run(ProfileObject *object, Size *size);

static const ExpandedObjectMethods methods = {flat_size, flatten_into};

/* Returns the SQL name of a type. */
const char *
ProfileTypeName(ProfileKind kind)
{
	return kind == PROFILE_RATE ? "rate_profile" : "device_profile";
}

/* Raises what a core function reported. */
void
ProfileRaise(ProfileStatus status, ProfileKind kind)
{
	if (status == PROFILE_OVERFLOW && kind == PROFILE_RATE)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("%s out of range", ProfileTypeName(kind)),
				 errdetail("A rate must lie in [-2^111, 2^111) MFLOPS, and an amount in [-2^111, 2^111) FLOP.")));
	if (status == PROFILE_OVERFLOW)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("%s out of range", ProfileTypeName(kind)),
				 errdetail("A number of devices must lie within +-%lld.",
						   (long long) (PG_INT64_MAX / DEVICE_UNITS))));
	if (status == PROFILE_TOO_LARGE)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("%s is too large", ProfileTypeName(kind)),
				 errdetail("A profile has at most %d steps.", PROFILE_MAX_STEPS),
				 errhint("Make profiles of fewer intervals, for example one a month, or clip them.")));
	if (status == PROFILE_CORRUPT)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("invalid stored value of type %s", ProfileTypeName(kind))));
	elog(ERROR, "unexpected profile status %d", (int) status);
}

/* Allocates, moves or frees in a memory context. */
void *
ProfileResizeMemory(void *context, void *pointer, size_t size)
{
	if (size == 0)
	{
		if (pointer != NULL)
			pfree(pointer);
		return NULL;
	}
	if (pointer == NULL)
		return MemoryContextAllocHuge((MemoryContext) context, size);
	return repalloc_huge(pointer, size);
}

/* Makes an empty expanded profile in a memory context of its own. */
ProfileObject *
ProfileMake(MemoryContext parent, ProfileKind kind, uint16 basis)
{
	MemoryContext context = AllocSetContextCreate(parent, "expanded profile", ALLOCSET_START_SMALL_SIZES);
	ProfileObject *object = MemoryContextAllocZero(context, sizeof(ProfileObject));

	EOH_init_header(&object->header, &methods, context);
	object->magic = PROFILE_OBJECT_MAGIC;
	object->kind = kind;
	object->basis = basis;
	object->checked = true;
	object->compact_at = COMPACT_AT;
	object->events.normal = true;
	object->events.resize = ProfileResizeMemory;
	object->events.context = context;
	return object;
}

/* Returns the object behind an expanded datum. */
static ProfileObject *
get_object(Datum profile)
{
	ProfileObject *object = (ProfileObject *) DatumGetEOHP(profile);

	if (object->magic != PROFILE_OBJECT_MAGIC)
		elog(ERROR, "unexpected expanded object");
	return object;
}

/*
 * Returns the state that argument 0 of a transition function holds, to be changed
 * in place: the object itself if it is one that may be written, else a copy; a new
 * one if the argument is NULL.  A new one lives as long as the aggregate's group.
 */
ProfileObject *
ProfileState(FunctionCallInfo fcinfo, ProfileKind kind)
{
	MemoryContext context;
	ProfileObject *object;
	bool		state;

	if (!PG_ARGISNULL(0) && VARATT_IS_EXTERNAL_EXPANDED_RW(DatumGetPointer(PG_GETARG_DATUM(0))))
		return get_object(PG_GETARG_DATUM(0));

	state = AggCheckCallContext(fcinfo, &context) != 0;
	object = ProfileMake(state ? context : CurrentMemoryContext, kind, 0);
	object->state = state;
	if (!PG_ARGISNULL(0))
		ProfileMerge(object, PG_GETARG_DATUM(0), false);
	return object;
}

/*
 * Returns a state from a transition function.  Outside of an aggregate it is a value
 * like any other, and so has to be in range.
 */
Datum
ProfileStateDatum(FunctionCallInfo fcinfo, ProfileObject *object)
{
	if (unlikely(!AggCheckCallContext(fcinfo, NULL)))
		ProfileFinish(object);
	return ProfileGetDatum(object);
}

/* Forgets what was derived from an object that is about to be changed. */
static void
touch(ProfileObject *object)
{
	if (likely(object->growing))
		return;
	object->growing = true;
	object->checked = object->final = object->read = false;
	if (object->flat != NULL)
	{
		pfree(object->flat);
		object->flat = NULL;
	}
}

/* Notes the basis of what is added next; raises if it is not the one so far. */
void
ProfileSetBasis(ProfileObject *object, uint16 basis)
{
	if (!object->has_basis)
	{
		touch(object);
		object->has_basis = true;
		object->basis = basis;
	}
	else if (object->basis != basis)
		BasisMismatchError(object->basis, basis);
}

/*
 * Adds up a state that has become large, once it has doubled since the last time:
 * where many periods begin or end at the same instants, that keeps it small.
 */
static void
compact(ProfileObject *object)
{
	ProfileStatus status = ProfileNormalize(&object->events);

	if (status != PROFILE_OK)
		ProfileRaise(status, object->kind);
	object->compact_at = Max(COMPACT_AT, 2 * object->events.count);
}

/* Adds a period at a level. */
void
ProfileAddPeriod(ProfileObject *object, int64 from, int64 to, int128 level)
{
	ProfileEvents *events = &object->events;

	touch(object);
	if (unlikely(events->pending_count == PROFILE_PENDING) && ProfileEventCount(events) >= object->compact_at)
		compact(object);
	if (!ProfileAddInterval(events, from, to, level))
		ProfileRaise(PROFILE_OVERFLOW, object->kind);
}

/* Whether an object is an aggregate's state, not a value. */
static inline bool
is_partial(const ProfileObject *object)
{
	return object->state && !object->final;
}

/* Whether bytes are a run, not a profile's stored form. */
static inline bool
is_run(const uint8 *bytes, Size size)
{
	return size >= PROFILE_EMPTY_SIZE && (bytes[1] & PROFILE_FLAG_RUN) != 0;
}

/* Returns the run that an aggregate's partial state is or becomes; NULL of anything else. */
static const uint8 *
partial_run(Datum profile, Size *size)
{
	struct varlena *value = (struct varlena *) DatumGetPointer(profile);
	const uint8 *bytes;

	if (VARATT_IS_EXTERNAL_EXPANDED(value))
	{
		ProfileObject *object = get_object(profile);

		return is_partial(object) ? own_run(object, size) : NULL;
	}
	/* what is stored or compressed is no state, or that of somebody's own aggregate */
	if (VARATT_IS_EXTERNAL(value) || VARATT_IS_COMPRESSED(value))
		return NULL;
	bytes = (const uint8 *) VARDATA_ANY(value);
	*size = VARSIZE_ANY_EXHDR(value);
	return is_run(bytes, *size) ? bytes : NULL;
}

/* Adds a whole profile, or its negative. */
void
ProfileMerge(ProfileObject *object, Datum profile, bool negate)
{
	ProfileEvents *events = &object->events;
	ProfileSource source;
	ProfileStatus status = PROFILE_OK;
	Size		size;
	const uint8 *run = negate ? NULL : partial_run(profile, &size);

	if (run != NULL)
		memcpy(&source.basis, run + 2, sizeof(uint16));
	else
		ProfileOpen(&source, profile, PROFILE_WHOLE);
	if (object->kind == PROFILE_RATE)
		ProfileSetBasis(object, source.basis);
	touch(object);
	if (ProfileEventCount(events) >= object->compact_at)
		compact(object);
	if (run != NULL)
		status = ProfileAddRun(events, run, size);
	else if (source.start.events == NULL)
		status = ProfileDecode(&source.flat, events, negate);
	else if (!ProfileAppend(events, source.start.events, negate))
		status = PROFILE_OVERFLOW;
	if (status != PROFILE_OK)
		ProfileRaise(status, object->kind);
}

/* Whether the levels of normal events, of which there are not too many, are in their type's range. */
static bool
in_range(ProfileEvents *events, ProfileKind kind)
{
	if (events->count > PROFILE_MAX_STEPS)
		ProfileRaise(PROFILE_TOO_LARGE, kind);
	if (ProfileLevelRange(events) != PROFILE_OK)
		ProfileRaise(PROFILE_OVERFLOW, kind);
	return kind == PROFILE_RATE
		? QuantityInRange(events->lowest) && QuantityInRange(events->highest)
		: events->lowest >= -PG_INT64_MAX && events->highest <= PG_INT64_MAX;
}

/* Normalizes a profile; whether its levels are in its type's range. */
static bool
normalize_object(ProfileObject *object)
{
	ProfileStatus status;

	if (object->checked)
		return true;
	status = ProfileNormalize(&object->events);
	if (status != PROFILE_OK)
		ProfileRaise(status, object->kind);
	object->growing = false;
	object->checked = in_range(&object->events, object->kind);
	return object->checked;
}

/*
 * Returns the normal events of a profile, and whether they are in range.
 *
 * An aggregate's result is mostly read once.  So its intervals and runs are sorted to a copy,
 * which goes in `copy` and in the current context, where the next group's can take
 * the same place; a thousand groups sorted in their own memory would need twice as
 * much.  Whoever reads a second time has the profile sorted for good.
 */
static ProfileEvents *
normal_events(ProfileObject *object, ProfileEvents *copy, bool *fits)
{
	ProfileEvents *events = &object->events;
	ProfileStatus status;

	if (events->normal || object->read || events->count > 0)
	{
		*fits = normalize_object(object);
		return events;
	}
	object->growing = false;
	object->read = true;
	memset(copy, 0, offsetof(ProfileEvents, pending));
	copy->resize = ProfileResizeMemory;
	copy->context = CurrentMemoryContext;
	status = ProfileNormalCopy(events, copy);
	if (status != PROFILE_OK)
		ProfileRaise(status, object->kind);
	*fits = in_range(copy, object->kind);
	return copy;
}

/* Brings a profile in the form that users see, or raises that it is out of range. */
ProfileObject *
ProfileFinish(ProfileObject *object)
{
	if (!normalize_object(object))
		ProfileRaise(PROFILE_OVERFLOW, object->kind);
	return object;
}

/* Says that a state is a value from now on; who reads it finds out if it is in range. */
void
ProfileSetFinal(Datum state)
{
	ProfileObject *object = get_object(state);

	object->growing = false;
	object->final = true;
}

/* Returns a profile that the receiver may change. */
Datum
ProfileGetDatum(ProfileObject *object)
{
	return EOHPGetRWDatum(&object->header);
}

/*
 * Makes a run of a state, unless it is one, and returns it.  The state keeps it in
 * place of all that it held, so that the memory serves the next state.
 */
static const uint8 *
own_run(ProfileObject *object, Size *size)
{
	ProfileEvents *events = &object->events;

	if (events->run_count != 1 || events->count > 0 || events->pending_count > 0 || events->pieces != NULL)
	{
		ProfileEvents copy;
		ProfileEvents *normal;
		ProfileRun *run;
		ProfileStatus status;
		bool		fits;
		MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "profile being flattened", ALLOCSET_SMALL_SIZES);
		MemoryContext old = MemoryContextSwitchTo(scratch);

		/* The sum of one worker's share may be out of range where the whole is not. */
		normal = normal_events(object, &copy, &fits);
		if (normal == &copy)
			ProfileClear(events);
		status = ProfileRunEncode(normal, object->kind == PROFILE_RATE ? PROFILE_FLAG_RATE : 0, object->basis,
								  ProfileResizeMemory, object->header.eoh_context, &run);
		MemoryContextSwitchTo(old);
		MemoryContextDelete(scratch);
		if (status != PROFILE_OK)
			ProfileRaise(status, object->kind);
		ProfileSetRun(events, run);
		object->checked = object->read = false;
	}
	*size = events->runs->size;
	return events->runs->bytes;
}

/* Flattens, if that is not done, and returns the size with the varlena header. */
static Size
flat_size(ExpandedObjectHeader *header)
{
	ProfileObject *object = (ProfileObject *) header;
	ProfileEvents copy;
	ProfileEvents *events;
	ProfileStatus status;
	Size		size;
	uint8		flags = object->kind == PROFILE_RATE ? PROFILE_FLAG_RATE : 0;
	bool		fits;
	MemoryContext scratch;
	MemoryContext old;

	if (is_partial(object))
	{
		(void) own_run(object, &size);
		return VARHDRSZ + size;
	}
	if (object->flat != NULL)
		return object->flat_size;
	object->growing = false;

	/*
	 * Whoever flattens a value may do so in a context that frees nothing piece by
	 * piece, as sorting does from PostgreSQL 17 on.
	 */
	scratch = AllocSetContextCreate(CurrentMemoryContext, "profile being flattened", ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(scratch);

	events = normal_events(object, &copy, &fits);
	if (fits)
		status = ProfileEncode(events, flags, object->basis,
							   ProfileResizeMemory, object->header.eoh_context, VARHDRSZ,
							   &object->flat, &object->flat_size);
	else
		status = PROFILE_OVERFLOW;
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
	if (status != PROFILE_OK)
	{
		object->flat = NULL;
		ProfileRaise(status, object->kind);
	}
	SET_VARSIZE(object->flat, object->flat_size);
	return object->flat_size;
}

/* Copies the flattened form. */
static void
flatten_into(ExpandedObjectHeader *header, void *result, Size allocated)
{
	ProfileObject *object = (ProfileObject *) header;

	if (flat_size(header) != allocated)
		elog(ERROR, "unexpected size of a flattened profile");
	if (is_partial(object))
	{
		Size		size;
		const uint8 *run = own_run(object, &size);

		SET_VARSIZE(result, allocated);
		memcpy(VARDATA(result), run, size);
	}
	else
		memcpy(result, object->flat, allocated);
}

/* Gives bytes of a profile that is all at hand. */
static const uint8 *
fetch_whole(void *context, size_t offset, size_t length)
{
	(void) length;
	return ((ProfileSource *) context)->bytes + offset;
}

/* Gives bytes of a profile that lies in a TOAST table. */
static const uint8 *
fetch_slice(void *context, size_t offset, size_t length)
{
	ProfileSource *source = (ProfileSource *) context;
	struct varlena *slice = detoast_attr_slice((struct varlena *) DatumGetPointer(source->stored),
											   (int32) offset, (int32) length);

	if (VARSIZE_ANY_EXHDR(slice) != length)
		ProfileRaise(PROFILE_CORRUPT, source->kind);
	return (const uint8 *) VARDATA_ANY(slice);
}

/* Returns which of the two types a profile is. */
ProfileKind
ProfileKindOf(Datum profile)
{
	struct varlena *value = (struct varlena *) DatumGetPointer(profile);

	if (VARATT_IS_EXTERNAL_EXPANDED(value))
		return get_object(profile)->kind;
	value = PG_DETOAST_DATUM_SLICE(profile, 0, PROFILE_EMPTY_SIZE);
	if (VARSIZE_ANY_EXHDR(value) < PROFILE_EMPTY_SIZE)
		ProfileRaise(PROFILE_CORRUPT, PROFILE_DEVICE);
	return (((uint8 *) VARDATA_ANY(value))[1] & PROFILE_FLAG_RATE) ? PROFILE_RATE : PROFILE_DEVICE;
}

/* Opens a run to read what it comes to. */
static void
open_run(ProfileSource *source, const uint8 *bytes, Size size)
{
	ProfileEvents *events = &source->sorted;
	ProfileStatus status;

	source->kind = (bytes[1] & PROFILE_FLAG_RATE) != 0 ? PROFILE_RATE : PROFILE_DEVICE;
	memcpy(&source->basis, bytes + 2, sizeof(uint16));
	memset(events, 0, offsetof(ProfileEvents, pending));
	events->resize = ProfileResizeMemory;
	events->context = CurrentMemoryContext;
	status = ProfileAddRun(events, bytes, size);
	if (status == PROFILE_OK)
		status = ProfileNormalize(events);
	if (status == PROFILE_OK && !in_range(events, source->kind))
		status = PROFILE_OVERFLOW;
	if (status != PROFILE_OK)
		ProfileRaise(status, source->kind);
	ProfileStartEvents(&source->start, events);
}

/* Opens a profile to read it as a whole, or only slices of it where it is stored. */
void
ProfileOpen(ProfileSource *source, Datum profile, ProfileAccess access)
{
	struct varlena *value = (struct varlena *) DatumGetPointer(profile);
	const uint8 *bytes;
	Size		available;
	Size		size;
	ProfileStatus status;

	source->bytes = NULL;
	source->stored = profile;
	if (VARATT_IS_EXTERNAL_EXPANDED(value))
	{
		ProfileObject *object = get_object(profile);
		bool		fits;

		source->kind = object->kind;
		source->basis = object->basis;
		ProfileStartEvents(&source->start, normal_events(object, &source->sorted, &fits));
		if (!fits && object->final)
			ProfileRaise(PROFILE_OVERFLOW, object->kind);
		return;
	}

	if (access == PROFILE_SLICES && VARATT_IS_EXTERNAL_ONDISK(value))
	{
		struct varatt_external pointer;

		VARATT_EXTERNAL_GET_POINTER(pointer, value);
		size = pointer.va_rawsize - VARHDRSZ;
		available = Min(size, PROFILE_HEADER_SIZE);
		if ((int32) VARATT_EXTERNAL_GET_EXTSIZE(pointer) < pointer.va_rawsize - VARHDRSZ)
			access = PROFILE_WHOLE;
	}
	else
		access = PROFILE_WHOLE;
	if (access == PROFILE_WHOLE)
	{
		value = PG_DETOAST_DATUM_PACKED(profile);
		size = available = VARSIZE_ANY_EXHDR(value);
		source->bytes = bytes = (const uint8 *) VARDATA_ANY(value);
	}
	else
	{
		bytes = fetch_slice(source, 0, available);
		if (is_run(bytes, available))
			bytes = fetch_slice(source, 0, size);
	}
	if (is_run(bytes, available))
	{
		open_run(source, bytes, size);
		return;
	}

	status = ProfileFlatHeader(&source->flat, bytes, available, size);
	source->kind = (source->flat.flags & PROFILE_FLAG_RATE) != 0 ? PROFILE_RATE : PROFILE_DEVICE;
	source->basis = source->flat.basis;
	if (status != PROFILE_OK)
		ProfileRaise(status, source->kind);
	source->flat.fetch = access == PROFILE_WHOLE ? fetch_whole : fetch_slice;
	source->flat.context = source;
	if (source->flat.steps > 0)
		source->flat.directory = source->flat.fetch(source, PROFILE_HEADER_SIZE,
													source->flat.data_offset - PROFILE_HEADER_SIZE);
	ProfileStartFlat(&source->start, &source->flat, 0);
}

/* Returns the stored form of a profile: equal profiles are equal bytes. */
const uint8 *
ProfileBytes(Datum profile, Size *size)
{
	struct varlena *value = (struct varlena *) DatumGetPointer(profile);
	ProfileObject *object;

	if (VARATT_IS_EXTERNAL_EXPANDED(value))
		object = get_object(profile);
	else
	{
		const uint8 *bytes;

		value = PG_DETOAST_DATUM_PACKED(profile);
		*size = VARSIZE_ANY_EXHDR(value);
		bytes = (const uint8 *) VARDATA_ANY(value);
		if (!is_run(bytes, *size))
			return bytes;
		object = NULL;
	}
	if (object == NULL || is_partial(object))
	{
		/* the state of an aggregate that somebody made without a final function */
		object = ProfileMake(CurrentMemoryContext, ProfileKindOf(profile), 0);
		ProfileMerge(object, PointerGetDatum(value), false);
		ProfileFinish(object);
	}
	*size = flat_size(&object->header) - VARHDRSZ;
	return object->flat + VARHDRSZ;
}
