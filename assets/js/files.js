// The clipboard, and files made in the browser.

/** Copy a text and say in a word how it went; where there is no clipboard (no https), show it to be copied by hand. */
export async function copyText(text, words = "") {
  try {
    await navigator.clipboard.writeText(text);
    return "Copied";
  } catch {
    if (words) prompt(words, text);
    return words ? "Shown" : "Not allowed here";
  }
}

/** What a file about something is called, without its ending, as explorer/figures/format.py names it. */
export function nameFile(text) {
  return text.toLowerCase().replace(/[^a-z0-9_]+/g, "_");
}

/** Give the person a file of this name; `content` is text or a Blob. */
export function saveFile(name, content, type = "text/plain") {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
