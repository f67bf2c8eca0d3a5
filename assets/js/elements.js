// Elements made in one line; texts go in as text, so nothing has to be escaped.

/**
 * `make("button", { class: "x", onclick: f, hidden: true }, "text", child)`; null and undefined are left out, and so is
 * false but in states (aria-...), where "false" means something.
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined) continue;
    if (name.startsWith("aria-")) element.setAttribute(name, String(value));
    else if (value === false) continue;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}
