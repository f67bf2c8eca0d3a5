// What this browser holds of its own.
const MOST = 200;
/** Whether the page is shared with others; then runs that were started elsewhere can only be looked at. */
export const page = { shared: false };

function read(name, empty) {
  try {
    return JSON.parse(localStorage.getItem(name)) || empty;
  } catch {
    return empty;
  }
}

/** Ids of the runs that this browser has seen; on a shared page only these are listed. */
export function heldIds() {
  return read("rx-runs", []).slice(0, MOST);
}

/** Note that this browser has seen a run, or runs. */
export function holdIds(ids) {
  const held = heldIds();
  localStorage.setItem("rx-runs", JSON.stringify([...ids, ...held.filter((id) => !ids.includes(id))].slice(0, MOST)));
}

/** The keys of the runs that this browser started on a shared page, the newest first. */
export function heldKeys() {
  return [...new Set(Object.values(read("rx-keys", {})))];
}

/** Note the key of runs that this browser started. */
export function holdKey(ids, key) {
  const others = Object.entries(read("rx-keys", {})).filter(([id]) => !ids.includes(id));
  localStorage.setItem("rx-keys", JSON.stringify(Object.fromEntries([...ids.map((id) => [id, key]), ...others].slice(0, MOST))));
}

/** Whether this browser may stop, resume, annotate or delete a run. */
export function mayChange(id) {
  return !page.shared || id in read("rx-keys", {});
}
