import { ask, complaint } from './api.js';
import { byId, el, keyed, mark, say } from './dom.js';
import { confirm } from './confirm.js';
import { count, duration, plural } from './format.js';

const PATH = '/key-value-store-shard/reshard';
const SHARDS = 'shard';

let watched = null;
let status = null;
let isTouched = false;

const live = () => status.nodes.filter(node => node.member && !['dead', 'unknown', 'suspected'].includes(node.state)).length;

const show = (title, percent, end) => {
  byId('reshard-progress').hidden = false;
  mark(byId('reshard-progress'), 'data-end', end);
  say(byId('reshard-title'), title);
  say(byId('reshard-percent'), `${percent} %`);
  mark(byId('reshard-bar'), 'aria-valuenow', percent);
  byId('reshard-fill').style.width = `${percent}%`;
};

const facts = entries => keyed(
  byId('reshard-facts'), entries, ([name]) => name,
  ([name]) => el('div', null, el('dt', null, name), el('dd')),
  (item, [, value]) => say(item.lastElementChild, value));

const drawRunning = reshard => {
  watched = { id: reshard['reshard-id'], shards: reshard['shard-count'], from: status.shards.length };
  const { 'ranges-done': done, 'ranges-total': total } = reshard;
  const isCommitting = reshard.stage === 'committing';
  // The last percent is the commit's.
  const percent = isCommitting ? 99 : total > 0 ? Math.min(98, Math.floor((100 * done) / total)) : 0;
  show(`To ${plural(reshard['shard-count'], SHARDS)}: ${isCommitting ? 'committing' : 'transferring keys'}`, percent, null);
  facts([
    ['Ranges', `${count(done)} of ${count(total)}`],
    ['Keys moved', `${count(reshard['keys-moved'])} at ${count(reshard['keys-per-second'])} / s`],
    ['Running for', duration(reshard['elapsed-seconds'])],
    ['Time left', reshard['eta-seconds'] === undefined ? 'not known yet' : `about ${duration(reshard['eta-seconds'])}`],
    ['Waits for', reshard['waiting-for'].join(', ') || 'nobody'],
    ['Why', reshard.reason],
  ]);
  byId('reshard-cancel').hidden = false;
};

const drawEnd = last => {
  if (!watched || last?.['reshard-id'] !== watched.id) return;
  byId('reshard-cancel').hidden = true;
  const moved = last['keys-moved'] === undefined ? [] : [['Keys moved', count(last['keys-moved'])], ['Took', duration(last['elapsed-seconds'])]];
  facts(moved);
  if (last.end === 'committed') show(`To ${plural(watched.shards, SHARDS)}: committed`, 100, 'committed');
  else show(`To ${plural(watched.shards, SHARDS)}: cancelled`, Number(byId('reshard-bar').getAttribute('aria-valuenow')), 'cancelled');
};

export const drawReshard = next => {
  status = next;
  const { reshard } = next;
  const isRunning = reshard.stage !== 'none';
  const most = Math.max(1, Math.floor(live() / 2));
  if (isRunning) drawRunning(reshard);
  else drawEnd(reshard.last);
  // Not disabled: whoever has the focus there would lose it.
  mark(byId('reshard-start'), 'aria-disabled', isRunning);
  mark(byId('reshard-count'), 'max', most);
  if (!isTouched) byId('reshard-count').value = String(Math.min(most, next.shards.length + 1));
  say(byId('reshard-hint'), `${plural(live(), 'live node')}: up to ${plural(most, SHARDS)}, each with two replicas at least`);
};

const start = async event => {
  event.preventDefault();
  if (status && status.reshard.stage !== 'none') return say(byId('reshard-note'), 'A reshard is running already.');
  const shards = Number(byId('reshard-count').value);
  const agreed = await confirm({
    title: `Reshard to ${plural(shards, SHARDS)}?`,
    text: `${status ? `There ${status.shards.length === 1 ? 'is' : 'are'} ${plural(status.shards.length, SHARDS)} with ${plural(status.keys, 'key')} now. ` : ''}Keys move to their new owners while everybody is served; it can be cancelled until it is committed.`,
    yes: 'Start reshard',
  });
  if (!agreed) return;
  isTouched = false;
  say(byId('reshard-note'), `Asked for ${plural(shards, SHARDS)}.`);
  const answer = await ask('PUT', PATH, { 'shard-count': shards });
  say(byId('reshard-note'), answer.status === 200 ? `${plural(shards, SHARDS)} serve${shards === 1 ? 's' : ''} now.` : complaint(answer));
};

const cancel = async () => {
  const agreed = await confirm({
    title: 'Cancel the reshard?',
    text: 'What was transferred is dropped, and the shards stay as they are. Nobody is interrupted.',
    yes: 'Cancel reshard',
    no: 'Let it go on',
    isDanger: true,
  });
  if (!agreed) return;
  const answer = await ask('DELETE', PATH);
  say(byId('reshard-note'), answer.status === 200 ? 'The reshard was cancelled.' : complaint(answer));
  // The button goes with the reshard, and the focus is not to go with it.
  if (answer.status === 200) byId('reshard-count').focus();
};

byId('reshard-form').addEventListener('submit', start);
byId('reshard-count').addEventListener('input', () => {
  isTouched = true;
});
byId('reshard-cancel').addEventListener('click', cancel);
