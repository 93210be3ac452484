/*
 * profile_text.h
 *		Text and binary form of profiles, for both types.
 */
#ifndef COMPUTE_LEDGER_PROFILE_TEXT_H
#define COMPUTE_LEDGER_PROFILE_TEXT_H

#include "base/compat.h"

#include "lib/stringinfo.h"

#include "profile/profile_object.h"

/* Reads the text of a level; false if it is none. */
typedef bool (*ProfileLevelParser) (const char *str, int128 *level, bool *in_range);
/* Writes a level and returns the length. */
typedef int (*ProfileLevelFormatter) (int128 level, char *buf);

/* Longest text of a level that is read. */
#define PROFILE_LEVEL_MAXTEXT	100

struct Node;
extern ProfileObject *ProfileParse(const char *str, ProfileKind kind, ProfileLevelParser parse,
								   struct Node *escontext);
extern char *ProfileFormat(Datum profile, ProfileLevelFormatter format);
extern ProfileObject *ProfileReceive(StringInfo buf, ProfileKind kind);
extern bytea *ProfileSend(Datum profile);

#endif							/* COMPUTE_LEDGER_PROFILE_TEXT_H */
