import { ask, complaint } from './api.js';
import { byId, el, paint, say } from './dom.js';
import { count, plural, time } from './format.js';
import { pill, setPill } from './nodes.js';
import { pointAt } from './ring.js';

const TOKEN_SHOWN = 40;
const DEPENDENCIES_SHOWN = 24;

let names = new Map();

/** Who is which incarnation, so that dots can be read. */
export const learnNames = status => {
  names = new Map(status.nodes.filter(node => node.incarnation).map(node => [node.incarnation, node['socket-address']]));
};

// A dot is incarnation@layout.shard:sequence.
const dotOf = dot => {
  const [, incarnation, group, sequence] = /^([0-9a-f]{16})@([\d.]+):(\d+)$/.exec(dot) ?? [];
  if (!incarnation) return el('code', null, dot);
  return el('span', { class: 'dot', title: dot }, names.get(incarnation) ?? `${incarnation.slice(0, 6)}…`, el('small', null, ` ${group} `), el('b', null, `#${sequence}`));
};

const stampOf = stamp => {
  const [milliseconds, counter] = stamp.split('.');
  return el('span', { title: stamp }, `${time(Number(milliseconds))}.${milliseconds.slice(-3)}`, el('small', null, ` +${counter}`));
};

const copyable = token => {
  const button = el('button', { type: 'button', class: 'quiet small' }, 'Copy');
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(token);
      say(button, 'Copied');
    } catch {
      say(button, 'Not allowed');
    }
  });
  return [el('code', { title: token }, token.length > TOKEN_SHOWN ? `${token.slice(0, TOKEN_SHOWN)}…` : token), ' ', button];
};

const fact = (name, ...value) => el('div', { class: name === 'Version' || name === 'Depends on' ? 'wide' : null }, el('dt', null, name), el('dd', null, ...value));

const holdingOf = (replica, exists) => {
  switch (replica.state) {
    case 'current': return ['alive', replica.deleted ? 'knows of the deletion' : 'has it'];
    case 'older': return ['suspected', 'lagging: an older one'];
    case 'absent': return exists ? ['suspected', 'lagging: has none'] : ['unknown', 'absent'];
    default: return ['dead', 'did not answer'];
  }
};

const replicaRow = (replica, exists) => {
  const holds = pill();
  setPill(holds, ...holdingOf(replica, exists));
  const cell = (label, ...children) => el('td', { role: 'cell', 'data-label': label }, ...children);
  return el('tr', { role: 'row', 'data-holds': replica.state },
    el('th', { scope: 'row', role: 'rowheader' }, replica['socket-address']),
    cell('Holds', holds), cell('Role', replica.role), cell('Dot', replica.dot ? dotOf(replica.dot) : '–'), cell('Stamp', replica.stamp ? stampOf(replica.stamp) : '–'));
};

const replicasOf = found => {
  const header = name => el('th', { scope: 'col', role: 'columnheader' }, name);
  return el('table', { class: 'cards', role: 'table' },
    el('caption', null, 'What each replica holds'),
    el('thead', { role: 'rowgroup' }, el('tr', { role: 'row' }, ...['Node', 'Holds', 'Role', 'Dot', 'Stamp'].map(header))),
    el('tbody', { role: 'rowgroup' }, ...found.replicas.map(replica => replicaRow(replica, found.doesExist))));
};

const dependenciesOf = dots => {
  if (dots.length === 0) return ['nothing else that a replica might lack'];
  const more = dots.length - DEPENDENCIES_SHOWN;
  return [el('ul', { class: 'dots' }, ...dots.slice(0, DEPENDENCIES_SHOWN).map(dot => el('li', null, dotOf(dot))), more > 0 ? el('li', null, `and ${count(more)} more`) : null)];
};

const pretty = (value, raw) => {
  const text = JSON.stringify(value, null, 2) ?? raw;
  return text.length > 20000 ? `${text.slice(0, 20000)}\n… ${count(text.length)} characters in all` : text;
};

const draw = found => {
  const shard = el('span', { class: 'chip' }, found['shard-id']);
  paint(shard, found['shard-id']);
  const facts = [fact('Shard', shard), fact('Arc', count(found.arc))];
  if (found.version) {
    facts.push(
      fact('Epoch', count(found.epoch)), fact('Dot', dotOf(found.dot)), fact('Stamp', stampOf(found.stamp)), fact('Version', ...copyable(found.version)),
      fact('Depends on', ...dependenciesOf(found.dependencies)));
  }
  const value = found.doesExist ? el('pre', { tabindex: '0', role: 'region', 'aria-label': 'Value' }, pretty(found.value, '')) : null;
  byId('explorer-result').replaceChildren(el('h3', null, found.key), ...[value, el('dl', { class: 'facts' }, ...facts), replicasOf(found)].filter(Boolean));
  byId('explorer-result').hidden = false;
};

const explore = async event => {
  event.preventDefault();
  const key = byId('explorer-key').value;
  say(byId('explorer-note'), 'Asking every replica…');
  const answer = await ask('GET', `/key-value-store-view/replicas-of/${encodeURIComponent(key)}`);
  if (answer.status !== 200) {
    byId('explorer-result').hidden = true;
    pointAt(null);
    return say(byId('explorer-note'), complaint(answer));
  }
  const found = answer.body;
  const holders = found.replicas.filter(replica => replica.state === 'current').length;
  say(byId('explorer-note'), found.doesExist
    ? `${holders} of ${plural(found.replicas.length, 'replica')} hold${holders === 1 ? 's' : ''} the newest version. The ring shows where the key lies.`
    : found.version ? 'The key was deleted. The ring shows where it would lie.' : 'No replica has such a key. The ring shows where it would lie.');
  draw(found);
  pointAt(found.arc);
};

byId('explorer-form').addEventListener('submit', explore);
