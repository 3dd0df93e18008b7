// Server-sent events over fetch, because EventSource cannot send the API key. Comes back by itself, and goes on after the last event that it had.

import { headers } from './api.js';

const PATH = '/key-value-store-view/events';
const FIRST_PAUSE = 400;
const LONGEST_PAUSE = 4000;
const LEAST_SILENCE = 5000;

/** Splits what arrives into events; what is not whole yet stays. */
const parser = onEvent => {
  let rest = '';
  return text => {
    rest += text;
    for (let end = rest.indexOf('\n\n'); end >= 0; end = rest.indexOf('\n\n')) {
      const event = { name: 'message', data: '', id: null };
      for (const line of rest.slice(0, end).split('\n')) {
        if (line.startsWith('data: ')) event.data += line.slice(6);
        else if (line.startsWith('event: ')) event.name = line.slice(7);
        else if (line.startsWith('id: ')) event.id = line.slice(4);
      }
      rest = rest.slice(end + 2);
      if (event.data) onEvent(event);
    }
  };
};

/**
 * Follows the node for ever. on(name, data) gets each event; state(name, detail) gets live, lost, refused or full.
 * Returns a function that connects anew at once.
 */
export const follow = (on, state) => {
  let lastId = null;
  let pause = FIRST_PAUSE;
  let abort = new AbortController();
  let isAsked = false;
  let wake = () => {};

  const attempt = async () => {
    abort = new AbortController();
    let heard = performance.now();
    let usualGap = 2500;
    // A node that was cut off says nothing, and TCP takes minutes to find out.
    const watchdog = setInterval(() => {
      if (performance.now() - heard > Math.max(LEAST_SILENCE, 4 * usualGap)) abort.abort();
    }, 500);
    try {
      const answer = await fetch(PATH, { headers: headers(lastId ? { 'Last-Event-ID': lastId } : {}), signal: abort.signal, cache: 'no-store' });
      if (!answer.ok) return answer.status === 401 || answer.status === 403 ? 'refused' : answer.status === 503 ? 'full' : 'lost';
      const take = parser(event => {
        if (event.id) lastId = event.id;
        pause = FIRST_PAUSE;
        state('live');
        on(event.name, JSON.parse(event.data));
      });
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
        const now = performance.now();
        usualGap = Math.max(250, (usualGap + (now - heard)) / 2);
        heard = now;
        take(piece.value);
      }
      return 'lost';
    } catch {
      return 'lost';
    } finally {
      clearInterval(watchdog);
      abort.abort();
    }
  };

  const run = async () => {
    for (;;) {
      isAsked = false;
      const end = await attempt();
      // Whoever asked for another connection has not lost this one.
      if (!isAsked) state(end);
      else pause = 0;
      await new Promise(resolve => {
        wake = resolve;
        setTimeout(resolve, pause * (0.75 + Math.random() / 2));
      });
      pause = Math.min(LONGEST_PAUSE, Math.max(FIRST_PAUSE, pause * 1.6));
    }
  };

  run();
  return () => {
    isAsked = true;
    abort.abort();
    wake();
  };
};
