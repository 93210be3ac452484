/*
 * quantity_type.c
 *		Input, output, type modifiers and errors that compute_unit and compute_rate
 *		share.
 *
 * The type modifier is the code of the basis that a column is held to, -1 for none.
 */
#include "base/compat.h"

#include "catalog/pg_type.h"
#include "libpq/pqformat.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "base/errcodes.h"
#include "quantity/quantity_type.h"

/* Returns the SQL name of the type. */
const char *
QuantityTypeName(QuantityKind kind)
{
	return kind == QUANTITY_RATE ? "compute_rate" : "compute_unit";
}

/* Raises 22003. */
void
QuantityOutOfRangeError(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("compute quantity out of range"),
			 errdetail("An amount lies between -2^111 and 2^111 - 1 FLOP, a rate between -2^111 and 2^111 - 1 MFLOP/s.")));
}

/* Raises LC001, naming both bases. */
void
BasisMismatchError(uint16 a, uint16 b)
{
	char		buf_a[BASIS_MAXTEXT];
	char		buf_b[BASIS_MAXTEXT];

	ereport(ERROR,
			(errcode(ERRCODE_CL_BASIS_MISMATCH),
			 errmsg("compute quantities have different bases: %s and %s",
					BasisName(a, buf_a), BasisName(b, buf_b)),
			 errdetail("What was counted is not the same, so nothing converts one into the other."),
			 errhint("Group by basis(), relabel one of them with with_basis(), or use utilization() for a ratio across bases.")));
}

/* Allocates a quantity; raises 22003 if the amount does not fit. */
Quantity *
QuantityMake(int128 amount, uint16 basis)
{
	Quantity   *result;

	if (unlikely(!QuantityInRange(amount)))
		QuantityOutOfRangeError();
	result = (Quantity *) palloc(sizeof(Quantity));
	QuantitySet(result, amount, basis);
	return result;
}

/* Reports an unknown basis, LC002, softly if there is an error context. */
static void
report_unknown_basis(const char *name, int len, Node *escontext)
{
	ereturn(escontext, (void) 0,
			(errcode(ERRCODE_CL_UNKNOWN_BASIS),
			 errmsg("unknown basis \"%.*s\"", len, name),
			 errdetail("A basis is flop, fp64, fp32, tf32, fp16, bf16, fp8, fp6, fp4, int8, int4, or a number from %d to %d.",
					   BASIS_FIRST_USER, BASIS_MAX),
			 errhint("A basis of your own is written as its code in table compute_ledger.basis.")));
}

/* Reads the name or number of a basis; raises LC002 if there is none such. */
static uint16
basis_from_text(const char *name, size_t len)
{
	uint16		basis;

	if (!BasisFromName(name, len, &basis))
	{
		report_unknown_basis(name, (int) len, NULL);
		return 0;				/* not reached */
	}
	return basis;
}

/*
 * Checks a basis against a type modifier.  A quantity is never relabelled to fit;
 * LC001, softly if there is an error context.
 */
static bool
check_typmod(uint16 basis, int32 typmod, QuantityKind kind, Node *escontext)
{
	char		buf_a[BASIS_MAXTEXT];
	char		buf_b[BASIS_MAXTEXT];

	if (likely(typmod < 0 || typmod == basis))
		return true;
	ereturn(escontext, false,
			(errcode(ERRCODE_CL_BASIS_MISMATCH),
			 errmsg("basis %s does not fit type %s(%s)", BasisName(basis, buf_a),
					QuantityTypeName(kind), BasisName((uint16) typmod, buf_b)),
			 errdetail("The type holds quantities of one basis, and nothing converts another into it."),
			 errhint("Use with_basis() to relabel the quantity, if it was counted in basis %s after all.",
					 BasisName((uint16) typmod, buf_b))));
}

/* Reads the text form.  Errors are soft if there is an error context: NULL then. */
static Quantity *
read_quantity(const char *str, QuantityKind kind, int32 typmod, Node *escontext)
{
	const char *type = QuantityTypeName(kind);
	int128		amount;
	uint16		basis;
	Quantity   *result;

	if (unlikely(strnlen(str, QUANTITY_MAXINPUT + 1) > QUANTITY_MAXINPUT))
		ereturn(escontext, NULL,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("text is too long for type %s", type),
				 errdetail("The text of a value has at most %d bytes.", QUANTITY_MAXINPUT)));
	switch (QuantityParse(str, kind, &amount, &basis))
	{
		case QUANTITY_PARSE_OK:
			break;
		case QUANTITY_PARSE_SYNTAX:
			ereturn(escontext, NULL,
					(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
					 errmsg("invalid input syntax for type %s: \"%s\"", type, str)));
		case QUANTITY_PARSE_NO_UNIT:
			ereturn(escontext, NULL,
					(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
					 errmsg("invalid input syntax for type %s: \"%s\"", type, str),
					 errdetail("The number has no unit."),
					 kind == QUANTITY_RATE ?
					 errhint("Write a unit, for example \"2.5 TFLOPS\".") :
					 errhint("Write a unit, for example \"2.5 PFLOPh\".")));
		case QUANTITY_PARSE_OTHER_KIND:
			if (kind == QUANTITY_RATE)
				ereturn(escontext, NULL,
						(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
						 errmsg("invalid input syntax for type %s: \"%s\"", type, str),
						 errdetail("The unit is one of an amount of work."),
						 errhint("Write FLOPS or FLOP/s for a rate, or use type compute_unit.")));
			ereturn(escontext, NULL,
					(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
					 errmsg("invalid input syntax for type %s: \"%s\"", type, str),
					 errdetail("The unit is a rate, work per time."),
					 errhint("Write FLOP or FLOPh for an amount, or use type compute_rate.")));
		case QUANTITY_PARSE_BASIS:
			{
				const char *name = strchr(str, '@') + 1;

				report_unknown_basis(name, (int) strcspn(name, " \t\n\v\f\r"), escontext);
				return NULL;
			}
		case QUANTITY_PARSE_RANGE:
			ereturn(escontext, NULL,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("value \"%s\" is out of range for type %s", str, type)));
	}
	if (!check_typmod(basis, typmod, kind, escontext))
		return NULL;
	result = (Quantity *) palloc(sizeof(Quantity));
	QuantitySet(result, amount, basis);
	return result;
}

/* type_in(cstring, oid, typmod) */
Datum
QuantityIn(FunctionCallInfo fcinfo, QuantityKind kind)
{
	Quantity   *result = read_quantity(PG_GETARG_CSTRING(0), kind,
									   PG_GETARG_INT32(2), fcinfo->context);

	if (result == NULL)
		PG_RETURN_NULL();
	PG_RETURN_QUANTITY_P(result);
}

/* type_out(type) */
Datum
QuantityOut(FunctionCallInfo fcinfo, QuantityKind kind)
{
	Quantity   *q = PG_GETARG_QUANTITY_P(0);
	char	   *buf = (char *) palloc(QUANTITY_MAXTEXT);

	QuantityFormat(QuantityAmount(q), QuantityBasis(q), kind, buf);
	PG_RETURN_CSTRING(buf);
}

/*
 * type_recv(internal, oid, typmod): 2 bytes of basis, 14 of amount (two's
 * complement), big-endian.  Every amount is valid, not every basis is.
 */
Datum
QuantityRecv(FunctionCallInfo fcinfo, QuantityKind kind)
{
	StringInfo	buf = (StringInfo) PG_GETARG_POINTER(0);
	int32		typmod = PG_GETARG_INT32(2);
	uint64		high = pq_getmsgint64(buf);
	uint64		low = pq_getmsgint64(buf);
	uint16		basis = high >> 48;
	Quantity   *result;

	if (!BasisIsValid(basis))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid basis in external \"%s\" value: %u",
						QuantityTypeName(kind), basis)));
	check_typmod(basis, typmod, kind, NULL);
	result = (Quantity *) palloc(sizeof(Quantity));
	/* storing drops the upper 16 bits, where the basis came from */
	QuantitySet(result, (int128) (((uint128) high << 64) | low), basis);
	PG_RETURN_QUANTITY_P(result);
}

/* type_send(type) */
PG_FUNCTION_INFO_V1(quantity_send);
Datum
quantity_send(PG_FUNCTION_ARGS)
{
	Quantity   *q = PG_GETARG_QUANTITY_P(0);
	uint128		amount = (uint128) QuantityAmount(q);
	StringInfoData buf;

	pq_begintypsend(&buf);
	pq_sendint64(&buf, ((uint64) QuantityBasis(q) << 48) |
				 ((uint64) (amount >> 64) & UINT64CONST(0xFFFFFFFFFFFF)));
	pq_sendint64(&buf, (uint64) amount);
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

/* quantity_typmod_in(cstring[]): the basis, by name or number */
PG_FUNCTION_INFO_V1(quantity_typmod_in);
Datum
quantity_typmod_in(PG_FUNCTION_ARGS)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(0);
	Datum	   *elements;
	int			n;
	const char *name;

	if (ARR_ELEMTYPE(array) != CSTRINGOID || ARR_NDIM(array) != 1 ||
		array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid type modifier")));
	deconstruct_array(array, CSTRINGOID, -2, false, TYPALIGN_CHAR,
					  &elements, NULL, &n);
	if (n != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid type modifier"),
				 errdetail("The type takes one modifier, the basis.")));
	name = DatumGetCString(elements[0]);
	PG_RETURN_INT32(basis_from_text(name, strlen(name)));
}

/* quantity_typmod_out(int4): the basis in parentheses */
PG_FUNCTION_INFO_V1(quantity_typmod_out);
Datum
quantity_typmod_out(PG_FUNCTION_ARGS)
{
	int32		typmod = PG_GETARG_INT32(0);
	char		name[BASIS_MAXTEXT];

	if (typmod < 0 || typmod > BASIS_MAX || !BasisIsValid(typmod))
		PG_RETURN_CSTRING(pstrdup(""));
	PG_RETURN_CSTRING(psprintf("(%s)", BasisName((uint16) typmod, name)));
}

/* type(type, typmod, explicit): refuses another basis, cast or assignment alike */
Datum
QuantityEnforceTypmod(FunctionCallInfo fcinfo, QuantityKind kind)
{
	Quantity   *q = PG_GETARG_QUANTITY_P(0);

	check_typmod(QuantityBasis(q), PG_GETARG_INT32(1), kind, NULL);
	PG_RETURN_QUANTITY_P(q);
}

/* basis(type): the name, or the number of a user's basis */
PG_FUNCTION_INFO_V1(quantity_basis);
Datum
quantity_basis(PG_FUNCTION_ARGS)
{
	Quantity   *q = PG_GETARG_QUANTITY_P(0);
	char		name[BASIS_MAXTEXT];

	PG_RETURN_TEXT_P(cstring_to_text(BasisName(QuantityBasis(q), name)));
}

/* with_basis(type, text): the same amount under another label */
PG_FUNCTION_INFO_V1(quantity_with_basis);
Datum
quantity_with_basis(PG_FUNCTION_ARGS)
{
	Quantity   *q = PG_GETARG_QUANTITY_P(0);
	text	   *name = PG_GETARG_TEXT_PP(1);

	PG_RETURN_QUANTITY_P(QuantityMake(QuantityAmount(q),
									  basis_from_text(VARDATA_ANY(name),
													  VARSIZE_ANY_EXHDR(name))));
}
