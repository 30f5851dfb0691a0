// Makes elements. Text of a message only ever becomes a text node: names are hostile input.

/** Make an element. Strings among `children` become text nodes; null and undefined are skipped. */
export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, String(value));
  }
  node.append(...children.filter((child) => child != null));
  return node;
}

export function byId(id) {
  return document.getElementById(id);
}

/** Set the text if it differs: a screen reader would repeat one that is written again. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
