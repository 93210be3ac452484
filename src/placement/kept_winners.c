/*
 * kept_winners.c
 *		The prices that win, kept from one request to the next.
 *
 * A price list and the trees that it hangs on hardly ever change, and very many requests ask the same of them.
 */
#include "base/compat.h"

#include "base/kept_rows.h"

static KeptRows winners = {
	.query = "SELECT w.* FROM compute_ledger._find_winners($1, $2, $3, $4, $5, $6) AS w",
	.tables = {"price", "price_key", "price_book", "currency", "account_version", "account_merge", "region_version"},
	.most = 16,
};

/*
 * _kept_winners(account bigint, currency text, measure text, chips accelerator[],
 *		regions integer[], period tstzrange) -> rows of _find_winners()
 */
PG_FUNCTION_INFO_V1(kept_winners);
Datum
kept_winners(PG_FUNCTION_ARGS)
{
	return KeptRowsReturn(fcinfo, &winners);
}
