/*
 * pool_book.h
 *		The book of a pool: how many devices are booked at each instant.
 */
#ifndef COMPUTE_LEDGER_POOL_BOOK_H
#define COMPUTE_LEDGER_POOL_BOOK_H

#include "base/compat.h"

#include "utils/date.h"

#include "capacity/pool_set.h"
#include "profile/profile_tally.h"

/* A row of the book: of a day, or of a month. */
typedef struct BookRow
{
	int			place;			/* of its pool, in the set that was read */
	bool		is_month;
	DateADT		day;			/* of a month, the first */
	int64		base;			/* in devices */
	int64		peak;			/* of a month, 0 */
	Datum		profile;		/* 0: none */
} BookRow;

/* Rows of the book that were read. */
typedef struct Book
{
	BookRow    *rows;
	size_t		count;
	size_t		room;
	Oid			profile_type;	/* device_profile */
} Book;

extern DateADT BookMonth(int64 at);
extern int	BookMonths(int64 from, int64 to);
extern bool BookPeriod(int64 pool, bool guest, int64 from, int64 to, int64 devices, int64 *at);
extern void ReadBook(const PoolSet *set, bool guests, int64 from, int64 to, Book *book);
extern void TallyBookRow(ProfileTally *tally, const BookRow *row, int64 from, int64 to, bool negate);

#endif							/* COMPUTE_LEDGER_POOL_BOOK_H */
