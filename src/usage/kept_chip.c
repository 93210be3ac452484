/*
 * kept_chip.c
 *		What names of accelerators mean, and what they count for, kept from one record to the next.
 *
 * record_usage() asks for one name at a time, each in a statement of its own.
 */
#include "base/compat.h"

#include "base/kept_rows.h"

static KeptRows chips = {
	.query = "SELECT c.* FROM compute_ledger._find_chip($1, $2, $3) AS c",
	.tables = {
		"accelerator_alias", "accelerator_word", "accelerator_variant", "accelerator_model", "accelerator_instance",
		"accelerator_peak", "basis_factor", "basis"
	},
	.most = 1024,
};

/* _kept_chip(name text, system text, basis text) -> rows of _find_chip() */
PG_FUNCTION_INFO_V1(kept_chip);
Datum
kept_chip(PG_FUNCTION_ARGS)
{
	return KeptRowsReturn(fcinfo, &chips);
}
