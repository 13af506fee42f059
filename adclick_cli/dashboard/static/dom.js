// Making elements. Every text becomes a text node: names of campaigns are whatever somebody sent, and never HTML.

export function el(tag, props = {}, ...children) {
  return fill(document.createElement(tag), props, children);
}

export function svg(tag, props = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), props, children);
}

function fill(node, props, children) {
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "on") for (const [event, handler] of Object.entries(value)) node.addEventListener(event, handler);
    else if (name === "style") for (const [rule, text] of Object.entries(value)) node.style.setProperty(rule, text);
    else if (name === "checked") node.checked = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

export const $ = (id) => document.getElementById(id);

const shown = new WeakMap();

// Build a panel anew only when its data have changed, and give the focus back to what had it.
export function render(node, data, build) {
  const text = JSON.stringify(data);
  if (shown.get(node) === text) return;
  shown.set(node, text);
  const active = document.activeElement;
  const key = node.contains(active) ? active.dataset.focus : undefined;
  node.replaceChildren(...[build()].flat().filter((child) => child !== null));
  if (key === undefined) return;
  for (const candidate of node.querySelectorAll("[data-focus]")) {
    if (candidate.dataset.focus === key) candidate.focus({ preventScroll: true });
  }
}

export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
