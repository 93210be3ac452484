/*
 * errcodes.h
 *		SQLSTATEs of this extension's own, class LC.
 *
 * The SQL standard keeps classes that begin with 0-4 or A-H to itself and leaves
 * I-Z to implementations; no class of PostgreSQL's begins with L.  Anything that
 * core has a code for uses core's (22003 out of range, 22P02 bad text, 22P03 bad
 * binary, 55000 wrong state, ...); these are for the errors that an application
 * will want to tell apart.  docs/errors.md lists them.
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

#endif							/* COMPUTE_LEDGER_ERRCODES_H */
