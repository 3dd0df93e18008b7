import { byId, mark, say } from './dom.js';

/** Asks before something is done; true when it is to be done. The browser keeps the focus inside, and gives it back. */
export const confirm = ({ title, text, yes, no = 'Not now', isDanger = false }) => new Promise(resolve => {
  const dialog = byId('confirm');
  say(byId('confirm-title'), title);
  say(byId('confirm-text'), text);
  say(byId('confirm-yes'), yes);
  say(byId('confirm-no'), no);
  mark(byId('confirm-yes'), 'class', isDanger ? 'danger' : null);
  dialog.returnValue = 'no';
  dialog.addEventListener('close', () => resolve(dialog.returnValue === 'yes'), { once: true });
  dialog.showModal();
});
