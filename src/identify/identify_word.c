/*
 * identify_word.c
 *		The vocabulary of accelerator names: what its rows may say, and where a word
 *		stands in a name.  Pure C, as identify_core.c is.
 */
#include "accelerator/accelerator_words.h"
#include "identify/identify_chars.h"
#include "identify/identify_word.h"

#define lengthof(array) (sizeof(array) / sizeof((array)[0]))

static const char *const kind_names[IDENTIFY_NKINDS] = {
	"vendor", "chip", "model", "product", "vgpu", "suffix", "form", "memory_type", "system", "noise", "rewrite"
};

/* Finds a kind of word by its name. */
bool
IdentifyKindFromName(const char *name, IdentifyKind *kind)
{
	for (int i = 0; i < IDENTIFY_NKINDS; i++)
		if (strcmp(kind_names[i], name) == 0)
		{
			*kind = (IdentifyKind) i;
			return true;
		}
	return false;
}

/* Reads the accelerator that a word means, its digits filled in. */
bool
IdentifyFillModel(const char *meaning, const char *filled, int nfilled, AcceleratorParts *parts)
{
	char		text[ACCELERATOR_MAXTEXT];
	size_t		len = strcspn(meaning, " ");
	Accelerator a;

	if (len >= sizeof(text))
		return false;
	for (size_t i = 0, k = 0; i < len; i++)
	{
		if (meaning[i] == '#')
		{
			if ((int) k >= nfilled)
				return false;
			text[i] = filled[k++];
		}
		else
			text[i] = meaning[i];
	}
	if (AcceleratorRead(text, len, &a) != ACCELERATOR_OK)
		return false;
	AcceleratorUnpack(&a, parts);
	return true;
}

/* Reads the memory that the meaning of a vgpu adds, in GB; 0 if there is none. */
uint16_t
IdentifyBoardMemory(const char *meaning)
{
	const char *p = strchr(meaning, ' ');
	uint32_t	gb = 0;

	if (p == NULL)
		return 0;
	for (p++; AsciiIsDigit(*p) && gb <= ACCELERATOR_GB_MAX; p++)
		gb = gb * 10 + (uint32_t) (*p - '0');
	return strcmp(p, "gb") == 0 && gb <= ACCELERATOR_GB_MAX ? (uint16_t) gb : 0;
}

/* Counts the '#' of a text. */
static int
count_holes(const char *s)
{
	int			n = 0;

	for (; *s; s++)
		n += *s == '#';
	return n;
}

/*
 * Checks a row of the vocabulary: returns NULL, or what is wrong with it as the
 * end of "invalid ...".
 */
const char *
IdentifyCheckWord(IdentifyKind kind, const char *text, const char *meaning, const char *family)
{
	size_t		len = strlen(text);
	AcceleratorParts parts;
	uint8_t		code;

	if (len == 0 || len > IDENTIFY_NAME_MAX / 4)
		return "a word has between 1 and 64 bytes";
	for (size_t i = 0; i < len; i++)
	{
		char		c = text[i];

		if (!(AsciiIsLower(c) || AsciiIsDigit(c) || IdentifyIsHigh(c) || c == '+' || c == '#' || c == ' '))
			return "a word is made of a-z, 0-9, + and letters beyond ASCII, with # for a digit and a blank for a separator";
		if (c == ' ' && (i == 0 || i == len - 1 || text[i - 1] == ' '))
			return "a word neither begins nor ends with a blank, nor has two together";
	}
	if (family != NULL && kind != IDENTIFY_MODEL && kind != IDENTIFY_PRODUCT && kind != IDENTIFY_SUFFIX)
		return "only a model, a product or a suffix has a family";
	if (kind == IDENTIFY_NOISE)
		return meaning == NULL ? NULL : "noise has no meaning";
	if (kind == IDENTIFY_SYSTEM && meaning == NULL)
		return NULL;
	if (meaning == NULL || meaning[0] == '\0')
		return "a word that is not noise has a meaning";
	if (kind != IDENTIFY_VGPU && kind != IDENTIFY_REWRITE && strchr(meaning, ' ') != NULL)
		return "a meaning has no blanks";
	switch (kind)
	{
		case IDENTIFY_VENDOR:
		case IDENTIFY_CHIP:
			if (!IdentifyFillModel(meaning, NULL, 0, &parts) || parts.vendor == 0 || parts.model[0])
				return "the meaning of a vendor or a chip is a vendor";
			break;
		case IDENTIFY_MODEL:
		case IDENTIFY_PRODUCT:
			if (count_holes(meaning) > count_holes(text))
				return "the meaning has more # than the word";
			if (!IdentifyFillModel(meaning, "1111111111111111", 16, &parts) || parts.vendor == 0)
				return "the meaning of a model is an accelerator";
			break;
		case IDENTIFY_VGPU:
			if (!IdentifyFillModel(meaning, NULL, 0, &parts) || parts.model[0] == '\0' ||
				(strchr(meaning, ' ') != NULL && IdentifyBoardMemory(meaning) == 0))
				return "the meaning of a vgpu is an accelerator with a model and, after a blank, the memory of the card, as in \"nvidia/a100 40gb\"";
			break;
		case IDENTIFY_SUFFIX:
			if (family == NULL)
				return "a suffix has a family";
			for (size_t i = 0; meaning[i]; i++)
				if (i >= 8 || !(AsciiIsLower(meaning[i]) || AsciiIsDigit(meaning[i]) || meaning[i] == '-'))
					return "the meaning of a suffix is up to 8 letters, digits and dashes";
			break;
		case IDENTIFY_FORM:
		case IDENTIFY_SYSTEM:
			if (!AcceleratorFormFromWord(meaning, strlen(meaning), &code))
				return "the meaning of a form or a system is a form factor";
			break;
		case IDENTIFY_MEMORY_TYPE:
		case IDENTIFY_REWRITE:
		case IDENTIFY_NOISE:
			break;
	}
	return NULL;
}

/* Builds the lists by first byte and counts literals; g->words is filled in. */
void
IdentifyIndex(IdentifyGrammar *g)
{
	for (size_t i = 0; i < lengthof(g->first); i++)
		g->first[i] = -1;
	for (int i = g->nwords; i-- > 0;)
	{
		IdentifyWord *w = &g->words[i];
		unsigned char c = (unsigned char) w->text[0];

		w->literals = 0;
		for (const char *p = w->text; *p; p++)
			w->literals += *p != '#' && *p != ' ';
		w->next = g->first[c];
		g->first[c] = i;
	}
}

/* Says whether a text is a word of the vocabulary, or how one begins, up to a boundary. */
bool
IdentifyBeginsWord(const IdentifyGrammar *g, const char *s, int len)
{
	for (int i = len > 0 ? g->first[(unsigned char) s[0]] : -1; i >= 0; i = g->words[i].next)
	{
		const char *text = g->words[i].text;

		if (strncmp(text, s, (size_t) len) == 0 &&
			IdentifyIsBoundary(text, len, (int) strlen(text)))
			return true;
	}
	return false;
}

/*
 * Matches a word at a place of a folded name: returns where it ends, or -1.
 * digits gets what stood at the word's '#'.
 */
int
IdentifyMatchWord(const IdentifyWord *w, const char *s, int at, int len, char *digits, int *ndigits)
{
	const char *p = w->text;
	int			start = at;
	char		last = '\0';	/* what the word had before, '0' for a digit */

	*ndigits = 0;
	for (; *p; p++)
	{
		char		want = *p == '#' ? '0' : *p;

		if (want == ' ')
		{
			if (at < len && s[at] == ' ')
				at++;
			else if (!IdentifyIsBoundary(s, at, len) && AsciiIsDigit(s[at]))
				return -1;		/* two numbers need what parts them */
			last = ' ';
			continue;
		}
		/* A separator may stand between a letter and a digit. */
		if (at < len && s[at] == ' ' && at > start && last != ' ' &&
			AsciiIsDigit(want) != AsciiIsDigit(last))
			at++;
		if (at >= len)
			return -1;
		if (*p == '#')
		{
			if (!AsciiIsDigit(s[at]) || *ndigits >= 16)
				return -1;
			digits[(*ndigits)++] = s[at];
		}
		else if (s[at] != *p)
			return -1;
		at++;
		last = want;
	}
	return IdentifyIsBoundary(s, at, len) ? at : -1;
}
