// Lines over the last minutes, drawn from what came while the page was open. Nothing is asked of the node for them.

import { byId, el, mark, paint, say, svg } from './dom.js';
import { count, duration, short, time } from './format.js';

const KEPT = 600;
const HEIGHT = 150;
const LEFT = 44;
const RIGHT = 10;
const TOP = 10;
const BOTTOM = 22;

const samples = [];

/** A round number at or above: 1, 2 or 5 times a power of ten. */
const ceiling = value => {
  const least = Math.max(value, 4);
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 4, 5, 10].map(factor => factor * power).find(round => round >= least);
};

const frame = (chart, width, most, span, y) => {
  const lines = [0, 0.5, 1].flatMap(part => [
    svg('line', { x1: LEFT, x2: width - RIGHT, y1: y(most * part), y2: y(most * part), class: 'grid' }),
    svg('text', { x: LEFT - 7, y: y(most * part) + 4, class: 'tick end' }, short(most * part)),
  ]);
  mark(chart, 'viewBox', `0 0 ${width} ${HEIGHT}`);
  return [
    ...lines,
    svg('text', { x: LEFT, y: HEIGHT - 4, class: 'tick' }, `${duration(span / 1000)} ago`),
    svg('text', { x: width - RIGHT, y: HEIGHT - 4, class: 'tick end' }, 'now'),
  ];
};

const draw = (chart, series) => {
  const width = chart.clientWidth;
  if (width === 0 || samples.length === 0) return;
  const now = samples[samples.length - 1].at;
  const span = Math.max(60_000, now - samples[0].at);
  const most = ceiling(Math.max(...series.flatMap(line => line.points.map(point => point.value)), 0));
  const x = at => (LEFT + (1 - (now - at) / span) * (width - LEFT - RIGHT)).toFixed(1);
  const y = value => Number((TOP + (1 - value / most) * (HEIGHT - TOP - BOTTOM)).toFixed(1));
  const parts = frame(chart, width, most, span, y);
  for (const { shard, points } of series) {
    if (points.length === 0) continue;
    const line = `M${points.map(point => `${x(point.at)} ${y(point.value)}`).join('L')}`;
    const last = points[points.length - 1];
    const drawn = svg('g', { class: 'series' },
      series.length === 1 ? svg('path', { d: `${line}L${x(last.at)} ${y(0)}L${x(points[0].at)} ${y(0)}Z`, class: 'under' }) : null,
      svg('path', { d: line, class: 'over' }),
      svg('circle', { cx: x(last.at), cy: y(last.value), r: 3.2 }));
    if (shard !== undefined) paint(drawn, shard);
    parts.push(drawn);
  }
  chart.replaceChildren(...parts);
};

const drawTable = () => {
  if (!byId('samples').open) return;
  const rows = samples.filter((_, i) => (samples.length - 1 - i) % 10 === 0).slice(-30).reverse();
  byId('sample-rows').replaceChildren(...rows.map(sample =>
    el('tr', null, el('th', { scope: 'row' }, time(sample.at)), el('td', { class: 'num' }, count(sample.keys)), el('td', { class: 'num' }, count(sample.load)))));
};

const drawAll = () => {
  if (samples.length === 0) return;
  const shards = [...new Set(samples.flatMap(sample => Object.keys(sample.shards)))].sort((a, b) => a - b);
  draw(byId('keys-chart'), shards.map(shard => ({
    shard,
    points: samples.filter(sample => shard in sample.shards).map(sample => ({ at: sample.at, value: sample.shards[shard] })),
  })));
  draw(byId('load-chart'), [{ points: samples.map(sample => ({ at: sample.at, value: sample.load })) }]);
  const last = samples[samples.length - 1];
  say(byId('keys-reading'), `${count(last.keys)} keys now, ${count(samples[0].keys)} when the page was opened. The table below has more.`);
  say(byId('load-reading'), `${count(last.load)} requests a second now, ${count(Math.max(...samples.map(sample => sample.load)))} at most.`);
  drawTable();
};

export const drawCharts = status => {
  const last = samples[samples.length - 1];
  // Events bring a status out of turn; one sample a second is enough.
  if (last && status['unix-ms'] - last.at < 800) return;
  samples.push({
    at: status['unix-ms'],
    keys: status.keys,
    load: status['requests-per-second'],
    shards: Object.fromEntries(status.shards.map(shard => [shard['shard-id'], shard.keys])),
  });
  if (samples.length > KEPT) samples.shift();
  drawAll();
};

byId('samples').addEventListener('toggle', drawTable);
new ResizeObserver(drawAll).observe(byId('keys-chart'));
