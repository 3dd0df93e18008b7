import { apiKey } from './api.js';
import { drawCharts } from './charts.js';
import { byId, el, keyed, mark, say } from './dom.js';
import { learnNames } from './explorer.js';
import { announce, tell } from './feed.js';
import { time } from './format.js';
import { drawNodes, drawTiles, WORDS } from './nodes.js';
import { drawReshard } from './reshard.js';
import { drawRing, drawShards } from './ring.js';
import { follow } from './stream.js';

const SAID = { live: 'Live', lost: 'Connection lost', refused: 'API key needed', full: 'Node is busy' };

let nodes = [];
let since = null;

const draw = status => {
  nodes = status.nodes.filter(node => node['socket-address'] !== status['socket-address']);
  drawTiles(status);
  drawNodes(status);
  drawShards(status);
  drawReshard(status);
  drawCharts(status);
  learnNames(status);
  announce();
};

const take = (name, data) => {
  if (name === 'status') draw(data);
  else if (name === 'ring') drawRing(data);
  else if (name === 'happening') tell(data);
};

// A page may not ask other nodes whether they are there: they are other origins. A person can open them.
const drawOthers = () => {
  const order = Object.keys(WORDS);
  const others = [...nodes].filter(node => node.state !== 'dead').sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state));
  keyed(byId('lost-nodes'), others, node => node['socket-address'],
    node => el('li', null, el('a', { href: `${location.protocol}//${node['socket-address']}/console` }, node['socket-address'])),
    () => {});
};

const connection = state => {
  const pill = byId('connection');
  if (pill.dataset.state === state) return;
  pill.dataset.state = state;
  say(pill, SAID[state]);
  mark(document.body, 'data-connection', state);
  const isLost = state === 'lost';
  byId('lost').hidden = state === 'live';
  if (state === 'live') {
    since = null;
    return;
  }
  since ??= Date.now();
  say(byId('lost-title'), isLost ? `${byId('self').textContent} has not answered since ${time(since)}.` : `${SAID[state]}.`);
  say(byId('lost-text'), {
    lost: nodes.length ? 'What is shown is what it said last. This page tries again by itself; meanwhile, the other nodes tell the same:' : 'This page tries again by itself.',
    refused: 'Enter one at the top of the page.',
    full: 'As many pages as it allows are being served. This page tries again by itself; other nodes may have room:',
  }[state]);
  drawOthers();
};

const reconnect = follow(take, connection);

byId('api-key-form').addEventListener('submit', event => {
  event.preventDefault();
  apiKey.set(byId('api-key-input').value.trim());
  byId('api-key-input').value = '';
  say(byId('api-key-note'), 'In use.');
  reconnect();
});
byId('api-key-forget').addEventListener('click', () => {
  apiKey.set('');
  say(byId('api-key-note'), 'Forgotten.');
  reconnect();
});
if (apiKey.get()) say(byId('api-key-note'), 'One is in use.');
