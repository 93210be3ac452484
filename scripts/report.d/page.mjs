// page.mjs MODULES: reads the lines of figures.sql and writes the page.  Whatever is a name is text: nothing of it is taken
// for markup, and nothing on the page is a script or is fetched.

import { readFileSync } from 'node:fs';
import { compact, decimal, float, percent, show, sum } from './decimal.mjs';
import { bars, drawWith, heatMap } from './plot.mjs';

drawWith(process.argv[2]);
const figures = Object.assign({}, ...readFileSync(0, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line)));
const { about } = figures;
const most = { chips: 7, accounts: 15, regions: 20, commitments: 20 };
const colours = ['--c0', '--c1', '--c2', '--c3', '--c4', '--c5', '--c6'].map((name) => `var(${name})`);
const rest = 'var(--c7)';

// ---- text

// Control characters, and those that turn the direction of what follows, are shown as what they are not.
const clean = (text) => String(text).replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu, '\ufffd');
const html = (text) => clean(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
const name = (text) => `<bdi>${html(text)}</bdi>`;
const plural = (n, one, many = one + 's') => `${show(decimal(String(n)), 0)} ${String(n) === '1' ? one : many}`;
const money = (value, currency) => show(value, about.currencies[currency] ?? 2);
const hours = (value) => show(value, 1);
const chip = (text) => text ?? 'no chip';
const per = about.bucket === 'day' ? 'day' : 'month';
const when = (bucket) => about.bucket === 'day' ? bucket : bucket.slice(0, 7);
const saved = (list, cost) => percent(list - cost, list);
const against = (list, cost) => cost > list ? `${percent(cost - list, list)} above list` : `${percent(list - cost, list)} below list`;

// ---- parts of the page

const sections = [];

function section(id, title, ...content)
{
	sections.push({ id, title, content: content.flat().filter(Boolean).join('\n') });
}

// A table; columns are { title, text, wrap }, cells text, or { name } for what somebody has named.
function table(caption, columns, rows, foot)
{
	const put = (cell) => cell !== null && typeof cell === 'object' ? name(cell.name) : html(cell ?? '\u2013');
	const kind = (column) => [column.text && 'text', column.wrap && 'wrap'].filter(Boolean).join(' ');
	const open = (tag, column, scope) => `<${tag}${scope ? ` scope="${scope}"` : ''}${kind(column) ? ` class="${kind(column)}"` : ''}>`;
	const row = (cells) => '<tr>' + cells.map((cell, c) => c === 0 ? open('th', columns[0], 'row') + put(cell) + '</th>' : open('td', columns[c]) + put(cell) + '</td>').join('') + '</tr>';
	return `<div class="scroll" tabindex="0" role="region" aria-label="${html(caption)}"><table>\n<thead><tr>${columns.map((column) => open('th', column, 'col') + put(column.title).replace(/\/(?!bdi>)/g, '/<wbr>') + '</th>').join('')}</tr></thead>\n`
		+ `<tbody>\n${rows.map(row).join('\n')}\n</tbody>${foot ? `\n<tfoot>${row(foot)}</tfoot>` : ''}\n</table></div>`;
}

// A plot, what it says, and a table of the same figures.
function figure(id, title, said, plot, figures)
{
	return `<figure id="${id}">\n<h3>${html(title)}</h3>\n${said ? `<figcaption>${html(said)}</figcaption>\n` : ''}${plot}\n<details open><summary>The same as a table</summary>\n${figures}\n</details>\n</figure>`;
}

const note = (text) => `<p class="faint">${html(text)}</p>`;

// Rows by what they have in a column, in the order of the first.
function groups(rows, key)
{
	const map = new Map();
	for (const row of rows)
		if (map.has(row[key]))
			map.get(row[key]).push(row);
		else
			map.set(row[key], [row]);
	return [...map];
}

const unique = (list) => [...new Set(list)];
const largest = (a, b) => a.value < b.value ? 1 : a.value > b.value ? -1 : 0;

// The largest so many, and the rest as one.
function top(items, count, more)
{
	const sorted = [...items].sort(largest);
	if (sorted.length <= count + 1)
		return sorted;
	const others = sorted.slice(count);
	return [...sorted.slice(0, count), { ...more(others), others, value: sum(others.map((item) => item.value)) }];
}

// ---- utilisation

// Of each region by hour of the day, and by day: { of, title, unit, cells(rows) }.
function utilisation()
{
	const maps = [];
	for (const [kind, title] of [['allocated', 'Allocated of the capacity'], ['used', 'Used of the capacity']])
		if (figures.share.some((row) => row['any_' + kind]))
			maps.push({
				id: kind, title, rows: figures.share, size: (row) => decimal(row.capacity), said: 'Device-hours over the device-hours that there were.',
				cell: (row) => row[kind + '_of'] == null || decimal(row[kind + '_of']) === 0n ? null
					: { text: percent(decimal(row[kind]), decimal(row[kind + '_of'])), level: float(decimal(row[kind])) / float(decimal(row[kind + '_of'])) },
			});
	if (!maps.length)
	{
		const measure = ['allocated', 'used', 'reserved'].find((m) => figures.devices.some((row) => row.measure === m));
		const rows = figures.devices.filter((row) => row.measure === measure);
		const key = (row) => row.at != null ? 'at' : row.bucket != null ? 'bucket' : 'all';
		const peak = Object.fromEntries(groups(rows.map((row) => ({ key: key(row), devices: float(decimal(row.devices)) })), 'key').map(([key, of]) => [key, Math.max(...of.map((row) => row.devices)) || 1]));
		if (rows.length)
			maps.push({
				id: 'devices', title: `Devices ${measure}, on average`, rows, size: (row) => decimal(row.devices),
				said: about.everything ? 'There is no capacity to compare with.' : 'Device-hours over hours.',
				cell: (row) => ({ text: hours(decimal(row.devices)), level: float(decimal(row.devices)) / peak[key(row)] }),
			});
	}
	const parts = [];
	for (const map of maps)
	{
		const all = unique(map.rows.map((row) => row.region));
		const regions = top(all.map((region) => ({ region, value: map.size(map.rows.find((row) => row.region === region && row.at == null && row.bucket == null)) })), most.regions, () => ({ region: null }))
			.filter((item) => item.region !== null).map((item) => item.region).sort();
		const total = (region) => map.cell(map.rows.find((row) => row.region === region && row.at == null && row.bucket == null));
		for (const [key, id, title, show] of [['at', 'hour', 'by hour of the day', (at) => at], ['bucket', 'day', `by ${per}`, when]])
		{
			const columns = unique(map.rows.filter((row) => row[key] != null).map((row) => row[key])).sort();
			const of = new Map(map.rows.filter((row) => row[key] != null).map((row) => [JSON.stringify([row.region, row[key]]), row]));
			const cells = regions.map((region) => columns.map((column) =>
			{
				const row = of.get(JSON.stringify([region, column]));
				return row ? map.cell(row) : null;
			}));
			const heading = `${map.title}, by region and ${key === 'at' ? 'hour of the day' : per}`;
			const short = key === 'bucket' && about.bucket === 'day' ? columns.map((day) => day.slice(8)) : columns.map(show);
			parts.push(figure(`${map.id}-${id}`, heading, `${map.said} Time zone ${about.zone}.` + (all.length > regions.length ? ` The ${regions.length} largest of ${all.length} regions.` : ''),
				heatMap(html(heading), regions.map(clean), short, cells),
				table(heading, [{ title: key === 'at' ? 'Hour' : per[0].toUpperCase() + per.slice(1), text: true }, ...regions.map((region) => ({ title: { name: region } }))],
					columns.map((column, c) => [show(column), ...cells.map((row) => row[c]?.text)]), ['All', ...regions.map((region) => total(region)?.text)])));
		}
	}
	section('utilisation', 'Utilisation', parts.length ? parts : note('Nothing was used in this period.'));
	return maps[0];
}

// ---- money

function spend()
{
	const parts = groups(figures.spend, 'currency').map(([currency, rows]) =>
	{
		const chips = top(groups(rows, 'accelerator').map(([accelerator, of]) => ({ label: chip(accelerator), keys: [accelerator], value: sum(of.map((row) => decimal(row.cost))) })),
			most.chips, (others) => ({ label: `${others.length} others`, keys: others.flatMap((item) => item.keys) }));
		const buckets = unique(rows.map((row) => row.bucket)).sort();
		const values = chips.map((item) => buckets.map((bucket) => sum(rows.filter((row) => row.bucket === bucket && item.keys.includes(row.accelerator)).map((row) => decimal(row.cost)))));
		const totals = buckets.map((_, b) => sum(values.map((of) => of[b])));
		const heading = `Spend by ${per} and chip, ${currency}`;
		return figure(`spend-${currency}`, heading, 'Days are those of the account\u2019s time zone; what is charged for a whole billing period is on its first. Totals are of exact figures, which are shown rounded.',
			bars(html(heading), buckets.map((bucket) => about.bucket === 'day' ? bucket.slice(8) : when(bucket)), chips.map((item, c) => ({ name: name(item.label), values: values[c], colour: item.others ? rest : colours[c] ?? rest })), totals.map(compact), { across: true }),
			table(heading, [{ title: per[0].toUpperCase() + per.slice(1), text: true }, { title: 'All' }, ...chips.map((item) => ({ title: { name: item.label } }))],
				buckets.map((bucket, b) => [when(bucket), money(totals[b], currency), ...values.map((of) => money(of[b], currency))]),
				['All', money(sum(totals), currency), ...chips.map((item) => money(item.value, currency))]));
	});
	section('spend', 'Spend', parts.length ? parts : note('Nothing was charged in this period: no billing period of it is closed, or nothing in it had a price.'), closings());
}

function closings()
{
	if (!figures.closings.length)
		return '';
	return '<h3>Closed billing periods</h3>\n' + note('Spend is that of these: what is still open is not charged yet. Payable is all of the billing period, corrections of earlier ones with it.')
		+ table('Closed billing periods', [{ title: 'Payer', text: true, wrap: true }, { title: 'Number' }, { title: 'From', text: true }, { title: 'Until', text: true }, { title: 'Payable' }, { title: '', text: true }],
			figures.closings.map((row) => [{ name: row.payer }, String(row.number), row.since, row.until, row.payable == null ? null : show(decimal(row.payable), about.currencies[row.currency] ?? 2), row.currency ?? '']));
}

const costRow = (row) => ({ value: decimal(row.cost), list: decimal(row.list), listed: decimal(row.listed), some: row.list != null });
const addUp = (rows) => ({ list: sum(rows.map((row) => row.list)), listed: sum(rows.map((row) => row.listed)), some: rows.some((row) => row.some) });

function accounts()
{
	const parts = groups(figures.cost.filter((row) => row.account != null), 'currency').map(([currency, rows]) =>
	{
		const total = sum(rows.map((row) => decimal(row.cost)));
		const list = top(rows.map((row) => ({ ...costRow(row), account: row.account })), most.accounts, (others) => ({ ...addUp(others), account: `${others.length} others` }));
		const heading = `Top accounts by spend, ${currency}`;
		return figure(`accounts-${currency}`, heading, '',
			bars(html(heading), list.map((row) => clean(row.account)), [{ name: 'cost', values: list.map((row) => row.value), colour: colours[0] }], list.map((row) => money(row.value, currency))),
			table(heading, [{ title: 'Account', text: true, wrap: true }, { title: 'Cost' }, { title: 'Share' }, { title: 'At list prices' }, { title: 'Saved' }],
				list.map((row) => [{ name: row.account }, money(row.value, currency), percent(row.value, total), row.some ? money(row.list, currency) : null, row.some ? saved(row.list, row.listed) : null]),
				['All', money(total, currency), percent(total, total), ...(addUp(list).some ? [money(addUp(list).list, currency), saved(addUp(list).list, addUp(list).listed)] : [null, null])]));
	});
	const measure = ['allocated', 'used', 'reserved'].find((m) => figures.hours.some((row) => row.measure === m));
	const used = figures.hours.filter((row) => row.measure === measure);
	if (used.length)
	{
		const total = sum(used.map((row) => decimal(row.hours)));
		const list = top(used.map((row) => ({ account: row.account, records: decimal(row.records), value: decimal(row.hours) })), most.accounts, (others) => ({ account: `${others.length} others`, records: sum(others.map((row) => row.records)) }));
		const heading = `Top accounts by device-hours ${measure}`;
		parts.push(figure('accounts-hours', heading, '',
			bars(html(heading), list.map((row) => clean(row.account)), [{ name: 'device-hours', values: list.map((row) => row.value), colour: colours[2] }], list.map((row) => hours(row.value))),
			table(heading, [{ title: 'Account', text: true, wrap: true }, { title: 'Device-hours' }, { title: 'Share' }, { title: 'Records begun' }],
				list.map((row) => [{ name: row.account }, hours(row.value), percent(row.value, total), show(row.records, 0)]), ['All', hours(total), percent(total, total), show(sum(list.map((row) => row.records)), 0)])));
	}
	section('accounts', 'Top accounts', parts.length ? parts : note('No account used anything in this period.'));
}

function savings()
{
	const parts = groups(figures.cost.filter((row) => row.account == null && row.list != null), 'currency').map(([currency, rows]) =>
	{
		const list = top(rows.map((row) => ({ ...costRow(row), value: decimal(row.list), label: chip(row.accelerator) })), most.accounts, (others) => ({ ...addUp(others), label: `${others.length} others` }));
		const heading = `At list prices and as charged, by chip, ${currency}`;
		const all = addUp(list);
		return figure(`savings-${currency}`, heading, 'What contracts, tiers and commitments took off the list price, of what has a list price in this currency.',
			bars(html(heading), list.map((row) => row.label), [{ name: 'at list prices', values: list.map((row) => row.list), colour: 'var(--list)', labels: list.map((row) => money(row.list, currency)) },
				{ name: 'as charged', values: list.map((row) => row.listed), colour: colours[0], labels: list.map((row) => money(row.listed, currency)) }], [], { grouped: true }),
			table(heading, [{ title: 'Chip', text: true }, { title: 'At list prices' }, { title: 'As charged' }, { title: 'Saved' }, { title: 'Saved, %' }],
				list.map((row) => [{ name: row.label }, money(row.list, currency), money(row.listed, currency), money(row.list - row.listed, currency), saved(row.list, row.listed)]),
				['All', money(all.list, currency), money(all.listed, currency), money(all.list - all.listed, currency), saved(all.list, all.listed)]));
	});
	section('savings', 'Savings against list', parts.length ? parts : note('Nothing that was charged in this period has a list price.'));
}

// By the values of labels that somebody has set: of a label that nobody has, nothing is said.
function labels()
{
	const parts = [];
	for (const [key, rows] of groups(figures.labels, 'key'))
	{
		if (rows.every((row) => row.what === 'none'))
			continue;
		for (const [currency, list] of groups(rows, 'currency'))
		{
			const values = list.map((row) => decimal(row.cost));
			const total = sum(values), shared = sum(list.map((row) => decimal(row.shared)));
			const names = list.map((row) => row.what === 'value' ? row.value : row.what === 'none' ? 'without' : `${row.values} others`);
			const heading = `Spend by ${key}, ${currency}`;
			parts.push(figure(`label-${parts.length + 1}`, heading, '',
				bars(html(heading), names.map(clean), [{ name: 'cost', values, colour: colours[4] }], values.map((value) => money(value, currency))),
				table(heading, [{ title: { name: key }, text: true, wrap: true }, { title: 'Cost' }, { title: 'Share' }, { title: 'Shared out by rule' }],
					list.map((row, r) => [{ name: names[r] }, money(values[r], currency), percent(values[r], total), money(decimal(row.shared), currency)]),
					['All', money(total, currency), percent(total, total), money(shared, currency)])));
		}
	}
	section('labels', 'Spend by label', parts.length ? parts : note('Nothing that was charged in this period has a label that spend is kept by.'));
}

const committed = { capacity: 'Capacity', reservation: 'Reservation', minimum: 'Minimum, short of' };

function commitments()
{
	const parts = groups(figures.commitments, 'currency').map(([currency, rows]) =>
	{
		const list = top(rows.map((row) => ({ ...row, used: decimal(row.used), unused: decimal(row.unused), value: decimal(row.used) + decimal(row.unused), used_hours: decimal(row.used_hours), unused_hours: decimal(row.unused_hours) })),
			most.commitments, (others) => ({ what: null, account: `${others.length} others`, used: sum(others.map((row) => row.used)), unused: sum(others.map((row) => row.unused)), used_hours: sum(others.map((row) => row.used_hours)), unused_hours: sum(others.map((row) => row.unused_hours)) }));
		const used = sum(list.map((row) => row.used)), unused = sum(list.map((row) => row.unused));
		const heading = `Commitments, used and unused, ${currency}`;
		const cells = (row) => [hours(row.used_hours), hours(row.unused_hours), money(row.used, currency), money(row.unused, currency), percent(row.used, row.used + row.unused)];
		return figure(`commitments-${currency}`, heading, 'Reserved capacity, reservations, and what minimum commitments were short of, at what was charged for them.',
			bars(html(heading), list.map((row) => clean(row.account) + (row.accelerator ? ' ' + row.accelerator : '')), [{ name: 'used', values: list.map((row) => row.used), colour: 'var(--good)' }, { name: 'unused', values: list.map((row) => row.unused), colour: 'var(--bad)' }],
				list.map((row) => percent(row.used, row.used + row.unused))),
			table(heading, [{ title: 'Account', text: true, wrap: true }, { title: 'Commitment', text: true }, { title: 'Chip', text: true }, { title: 'Used, h' }, { title: 'Unused, h' }, { title: 'Used' }, { title: 'Unused' }, { title: 'Used, %' }],
				list.map((row) => [{ name: row.account }, committed[row.what] ?? '', row.accelerator ?? '', ...cells(row)]),
				['All', '', '', ...cells({ used, unused, used_hours: sum(list.map((row) => row.used_hours)), unused_hours: sum(list.map((row) => row.unused_hours)) })]));
	});
	section('commitments', 'Commitments', parts.length ? parts : note('Nothing was charged for a commitment in this period.'));
}

// ---- what went wrong

function late()
{
	const parts = groups(figures.late, 'currency').map(([currency, rows]) =>
	{
		const values = rows.map((row) => decimal(row.cost));
		const heading = `Charged late, by ${per} of the use, ${currency}`;
		return figure(`late-${currency}`, heading, 'Corrections: what came, or changed, after its billing period was closed. It is part of the spend above.',
			bars(html(heading), rows.map((row) => when(row.bucket)), [{ name: 'cost', values, colour: colours[1] }], values.map((value) => money(value, currency))),
			table(heading, [{ title: per[0].toUpperCase() + per.slice(1), text: true }, { title: 'Corrections' }, { title: 'Cost' }], rows.map((row, r) => [when(row.bucket), show(decimal(row.charges), 0), money(values[r], currency)]),
				['All', show(sum(rows.map((row) => decimal(row.charges))), 0), money(sum(values), currency)]));
	});
	if (!parts.length)
		parts.push(note('No closed billing period was corrected for this period.'));
	if (figures.rejected.length)
	{
		const total = decimal(figures.rejected_records);
		const values = figures.rejected.map((row) => decimal(row.records));
		const shown = sum(values);
		const others = total - shown;
		const heading = 'Rejected, by reason';
		parts.push(figure('rejected', heading, 'Records that wait to be put right, whenever they came: what has no start that can be read is of no period.',
			bars(html(heading), [...figures.rejected.map((row) => `${row.sqlstate} ${clean(row.reason)}`), ...(others ? ['other reasons'] : [])], [{ name: 'records', values: [...values, ...(others ? [others] : [])], colour: 'var(--bad)' }], [...values, ...(others ? [others] : [])].map((value) => show(value, 0))),
			table(heading, [{ title: 'SQLSTATE', text: true }, { title: 'Reason', text: true, wrap: true }, { title: 'Records' }, { title: 'First', text: true }, { title: 'Last', text: true }],
				[...figures.rejected.map((row, r) => [row.sqlstate, { name: row.reason }, show(values[r], 0), row.first, row.last]), ...(others ? [['', 'other reasons', show(others, 0), '', '']] : [])], ['All', '', show(total, 0), '', ''])));
	}
	else
		parts.push(note('No record waits that was rejected.'));
	section('late', 'Late or rejected', parts);
}

// ---- the top of the page

function summary(map)
{
	const tiles = [];
	for (const [measure, rows] of groups(figures.usage, 'measure'))
		tiles.push([`Device-hours ${measure}`, hours(sum(rows.map((row) => decimal(row.hours)))), plural(sum(rows.map((row) => BigInt(row.records))), 'record') + ' begun']);
	for (const row of figures.usage.filter((row) => row.work != null && ['allocated', 'used'].includes(row.measure)))
		tiles.push([`Nominal compute ${row.measure}`, row.work.replace(/\B(?=(\d{3})+(?!\d)[. ])/g, ','), '']);
	if (map?.size && map.id !== 'devices')
	{
		const rows = map.rows.filter((row) => row.at == null && row.bucket == null && row[map.id + '_of'] != null);
		tiles.push([map.title, percent(sum(rows.map((row) => decimal(row[map.id]))), sum(rows.map((row) => decimal(row[map.id + '_of'])))), plural(rows.length, 'region')]);
	}
	for (const [currency, rows] of groups(figures.cost.filter((row) => row.account == null), 'currency'))
	{
		const listed = rows.filter((row) => row.list != null);
		const list = sum(listed.map((row) => decimal(row.list)));
		tiles.push([`Spend, ${currency}`, money(sum(rows.map((row) => decimal(row.cost))), currency), listed.length ? against(list, sum(listed.map((row) => decimal(row.listed)))) : 'no list prices']);
	}
	if (figures.unpriced != null)
		tiles.push(['Device-hours without a price', hours(decimal(figures.unpriced)), 'not in the spend']);
	tiles.push(['Corrections', show(sum(figures.late.map((row) => decimal(row.charges))), 0), 'of closed periods']);
	tiles.push(['Rejected', show(decimal(figures.rejected_records), 0), 'records that wait']);
	const list = `<dl>\n${tiles.map(([title, value, more]) => `<div><dt>${html(title)}</dt><dd>${html(value)}${more ? `<small>${html(more)}</small>` : ''}</dd></div>`).join('\n')}\n</dl>`;
	sections.unshift({ id: 'summary', title: 'Summary', content: list });
}

summary(utilisation());
spend();
accounts();
labels();
savings();
commitments();
late();

const whose = about.account === null ? (about.everything ? 'All accounts' : `What ${about.role} sees`) : about.title ?? about.account;
process.stdout.write(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="color-scheme" content="light dark">
<title>${html(whose)}: compute, ${html(about.since)} to ${html(about.last)}</title>
<style>
${readFileSync(new URL('page.css', import.meta.url), 'utf8')}</style>
</head>
<body>
<header>
<h1>${name(whose)}</h1>
<p>Compute from ${html(about.since)} to ${html(about.last)}</p>
<p class="faint">${about.account !== null && about.title ? `Account ${name(about.account)} and what is under it. ` : about.account !== null ? 'With what is under it. ' : ''}What the ledger knew at ${html(about.as_of)}, ${html(about.zone)}.</p>
<nav aria-label="Sections">${sections.map(({ id, title }) => `<a href="#${id}">${html(title)}</a>`).join(' ')}</nav>
</header>
<main>
${sections.map(({ id, title, content }) => `<section id="${id}">\n<h2>${html(title)}</h2>\n${content}\n</section>`).join('\n')}
</main>
<footer class="faint">Made at ${html(about.now)}, ${html(about.zone)}, by compute_ledger as role ${name(about.role)} of database ${name(about.database)}; drawn by Apache ECharts.</footer>
</body>
</html>
`);
