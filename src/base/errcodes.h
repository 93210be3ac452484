/*
 * errcodes.h
 *		SQLSTATEs of this extension's own, class LC.
 *
 * The SQL standard keeps classes that begin with 0-4 or A-H to itself and leaves
 * I-Z to implementations; no class of PostgreSQL's begins with L.  Anything that
 * core has a code for uses core's (22003 out of range, 22P02 bad text, 22P03 bad
 * binary, 55000 wrong state, ...); these are for the errors that an application
 * will want to tell apart.
 *
 * This is the one list of them.  Functions in SQL spell the code ('LC006'), and
 * docs/errors.md says what to do; a test holds all three to this list.
 */
#ifndef COMPUTE_LEDGER_ERRCODES_H
#define COMPUTE_LEDGER_ERRCODES_H

/* Two quantities of different bases met in one operation. */
#define ERRCODE_CL_BASIS_MISMATCH		MAKE_SQLSTATE('L','C','0','0','1')
/* A basis name or code that this database does not know. */
#define ERRCODE_CL_UNKNOWN_BASIS		MAKE_SQLSTATE('L','C','0','0','2')
/* A name that identifies no accelerator. */
#define ERRCODE_CL_UNKNOWN_ACCELERATOR	MAKE_SQLSTATE('L','C','0','0','3')
/* No peak rate or factor for this accelerator in this basis at this time. */
#define ERRCODE_CL_NO_RATE				MAKE_SQLSTATE('L','C','0','0','4')
/* A row that ships with the extension cannot be changed. */
#define ERRCODE_CL_SHIPPED_ROW			MAKE_SQLSTATE('L','C','0','0','5')
/* A name of no account, or of one that is not valid at that time. */
#define ERRCODE_CL_UNKNOWN_ACCOUNT		MAKE_SQLSTATE('L','C','0','0','6')
/* A name of no region. */
#define ERRCODE_CL_UNKNOWN_REGION		MAKE_SQLSTATE('L','C','0','0','7')
/* A revision of a usage record that is there and says something else. */
#define ERRCODE_CL_USAGE_CONFLICT		MAKE_SQLSTATE('L','C','0','0','8')
/* Usage at a time that only a clock that is wrong would say. */
#define ERRCODE_CL_CLOCK				MAKE_SQLSTATE('L','C','0','0','9')
/* A billing period that cannot be closed, or a row of a closed one that would change. */
#define ERRCODE_CL_CLOSED				MAKE_SQLSTATE('L','C','0','1','1')
/* A recorded time that lies beyond the watermark. */
#define ERRCODE_CL_AS_OF				MAKE_SQLSTATE('L','C','0','1','2')
/* A pool that has not as many devices left as are to be booked. */
#define ERRCODE_CL_NO_CAPACITY			MAKE_SQLSTATE('L','C','0','2','0')
/* A reservation that has lapsed, ended or was given up, or has begun. */
#define ERRCODE_CL_RESERVATION_STATE	MAKE_SQLSTATE('L','C','0','2','1')
/* The id of a request that stood for another call before. */
#define ERRCODE_CL_REQUEST_CONFLICT		MAKE_SQLSTATE('L','C','0','2','2')
/* More of a pool is booked than it would have. */
#define ERRCODE_CL_BOOKED				MAKE_SQLSTATE('L','C','0','2','3')
/* A pool whose centre went back on a booking, or an answer of a centre's out of place. */
#define ERRCODE_CL_CENTRE				MAKE_SQLSTATE('L','C','0','2','4')
/* A reservation that usage names and nobody knows. */
#define ERRCODE_CL_UNKNOWN_RESERVATION	MAKE_SQLSTATE('L','C','0','2','5')
/* What the operator's policy does not allow. */
#define ERRCODE_CL_POLICY				MAKE_SQLSTATE('L','C','0','2','6')
/* A request for which there is no offer. */
#define ERRCODE_CL_NO_OFFER				MAKE_SQLSTATE('L','C','0','2','7')
/* An offer that has expired, or would not be made again. */
#define ERRCODE_CL_STALE_OFFER			MAKE_SQLSTATE('L','C','0','2','8')
/* A request that can never be placed. */
#define ERRCODE_CL_REQUEST				MAKE_SQLSTATE('L','C','0','2','9')
/* A lease that has expired, was closed, or whose work was taken again. */
#define ERRCODE_CL_LEASE				MAKE_SQLSTATE('L','C','0','3','0')

#endif							/* COMPUTE_LEDGER_ERRCODES_H */
