// The link: everything that is seen, as parameters of the address bar.
//
// v: the variant drawn in Build, run: the run shown in Train, tab: the tab in front (Build where none is named).
// A widget adds parameters of its own and keeps their meaning for ever; what a page does not know it leaves alone, so
// that a link of an older or a newer page still opens.

const VERSION = "1"; // of the meaning of the parameters; absent in links that were made before there were more than two
const PLAIN = new Set(["v", "run"]);

/** The link's parameters as an object of texts; a missing one reads as undefined. */
export function readLink() {
  const link = Object.fromEntries(new URLSearchParams(location.search));
  delete link.l;
  return link;
}

/** The query that stands for some parameters; those that are empty are left out. */
export function formatLink(link) {
  const parts = Object.entries(link).filter(([, text]) => text);
  if (parts.some(([name]) => !PLAIN.has(name))) parts.push(["l", VERSION]);
  // commas, equals signs and tildes are allowed in a query, and a variant is easier to read with them
  const encode = (text) => encodeURIComponent(text).replaceAll("%2C", ",").replaceAll("%3D", "=");
  return parts.length ? "?" + parts.map(([key, text]) => `${key}=${encode(text)}`).join("&") : "";
}

/** Set parameters ("" removes one); a finished change is a step that Back undoes, unless `replace`. */
export function writeLink(changes, replace = false) {
  const query = formatLink({ ...readLink(), ...changes });
  if (query === location.search) return;
  history[replace ? "replaceState" : "pushState"](history.state, "", query || location.pathname);
}

/** The whole address with some parameters changed, for a link to one thing. */
export function makeLink(changes) {
  return location.origin + location.pathname + formatLink({ ...readLink(), ...changes });
}
