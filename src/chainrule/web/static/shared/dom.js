/** Creating and finding elements. */

const SVG = "http://www.w3.org/2000/svg";

/** Create an element. An attribute that is null or false is left out; one that is true is empty. */
export function element(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** Create an element of SVG. */
export function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children);
  return node;
}

export function byId(id) {
  return document.getElementById(id);
}

/** Let the keyboard reach the elements that scroll sideways: they get a place in the tab order. */
export function reachScrolled(root) {
  for (const node of root.querySelectorAll("div")) if (node.scrollWidth > node.clientWidth + 1) node.tabIndex = 0;
}
