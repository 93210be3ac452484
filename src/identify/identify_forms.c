/*
 * identify_forms.c
 *		Forms that systems print around a name: keys of aliases, PCI ids, labels,
 *		Slurm's device types, instance types.  Pure C, as identify_core.c is.
 */
#include "identify/identify_forms.h"

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

/* Reads the canonical text of an accelerator with a model, or a maker's own word. */
bool
IdentifyReadCanonical(const char *name, size_t len, Accelerator *out)
{
	if (len == 0 || len > 2 * ACCELERATOR_MAXTEXT || name[len - 1] == '~' ||
		memchr(name, '/', len) == NULL)
		return false;
	return AcceleratorRead(name, len, out) == ACCELERATOR_OK;
}

/*
 * Takes away what stands before a name: the key of a label ("nvidia.com/gpu.product=",
 * "cloud.google.com/gke-accelerator: "), quotes and blanks.  Moves *name and returns
 * the new length.
 */
size_t
IdentifyUnwrap(const char **name, size_t len)
{
	const char *s = *name;
	size_t		cut = 0;

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
				number = number && AsciiIsDigit(s[k]);
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

/*
 * Takes the next device type from a text in the way of Slurm: "gpu:a100:4(S:0-1)",
 * "gres/gpu:h100=8", or a list of such ("cpu=8,gres/gpu:a100=2,gres/gpu=2").  What
 * has no type, and what is no GPU, is passed over.  False at the end.
 */
bool
IdentifyNextDevice(const char **list, size_t *len, const char **name, size_t *namelen)
{
	while (*len > 0)
	{
		const char *s = *list;
		size_t		n = 0,
					at = 0;
		int			depth = 0;

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
		if (!read_text(s, n, &at, "gpu:"))
			continue;
		s += at;
		n -= at;
		for (size_t i = 0; i < n; i++)
			if (s[i] == ':' || s[i] == '=' || s[i] == '(')
			{
				n = i;
				break;
			}
		/* A number is how many of no type. */
		at = 0;
		while (at < n && AsciiIsDigit(s[at]))
			at++;
		if (at == n)
			continue;
		*name = s;
		*namelen = n;
		return true;
	}
	return false;
}

/* ---- instance types ---- */

/* Folds an instance type: lower case, '_' and ' ' as '-'.  The buffer has IDENTIFY_NAME_MAX + 1 bytes. */
size_t
IdentifySkuFold(const char *sku, size_t len, char *out)
{
	size_t		n = 0;

	if (len > IDENTIFY_NAME_MAX)
		len = 0;
	for (size_t i = 0; i < len; i++)
	{
		char		c = AsciiFold(sku[i]);

		out[n++] = c == '_' || c == ' ' ? '-' : c;
	}
	out[n] = '\0';
	return n;
}

/*
 * Matches a folded instance type with a pattern: '#' is one or more digits, '*'
 * any run of letters and digits (it may be empty), '%' one or more digits that
 * say how many devices there are.  Counts the pattern's literals.
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
		if (n == 0 || (n < len && AsciiIsDigit(sku[n])))
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
