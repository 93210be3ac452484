/*
 * module.c
 *		Module magic of the extension.
 */
#include "base/compat.h"

#if PG_VERSION_NUM >= 180000
PG_MODULE_MAGIC_EXT(.name = "compute_ledger");
#else
PG_MODULE_MAGIC;
#endif
