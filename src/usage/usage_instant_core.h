/*
 * usage_instant_core.h
 *		The forms in which an instant may be written in a cell of usage.
 *
 *	date		YYYY-MM-DD, of the years 0001 to 9999
 *	T or blank	one of them, once
 *	time		HH:MM or HH:MM:SS, of 00:00:00 to 23:59:59; after the seconds a point and 1 to 9
 *				decimals, rounded half to even to microseconds
 *	zone		Z; or +HH, +HHMM, +HH:MM, or - instead of +, to 15:59; or a blank and UTC, GMT or a
 *				name of Area/Location; or nothing
 *
 * or, where the source writes those, Unix seconds: 9 to 11 digits, and decimals likewise.
 * There is no other form: what one reader takes for China Standard Time another takes for
 * Central Standard Time, and a bill is wrong by 14 hours.
 *
 * Pure: needs nothing of PostgreSQL.  What a name means, and which instant a clock that
 * is put back or forward shows, is for usage_instant.c to find.
 */
#ifndef COMPUTE_LEDGER_USAGE_INSTANT_CORE_H
#define COMPUTE_LEDGER_USAGE_INSTANT_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the end of an instant says of where its clock is. */
typedef enum InstantZone
{
	INSTANT_LOCAL,				/* nothing */
	INSTANT_OFFSET,
	INSTANT_NAMED,
	INSTANT_UNIX				/* Unix seconds */
} InstantZone;

/* Why a cell is no instant. */
typedef enum InstantFault
{
	INSTANT_OK,
	INSTANT_NO_FORM,			/* it is in none of the forms */
	INSTANT_NO_DAY,				/* it is, but there is no such day, time or offset */
	INSTANT_NO_UNIX,			/* it is a number, and the source does not write Unix seconds */
	INSTANT_NO_ZONE,			/* nothing has the name of its zone */
	INSTANT_NEVER,				/* no clock of its zone ever showed this time */
	INSTANT_TWICE				/* the clocks of its zone showed this time twice */
} InstantFault;

/* An instant as it is written. */
typedef struct InstantText
{
	InstantZone zone;
	int64_t		seconds;		/* that its clock shows, since it showed 2000-01-01 00:00:00; Unix seconds: since
								 * then in UTC */
	int32_t		microseconds;	/* after them, to 1,000,000 */
	int32_t		offset;			/* INSTANT_OFFSET: seconds east of UTC */
	const char *name;			/* INSTANT_NAMED: where the name begins; it goes on to the end */
} InstantText;

extern InstantFault ParseInstant(const char *str, size_t len, InstantText *result);

#endif							/* COMPUTE_LEDGER_USAGE_INSTANT_CORE_H */
