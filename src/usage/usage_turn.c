/*
 * usage_turn.c
 *		Who adds a source to usage_source first.
 *
 * Writers of one source take turns by locking its row.  A source that is new has no row
 * that others could see, and an INSERT of the same one waits for as long as the first goes on; so whoever adds a
 * source holds an advisory lock from before it is added until the end of the transaction,
 * and who does not want to wait tries that lock.
 *
 * The locks are of a class of their own, which no SQL function can take, and there are few of
 * them: names of sources come from outside, and a lock for each would let one file fill
 * the server's table of locks.  Sources that share one wait for each other in the transaction that
 * adds them, and never again.
 */
#include "base/compat.h"

#include "common/hashfn.h"
#include "miscadmin.h"
#include "storage/lock.h"

/* Class of the advisory locks; ledger_clock.c has another. */
#define USAGE_TURN_CLASS	0x5553	/* "US" */
#define USAGE_TURNS			256

/*
 * _usage_turn(source text, wait boolean) -> boolean
 *
 * Takes the lock under which a source of this name is added, until the end of the
 * transaction; false if somebody else has it and it is not to be waited for.
 */
PG_FUNCTION_INFO_V1(usage_turn);
Datum
usage_turn(PG_FUNCTION_ARGS)
{
	text	   *source = PG_GETARG_TEXT_PP(0);
	bool		wait = PG_GETARG_BOOL(1);
	uint32		turn = hash_bytes((const unsigned char *) VARDATA_ANY(source), VARSIZE_ANY_EXHDR(source)) % USAGE_TURNS;
	LOCKTAG		tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, 0, turn, USAGE_TURN_CLASS);
	PG_RETURN_BOOL(LockAcquire(&tag, ExclusiveLock, false, !wait) != LOCKACQUIRE_NOT_AVAIL);
}
