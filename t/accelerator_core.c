/*
 * accelerator_core.c
 *		Fuzzes the core of the accelerator type by itself, under sanitizers:
 *		random parts, bytes and texts, valid ones and mutations of them.
 *
 * accelerator_core ROUNDS: aborts on the first property that does not hold.
 */
#include <stdio.h>
#include <stdlib.h>

#include "accelerator/accelerator_core.h"
#include "accelerator/accelerator_words.h"

#define CHECK(condition, a) ((condition) ? (void) 0 : fail(#condition, a))

static uint64_t state = 88172645463325252u;

/* xorshift64: the same numbers every time. */
static uint64_t
rnd(uint64_t n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % n;
}

static void
fail(const char *what, const Accelerator *a)
{
	char		buf[ACCELERATOR_MAXTEXT];

	printf("does not hold: %s, of %s (", what, AcceleratorFormat(a, buf));
	for (int i = 0; i < ACCELERATOR_SIZE; i++)
		printf("%02x", a->data[i]);
	printf(")\n");
	fflush(stdout);
	abort();
}

/* Makes parts, most of which can be packed. */
static void
random_parts(AcceleratorParts *p)
{
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz0123456789-.+";
	size_t		n;

	memset(p, 0, sizeof(*p));
	if (rnd(20))
	{
		const AcceleratorVendor *vendors = AcceleratorVendorTable(&n);

		p->vendor = rnd(3) ? vendors[rnd(n)].id : (uint16_t) rnd(65536);
	}
	if (rnd(8))
		for (uint64_t i = 0, len = rnd(ACCELERATOR_MODEL_MAX + 1); i < len; i++)
			p->model[i] = alphabet[rnd(39)];
	if (rnd(2))
	{
		const AcceleratorFormFactor *forms = AcceleratorFormTable(&n);

		p->form = rnd(9) ? forms[rnd(n)].code : (uint8_t) rnd(256);
	}
	if (rnd(2))
		p->memory_gb = (uint16_t) (rnd(3) ? rnd(200) : rnd(65536));
	if (rnd(3) == 0)
	{
		p->mig_slices = (uint8_t) rnd(16);
		p->mig_memory_gb = (uint16_t) (rnd(3) ? rnd(100) : rnd(65536));
		p->mig_attrs = (uint8_t) rnd(16);
	}
}

/* A value that was checked: its text reads back as itself. */
static void
check_round_trip(const Accelerator *a)
{
	char		buf[ACCELERATOR_MAXTEXT];
	Accelerator again;

	AcceleratorFormat(a, buf);
	CHECK(strlen(buf) <= 66, a);
	CHECK(AcceleratorRead(buf, strlen(buf), &again) == ACCELERATOR_OK, a);
	CHECK(AcceleratorCompare(a, &again) == 0, a);
}

/* Reads a text, which is in memory of just its size. */
static int
check_text(const char *text, size_t len)
{
	char	   *copy = malloc(len ? len : 1);
	Accelerator a;
	int			ok;

	memcpy(copy, text, len);
	ok = AcceleratorRead(copy, len, &a) == ACCELERATOR_OK;
	free(copy);
	if (ok)
	{
		CHECK(AcceleratorCheck(&a) == ACCELERATOR_OK, &a);
		check_round_trip(&a);
	}
	return ok;
}

/* Two values: containment is within the range, and is the range where there is no hole. */
static void
check_pair(const Accelerator *class, const Accelerator *a)
{
	Accelerator max;
	int			inside = AcceleratorContains(class, a);
	int			between;

	AcceleratorClassMax(class, &max);
	CHECK(AcceleratorCheck(&max) == ACCELERATOR_OK, class);
	between = AcceleratorCompare(class, a) <= 0 && AcceleratorCompare(a, &max) <= 0;
	CHECK(!inside || between, class);
	CHECK(AcceleratorHasHole(class) || inside == between, class);
	CHECK(!inside || AcceleratorOverlaps(class, a), class);
	CHECK(AcceleratorOverlaps(class, a) == AcceleratorOverlaps(a, class), class);
	CHECK(!inside || AcceleratorIsBound(a) || AcceleratorCompare(class, a) == 0 ||
		  AcceleratorSpecificity(class) < AcceleratorSpecificity(a), class);
}

int
main(int argc, char **argv)
{
	long		rounds = argc > 1 ? atol(argv[1]) : 100000;
	long		packed = 0,
				bytes = 0,
				texts = 0,
				contained = 0;
	Accelerator class;

	memset(&class, 0, sizeof(class));
	for (long i = 0; i < rounds; i++)
	{
		AcceleratorParts p,
					q;
		Accelerator a,
					b;
		char		text[400];
		size_t		len;

		/* Parts make a value that comes apart into them. */
		random_parts(&p);
		memset(&a, 0, sizeof(a));
		if (AcceleratorPackParts(&p, &a) == ACCELERATOR_OK)
		{
			packed++;
			CHECK(AcceleratorCheck(&a) == ACCELERATOR_OK, &a);
			AcceleratorUnpack(&a, &q);
			CHECK(memcmp(&p, &q, sizeof(p)) == 0, &a);
			CHECK(AcceleratorContains(&a, &a), &a);
			if (rnd(3) == 0)
			{
				AcceleratorClassMax(&a, &b);
				CHECK(AcceleratorContains(&a, &b), &a);
				a = b;
			}
		}

		/* Mutated bytes are refused, or are a value like any other. */
		for (uint64_t n = rnd(4); n > 0; n--)
			a.data[rnd(ACCELERATOR_SIZE)] = (uint8_t) (rnd(3) ? rnd(256) : rnd(2) ? 0xff : 0);
		if (rnd(50) == 0)
			for (int j = 0; j < ACCELERATOR_SIZE; j++)
				a.data[j] = (uint8_t) rnd(256);
		AcceleratorSpecificity(&a);
		AcceleratorFormat(&a, text);
		len = strlen(text);
		if (AcceleratorCheck(&a) == ACCELERATOR_OK)
		{
			bytes++;
			check_round_trip(&a);
			check_pair(&class, &a);
			contained += AcceleratorContains(&class, &a);
			/* The next class: this value, with less of it stated. */
			if (rnd(3))
			{
				class = a;
				AcceleratorUnpack(&a, &p);
				if (rnd(2))
					p.mig_slices = p.mig_attrs = p.mig_memory_gb = 0;
				if (rnd(2))
					p.memory_gb = 0;
				if (rnd(2))
					p.form &= 0xf0;
				if (rnd(2) && AcceleratorPackParts(&p, &b) == ACCELERATOR_OK)
				{
					class = b;
					check_pair(&class, &a);
				}
			}
		}

		/* So are mutated texts. */
		for (uint64_t n = rnd(4); n > 0; n--)
		{
			size_t		at = rnd(len + 1);

			switch (rnd(3))
			{
				case 0:
					memmove(text + at + 1, text + at, len - at);
					text[at] = (char) (rnd(4) ? " -.:/+~gbme0159sxpci"[rnd(20)] : (int) rnd(256));
					len++;
					break;
				case 1:
					if (at < len)
						text[at] = (char) rnd(256);
					break;
				default:
					if (at < len)
						memmove(text + at, text + at + 1, --len - at);
			}
		}
		if (rnd(100) == 0)
			for (len = 0; len < sizeof(text) && rnd(300); len++)
				text[len] = (char) rnd(256);
		texts += check_text(text, len);
	}
	if (packed < rounds / 10 || bytes < rounds / 10 || texts < rounds / 10)
		printf("too few: ");
	printf("%ld values packed, %ld mutated values and %ld texts taken, %ld contained\n", packed, bytes, texts, contained);
	return 0;
}
