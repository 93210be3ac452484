// plot.mjs: plots as SVG, by Apache ECharts without a browser.  Colours are variables of page.css, so that light and dark
// are one drawing; each plot is made twice, for wide and for narrow pages.

import { createRequire } from 'node:module';
import { float, sum } from './decimal.mjs';

let echarts;

// Says where ECharts is.
export function drawWith(folder)
{
	echarts = createRequire(folder + '/')('echarts');
}

const size = 12;
const ink = 'var(--ink)', faint = 'var(--faint)', line = 'var(--line)';
const label = { color: ink, fontSize: size, textBorderWidth: 0 };
const axis = { axisLabel: { color: faint, fontSize: size, hideOverlap: false }, axisLine: { lineStyle: { color: line } }, axisTick: { show: false }, splitLine: { show: false } };

// The width of a text in pixels in a wide font, about; CJK and the like are twice as wide as digits.
const widthOf = (text) => [...text].reduce((width, c) => width + (c.codePointAt(0) > 0x1100 ? 1 : /[mwMW@%<>=+~#\u2013\u2026]/.test(c) ? 0.95 : /[A-Z&]/.test(c) ? 0.74 : /[ fijlrt.,:;'|!()[\]/-]/.test(c) ? 0.42 : 0.63) * size, 0);

// Cuts a name that is too long for a plot; tables have all of it.
export function short(text, width)
{
	if (widthOf(text) <= width)
		return text;
	const letters = [...text];
	while (letters.length && widthOf(letters.join('')) > width - size)
		letters.pop();
	return letters.join('') + '\u2026';
}

// What is left of ECharts' output: no style, class or metadata, as nothing moves.
function draw(width, height, option)
{
	const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width, height: Math.ceil(height) });
	chart.setOption({ animation: false, textStyle: { fontFamily: 'inherit', color: ink }, ...option });
	const svg = chart.renderToSVGString({ useViewBox: true });
	chart.dispose();
	return svg.replace(/<style[\s\S]*<\/style>/, '').replace(/ (?:class|ecmeta_\w+|pointer-events|xmlns(?:[:\w]*)|baseProfile|version|width|height)="[^"<>]*"(?=[^<>]*>)/g, (found) => / (?:width|height)=/.test(found) ? found : '')
		.replace(/ style="font-size:(\d+)px;font-family:inherit;"/g, ' font-size="$1"').replace(/<rect width="\d+" height="\d+"[^>]*fill="none"[^>]*><\/rect>\n?/, '')
		.replace(/(\d\.\d\d)\d+/g, '$1').replace(/\n+/g, '\n').trim();
}

const narrow = 360, wide = 1000;

// Both drawings; of one, where they are alike.
function both(title, plot)
{
	const svg = (width, kind) => plot(width).replace('<svg ', () => `<svg class="${kind}" role="img" aria-label="${title}" `);
	return svg(wide, 'wide') + '\n' + svg(narrow, 'narrow');
}

// Rows by columns; cells are { text, level } with a level of 0 to 1, or nothing.  A narrow one lies on its side.
export function heatMap(title, rows, columns, cells)
{
	return both(title, (width) =>
	{
		const turned = width === narrow && columns.length > rows.length;
		const [across, down] = turned ? [rows, columns] : [columns, rows];
		const names = (list, room) => list.map((name) => short(name, room));
		const left = Math.min(Math.max(...down.map(widthOf), size) + 12, width / 3);
		const room = (width - left - 4) / Math.max(across.length, 1);
		const step = turned ? 22 : 30;
		// what cells say, as far as all have room; without the sign of per cent sooner than not at all
		const texts = cells.flat().filter(Boolean).map((cell) => cell.text);
		const [shorten, fontSize] = [[(text) => text, size - 1], [(text) => text.replace('%', ''), size - 2]]
			.find(([shorten, fontSize]) => texts.every((text) => widthOf(shorten(text)) * fontSize / size <= room - 1)) ?? [];
		const data = rows.flatMap((_, r) => columns.map((_, c) => [c, r]));
		return draw(width, step * down.length + 28, {
			grid: { left, right: 4, top: turned ? 24 : 4, bottom: turned ? 4 : 24 },
			xAxis: { ...axis, type: 'category', position: turned ? 'top' : 'bottom', data: turned ? names(across, room - 6) : across, axisLabel: { ...axis.axisLabel, interval: turned ? 0 : Math.max(0, Math.ceil((Math.max(...across.map(widthOf), 1) + 6) / room) - 1) }, axisLine: { show: false } },
			yAxis: { ...axis, type: 'category', data: names(down, left - 12), inverse: true, axisLabel: { ...axis.axisLabel, interval: 0 }, axisLine: { show: false } },
			series: [{
				type: 'custom', silent: true, data, encode: { x: 0, y: 1 },
				renderItem: (_, api) =>
				{
					const [c, r] = [api.value(0), api.value(1)];
					const cell = cells[r][c];
					const [x, y] = api.coord(turned ? [r, c] : [c, r]);
					const [w, h] = api.size([1, 1]);
					const step = cell ? Math.min(9, Math.floor(cell.level * 10)) : 0;
					return {
						type: 'rect', shape: { x: x - w / 2 + 1, y: y - h / 2 + 1, width: w - 2, height: h - 2 },
						style: { fill: cell ? `var(--heat${step})` : 'var(--none)' },
						textContent: cell && fontSize ? { type: 'text', style: { text: shorten(cell.text), fill: step < 5 ? 'var(--onlow)' : 'var(--onhigh)', fontSize } } : undefined,
						textConfig: { position: 'inside' },
					};
				},
			}],
		});
	});
}

// Bars of several parts for each of the names; totals stand at their ends.  parts: { name, values, colour }, the name as
// markup; on a narrow page, and where across is not said, they lie.
export function bars(title, names, parts, totals, { across = false, grouped = false } = {})
{
	const legend = parts.length > 1 ? `<ul class="legend">${parts.map((part) => `<li><i style="background: ${part.colour}"></i>${part.name}</li>`).join('')}</ul>\n` : '';
	return legend + both(title, (width) =>
	{
		const lying = !across || width === narrow;
		const thick = grouped ? 15 * parts.length + 10 : across ? 18 : 26;
		const shown = names.map((name) => short(name, lying ? width * 0.3 : 200));
		const left = lying ? Math.max(...shown.map(widthOf), size) + 10 : 56;
		const ends = grouped ? parts.flatMap((part) => part.labels) : totals;
		const right = lying ? Math.max(...ends.map(widthOf), size) + 12 : 8;
		const category = { ...axis, type: 'category', data: shown, inverse: lying, axisLabel: { ...axis.axisLabel, interval: lying ? 0 : 'auto' } };
		const drawn = parts.flatMap((part) => part.values.map(float));
		// what rounding leaves below zero makes no axis of its own
		const value = { ...axis, type: 'value', min: Math.min(...drawn) > -Math.max(...drawn) / 200 ? 0 : undefined, axisLabel: { ...axis.axisLabel, show: !lying, formatter: shortNumber }, splitLine: { show: !lying, lineStyle: { color: line } } };
		const end = { ...label, show: true, position: lying ? 'right' : 'top', fontSize: across && !lying ? size - 2 : size };
		const series = parts.map((part, p) => ({
			name: part.name, type: 'bar', silent: true, stack: grouped ? undefined : 'all', itemStyle: { color: part.colour }, barMaxWidth: grouped ? 14 : 22,
			barGap: '10%', barCategoryGap: '22%', data: part.values.map(float), label: grouped ? { ...end, formatter: (of) => part.labels[of.dataIndex] } : undefined,
		}));
		// an invisible point at the end of the bar carries its total
		if (!grouped)
			series.push({
				type: 'custom', silent: true, data: names.map((_, n) => [n, Math.max(0, float(sum(parts.map((part) => part.values[n]).filter((v) => v > 0n))))]), encode: lying ? { x: 1, y: 0 } : { x: 0, y: 1 },
				renderItem: (_, api) =>
				{
					const n = api.value(0);
					const [x, y] = api.coord(lying ? [api.value(1), n] : [n, api.value(1)]);
					return { type: 'text', x: lying ? x + 5 : x, y: lying ? y : y - 9, style: { text: totals[n], fill: ink, fontSize: end.fontSize, align: lying ? 'left' : 'center', verticalAlign: 'middle' } };
				},
			});
		return draw(width, lying ? thick * names.length + 8 : 300, {
			grid: { left, right, top: lying ? 2 : 18, bottom: lying ? 4 : 24 },
			xAxis: lying ? value : category, yAxis: lying ? category : value, series,
		});
	});
}

// For an axis.
function shortNumber(value)
{
	const size = Math.abs(value);
	return size >= 1e9 ? value / 1e9 + 'G' : size >= 1e6 ? value / 1e6 + 'M' : size >= 1e3 ? value / 1e3 + 'k' : String(value);
}
