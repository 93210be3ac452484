// decimal.mjs: exact sums and rounding of decimals as PostgreSQL writes them.  What is plotted is a float; what is read is not.

const scale = 30;    // the most decimals that a currency of the ledger has
const one = 10n ** BigInt(scale);

// Reads a decimal; NULL and nothing are 0.
export function decimal(text)
{
	const [, sign, whole, part = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text ?? '0');
	const value = BigInt(whole) * one + BigInt(part.slice(0, scale).padEnd(scale, '0'));
	return sign ? -value : value;
}

export function sum(values)
{
	return values.reduce((total, value) => total + value, 0n);
}

// As a float, for lengths and colours.
export function float(value)
{
	return Number(value) / Number(one);
}

// Divides, half away from zero as numeric does.
function divide(value, by)
{
	const size = value < 0n ? -value : value;
	const quotient = (2n * size + by) / (2n * by);
	return value < 0n ? -quotient : quotient;
}

// Rounded to so many decimals, with commas between thousands.
export function show(value, digits)
{
	const units = divide(value, 10n ** BigInt(scale - digits));
	const text = (units < 0n ? -units : units).toString().padStart(digits + 1, '0');
	const whole = text.slice(0, text.length - digits).replace(/\B(?=(\d{3})+$)/g, ',');
	return (units < 0n ? '\u2212' : '') + whole + (digits ? '.' + text.slice(-digits) : '');
}

// a of b in per cent, with one decimal; a dash where there is no b.
export function percent(a, b)
{
	return b === 0n ? '\u2013' : show((b < 0n ? -a : a) * 100n * one / (b < 0n ? -b : b), 1) + '%';
}

// In three digits or so, for where there is little room: 950, 12.3k, 4.57M.
export function compact(value)
{
	const size = value < 0n ? -value : value;
	for (const [unit, power] of [['T', 12n], ['G', 9n], ['M', 6n], ['k', 3n], ['', 0n]])
	{
		const of = divide(value, 10n ** power);
		if (size < one * 10n ** power && unit)
			continue;
		const digits = size >= 100n * one * 10n ** power ? 0 : size >= 10n * one * 10n ** power ? 1 : 2;
		return show(of, unit ? digits : digits && 1) + unit;
	}
}
