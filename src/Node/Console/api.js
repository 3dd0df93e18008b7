// Requests to the node that this page came from. The API key lives in sessionStorage: it goes with the tab, and no other origin sees it.

const STORED = 'api-key';

export const apiKey = {
  get: () => sessionStorage.getItem(STORED) ?? '',
  set: key => (key ? sessionStorage.setItem(STORED, key) : sessionStorage.removeItem(STORED)),
};

export const headers = more => {
  const key = apiKey.get();
  return key ? { ...more, Authorization: `Bearer ${key}` } : { ...more };
};

/** The answer as { status, body }; status 0 when the node did not answer. Never throws. */
export const ask = async (method, path, body) => {
  try {
    const answer = await fetch(path, {
      method,
      headers: headers(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: 'no-store',
    });
    const text = await answer.text();
    try {
      return { status: answer.status, body: JSON.parse(text), text };
    } catch {
      return { status: answer.status, body: {}, text };
    }
  } catch {
    return { status: 0, body: {}, text: '' };
  }
};

/** What went wrong, for people. */
export const complaint = answer => {
  if (answer.status === 0) return 'The node did not answer.';
  if (answer.status === 401) return 'The node asks for an API key: see the top of the page.';
  if (answer.status === 403) return 'This API key does not allow that.';
  return `${answer.body.error ?? answer.body.message ?? `Status ${answer.status}`}.`;
};
