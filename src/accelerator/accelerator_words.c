/*
 * accelerator_words.c
 *		The words of the accelerator type: makers and form factors.
 *
 * Makers.  The id is the one that PCI-SIG gave the maker, as the public
 * database pci.ids records it (https://pci-ids.ucw.cz, version 2026.08.22), so
 * that a chip can be named from what lspci prints.  A maker has one id here:
 * its other ids are read and folded (habana 1da3 into intel 8086).  Makers
 * without one, because their chips are no PCI devices or because the id is in
 * no public list, have an id between fc00 and fcff, a range that holds no
 * vendor; those that are free are refused, so that a later version can give
 * them out.  fd00 to fdff, which hold no vendor either, are for the makers of
 * whoever uses this: no version gives one of them a word.  A word given to an id
 * later changes only how it prints: pciXXXX stays readable for ever.
 *
 * Form factors.  The low nibble tells the members of a family apart, and the
 * word of the family itself is the class of them.  This list is closed: a word
 * added later would split the text of a model that ends in it.
 */
#include <string.h>

#include "accelerator/accelerator_words.h"

#define PCI_IDS "pci.ids"
#define CHOSEN "chosen: no PCI-SIG id is known"

/* Ordered by word. */
static const AcceleratorVendor vendors[] = {
	{"achronix", 0x1b59, "Achronix Semiconductor", PCI_IDS},
	{"alibaba", 0x1ded, "Alibaba (T-Head)", PCI_IDS},
	{"altera", 0x1172, "Altera", PCI_IDS},
	{"amd", 0x1002, "Advanced Micro Devices (ATI)", PCI_IDS},
	{"apple", 0x106b, "Apple", PCI_IDS},
	{"arm", 0x13b5, "Arm", PCI_IDS},
	{"aws", 0x1d0f, "Amazon (Annapurna Labs)", PCI_IDS},
	{"axelera", 0x1f9d, "Axelera AI", PCI_IDS},
	{"axera", 0x1f4b, "Axera Semiconductor", PCI_IDS},
	{"biren", 0x1ee0, "Biren Technology", "reported by the devices; not in pci.ids"},
	{"bitintel", 0x209b, "BitIntelligence Technology", PCI_IDS},
	{"blaize", 0x1e38, "Blaize", PCI_IDS},
	{"broadcom", 0x14e4, "Broadcom", PCI_IDS},
	{"bytedance", 0x1e93, "ByteDance", PCI_IDS},
	{"cambricon", 0xcabc, "Cambricon Technologies", PCI_IDS},
	{"cerebras", 0xfc01, "Cerebras Systems", CHOSEN},
	{"d-matrix", 0x1f82, "d-Matrix", PCI_IDS},
	{"deepx", 0x1ff4, "DEEPX", PCI_IDS},
	{"denglin", 0xfc06, "Denglin Technology", CHOSEN},
	{"enflame", 0x1e36, "Enflame Technology (Suiyuan)", PCI_IDS},
	{"enrigin", 0x1fbd, "Enrigin Technology", PCI_IDS},
	{"esperanto", 0xfc07, "Esperanto Technologies", CHOSEN},
	{"etched", 0x20a1, "Etched", PCI_IDS},
	{"fujitsu", 0x10cf, "Fujitsu", PCI_IDS},
	{"furiosa", 0x1ed2, "FuriosaAI", PCI_IDS},
	{"google", 0x1ae0, "Google", PCI_IDS},
	{"graphcore", 0x1d95, "Graphcore", PCI_IDS},
	{"groq", 0x1de0, "Groq", PCI_IDS},
	{"hailo", 0x1e60, "Hailo Technologies", PCI_IDS},
	{"hexaflake", 0x1faa, "Hexaflake Information Technology", PCI_IDS},
	{"huawei", 0x19e5, "Huawei Technologies (HiSilicon)", PCI_IDS},
	{"hygon", 0x1d94, "Hygon (Chengdu Haiguang IC Design)", PCI_IDS},
	{"ibm", 0x1014, "IBM", PCI_IDS},
	{"iluvatar", 0x1e3e, "Iluvatar CoreX (Tianshu Zhixin)", PCI_IDS},
	{"intel", 0x8086, "Intel (with Habana Labs)", PCI_IDS},
	{"jingjia", 0x0731, "Jingjia Microelectronics", PCI_IDS},
	{"kalray", 0x1d26, "Kalray", PCI_IDS},
	{"kunlunxin", 0x1d22, "Kunlunxin (Baidu)", PCI_IDS},
	{"lightmatter", 0x1eca, "Lightmatter", PCI_IDS},
	{"lisuan", 0x4c54, "Lisuan Technology", PCI_IDS},
	{"loongson", 0x0014, "Loongson Technology", PCI_IDS},
	{"lynxi", 0x1e9f, "Lynxi Technologies", PCI_IDS},
	{"marvell", 0x11ab, "Marvell Technology", PCI_IDS},
	{"maxeler", 0x1bbf, "Maxeler Technologies", PCI_IDS},
	{"meta", 0x1d9b, "Meta Platforms", PCI_IDS},
	{"metax", 0x9999, "MetaX Integrated Circuits (Muxi)", PCI_IDS},
	{"microsoft", 0x1414, "Microsoft", PCI_IDS},
	{"mobilint", 0x209f, "Mobilint", PCI_IDS},
	{"moorethreads", 0x1ed5, "Moore Threads Technology", PCI_IDS},
	{"nec", 0x1bcf, "NEC", PCI_IDS},
	{"netint", 0x1d82, "NETINT Technologies", PCI_IDS},
	{"neureality", 0x1f49, "NeuReality", PCI_IDS},
	{"nextsilicon", 0xcdfa, "NextSilicon", PCI_IDS},
	{"nudt", 0xfc03, "National University of Defense Technology", CHOSEN},
	{"nvidia", 0x10de, "NVIDIA", PCI_IDS},
	{"openai", 0x2077, "OpenAI", PCI_IDS},
	{"pezy", 0xfc05, "PEZY Computing", CHOSEN},
	{"phytium", 0x1db7, "Phytium Technology", PCI_IDS},
	{"preferred", 0x0ccd, "Preferred Networks", PCI_IDS},
	{"qualcomm", 0x17cb, "Qualcomm Technologies", PCI_IDS},
	{"rebellions", 0x1eff, "Rebellions", PCI_IDS},
	{"rockchip", 0x1d87, "Rockchip Electronics", PCI_IDS},
	{"sambanova", 0x1e0d, "SambaNova Systems", PCI_IDS},
	{"samsung", 0x144d, "Samsung Electronics", PCI_IDS},
	{"sapeon", 0x1f56, "SAPEON", PCI_IDS},
	{"sophgo", 0x1e30, "Sophgo (Bitmain)", PCI_IDS},
	{"sunway", 0xfc04, "Sunway (Shenwei)", CHOSEN},
	{"tencent", 0x1ea0, "Tencent Technology", PCI_IDS},
	{"tenstorrent", 0x1e52, "Tenstorrent", PCI_IDS},
	{"tesla", 0xfc02, "Tesla", CHOSEN},
	{"untether", 0x1e67, "Untether AI", PCI_IDS},
	{"vastai", 0x1ec6, "Vastai Technologies", PCI_IDS},
	{"verisilicon", 0x1eb1, "VeriSilicon", PCI_IDS},
	{"xilinx", 0x10ee, "Xilinx (AMD)", PCI_IDS},
	{"zhaoxin", 0x1d17, "Zhaoxin", PCI_IDS},
};

/* Other words and other ids of the same makers, read and never printed.  Ordered by word. */
static const AcceleratorVendor aliases[] = {
	{"amazon", 0x1d0f, "aws", "the maker's other name"},
	{"annapurna", 0x1d0f, "aws", "the maker's other name"},
	{"ati", 0x1002, "amd", "the maker's former name"},
	{"baidu", 0x1d22, "kunlunxin", "the parent company"},
	{"birentech", 0x1ee0, "biren", "the maker's other name"},
	{"bitmain", 0x1e30, "sophgo", "the parent company"},
	{"facebook", 0x1d9b, "meta", "the maker's former name"},
	{"habana", 0x8086, "intel", "part of Intel since 2019"},
	{"haiguang", 0x1d94, "hygon", "the maker's other name"},
	{"hisilicon", 0x19e5, "huawei", "part of Huawei"},
	{"mthreads", 0x1ed5, "moorethreads", "the maker's other name"},
	{"muxi", 0x9999, "metax", "the maker's other name"},
	{"pfn", 0x0ccd, "preferred", "the maker's other name"},
	{"suiyuan", 0x1e36, "enflame", "the maker's other name"},
	{"t-head", 0x1ded, "alibaba", "part of Alibaba"},
	{"thead", 0x1ded, "alibaba", "part of Alibaba"},
	{"tianshu", 0x1e3e, "iluvatar", "the maker's other name"},
};

/* Ids that are read as another one. */
static const struct
{
	uint16_t	from;
	uint16_t	to;
}			folds[] = {
	{0x1022, 0x1002},			/* AMD's id for its processors */
	{0x1033, 0x1bcf},			/* NEC's older id */
	{0x10c3, 0x144d},			/* Samsung Semiconductors */
	{0x1da3, 0x8086},			/* Habana Labs */
	{0x1f1c, 0x1e30},			/* Sophgo's second id */
	{0x5143, 0x17cb},			/* Qualcomm's older id */
	{0x12d2, 0x10de},			/* NVIDIA and SGS Thomson */
};

/* Ordered by code. */
static const AcceleratorFormFactor forms[] = {
	{"sxm", 0x10, "NVIDIA mezzanine module, generation unsaid: the class of sxm2 to sxm9"},
	{"sxm2", 0x12, "NVIDIA SXM2 module (Pascal, Volta)"},
	{"sxm3", 0x13, "NVIDIA SXM3 module (Volta)"},
	{"sxm4", 0x14, "NVIDIA SXM4 module (Ampere)"},
	{"sxm5", 0x15, "NVIDIA SXM5 module (Hopper)"},
	{"sxm6", 0x16, "NVIDIA SXM6 module (Blackwell)"},
	{"sxm7", 0x17, "NVIDIA SXM7 module"},
	{"sxm8", 0x18, "NVIDIA SXM8 module"},
	{"sxm9", 0x19, "NVIDIA SXM9 module"},
	{"pcie", 0x20, "PCI Express add-in card"},
	{"nvl", 0x30, "NVIDIA NVL card: PCI Express with an NVLink bridge"},
	{"oam", 0x40, "OCP accelerator module"},
	{"mxm", 0x50, "MXM module"},
	{"m.2", 0x60, "M.2 module"},
	{"laptop", 0x70, "Part soldered in a laptop: the class of maxq"},
	{"maxq", 0x71, "Part soldered in a laptop, low-power design"},
	{"socket", 0x80, "Socketed part with host cores"},
	{"som", 0x90, "System on module"},
	{"nvl4", 0xa1, "Board of four (GB200 NVL4)"},
	{"nvl8", 0xa2, "Node of eight"},
	{"nvl16", 0xa3, "Node of sixteen"},
	{"nvl32", 0xa4, "Rack of 32"},
	{"nvl36", 0xa5, "Rack of 36"},
	{"nvl64", 0xa6, "Rack of 64"},
	{"nvl72", 0xa7, "Rack of 72"},
	{"nvl144", 0xa8, "Rack of 144"},
	{"nvl288", 0xa9, "Rack of 288"},
	{"nvl576", 0xaa, "Rack of 576"},
};

#define lengthof(array) (sizeof(array) / sizeof((array)[0]))

/* Returns the id under which a maker is kept. */
static uint16_t
fold_id(uint16_t id)
{
	for (size_t i = 0; i < lengthof(folds); i++)
		if (folds[i].from == id)
			return folds[i].to;
	return id;
}

/* Compares a word of a list with a text, which may hold anything, NUL too. */
static int
compare_word(const char *word, const char *text, size_t len)
{
	size_t		word_len = strlen(word);
	int			c = memcmp(word, text, word_len < len ? word_len : len);

	return c != 0 ? c : (word_len > len) - (word_len < len);
}

/* Finds a word in a list that is ordered by word. */
static const AcceleratorVendor *
find_word(const AcceleratorVendor *list, size_t n, const char *word, size_t len)
{
	size_t		lo = 0,
				hi = n;

	while (lo < hi)
	{
		size_t		mid = (lo + hi) / 2;
		int			c = compare_word(list[mid].word, word, len);

		if (c == 0)
			return &list[mid];
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

/* Returns the maker with an id, or NULL. */
static const AcceleratorVendor *
find_id(uint16_t id)
{
	for (size_t i = 0; i < lengthof(vendors); i++)
		if (vendors[i].id == id)
			return &vendors[i];
	return NULL;
}

/* Says whether a value may hold this id: known, or a vendor of PCI-SIG's. */
bool
AcceleratorVendorIsValid(uint16_t id)
{
	if (id == 0 || id == 0xffff || fold_id(id) != id)
		return false;
	return id >> 8 != 0xfc || find_id(id) != NULL;
}

/* Reads a maker's word, or pci and four hexadecimal digits; the word is in lower case. */
bool
AcceleratorVendorFromWord(const char *word, size_t len, uint16_t *id)
{
	const AcceleratorVendor *v = find_word(vendors, lengthof(vendors), word, len);

	if (v == NULL)
		v = find_word(aliases, lengthof(aliases), word, len);
	if (v != NULL)
	{
		*id = v->id;
		return true;
	}
	if (len == 3 && memcmp(word, "any", 3) == 0)
	{
		*id = 0;
		return true;
	}
	if (len == 7 && memcmp(word, "pci", 3) == 0)
	{
		uint16_t	value = 0;

		for (int i = 3; i < 7; i++)
		{
			char		c = word[i];

			if (c >= '0' && c <= '9')
				value = (uint16_t) (value << 4 | (c - '0'));
			else if (c >= 'a' && c <= 'f')
				value = (uint16_t) (value << 4 | (c - 'a' + 10));
			else
				return false;
		}
		value = fold_id(value);
		if (!AcceleratorVendorIsValid(value))
			return false;
		*id = value;
		return true;
	}
	return false;
}

/* Writes the word of an id into a buffer of 16 and returns the end of it. */
char *
AcceleratorVendorName(uint16_t id, char *buf)
{
	static const char hex[] = "0123456789abcdef";
	const AcceleratorVendor *v = find_id(id);

	if (v != NULL || id == 0)
	{
		const char *word = v ? v->word : "any";
		size_t		len = strlen(word);

		memcpy(buf, word, len + 1);
		return buf + len;
	}
	memcpy(buf, "pci", 3);
	for (int i = 0; i < 4; i++)
		buf[3 + i] = hex[id >> (12 - 4 * i) & 0xf];
	buf[7] = '\0';
	return buf + 7;
}

/* Returns the makers, ordered by word. */
const AcceleratorVendor *
AcceleratorVendorTable(size_t *n)
{
	*n = lengthof(vendors);
	return vendors;
}

/* Returns their other words; name is the canonical one. */
const AcceleratorVendor *
AcceleratorVendorAliasTable(size_t *n)
{
	*n = lengthof(aliases);
	return aliases;
}

/* Reads the word of a form factor, in lower case. */
bool
AcceleratorFormFromWord(const char *word, size_t len, uint8_t *code)
{
	for (size_t i = 0; i < lengthof(forms); i++)
	{
		if (compare_word(forms[i].word, word, len) == 0)
		{
			*code = forms[i].code;
			return true;
		}
	}
	return false;
}

/* Returns the word of a form factor, or NULL if the code has none. */
const char *
AcceleratorFormWord(uint8_t code)
{
	for (size_t i = 0; i < lengthof(forms); i++)
		if (forms[i].code == code)
			return forms[i].word;
	return NULL;
}

/* Returns the form factors, ordered by code. */
const AcceleratorFormFactor *
AcceleratorFormTable(size_t *n)
{
	*n = lengthof(forms);
	return forms;
}
