/*
 * accelerator_core.c
 *		Reading, printing and checking the 16 bytes of an accelerator.
 *
 * Text, in lower case (upper case is folded):
 *
 *		vendor [ '/' model [ '-' form ] [ '-' n 'gb' ] [ ':' n 'g.' n 'gb' ( '+' | '-' attribute )* ] ] [ '~' ]
 *
 * A model may hold '-' itself, so the parts are taken off the end: after the
 * last '-', digits and "gb" are the memory; after the '-' that is then the last,
 * a word of the list of form factors is the form factor; the rest is the model.
 * Taken off once each: a model never ends in what could be one of them, nor is
 * it one, so that every value prints as a text that reads back as itself.
 */
#include "accelerator/accelerator_core.h"
#include "accelerator/accelerator_words.h"
#include "base/ascii.h"

/* Offsets of the parts. */
enum
{
	AT_VENDOR = 0,
	AT_MODEL = 2,
	AT_FORM = 10,
	AT_MEMORY = 11,
	AT_MIG = 13,
	AT_MIG_MEMORY = 14
};

#define BASE			40
#define MODEL_FILLED	UINT64_MAX

static const char digits[BASE + 1] = "\0abcdefghijklmnopqrstuvwxyz0123456789-.+";

/* Attributes of a MIG slice in the order in which they are printed. */
static const struct
{
	const char *text;
	uint8_t		bit;
}			mig_attributes[] = {
	{"+me", ACCELERATOR_MIG_ME},
	{"+me.all", ACCELERATOR_MIG_ME_ALL},
	{"-me", ACCELERATOR_MIG_NO_ME},
	{"+gfx", ACCELERATOR_MIG_GFX},
};

#define lengthof(array) (sizeof(array) / sizeof((array)[0]))

static uint16_t
get16(const uint8_t *p)
{
	return (uint16_t) (p[0] << 8 | p[1]);
}

static void
put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t) (v >> 8);
	p[1] = (uint8_t) v;
}

/* Returns the base-40 digit of a character, or -1. */
static int
base40_digit(char c)
{
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 1;
	if (c >= '0' && c <= '9')
		return c - '0' + 27;
	return c == '-' ? 37 : c == '.' ? 38 : c == '+' ? 39 : -1;
}

/* Says whether a text is digits and "gb". */
static bool
is_memory_word(const char *s, size_t len)
{
	if (len < 3 || s[len - 2] != 'g' || s[len - 1] != 'b')
		return false;
	for (size_t i = 0; i < len - 2; i++)
		if (!AsciiIsDigit(s[i]))
			return false;
	return true;
}

static bool
is_form_word(const char *s, size_t len)
{
	uint8_t		code;

	return AcceleratorFormFromWord(s, len, &code);
}

/* Reads digits as a number from 1 to max, without leading zeros. */
static bool
read_number(const char *s, size_t len, unsigned max, uint16_t *out)
{
	unsigned	v = 0;

	if (len == 0 || len > 5 || s[0] == '0')
		return false;
	for (size_t i = 0; i < len; i++)
	{
		if (!AsciiIsDigit(s[i]))
			return false;
		v = v * 10 + (unsigned) (s[i] - '0');
	}
	if (v > max)
		return false;
	*out = (uint16_t) v;
	return true;
}

/* Returns where the last '-' is, or len if there is none. */
static size_t
last_dash(const char *s, size_t len)
{
	for (size_t i = len; i-- > 0;)
		if (s[i] == '-')
			return i;
	return len;
}

/* Checks a model name and packs it. */
static AcceleratorError
pack_model(const char *s, size_t len, uint64_t *packed)
{
	uint64_t	v = 0;
	size_t		dash;

	if (len == 0)
		return ACCELERATOR_NO_MODEL;
	for (size_t i = 0; i < len; i++)
		if (base40_digit(s[i]) < 0)
			return ACCELERATOR_BAD_MODEL_CHARACTER;
	if (is_memory_word(s, len) || is_form_word(s, len))
		return ACCELERATOR_MODEL_IS_PART;
	dash = last_dash(s, len);
	if (dash < len && (is_memory_word(s + dash + 1, len - dash - 1) ||
					   is_form_word(s + dash + 1, len - dash - 1)))
		return ACCELERATOR_MODEL_ENDS_IN_PART;
	if (base40_digit(s[0]) > 36 || s[len - 1] == '-' || s[len - 1] == '.')
		return ACCELERATOR_BAD_MODEL_EDGE;
	if (len > ACCELERATOR_MODEL_MAX)
		return ACCELERATOR_MODEL_TOO_LONG;
	for (size_t i = 0; i < ACCELERATOR_MODEL_MAX; i++)
		v = v * BASE + (uint64_t) (i < len ? base40_digit(s[i]) : 0);
	*packed = v;
	return ACCELERATOR_OK;
}

/* Writes a packed model and NUL, returns its length; -1 if it is no such number. */
static int
unpack_model(uint64_t v, char *s)
{
	int			len = 0;
	int			digit[ACCELERATOR_MODEL_MAX];

	for (int i = ACCELERATOR_MODEL_MAX; i-- > 0;)
	{
		digit[i] = (int) (v % BASE);
		v /= BASE;
	}
	if (v != 0)
		return -1;
	while (len < ACCELERATOR_MODEL_MAX && digit[len] != 0)
	{
		s[len] = digits[digit[len]];
		len++;
	}
	s[len] = '\0';
	for (int i = len; i < ACCELERATOR_MODEL_MAX; i++)
		if (digit[i] != 0)
			return -1;
	return len;
}

/* Says whether the attributes of a MIG profile go together. */
static bool
mig_attrs_are_valid(unsigned attrs)
{
	unsigned	media = attrs & ~(unsigned) ACCELERATOR_MIG_GFX;

	/* At most one of +me, +me.all and -me. */
	return attrs <= 0xf && (media & (media - 1)) == 0;
}

/* Makes the 16 bytes of a set of parts. */
AcceleratorError
AcceleratorPackParts(const AcceleratorParts *parts, Accelerator *out)
{
	uint64_t	model = 0;
	const char *end = memchr(parts->model, '\0', sizeof(parts->model));

	if (end == NULL)
		return ACCELERATOR_MODEL_TOO_LONG;
	if (parts->vendor != 0 && !AcceleratorVendorIsValid(parts->vendor))
		return ACCELERATOR_BAD_VENDOR;
	if (end != parts->model)
	{
		AcceleratorError e = pack_model(parts->model, (size_t) (end - parts->model), &model);

		if (e != ACCELERATOR_OK)
			return e;
		if (parts->vendor == 0)
			return ACCELERATOR_NEEDS_VENDOR;
	}
	if (parts->form != 0 && AcceleratorFormWord(parts->form) == NULL)
		return ACCELERATOR_BAD_FORM;
	if (parts->memory_gb > ACCELERATOR_GB_MAX)
		return ACCELERATOR_BAD_MEMORY;
	if (parts->mig_slices > ACCELERATOR_SLICES_MAX)
		return ACCELERATOR_BAD_MIG_SLICES;
	if (parts->mig_memory_gb > ACCELERATOR_GB_MAX)
		return ACCELERATOR_BAD_MIG_MEMORY;
	if ((parts->mig_slices == 0) != (parts->mig_memory_gb == 0))
		return ACCELERATOR_BAD_MIG;
	if (!mig_attrs_are_valid(parts->mig_attrs) ||
		(parts->mig_attrs != 0 && parts->mig_slices == 0))
		return ACCELERATOR_BAD_MIG_ATTRIBUTES;
	if (model == 0 && (parts->form || parts->memory_gb || parts->mig_slices))
		return ACCELERATOR_NEEDS_MODEL;

	put16(out->data + AT_VENDOR, parts->vendor);
	for (int i = 0; i < 8; i++)
		out->data[AT_MODEL + i] = (uint8_t) (model >> (56 - 8 * i));
	out->data[AT_FORM] = parts->form;
	put16(out->data + AT_MEMORY, parts->memory_gb);
	out->data[AT_MIG] = (uint8_t) (parts->mig_attrs << 4 | parts->mig_slices);
	put16(out->data + AT_MIG_MEMORY, parts->mig_memory_gb);
	return ACCELERATOR_OK;
}

/* Copies the class of which a value is the end; any other value as it is. */
static void
unfill(const Accelerator *a, Accelerator *out)
{
	*out = *a;
	if (get16(out->data + AT_VENDOR) == 0xffff)
		memset(out->data + AT_VENDOR, 0, 2);
	if (AcceleratorLoad(out->data + AT_MODEL) == MODEL_FILLED)
		memset(out->data + AT_MODEL, 0, 8);
	if (out->data[AT_FORM] == 0xff)
		out->data[AT_FORM] = 0;
	else if ((out->data[AT_FORM] & 0xf) == 0xf)
		out->data[AT_FORM] &= 0xf0;
	if (get16(out->data + AT_MEMORY) == 0xffff)
		memset(out->data + AT_MEMORY, 0, 2);
	if (out->data[AT_MIG] == 0xff && get16(out->data + AT_MIG_MEMORY) == 0xffff)
		memset(out->data + AT_MIG, 0, 3);
}

/* Says whether a value is the end of a class. */
bool
AcceleratorIsBound(const Accelerator *a)
{
	Accelerator class;

	unfill(a, &class);
	return AcceleratorCompare(a, &class) != 0;
}

/* Makes the upper bound of what a class contains. */
void
AcceleratorClassMax(const Accelerator *a, Accelerator *out)
{
	*out = *a;
	if (get16(out->data + AT_VENDOR) == 0)
		memset(out->data + AT_VENDOR, 0xff, 2);
	if (AcceleratorLoad(out->data + AT_MODEL) == 0)
		memset(out->data + AT_MODEL, 0xff, 8);
	if (out->data[AT_FORM] == 0)
		out->data[AT_FORM] = 0xff;
	else if (AcceleratorFormIsFamily(out->data[AT_FORM]))
		out->data[AT_FORM] |= 0xf;
	if (get16(out->data + AT_MEMORY) == 0)
		memset(out->data + AT_MEMORY, 0xff, 2);
	if (out->data[AT_MIG] == 0)
		memset(out->data + AT_MIG, 0xff, 3);
}

/*
 * Says whether a class states a part behind one that it leaves out, so that the
 * range from it to its end holds more than the class.
 */
bool
AcceleratorHasHole(const Accelerator *class)
{
	AcceleratorParts parts;

	/* Vendor and model are in order by themselves: the one needs the other. */
	AcceleratorUnpack(class, &parts);
	if (AcceleratorIsBound(class))
		return false;
	return ((parts.form == 0 || AcceleratorFormIsFamily(parts.form)) && (parts.memory_gb || parts.mig_slices)) ||
		(parts.memory_gb == 0 && parts.mig_slices);
}

/* Takes a value apart; of the end of a class, the parts of the class. */
void
AcceleratorUnpack(const Accelerator *a, AcceleratorParts *parts)
{
	Accelerator class;

	unfill(a, &class);
	memset(parts, 0, sizeof(*parts));
	parts->vendor = get16(class.data + AT_VENDOR);
	if (unpack_model(AcceleratorLoad(class.data + AT_MODEL), parts->model) < 0)
		parts->model[0] = '\0'; /* not reached by values that were checked */
	parts->form = class.data[AT_FORM];
	parts->memory_gb = get16(class.data + AT_MEMORY);
	parts->mig_slices = class.data[AT_MIG] & 0xf;
	parts->mig_attrs = class.data[AT_MIG] >> 4;
	parts->mig_memory_gb = get16(class.data + AT_MIG_MEMORY);
}

/* Checks 16 bytes of unknown origin: they must be what packing would make. */
AcceleratorError
AcceleratorCheck(const Accelerator *a)
{
	AcceleratorParts parts;
	Accelerator class,
				again;
	AcceleratorError e;

	AcceleratorUnpack(a, &parts);
	e = AcceleratorPackParts(&parts, &class);
	if (e != ACCELERATOR_OK)
		return e;
	if (AcceleratorCompare(a, &class) == 0)
		return ACCELERATOR_OK;
	AcceleratorClassMax(&class, &again);
	return AcceleratorCompare(a, &again) == 0 ? ACCELERATOR_OK : ACCELERATOR_NOT_CANONICAL;
}

/* Reads the slice, without its colon: 1g.10gb, and its attributes. */
AcceleratorError
AcceleratorReadMig(const char *s, size_t len, AcceleratorParts *parts)
{
	size_t		at = 0,
				start;
	uint16_t	number;

	while (at < len && AsciiIsDigit(s[at]))
		at++;
	if (at == 0 || at + 1 >= len || s[at] != 'g' || s[at + 1] != '.')
		return ACCELERATOR_BAD_MIG;
	if (!read_number(s, at, ACCELERATOR_SLICES_MAX, &number))
		return ACCELERATOR_BAD_MIG_SLICES;
	parts->mig_slices = (uint8_t) number;
	start = at += 2;
	while (at < len && AsciiIsDigit(s[at]))
		at++;
	if (at == start || at + 1 >= len || s[at] != 'g' || s[at + 1] != 'b')
		return ACCELERATOR_BAD_MIG;
	if (!read_number(s + start, at - start, ACCELERATOR_GB_MAX, &parts->mig_memory_gb))
		return ACCELERATOR_BAD_MIG_MEMORY;
	at += 2;
	while (at < len)
	{
		size_t		end = at + 1;
		size_t		i;

		while (end < len && s[end] != '+' && s[end] != '-')
			end++;
		for (i = 0; i < lengthof(mig_attributes); i++)
			if (strlen(mig_attributes[i].text) == end - at &&
				memcmp(mig_attributes[i].text, s + at, end - at) == 0)
				break;
		if (i == lengthof(mig_attributes) ||
			(parts->mig_attrs & mig_attributes[i].bit))
			return ACCELERATOR_BAD_MIG_ATTRIBUTES;
		parts->mig_attrs |= mig_attributes[i].bit;
		at = end;
	}
	return mig_attrs_are_valid(parts->mig_attrs) ? ACCELERATOR_OK : ACCELERATOR_BAD_MIG_ATTRIBUTES;
}

/* Reads a text. */
AcceleratorError
AcceleratorRead(const char *str, size_t len, Accelerator *out)
{
	/*
	 * Leading zeros are not taken, so nothing that can be read is longer than
	 * what can be printed, but for the aliases of a maker; a longer text is
	 * looked at no further than it takes to say what is wrong with it.
	 */
	char		buf[2 * ACCELERATOR_MAXTEXT];
	AcceleratorParts parts;
	AcceleratorError e;
	bool		bound = false;
	size_t		slash,
				at_colon,
				dash;
	const char *model;

	memset(&parts, 0, sizeof(parts));
	if (len == 0)
		return ACCELERATOR_EMPTY;
	if (len > sizeof(buf))
		return memchr(str, '/', 32) ? ACCELERATOR_MODEL_TOO_LONG : ACCELERATOR_BAD_VENDOR;
	for (size_t i = 0; i < len; i++)
		buf[i] = str[i] >= 'A' && str[i] <= 'Z' ? (char) (str[i] - 'A' + 'a') : str[i];
	if (buf[len - 1] == '~')
	{
		bound = true;
		len--;
	}
	for (slash = 0; slash < len && buf[slash] != '/'; slash++)
		;
	if (slash == 0 || !AcceleratorVendorFromWord(buf, slash, &parts.vendor))
	{
		/* nvidia:1g.10gb */
		const char *colon = memchr(buf, ':', slash);

		return colon && AcceleratorVendorFromWord(buf, (size_t) (colon - buf), &parts.vendor) ?
			ACCELERATOR_NEEDS_MODEL : ACCELERATOR_BAD_VENDOR;
	}
	if (slash < len)
	{
		if (parts.vendor == 0)
			return ACCELERATOR_NEEDS_VENDOR;
		model = buf + slash + 1;
		len -= slash + 1;

		for (at_colon = 0; at_colon < len && model[at_colon] != ':'; at_colon++)
			;
		if (at_colon < len)
		{
			e = AcceleratorReadMig(model + at_colon + 1, len - at_colon - 1, &parts);
			if (e != ACCELERATOR_OK)
				return e;
			len = at_colon;
		}
		dash = last_dash(model, len);
		if (dash > 0 && dash < len && is_memory_word(model + dash + 1, len - dash - 1))
		{
			if (!read_number(model + dash + 1, len - dash - 3, ACCELERATOR_GB_MAX, &parts.memory_gb))
				return ACCELERATOR_BAD_MEMORY;
			len = dash;
			dash = last_dash(model, len);
		}
		if (dash > 0 && dash < len &&
			AcceleratorFormFromWord(model + dash + 1, len - dash - 1, &parts.form))
			len = dash;
		if (len > ACCELERATOR_MODEL_MAX)
		{
			uint64_t	ignored;

			/* What else is wrong with it says more. */
			return pack_model(model, len, &ignored);
		}
		if (len == 0)
			return ACCELERATOR_NO_MODEL;
		memcpy(parts.model, model, len);
		/* A NUL in the text would end the model early. */
		if (memchr(parts.model, '\0', len) != NULL)
			return ACCELERATOR_BAD_MODEL_CHARACTER;
	}

	e = AcceleratorPackParts(&parts, out);
	if (e == ACCELERATOR_OK && bound)
	{
		Accelerator class = *out;

		AcceleratorClassMax(&class, out);
	}
	return e;
}

/* Writes a number and returns the end of it. */
static char *
put_number(char *buf, unsigned v)
{
	char		reversed[10];
	int			n = 0;

	do
		reversed[n++] = (char) ('0' + v % 10);
	while ((v /= 10) != 0);
	while (n > 0)
		*buf++ = reversed[--n];
	return buf;
}

static char *
put_text(char *buf, const char *s)
{
	size_t		len = strlen(s);

	memcpy(buf, s, len);
	return buf + len;
}

/* Writes a slice as its profile, 1g.10gb+me, and NUL; returns the end of it. */
char *
AcceleratorFormatMig(const AcceleratorParts *parts, char *buf)
{
	buf = put_number(buf, parts->mig_slices);
	buf = put_text(buf, "g.");
	buf = put_number(buf, parts->mig_memory_gb);
	buf = put_text(buf, "gb");
	for (size_t i = 0; i < lengthof(mig_attributes); i++)
		if (parts->mig_attrs & mig_attributes[i].bit)
			buf = put_text(buf, mig_attributes[i].text);
	*buf = '\0';
	return buf;
}

/* Writes the canonical text and NUL into a buffer of ACCELERATOR_MAXTEXT; returns the buffer. */
char *
AcceleratorFormat(const Accelerator *a, char *buf)
{
	AcceleratorParts parts;
	char	   *p;

	AcceleratorUnpack(a, &parts);
	p = AcceleratorVendorName(parts.vendor, buf);
	if (parts.model[0])
	{
		*p++ = '/';
		p = put_text(p, parts.model);
		if (parts.form)
		{
			const char *word = AcceleratorFormWord(parts.form);

			*p++ = '-';
			p = put_text(p, word ? word : "?");
		}
		if (parts.memory_gb)
		{
			*p++ = '-';
			p = put_number(p, parts.memory_gb);
			p = put_text(p, "gb");
		}
		if (parts.mig_slices)
		{
			*p++ = ':';
			p = AcceleratorFormatMig(&parts, p);
		}
	}
	if (AcceleratorIsBound(a))
		*p++ = '~';
	*p = '\0';
	return buf;
}

/*
 * Returns the weighted mask of the parts stated: vendor 1, model 2, form factor
 * 4 (3 for a family that has members), memory 8, MIG slice 16.  Of two different
 * classes that contain one chip, neither has the other's number.
 */
int
AcceleratorSpecificity(const Accelerator *a)
{
	AcceleratorParts parts;

	AcceleratorUnpack(a, &parts);
	return (parts.vendor ? 1 : 0) + (parts.model[0] ? 2 : 0) +
		(parts.form == 0 ? 0 : AcceleratorFormIsFamily(parts.form) ? 3 : 4) +
		(parts.memory_gb ? 8 : 0) + (parts.mig_slices ? 16 : 0);
}
