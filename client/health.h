/*
 * health.h
 *		What ledger_health says.
 */
#ifndef COMPUTE_LEDGER_HEALTH_H
#define COMPUTE_LEDGER_HEALTH_H

#include "connect.h"

extern ExitCode ShowHealth(PGconn *conn, int watch_seconds);

#endif							/* COMPUTE_LEDGER_HEALTH_H */
