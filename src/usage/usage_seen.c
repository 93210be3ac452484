/*
 * usage_seen.c
 *		Rows that others change while a statement of ours runs.
 */
#include "base/compat.h"

#include "access/transam.h"
#include "access/xact.h"
#include "utils/snapmgr.h"

/*
 * _usage_seen(xmin xid) -> boolean
 *
 * Whether a version of a row is one that the statement's snapshot sees, as far as xmin
 * tells.  A DELETE goes on with the newer version of a row that somebody else updated;
 * with this among its conditions it does not.
 */
PG_FUNCTION_INFO_V1(usage_seen);
Datum
usage_seen(PG_FUNCTION_ARGS)
{
	TransactionId xmin;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	xmin = PG_GETARG_TRANSACTIONID(0);
	/* what was frozen keeps its number, which may have come to mean the future */
	PG_RETURN_BOOL(!TransactionIdIsNormal(xmin) ||
				   !XidInMVCCSnapshot(xmin, GetActiveSnapshot()) ||
				   TransactionIdIsCurrentTransactionId(xmin) ||
				   TransactionIdFollowsOrEquals(xmin, ReadNextTransactionId()));
}
