// What other tabs ask Compare for: Gradio mounts a tab when it is first opened, and a question may come before that.

let asked = null;
let listener = null;

addEventListener("rx-compare", (event) => {
  asked = (event.detail?.variants || []).map(String);
  tell();
});

/** Call `listen(variants)` for the last question, and for all that follow. */
export function hearCompare(listen) {
  listener = listen;
  tell();
}

function tell() {
  if (!listener || !asked?.length) return;
  listener(asked);
  asked = null;
}
