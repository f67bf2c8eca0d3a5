// What tabs ask of one another: Gradio mounts a tab when it is first opened, and a question may come before that.

/** Keep the last event of this name until somebody listens; gives the function that does. */
function keep(name) {
  let asked = null;
  let listener = null;
  const tell = () => {
    if (!listener || !asked?.length) return;
    listener(asked);
    asked = null;
  };
  addEventListener(name, (event) => {
    asked = (event.detail?.variants || []).map(String);
    tell();
  });
  return (listen) => {
    listener = listen;
    tell();
  };
}

/** Call `listen(variants)` for the last question to Compare, and for all that follow. */
export const hearCompare = keep("rx-compare");

/** The same of what is to be trained. */
export const hearTrain = keep("rx-train");
