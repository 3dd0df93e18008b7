import { byId, el } from './dom.js';
import { time } from './format.js';

const KEPT = 200;

const TONES = {
  'node-dead': 'bad', 'node-suspected': 'warn', 'node-not-ready': 'warn', 'node-left': 'warn', 'node-replaced': 'warn', 'convergence-lost': 'warn', 'reshard-lacking': 'bad', 'reshard-cancelled': 'warn',
  'node-joined': 'good', 'node-back': 'good', 'node-ready': 'good', 'convergence-regained': 'good', 'reshard-committed': 'good',
};

/** The newest first. */
export const tell = happening => {
  const feed = byId('feed');
  const at = new Date(happening['unix-ms']);
  feed.prepend(el('li', { 'data-kind': happening.kind, 'data-tone': TONES[happening.kind] ?? 'plain' },
    el('time', { datetime: at.toISOString() }, time(at)), el('span', null, happening.text)));
  while (feed.children.length > KEPT) feed.lastElementChild.remove();
};

/** What was there before the page was is not news: only what comes from now on is announced. */
export const announce = () => byId('feed').setAttribute('aria-live', 'polite');
