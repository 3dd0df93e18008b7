import { byId, el, keyed, mark, paint, say, svg } from './dom.js';
import { count, duration, short } from './format.js';

export const WORDS = { alive: 'alive', 'not-ready': 'not ready', joining: 'joining', suspected: 'suspected', dead: 'dead', unknown: 'not heard yet' };

const PATIENCE = 3000;

let differSince = null;

const EQUALITY = { equal: 'none', behind: null, different: 'differs', refilling: 'filling', joining: 'joining', unreachable: 'unknown' };

/** A state as a shape and a word: the colour alone says nothing. */
export const pill = () => el('span', { class: 'state' }, el('i', { 'aria-hidden': 'true' }), el('span'));

export const setPill = (node, state, word) => {
  mark(node, 'data-state', state);
  say(node.lastElementChild, word);
};

const cell = (label, className, ...children) => el('td', { role: 'cell', 'data-label': label, class: className }, ...children);

const make = node => {
  const load = svg('svg', { class: 'load', viewBox: '0 0 40 6', 'aria-hidden': 'true' }, svg('rect', { width: 40, height: 6, rx: 3, class: 'groove' }), svg('rect', { width: 0, height: 6, rx: 3 }));
  return el('tr', { role: 'row' },
    el('th', { scope: 'row', role: 'rowheader' }, el('span', { class: 'address' }, node['socket-address']), el('small', { class: 'tag' })),
    cell('State', null, pill()),
    cell('Shard', null, el('span', { class: 'chip' })),
    cell('Epoch', 'num'),
    cell('Keys', 'num'),
    cell('Lag', 'num'),
    cell('Requests / s', 'num', load, el('span')),
    cell('Heard', 'num'));
};

const placeOf = node => {
  if (!node['shard-id']) return node.member ? 'none yet' : 'no member';
  return node.role === 'member' ? node['shard-id'] : `${node['shard-id']}, ${node.role}`;
};

const lagOf = node => {
  if (!node.replica) return '–';
  if (node.replica === 'behind') return `${short(node['lacks-writes'])} writes`;
  return EQUALITY[node.replica];
};

const heardOf = (node, isSelf) => {
  if (isSelf) return 'here';
  const ago = node['last-heard-ms-ago'];
  return ago === undefined ? 'never' : ago < 1000 ? 'now' : `${duration(ago / 1000)} ago`;
};

export const drawNodes = status => {
  const self = status['socket-address'];
  const most = Math.max(1, ...status.nodes.map(node => node['requests-per-second']));
  keyed(byId('node-rows'), status.nodes, node => node['socket-address'], make, (row, node) => {
    const isSelf = node['socket-address'] === self;
    const [name, state, shard, epoch, keys, lag, load, heard] = row.cells;
    mark(row, 'data-state', node.state);
    mark(row, 'data-of', node['shard-id']);
    say(name.lastElementChild, isSelf ? 'this node' : '');
    setPill(state.firstElementChild, node.state, WORDS[node.state] ?? node.state);
    mark(state, 'title', node.reason ?? null);
    say(shard.firstElementChild, placeOf(node));
    mark(shard.firstElementChild, 'class', node['shard-id'] ? 'chip' : 'none');
    if (node['shard-id']) paint(shard.firstElementChild, node['shard-id']);
    say(epoch, node.state === 'unknown' ? '–' : count(node.epoch));
    mark(epoch, 'data-behind', node.epoch < status.epoch && node.state !== 'unknown');
    say(keys, count(node.keys));
    say(lag, lagOf(node));
    mark(lag, 'data-behind', node.replica === 'behind' || node.replica === 'different');
    say(load.lastElementChild, short(node['requests-per-second']));
    mark(load.firstElementChild.lastElementChild, 'width', Math.round((40 * node['requests-per-second']) / most));
    say(heard, heardOf(node, isSelf));
  });
};

export const drawTiles = status => {
  const alive = status.nodes.filter(node => node.member && node.state !== 'dead' && node.state !== 'unknown').length;
  const members = status.nodes.filter(node => node.member).length;
  say(byId('tile-nodes'), `${alive} of ${members}`);
  mark(byId('tile-nodes'), 'data-tone', alive < members ? 'bad' : 'good');
  say(byId('tile-shards'), count(status.shards.length));
  say(byId('tile-epoch'), count(status.epoch));
  say(byId('tile-keys'), short(status.keys));
  say(byId('tile-load'), short(status['requests-per-second']));
  // While clients write, replicas always differ by the last few writes: that is nothing to be told in red letters.
  differSince = status.converged ? null : (differSince ?? status['unix-ms']);
  const isMoving = status.reshard.stage !== 'none';
  const isSettled = !status.converged && !isMoving && status['unix-ms'] - differSince > PATIENCE;
  say(byId('tile-equal'), status.converged ? 'equal' : isMoving ? 'filling' : isSettled ? 'differ' : 'catching up');
  mark(byId('tile-equal'), 'data-tone', status.converged ? 'good' : isSettled ? 'warn' : null);
  say(byId('self'), status['socket-address']);
  document.title = `${alive}/${members} nodes · Console`;
};
