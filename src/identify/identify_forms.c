/*
 * identify_forms.c
 *		Forms that systems print around a name: keys of aliases, PCI ids, labels,
 *		Slurm's device types, instance types.  Pure C, as identify_core.c is.
 */
#include "identify/identify_forms.h"

#define lengthof(array) (sizeof(array) / sizeof((array)[0]))

/* ---- characters ---- */

/* Signs beyond ASCII that print like one of it, or like nothing at all, by code point. */
static const struct
{
	uint32_t	first;
	uint32_t	last;
	char		plain;			/* '\0' = nothing */
}			signs[] = {
	{0x00a0, 0x00a0, ' '},		/* no-break space */
	{0x00ad, 0x00ad, '\0'},		/* soft hyphen */
	{0x00ae, 0x00ae, ' '},		/* registered */
	{0x00d7, 0x00d7, 'x'},		/* multiplication */
	{0x2000, 0x200a, ' '},		/* spaces of many widths */
	{0x200b, 0x200f, '\0'},		/* zero width, direction */
	{0x2010, 0x2015, '-'},		/* hyphens and dashes */
	{0x2018, 0x201b, '\''},
	{0x201c, 0x201f, '"'},
	{0x202f, 0x202f, ' '},
	{0x2044, 0x2044, '/'},
	{0x205f, 0x205f, ' '},
	{0x2060, 0x2060, '\0'},		/* word joiner */
	{0x2122, 0x2122, ' '},		/* trade mark */
	{0x2212, 0x2212, '-'},		/* minus */
	{0x2215, 0x2215, '/'},
	{0x2217, 0x2217, '*'},
	{0x3000, 0x3000, ' '},		/* ideographic space */
	{0x3001, 0x3001, ','},
	{0x3010, 0x3011, ' '},
	{0xfe63, 0xfe63, '-'},
	{0xfeff, 0xfeff, '\0'}		/* byte order mark */
};

/*
 * Writes a text of UTF-8 with full-width letters, dashes and the like as plain ones; what
 * has no width is dropped.  The buffer has len bytes; returns how many are used.
 */
size_t
IdentifyPlain(const char *text, size_t len, char *out)
{
	size_t		n = 0;

	for (size_t i = 0; i < len;)
	{
		unsigned char c = (unsigned char) text[i];
		size_t		width = c < 0xc2 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
		uint32_t	code = c;
		int			plain = -1;

		if (width > len - i)
			width = 1;
		if (width == 2 || width == 3)
		{
			code = width == 2 ? c & 0x1f : c & 0x0f;
			for (size_t k = 1; k < width; k++)
				code = code << 6 | ((unsigned char) text[i + k] & 0x3f);
			if (code >= 0xff01 && code <= 0xff5e)
				plain = (int) (code - 0xff01 + '!');
			for (size_t k = 0; k < lengthof(signs); k++)
				if (code >= signs[k].first && code <= signs[k].last)
					plain = signs[k].plain;
		}
		if (plain < 0)
			for (size_t k = 0; k < width; k++)
				out[n++] = text[i + k];
		else if (plain > 0)
			out[n++] = (char) plain;
		i += width;
	}
	return n;
}

/* ---- keys ---- */

/*
 * Makes the key under which an alias is kept: lower case, separators dropped but
 * for one '-' between two digits.  A PCI id's is its canonical form.  The buffer
 * has IDENTIFY_KEY_MAX bytes; a name that is too long has an empty key, which no
 * alias has.
 */
size_t
IdentifyKey(const char *name, size_t len, char *key)
{
	size_t		n = 0;
	bool		parted = false;
	IdentifyPci pci;

	if (len > IDENTIFY_NAME_MAX)
		return 0;
	if (IdentifyReadPci(name, len, &pci))
	{
		static const char hex[] = "0123456789abcdef";
		uint16_t	ids[4] = {pci.vendor, pci.device, pci.subvendor, pci.subdevice};
		int			nids = pci.subvendor || pci.subdevice ? 4 : 2;

		for (int i = 0; i < nids; i++)
		{
			if (i > 0)
				key[n++] = ':';
			for (int shift = 12; shift >= 0; shift -= 4)
				key[n++] = hex[ids[i] >> shift & 0xf];
		}
		if (pci.revision >= 0)
		{
			key[n++] = '/';
			key[n++] = hex[pci.revision >> 4 & 0xf];
			key[n++] = hex[pci.revision & 0xf];
		}
		return n;
	}
	for (size_t i = 0; i < len; i++)
	{
		char		c = AsciiFold(name[i]);

		if (AsciiIsLower(c) || AsciiIsDigit(c) || IdentifyIsHigh(c) || c == '+')
		{
			if (parted && n > 0 && AsciiIsDigit(key[n - 1]) && AsciiIsDigit(c))
				key[n++] = '-';
			key[n++] = c;
			parted = false;
		}
		else
			parted = true;
	}
	return n;
}

/* Reads hexadecimal digits, exactly n of them and no more. */
static bool
read_hex(const char *s, size_t len, size_t *at, int n, uint32_t *value)
{
	size_t		i = *at;

	*value = 0;
	for (int k = 0; k < n; k++, i++)
	{
		char		c;

		if (i >= len)
			return false;
		c = AsciiFold(s[i]);
		if (AsciiIsDigit(c))
			*value = *value << 4 | (uint32_t) (c - '0');
		else if (c >= 'a' && c <= 'f')
			*value = *value << 4 | (uint32_t) (c - 'a' + 10);
		else
			return false;
	}
	if (i < len && (AsciiIsDigit(s[i]) || (AsciiFold(s[i]) >= 'a' && AsciiFold(s[i]) <= 'f')))
		return false;
	*at = i;
	return true;
}

/* Reads a text that must come next; false if another does. */
static bool
read_text(const char *s, size_t len, size_t *at, const char *text)
{
	size_t		n = strlen(text);

	if (len - *at < n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (AsciiFold(s[*at + i]) != text[i])
			return false;
	*at += n;
	return true;
}

/*
 * Reads vvvv:dddd, and :ssss:ssss after it if it comes.  With 0x before each, a
 * blank or a comma may stand for the colon; without, those would part words.
 */
static bool
read_pci_ids(const char *s, size_t len, size_t *at, IdentifyPci *pci)
{
	uint32_t	id[4] = {0, 0, 0, 0};
	size_t		done = *at;
	char		separator = '\0';
	bool		marked = false;
	int			n = 0;

	while (n < 4)
	{
		size_t		i = done;

		if (n > 0)
		{
			if (i >= len || (n == 1 ? strchr(marked ? ": ," : ":", s[i]) == NULL : s[i] != separator))
				break;
			separator = s[i++];
		}
		if (read_text(s, len, &i, "0x") != marked && n > 0)
			break;
		marked = i > done + (n > 0);
		if (!read_hex(s, len, &i, 4, &id[n]))
			break;
		n++;
		done = i;
	}
	if (n != 2 && n != 4)
		return false;
	*at = done;
	pci->vendor = (uint16_t) id[0];
	pci->device = (uint16_t) id[1];
	pci->subvendor = (uint16_t) id[2];
	pci->subdevice = (uint16_t) id[3];
	return true;
}

/*
 * Reads a PCI id as tools print it: 10de:2330, 10DE:2330:10DE:16C1 (device,
 * subsystem), 0x10de:0x2330, "10de:2330 (rev a1)", 1002:66a1/06 (revision),
 * 0x233010DE (device and vendor in one word, as NVML has it), a modalias
 * pci:v000010DEd00002330sv..., and a line of lspci -nn that ends in [10de:2330].
 */
bool
IdentifyReadPci(const char *name, size_t len, IdentifyPci *pci)
{
	size_t		at = 0;
	uint32_t	v;

	memset(pci, 0, sizeof(*pci));
	pci->revision = -1;
	while (len > 0 && name[len - 1] == ' ')
		len--;
	while (at < len && name[at] == ' ')
		at++;
	if (len - at < 9)
		return false;

	/* modalias */
	if (read_text(name, len, &at, "pci:v0000"))
	{
		if (!read_hex(name, len, &at, 4, &v))
		{
			/* The next letter is d, a hexadecimal digit: read no further than four. */
			size_t		four = 0;

			if (len - at < 4 || !read_hex(name + at, 4, &four, 4, &v))
				return false;
			at += 4;
		}
		pci->vendor = (uint16_t) v;
		if (!read_text(name, len, &at, "d0000") || !read_hex(name, len, &at, 4, &v))
			return false;
		pci->device = (uint16_t) v;
		if (read_text(name, len, &at, "sv0000"))
		{
			if (!read_hex(name, len, &at, 4, &v))
				return false;
			pci->subvendor = (uint16_t) v;
			if (!read_text(name, len, &at, "sd0000") || len - at < 4)
				return false;
			if (!read_hex(name, at + 4, &at, 4, &v))
				return false;
			pci->subdevice = (uint16_t) v;
		}
		return true;
	}

	/* One word of eight digits: device, vendor. */
	if (len - at == 10 && read_text(name, len, &at, "0x"))
	{
		if (!read_hex(name, len, &at, 8, &v))
			return false;
		pci->device = (uint16_t) (v >> 16);
		pci->vendor = (uint16_t) v;
		return true;
	}

	/* A line of lspci -nn: the last brackets hold the id. */
	if (memchr(name, '[', len) != NULL)
	{
		size_t		open = len;

		while (open > 0 && name[open - 1] != '[')
			open--;
		at = open;
		if (!read_pci_ids(name, len, &at, pci) || !read_text(name, len, &at, "]"))
			return false;
	}
	else
	{
		size_t		start = at;

		if (read_text(name, len, &at, "pci:") || read_text(name, len, &at, "pci "))
			start = at;
		at = start;
		if (!read_pci_ids(name, len, &at, pci))
			return false;
	}

	/* What may follow: the revision. */
	if (at < len && name[at] == '/')
	{
		at++;
		if (!read_hex(name, len, &at, 2, &v))
			return false;
		pci->revision = (int) v;
	}
	else if (read_text(name, len, &at, " (rev "))
	{
		if (!read_hex(name, len, &at, 2, &v) || !read_text(name, len, &at, ")"))
			return false;
		pci->revision = (int) v;
		/* prog-if and the like */
	}
	return at == len;
}

/* ---- what stands around a name ---- */

/* Reads the canonical text of an accelerator with a model, or a maker's own word. */
bool
IdentifyReadCanonical(const char *name, size_t len, Accelerator *out)
{
	if (len == 0 || len > 2 * ACCELERATOR_MAXTEXT || name[len - 1] == '~' ||
		memchr(name, '/', len) == NULL)
		return false;
	return AcceleratorRead(name, len, out) == ACCELERATOR_OK;
}

/* Finds a text in another, in any case; returns where it begins, or len. */
static size_t
find_text(const char *s, size_t len, const char *text)
{
	for (size_t i = 0; i < len; i++)
	{
		size_t		at = i;

		if (read_text(s, len, &at, text))
			return i;
	}
	return len;
}

/* Says whether a part of a flavour's text is about the processor: "ARM: 24 cores", "24 vCPUs", "192 GiB". */
static bool
is_host(const char *s, size_t len)
{
	static const char *const hosts[] = {"arm", "cpu", "x86", "kunpeng", "mem", "ram"};
	static const char *const units[] = {"vcpu", "cpu", "core", "gib", "gb"};
	size_t		at = 0;
	size_t		end;

	while (at < len && s[at] == ' ')
		at++;
	for (size_t i = 0; i < lengthof(hosts); i++)
	{
		end = at;
		if (read_text(s, len, &end, hosts[i]))
		{
			while (end < len && s[end] == ' ')
				end++;
			if (end < len && s[end] == ':')
				return true;
		}
	}
	for (end = at; end < len && AsciiIsDigit(s[end]); end++)
		;
	if (end == at)
		return false;
	if (end < len && s[end] == ' ')
		end++;
	for (size_t i = 0; i < lengthof(units); i++)
		if (read_text(s, len, &end, units[i]))
			return true;
	return false;
}

/*
 * Takes away what stands around a name: the key of a label ("nvidia.com/gpu.product=",
 * "cloud.google.com/gke-accelerator: "), the other labels of a metric that has a
 * modelName="...", what a flavour says of its processor ("Ascend: 1*ascend-snt9b1|ARM: 24
 * cores"), quotes and blanks.  Moves *name and returns the new length.
 */
size_t
IdentifyUnwrap(const char **name, size_t len)
{
	static const char model_name[] = "modelname=\"";
	static const char profile[] = "gpu_i_profile=\"";
	const char *s = *name;
	size_t		cut = find_text(s, len, model_name) + sizeof(model_name) - 1;

	if (cut < len)
	{
		size_t		slice = find_text(s, len, profile) + sizeof(profile) - 1;

		/* A slice of the device is not the device. */
		if (slice < len && s[slice] != '"')
			return 0;
		s += cut;
		len -= cut;
		for (cut = 0; cut < len && s[cut] != '"'; cut++)
			;
		*name = s;
		return cut;
	}
	for (size_t i = 1; i < len; i++)
		if (s[i] == '|' && is_host(s + i + 1, len - i - 1))
			len = i;
	/* "GPU 0: ", as nvidia-smi -L lists devices */
	cut = 0;
	if (read_text(s, len, &cut, "gpu "))
	{
		size_t		digits = cut;

		while (cut < len && AsciiIsDigit(s[cut]))
			cut++;
		if (cut > digits && read_text(s, len, &cut, ": "))
		{
			s += cut;
			len -= cut;
		}
	}
	cut = 0;

	/* A label's key has a '/', so that "gpu:a100" is none. */
	for (size_t i = 0; i < len; i++)
	{
		/* What has a list or a type before the sign is a TRES string. */
		if (s[i] == ',' || (s[i] == ':' && i + 1 < len && s[i + 1] != ' ' && s[i + 1] != '"'))
			break;
		if (s[i] == '/' && cut == 0)
			cut = 1;
		else if (cut == 1 && (s[i] == '=' || (s[i] == ':' && i + 1 < len &&
											  (s[i + 1] == ' ' || s[i + 1] == '"'))) &&
				 i + 1 < len)
		{
			/* gres/gpu=4 is a number of devices, not a label */
			bool		number = true;

			for (size_t k = i + 1; k < len; k++)
				number = number && (AsciiIsDigit(s[k]) || s[k] == ' ');
			if (!number)
			{
				s += i + 1;
				len -= i + 1;
			}
			break;
		}
	}
	while (len > 0 && (*s == ' ' || *s == '"' || *s == '\'' || *s == '\t' || *s == '\n' || *s == '\r'))
	{
		s++;
		len--;
	}
	while (len > 0 && (s[len - 1] == ' ' || s[len - 1] == '"' || s[len - 1] == '\'' ||
					   s[len - 1] == '\t' || s[len - 1] == '\n' || s[len - 1] == '\r' || s[len - 1] == ','))
		len--;
	*name = s;
	return len;
}

/* Reads how many there are, up to 999,999; 0 if that is not said or too many. */
static long
read_count(const char *s, size_t len, size_t *at)
{
	long		count = 0;
	size_t		start = *at;

	while (*at < len && AsciiIsDigit(s[*at]))
	{
		if (*at - start < 7)
			count = count * 10 + (s[*at] - '0');
		(*at)++;
	}
	return count <= 999999 ? count : 0;
}

/*
 * Takes the next device type from a text in the way of Slurm: "gpu:a100:4(S:0-1)",
 * "gres/gpu:h100=8", "gres/shard:a100=8", or a list of such ("cpu=8,gres/gpu:a100=2,
 * gres/gpu=2").  What has no type, and what is no GPU, is passed over.  *count is how many
 * there are, 1 if nothing is said, 0 if that cannot be told.  False at the end.
 */
bool
IdentifyNextDevice(const char **list, size_t *len, const char **name, size_t *namelen, long *count)
{
	while (*len > 0)
	{
		const char *s = *list;
		size_t		n = 0,
					at = 0,
					end = 0;
		int			depth = 0;
		bool		shared;

		/* An element ends at a comma outside parentheses. */
		while (n < *len && (depth > 0 || s[n] != ','))
		{
			depth += s[n] == '(' ? 1 : s[n] == ')' ? -1 : 0;
			n++;
		}
		*list += n < *len ? n + 1 : n;
		*len -= n < *len ? n + 1 : n;

		while (at < n && s[at] == ' ')
			at++;
		if (!read_text(s, n, &at, "gres/"))
			read_text(s, n, &at, "gres:");
		shared = read_text(s, n, &at, "shard:") || read_text(s, n, &at, "mps:");
		if ((!shared && !read_text(s, n, &at, "gpu:")) || (at < n && s[at] == ' '))
			continue;
		s += at;
		n -= at;
		while (end < n && s[end] != ':' && s[end] != '=' && s[end] != '(')
			end++;
		/* A number is how many of no type. */
		at = 0;
		while (at < end && AsciiIsDigit(s[at]))
			at++;
		if (at == end)
			continue;
		*name = s;
		*namelen = end;
		at = end + 1;
		*count = end < n && s[end] != '(' ? read_count(s, n, &at) : 1;
		/* How many shards a device has is not said. */
		if (shared || find_text(s, end, ".shard") < end)
			*count = 0;
		return true;
	}
	return false;
}

/* ---- how many ---- */

/* Says whether a character parts two words of a name. */
static bool
is_separator(char c)
{
	return c == ' ' || c == '_' || c == '-' || c == '.' || c == '(' || c == ')';
}

/* Reads a sign or a word that stands between a number and what is counted: x, *, or a Chinese measure. */
static bool
read_times(const char *s, size_t len, size_t *at)
{
	static const char *const measures[] = {
		"x", "*", "\xe5\x8d\xa1", "\xe5\xbc\xa0", "\xe5\x9d\x97", "\xe4\xb8\xaa"
	};

	for (size_t i = 0; i < lengthof(measures); i++)
		if (read_text(s, len, at, measures[i]))
			return true;
	return false;
}

/* Reads a number before what it counts: 8x, 8 x, 8*; returns it, or 0. */
static long
read_count_before(const char *s, size_t len, size_t start, size_t *end)
{
	size_t		at = start;
	long		count;
	bool		apart;

	if (start > 0 && !is_separator(s[start - 1]) && s[start - 1] != ':')
		return 0;
	count = read_count(s, len, &at);
	apart = at > start && at < len && s[at] == ' ';
	if (apart)
		at++;
	if (at == start || !read_times(s, len, &at) || (apart && at < len && !is_separator(s[at])))
		return 0;
	*end = at;
	return count;
}

/* Reads a number behind what it counts: x8, x 8, *8, and at the very end :8 and =8; returns it, or 0. */
static long
read_count_behind(const char *s, size_t len, size_t start, size_t *end)
{
	size_t		at = start + 1;
	long		count;
	char		before;

	if (start == 0 || strchr("x*:=", s[start]) == NULL || s[start] == '\0')
		return 0;
	before = s[start - 1];
	/* "MLU370-X9" is another card, and "RTX 4090" is not 4090 of anything */
	if (s[start] == 'x' && is_separator(before) && before != ' ' && before != '(')
		return 0;
	if (at < len && s[at] == ' ')
	{
		if (s[start] == 'x' && before != ' ')
			return 0;
		at++;
	}
	*end = at;
	count = read_count(s, len, &at);
	if (at == *end || (s[start] == ':' || s[start] == '=' ? at < len : at < len && !is_separator(s[at])))
		return 0;
	*end = at;
	return count;
}

/*
 * Takes a number off a name that says how many there are: "8x H100", "gpu_8x_h100_sxm5",
 * "A100-sxm4-80Gx4", "V100:8".  Looks from *from on and leaves there where to look for
 * another; out gets the rest and has len + 1 bytes.  *counts_model says that the rest
 * must name a model: of "MTT X700" it would not.  False if there is none.
 */
bool
IdentifyTakeCount(const char *name, size_t len, size_t *from, char *out, size_t *outlen,
				  long *count, bool *counts_model)
{
	for (size_t at = *from; at < len; at++)
	{
		size_t		end = at;

		*counts_model = false;
		*count = read_count_before(name, len, at, &end);
		if (*count == 0)
		{
			*count = read_count_behind(name, len, at, &end);
			*counts_model = name[at] == 'x';
		}
		if (*count == 0)
			continue;
		memcpy(out, name, at);
		out[at] = ' ';
		memcpy(out + at + 1, name + end, len - end);
		*outlen = at + 1 + len - end;
		*from = at + 1;
		return true;
	}
	return false;
}

/* ---- instance types ---- */

/*
 * Folds an instance type: lower case, '_' and ' ' as '-', without what a quota of it counts
 * ("Standard NCADSH100v5 Family vCPUs").  The buffer has IDENTIFY_NAME_MAX + 1 bytes.
 */
size_t
IdentifySkuFold(const char *sku, size_t len, char *out)
{
	static const char unit[] = "-vcpus";
	const size_t unitlen = sizeof(unit) - 1;
	size_t		n = 0;

	if (len > IDENTIFY_NAME_MAX)
		len = 0;
	for (size_t i = 0; i < len; i++)
	{
		char		c = AsciiFold(sku[i]);

		out[n++] = c == '_' || c == ' ' ? '-' : c;
	}
	if (n > unitlen && memcmp(out + n - unitlen, unit, unitlen) == 0)
		n -= unitlen;
	out[n] = '\0';
	return n;
}

/*
 * Matches a folded instance type with a pattern: '#' is one or more digits, '*'
 * any run of letters and digits (it may be empty), '%' one or more digits that
 * say how many devices there are, at least one.  Counts the pattern's literals.
 */
bool
IdentifyMatchSku(const char *pattern, const char *sku, size_t len, long *devices, int *literals)
{
	if (*pattern == '\0')
		return len == 0;
	if (*pattern == '#' || *pattern == '%')
	{
		size_t		n = 0;
		long		value = 0;

		while (n < len && AsciiIsDigit(sku[n]) && n < 9)
			value = value * 10 + (sku[n++] - '0');
		if (n == 0 || (n < len && AsciiIsDigit(sku[n])) || (*pattern == '%' && value == 0))
			return false;
		if (*pattern == '%')
			*devices = value;
		return IdentifyMatchSku(pattern + 1, sku + n, len - n, devices, literals);
	}
	if (*pattern == '*')
	{
		for (size_t n = 0;; n++)
		{
			int			before = *literals;

			if (IdentifyMatchSku(pattern + 1, sku + n, len - n, devices, literals))
				return true;
			*literals = before;
			if (n >= len || !(AsciiIsLower(sku[n]) || AsciiIsDigit(sku[n])))
				return false;
		}
	}
	if (len == 0 || *sku != *pattern)
		return false;
	(*literals)++;
	return IdentifyMatchSku(pattern + 1, sku + 1, len - 1, devices, literals);
}
