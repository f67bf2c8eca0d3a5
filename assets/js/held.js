// What this browser holds of its own.

/** Ids of the runs that this browser has seen; on a shared page only these are listed. */
export function heldIds() {
  try {
    return JSON.parse(localStorage.getItem("rx-runs") || "[]").slice(0, 200);
  } catch {
    return [];
  }
}

/** Keep ids of runs that were started here, the newest first. */
export function holdRuns(ids) {
  localStorage.setItem("rx-runs", JSON.stringify([...new Set([...ids, ...heldIds()])]));
}
