// Ownership lies scattered over thousands of arcs: on one circle they would be thinner than a pixel. Wound up in turns, each arc can be seen.

import { byId, el, keyed, mark, paint, say, svg } from './dom.js';
import { count, plural } from './format.js';

const CENTRE = 200;
const OUTER = 194;
const STEP = 6.6;
const WIDTH = 5.4;
const TURNS = 16;

let ring = null;
let chosen = null;
let keyArc = null;

const place = (radius, angle) => `${(CENTRE + radius * Math.sin(angle)).toFixed(2)} ${(CENTRE - radius * Math.cos(angle)).toFixed(2)}`;

const perTurn = () => ring.arcs / TURNS;

// From arc to arc as path data, turn by turn. A whole turn is two halves: an SVG arc that ends where it begins is nothing.
const trace = (first, length) => {
  const pieces = [];
  for (let arc = first, end = first + length; arc < end;) {
    const turn = Math.floor(arc / perTurn());
    const stop = Math.min(end, (turn + 1) * perTurn(), arc + perTurn() / 2);
    const radius = OUTER - turn * STEP;
    const angle = at => ((at - turn * perTurn()) / perTurn()) * 2 * Math.PI;
    pieces.push(`M${place(radius, angle(arc))}A${radius.toFixed(1)} ${radius.toFixed(1)} 0 0 1 ${place(radius, angle(stop))}`);
    arc = stop;
  }
  return pieces.join('');
};

const ownersOf = runs => {
  const owners = new Uint16Array(ring.arcs);
  for (let i = 0, arc = 0; i < runs.length; arc += runs[i + 1], i += 2) owners.fill(runs[i], arc, arc + runs[i + 1]);
  return owners;
};

// One path for each shard, of the stretches in which owns(arc) is that shard.
const paths = (owns, width) => {
  const data = new Map();
  for (let arc = 0; arc < ring.arcs;) {
    const shard = owns(arc);
    const first = arc;
    while (arc < ring.arcs && owns(arc) === shard) arc++;
    if (shard >= 0) data.set(shard, (data.get(shard) ?? '') + trace(first, arc - first));
  }
  return [...data].sort(([a], [b]) => a - b).map(([shard, d]) => {
    const path = svg('path', { d, fill: 'none', 'stroke-width': width });
    paint(path, shard);
    path.dataset.of = shard;
    return path;
  });
};

const drawKey = () => {
  const group = byId('ring-key');
  if (ring === null || keyArc === null) return group.replaceChildren();
  const turn = Math.floor(keyArc / perTurn());
  const angle = ((keyArc + 0.5 - turn * perTurn()) / perTurn()) * 2 * Math.PI;
  const [cx, cy] = place(OUTER - turn * STEP, angle).split(' ');
  group.replaceChildren(svg('circle', { cx, cy, r: 9, class: 'halo' }), svg('circle', { cx, cy, r: 6, class: 'spot' }));
};

const drawChoice = () => {
  for (const path of byId('ring-tracks').children) mark(path, 'data-dim', chosen !== null && path.dataset.of !== chosen);
  for (const row of byId('shard-rows').children) mark(row.querySelector('button'), 'aria-pressed', row.dataset.key === chosen);
  for (const row of byId('node-rows').children) mark(row, 'data-chosen', chosen !== null && row.dataset.of === chosen);
};

/** Draws who owns what, and while keys move, within each arc that goes to another shard, the shard that is to own it. */
export const drawRing = next => {
  ring = next;
  const owners = ownersOf(next.runs);
  mark(byId('ring'), 'data-moving', 'next-runs' in next);
  byId('ring-tracks').replaceChildren(...paths(arc => owners[arc], WIDTH));
  const later = next['next-runs'] ? ownersOf(next['next-runs']) : null;
  byId('ring-moving').replaceChildren(...(later ? paths(arc => (later[arc] === owners[arc] ? -1 : later[arc]), WIDTH * 0.85) : []));
  say(byId('ring-hint'), later
    ? 'The bright arcs are on their way, in the colour of the shard that is to own them.'
    : `The ring of ${count(next.arcs)} arcs, wound up in sixteen turns from the outside in.`);
  drawKey();
  drawChoice();
};

/** Points at the arc of a key, or at none. */
export const pointAt = arc => {
  keyArc = arc;
  drawKey();
};

const makeShard = shard => {
  const choose = el('button', { type: 'button', class: 'chip', 'aria-pressed': 'false' }, `Shard ${shard['shard-id']}`);
  paint(choose, shard['shard-id']);
  choose.addEventListener('click', () => {
    chosen = chosen === shard['shard-id'] ? null : shard['shard-id'];
    drawChoice();
  });
  return el('tr', null, el('th', { scope: 'row' }, choose), el('td', { class: 'num' }), el('td', { class: 'num' }), el('td'));
};

const replicasOf = (shard, isMoving) => {
  const more = [shard.joining.length ? `${shard.joining.length} joining` : null, shard.leaving.length ? `${shard.leaving.length} leaving` : null];
  return [`${shard.members.length}`, ...more.filter(Boolean), shard.converged ? 'equal' : isMoving ? 'filling' : 'differ'].join(', ');
};

export const drawShards = status => {
  const { shards, epoch } = status;
  if (chosen !== null && !shards.some(shard => shard['shard-id'] === chosen)) chosen = null;
  keyed(byId('shard-rows'), shards, shard => shard['shard-id'], makeShard, (row, shard) => {
    say(row.cells[1], count(shard.arcs));
    say(row.cells[2], count(shard.keys));
    say(row.cells[3], replicasOf(shard, status.reshard.stage !== 'none'));
  });
  say(byId('ring-count'), count(shards.length));
  say(byId('ring-label'), `shard${shards.length === 1 ? '' : 's'} · epoch ${epoch}`);
  say(byId('ring-desc'), `${shards.map(shard => `Shard ${shard['shard-id']} owns ${plural(shard.arcs, 'arc')}`).join('. ')}. The table below says the same.`);
  drawChoice();
};
