// What this browser holds of its own.

/** Ids of the runs that this browser has seen; on a shared page only these are listed. */
export function heldIds() {
  try {
    return JSON.parse(localStorage.getItem("rx-runs") || "[]").slice(0, 200);
  } catch {
    return [];
  }
}

/** Note that this browser has seen a run, or runs. */
export function holdIds(ids) {
  const held = heldIds();
  localStorage.setItem("rx-runs", JSON.stringify([...ids, ...held.filter((id) => !ids.includes(id))].slice(0, 200)));
}
