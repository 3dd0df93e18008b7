// Text from outside becomes text nodes and attributes, never markup: there is no innerHTML anywhere, and the page's policy forbids it.

const SVG = 'http://www.w3.org/2000/svg';

export const byId = id => document.getElementById(id);

const filled = (node, attributes, children) => {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value === true ? '' : String(value));
  }
  node.append(...children.flat().filter(child => child !== null && child !== undefined));
  return node;
};

/** An element with attributes and children; what is null among them is left out. */
export const el = (tag, attributes, ...children) => filled(document.createElement(tag), attributes, children);

/** The same of SVG. */
export const svg = (tag, attributes, ...children) => filled(document.createElementNS(SVG, tag), attributes, children);

/** Sets the text only if it is another one: what is not touched is not announced again. */
export const say = (node, text) => {
  if (node.textContent !== text) node.textContent = text;
};

/** Sets an attribute, or takes it away, only if that changes something. */
export const mark = (node, name, value) => {
  if (value === null || value === undefined || value === false) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, String(value));
};

/** One child for each item, found again by its key, in the items' order: focus and selection stay where they are. */
export const keyed = (parent, items, keyOf, make, update) => {
  const old = new Map([...parent.children].map(child => [child.dataset.key, child]));
  let place = parent.firstElementChild;
  for (const item of items) {
    const key = keyOf(item);
    let child = old.get(key);
    if (child) old.delete(key);
    else {
      child = make(item);
      child.dataset.key = key;
    }
    update(child, item);
    if (child === place) place = place.nextElementSibling;
    else parent.insertBefore(child, place);
  }
  for (const gone of old.values()) gone.remove();
};

const NAMED = 8;

/** Gives an element the colour of a shard. Beyond the named ones, hues by the golden angle: neighbours differ most. */
export const paint = (node, shard) => {
  const number = Number(shard);
  mark(node, 'data-shard', number < NAMED ? number : 'more');
  if (number >= NAMED) node.style.setProperty('--shard', `hsl(${Math.round(number * 137.508) % 360} 52% 50%)`);
};
