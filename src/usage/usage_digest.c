/*
 * usage_digest.c
 *		The digest of a usage record: the SQL function over digest.h.
 */
#include "base/compat.h"

#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "digest/digest.h"
#include "quantity/quantity.h"
#include "usage/usage_key.h"

/* Adds a string in UTF-8, or as it is where it has no such form. */
static void
digest_string(DigestState *state, const char *str, int len)
{
	bool		is_utf8;
	const char *bytes = Utf8Bytes(str, &len, &is_utf8);

	if (is_utf8)
		DigestText(state, bytes, len);
	else
		DigestBytes(state, bytes, len);
	if (bytes != str)
		pfree(unconstify(char *, bytes));
}

/* Adds a number. */
static void
digest_numeric(DigestState *state, Numeric n)
{
	char	   *str = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(n)));

	DigestDecimal(state, str, strlen(str));
	pfree(str);
}

/* Adds a jsonb as the values that it holds, in jsonb's order of keys. */
static void
digest_jsonb(DigestState *state, Jsonb *jsonb)
{
	JsonbIterator *it = JsonbIteratorInit(&jsonb->root);
	JsonbIteratorToken token;
	JsonbValue	v;

	while ((token = JsonbIteratorNext(&it, &v, false)) != WJB_DONE)
		switch (token)
		{
			case WJB_BEGIN_OBJECT:
				DigestBracket(state, '{');
				break;
			case WJB_END_OBJECT:
				DigestBracket(state, '}');
				break;
			case WJB_BEGIN_ARRAY:
				DigestBracket(state, '[');
				break;
			case WJB_END_ARRAY:
				DigestBracket(state, ']');
				break;
			default:
				switch (v.type)
				{
					case jbvString:
						digest_string(state, v.val.string.val, v.val.string.len);
						break;
					case jbvNumeric:
						digest_numeric(state, v.val.numeric);
						break;
					case jbvBool:
						DigestBoolean(state, v.val.boolean);
						break;
					default:
						DigestNull(state);
						break;
				}
				break;
		}
}

/*
 * usage_digest(account text, region text, accelerator text, devices numeric,
 *		started_at timestamptz, ended_at timestamptz, measure text, number_format text,
 *		achieved_work compute_unit, run text, labels jsonb, reservation text) -> bytea
 *
 * SHA-256 of what a usage record says, made as digest.h has it; never NULL.
 */
PG_FUNCTION_INFO_V1(usage_digest);
Datum
usage_digest(PG_FUNCTION_ARGS)
{
	static const char fields[] = DIGEST_FIELDS "s";
	DigestState state;
	const char *error;
	bytea	   *result = palloc(VARHDRSZ + DIGEST_LENGTH);

	DigestBegin(&state);
	for (int i = 0; fields[i] != '\0'; i++)
	{
		if (PG_ARGISNULL(i))
		{
			/* a record without a reservation says nothing of it */
			if (fields[i + 1] != '\0')
				DigestNull(&state);
			continue;
		}
		switch (fields[i])
		{
			case 's':
				{
					text	   *t = PG_GETARG_TEXT_PP(i);

					digest_string(&state, VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t));
					break;
				}
			case 'd':
				digest_numeric(&state, PG_GETARG_NUMERIC(i));
				break;
			case 'i':
				DigestInstant(&state, PG_GETARG_TIMESTAMPTZ(i));
				break;
			case 'q':
				{
					Quantity   *q = PG_GETARG_QUANTITY_P(i);

					DigestWork(&state, QuantityAmount(q), QuantityBasis(q));
					break;
				}
			default:
				digest_jsonb(&state, PG_GETARG_JSONB_P(i));
				break;
		}
	}
	error = DigestEnd(&state, (uint8 *) VARDATA(result));
	if (error != NULL)
		elog(ERROR, "could not compute SHA-256: %s", error);
	SET_VARSIZE(result, VARHDRSZ + DIGEST_LENGTH);
	PG_RETURN_BYTEA_P(result);
}
