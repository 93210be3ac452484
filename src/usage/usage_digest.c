/*
 * usage_digest.c
 *		The digests of a usage record and of a kind of usage: the SQL functions over digest.h.
 */
#include "base/compat.h"

#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "accelerator/accelerator.h"
#include "digest/digest.h"
#include "quantity/quantity.h"
#include "usage/usage_key.h"
#include "usage/usage_digest.h"

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

/* Adds a value; field: as in digest.h, or a for an accelerator, l for an integer. */
static void
digest_value(DigestState *state, Datum value, char field)
{
	switch (field)
	{
		case 's':
			{
				text	   *t = DatumGetTextPP(value);

				digest_string(state, VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t));
				break;
			}
		case 'd':
			digest_numeric(state, DatumGetNumeric(value));
			break;
		case 'i':
			DigestInstant(state, DatumGetTimestampTz(value));
			break;
		case 'l':
			{
				char		decimal[12];

				DigestDecimal(state, decimal, pg_ltoa(DatumGetInt32(value), decimal));
				break;
			}
		case 'q':
			{
				Quantity   *q = DatumGetQuantityP(value);

				DigestWork(state, QuantityAmount(q), QuantityBasis(q));
				break;
			}
		case 'a':
			{
				char		text[ACCELERATOR_MAXTEXT];

				AcceleratorFormat(DatumGetAcceleratorP(value), text);
				DigestText(state, text, strlen(text));
				break;
			}
		default:
			digest_jsonb(state, DatumGetJsonbP(value));
			break;
	}
}

/* Ends a digest. */
static void
digest_end(DigestState *state, uint8 *digest)
{
	const char *error = DigestEnd(state, digest);

	if (error != NULL)
		elog(ERROR, "could not compute SHA-256: %s", error);
}

/* Returns the first bytes of a digest. */
static Datum
digest_bytes(const uint8 *digest, Size length)
{
	bytea	   *result = palloc(VARHDRSZ + length);

	memcpy(VARDATA(result), digest, length);
	SET_VARSIZE(result, VARHDRSZ + length);
	return PointerGetDatum(result);
}

/*
 * Makes the digest of what a record says, as digest.h has it: account, region, accelerator, devices, start, end, measure,
 * number format, achieved work, run, labels and reservation, any of which may be null.  Who makes many keeps the state.
 */
void
MakeUsageDigest(DigestState *state, const NullableDatum *values, uint8 *digest)
{
	static const char fields[] = DIGEST_FIELDS "s";

	DigestBegin(state);
	for (int i = 0; fields[i] != '\0'; i++)
	{
		if (!values[i].isnull)
			digest_value(state, values[i].value, fields[i]);
		/* a record without a reservation says nothing of it */
		else if (fields[i + 1] != '\0')
			DigestNull(state);
	}
	digest_end(state, digest);
}

/*
 * usage_digest(account text, region text, accelerator text, devices numeric,
 *		started_at timestamptz, ended_at timestamptz, measure text, number_format text,
 *		achieved_work compute_unit, run text, labels jsonb, reservation text) -> bytea
 *
 * SHA-256 of what a usage record says; never NULL.
 */
PG_FUNCTION_INFO_V1(usage_digest);
Datum
usage_digest(PG_FUNCTION_ARGS)
{
	DigestState state = {0};
	uint8		digest[DIGEST_LENGTH];

	MakeUsageDigest(&state, fcinfo->args, digest);
	DigestFree(&state);
	return digest_bytes(digest, DIGEST_LENGTH);
}

/*
 * _usage_kind_digest(source text, region integer, region_name text, accelerator accelerator, accelerator_name text, share integer,
 *		rate compute_rate, rate_recorded timestamptz, basis integer, measure text, number_format text) -> bytea
 *
 * The first half of the SHA-256 of what usage_kind says of a kind; never NULL.
 */
PG_FUNCTION_INFO_V1(usage_kind_digest);
Datum
usage_kind_digest(PG_FUNCTION_ARGS)
{
	static const char fields[] = "slsaslqilss";
	DigestState state = {0};
	uint8		digest[DIGEST_LENGTH];

	DigestBegin(&state);
	for (int i = 0; fields[i] != '\0'; i++)
	{
		if (!PG_ARGISNULL(i))
			digest_value(&state, PG_GETARG_DATUM(i), fields[i]);
		else
			DigestNull(&state);
	}
	digest_end(&state, digest);
	DigestFree(&state);
	return digest_bytes(digest, DIGEST_LENGTH / 2);
}
