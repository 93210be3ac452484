/*
 * profile_text.c
 *		Text and binary form of profiles, for both types (see device_profile.c and
 *		rate_profile.c).
 *
 * Both forms are checked by the same ProfileBuilder: instants in range and
 * ascending, levels in range, zero from the last step on.
 */
#include "base/compat.h"

#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"

#include "profile/profile_period.h"
#include "profile/profile_text.h"
#include "quantity/quantity.h"

#define SEND_VERSION	1

/* So many bytes of a long text are shown where something is wrong with it. */
#define SHOWN_TEXT		500

/* Steps as they come in. */
typedef struct ProfileBuilder
{
	ProfileObject *object;
	int64		at;
	int128		level;
	bool		any;
} ProfileBuilder;

/* Starts a profile. */
static void
builder_start(ProfileBuilder *builder, ProfileKind kind)
{
	builder->object = ProfileMake(CurrentMemoryContext, kind, 0);
	builder->object->has_basis = kind == PROFILE_RATE;
	builder->at = 0;
	builder->level = 0;
	builder->any = false;
}

/* Adds a step; returns what is wrong with it, or NULL. */
static const char *
builder_step(ProfileBuilder *builder, int64 at, int128 level)
{
	if (!IS_VALID_TIMESTAMP(at))
		return "An instant is out of range.";
	if (builder->any && at <= builder->at)
		return "Instants must ascend.";
	if (builder->object->kind == PROFILE_RATE ? !QuantityInRange(level)
		: (level > PG_INT64_MAX || level < -PG_INT64_MAX))
		return "A level is out of range.";
	if (level != builder->level)
		(void) ProfileAddWide(&builder->object->events, at, level - builder->level);
	builder->any = true;
	builder->at = at;
	builder->level = level;
	return NULL;
}

/* Ends a profile; returns what is wrong with it, or NULL. */
static const char *
builder_end(ProfileBuilder *builder)
{
	if (builder->level != 0)
		return "The last level must be zero.";
	builder->object->events.normal = true;
	builder->object->events.ranged = false;
	return NULL;
}

/* Whether there are more steps than a profile has; 54000, softly if there is an error context. */
static bool
has_too_many_steps(const ProfileBuilder *builder, struct Node *escontext)
{
	if (likely(builder->object->events.count <= PROFILE_MAX_STEPS))
		return false;
	ereturn(escontext, true,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("%s is too large", ProfileTypeName(builder->object->kind)),
			 errdetail("A profile has at most %d steps.", PROFILE_MAX_STEPS)));
}

/* Skips blanks. */
static const char *
skip_blanks(const char *p)
{
	const char *from = p;

	while (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r' || *p == '\v' || *p == '\f')
	{
		if (unlikely((++p - from) % 65536 == 0))
			CHECK_FOR_INTERRUPTS();
	}
	return p;
}

/* Reports text that is not a profile, of which the beginning is shown. */
static ProfileObject *
syntax_error(const char *str, ProfileKind kind, const char *detail, struct Node *escontext)
{
	int			length = (int) strnlen(str, SHOWN_TEXT + MAX_MULTIBYTE_CHAR_LEN);
	bool		whole = length <= SHOWN_TEXT;
	int			shown = whole ? length : pg_mbcliplen(str, length, SHOWN_TEXT);

	ereturn(escontext, NULL,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("invalid input syntax for type %s: \"%.*s%s\"", ProfileTypeName(kind), shown, str, whole ? "" : "..."),
			 detail ? errdetail("%s", detail) : 0));
}

/* Reads a profile; NULL after a soft error. */
ProfileObject *
ProfileParse(const char *str, ProfileKind kind, ProfileLevelParser parse, struct Node *escontext)
{
	ProfileBuilder builder;
	const char *p = skip_blanks(str);
	const char *wrong;

	builder_start(&builder, kind);
	if (*p++ != '{')
		return syntax_error(str, kind, "A profile begins with \"{\".", escontext);
	p = skip_blanks(p);
	while (*p != '}')
	{
		char		text[PROFILE_LEVEL_MAXTEXT + 1];
		size_t		length;
		int64		at;
		int128		level;
		bool		in_range = true;

		CHECK_FOR_INTERRUPTS();
		p = ProfileParseInstant(p, &at);
		if (p == NULL || skip_blanks(p) == p)
			return syntax_error(str, kind,
								"A step is an instant such as 2026-01-01T00:00:00Z, a blank, and a level.",
								escontext);
		p = skip_blanks(p);
		length = strcspn(p, ",}@");
		if (p[length] == '\0' || p[length] == '@')
			return syntax_error(str, kind, "A step ends with \",\" or \"}\".", escontext);
		if (length > PROFILE_LEVEL_MAXTEXT)
			return syntax_error(str, kind, "A level is too long.", escontext);
		memcpy(text, p, length);
		p += length;
		while (length > 0 && skip_blanks(text + length - 1) != text + length - 1)
			length--;
		text[length] = '\0';
		if (!parse(text, &level, &in_range))
			return syntax_error(str, kind,
								kind == PROFILE_RATE ? "A level is a rate such as 989.4 TFLOPS."
								: "A level is a decimal number of devices.",
								escontext);
		if (!in_range)
			ereturn(escontext, NULL,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("level \"%s\" is out of range for type %s", text, ProfileTypeName(kind))));
		if ((wrong = builder_step(&builder, at, level)) != NULL)
			return syntax_error(str, kind, wrong, escontext);
		if (has_too_many_steps(&builder, escontext))
			return NULL;
		if (*p == ',')
		{
			p = skip_blanks(p + 1);
			if (*p == '}')
				return syntax_error(str, kind, "A step is missing after \",\".", escontext);
		}
	}
	p = skip_blanks(p + 1);
	if ((wrong = builder_end(&builder)) != NULL)
		return syntax_error(str, kind, wrong, escontext);
	if (kind == PROFILE_RATE && *p == '@')
	{
		size_t		length = strcspn(++p, " \t\n\r\v\f");

		if (!BasisFromName(p, length, &builder.object->basis))
			return syntax_error(str, kind, psprintf("\"%.*s\" is not a basis.", pg_mbcliplen(p, (int) length, NAMEDATALEN), p), escontext);
		p += length;
	}
	if (*skip_blanks(p) != '\0')
		return syntax_error(str, kind, "Junk after the closing brace.", escontext);
	return builder.object;
}

/* Writes a profile as text. */
char *
ProfileFormat(Datum profile, ProfileLevelFormatter format)
{
	char		text[QUANTITY_MAXTEXT];
	ProfileSource source;
	ProfileCursor cursor;
	ProfileChunk chunk;
	StringInfoData buf;
	const char *between = "";

	ProfileOpen(&source, profile, PROFILE_WHOLE);
	initStringInfo(&buf);
	appendStringInfoChar(&buf, '{');
	cursor = source.start;
	while (ProfileRead(&cursor, &chunk))
	{
		for (int i = 0; i < chunk.count; i++)
		{
			appendStringInfoString(&buf, between);
			ProfileAppendInstant(&buf, chunk.at[i]);
			appendStringInfoChar(&buf, ' ');
			format(chunk.level[i], text);
			appendStringInfoString(&buf, text);
			between = ", ";
		}
		CHECK_FOR_INTERRUPTS();
	}
	if (cursor.status != PROFILE_OK)
		ProfileRaise(cursor.status, source.kind);
	appendStringInfoChar(&buf, '}');
	if (source.kind == PROFILE_RATE && source.basis != BASIS_FLOP)
		appendStringInfo(&buf, "@%s", BasisName(source.basis, text));
	return buf.data;
}

/* Reads the binary form. */
ProfileObject *
ProfileReceive(StringInfo buf, ProfileKind kind)
{
	ProfileBuilder builder;
	int			version = pq_getmsgbyte(buf);
	int			flags = pq_getmsgbyte(buf);
	uint32		count;
	const char *wrong = NULL;

	builder_start(&builder, kind);
	if (version != SEND_VERSION)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("unsupported version %d of binary %s", version, ProfileTypeName(kind))));
	if (flags != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("unsupported flags %d in binary %s", flags, ProfileTypeName(kind))));
	if (kind == PROFILE_RATE)
	{
		builder.object->basis = (uint16) pq_getmsgint(buf, sizeof(uint16));
		if (!BasisIsValid(builder.object->basis))
			wrong = "The basis is not known.";
	}
	count = pq_getmsgint(buf, sizeof(uint32));
	for (uint32 i = 0; i < count && wrong == NULL; i++)
	{
		int64		at = pq_getmsgint64(buf);
		int128		level = pq_getmsgint64(buf);

		if (kind == PROFILE_RATE)
			level = (int128) (((uint128) level << 64) | (uint64) pq_getmsgint64(buf));
		wrong = builder_step(&builder, at, level);
		(void) has_too_many_steps(&builder, NULL);
		CHECK_FOR_INTERRUPTS();
	}
	if (wrong == NULL)
		wrong = builder_end(&builder);
	if (wrong != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid binary %s", ProfileTypeName(kind)),
				 errdetail("%s", wrong)));
	return builder.object;
}

/* Writes the binary form. */
bytea *
ProfileSend(Datum profile)
{
	ProfileSource source;
	ProfileCursor cursor;
	ProfileChunk chunk;
	StringInfoData buf;
	uint32		count;

	ProfileOpen(&source, profile, PROFILE_WHOLE);
	count = source.start.events ? (uint32) source.start.events->count : source.flat.steps;
	pq_begintypsend(&buf);
	pq_sendbyte(&buf, SEND_VERSION);
	pq_sendbyte(&buf, 0);
	if (source.kind == PROFILE_RATE)
		pq_sendint16(&buf, source.basis);
	pq_sendint32(&buf, count);
	cursor = source.start;
	while (ProfileRead(&cursor, &chunk))
	{
		for (int i = 0; i < chunk.count; i++)
		{
			pq_sendint64(&buf, (uint64) chunk.at[i]);
			if (source.kind == PROFILE_RATE)
				pq_sendint64(&buf, (uint64) (chunk.level[i] >> 64));
			pq_sendint64(&buf, (uint64) chunk.level[i]);
		}
	}
	if (cursor.status != PROFILE_OK)
		ProfileRaise(cursor.status, source.kind);
	return pq_endtypsend(&buf);
}
