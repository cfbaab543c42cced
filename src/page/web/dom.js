// Makes elements from texts that nobody trusts, and changes what is shown without losing focus or selection.

const SVG = 'http://www.w3.org/2000/svg';
const SVG_TAGS = new Set(['svg', 'g', 'rect', 'line', 'polyline', 'polygon', 'text', 'title']);

/** @typedef {Node | string | number | undefined | false} Child */

/**
 * An element. A text becomes a text node, so nothing in it is markup.
 * @param {string} tag
 * @param {Record<string, string | number | undefined>} [attributes]
 * @param {...(Child | Child[])} children
 * @returns {Element}
 */
export function el(tag, attributes = {}, ...children) {
  const made = SVG_TAGS.has(tag) ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) made.setAttribute(name, String(value));
  }
  for (const child of children.flat()) {
    if (child === undefined || child === false) continue;
    made.append(typeof child === 'number' ? String(child) : child);
  }
  return made;
}

/**
 * The element with an id. Throws when there is none.
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`no element ${id}`);
  return found;
}

/**
 * Makes the content of an element equal to new nodes. What is equal stays, so focus, selection and open details do.
 * @param {Element} parent
 * @param {...Child} wanted
 */
export function show(parent, ...wanted) {
  const nodes = wanted.flatMap((one) => {
    if (one === undefined || one === false) return [];
    return one instanceof Node ? one : document.createTextNode(String(one));
  });
  nodes.forEach((node, index) => {
    const old = parent.childNodes[index];
    if (!old) parent.append(node);
    else if (!become(old, node)) old.replaceWith(node);
  });
  while (parent.childNodes.length > nodes.length) parent.lastChild?.remove();
}

/**
 * Changes a node into another. Returns false when they are of different kinds.
 * @param {Node} old
 * @param {Node} wanted
 */
function become(old, wanted) {
  if (old.nodeName !== wanted.nodeName) return false;
  if (!(old instanceof Element) || !(wanted instanceof Element)) {
    if (old.nodeValue !== wanted.nodeValue) old.nodeValue = wanted.nodeValue;
    return true;
  }
  for (const { name } of [...old.attributes]) {
    if (name !== 'open' && !wanted.hasAttribute(name)) old.removeAttribute(name);
  }
  for (const { name, value } of [...wanted.attributes]) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  show(old, ...wanted.childNodes);
  return true;
}
