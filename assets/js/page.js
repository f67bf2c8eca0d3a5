// The address bar, the clipboard and the theme: what belongs to the page and to no tab.

/** The link's parameters as they stand in the address bar. */
export function readLink() {
  const link = new URLSearchParams(location.search);
  return { v: link.get("v") || "", run: link.get("run") || "" };
}

/** Set one parameter ("" removes it); a finished change is a step that Back undoes, unless `replace`. */
export function writeLink(name, value, replace = false) {
  const link = { ...readLink(), [name]: value };
  const parts = Object.entries(link).filter(([, text]) => text);
  // commas and equals signs are allowed in a query, and a variant is easier to read with them
  const encode = (text) => encodeURIComponent(text).replaceAll("%2C", ",").replaceAll("%3D", "=");
  const query = parts.length ? "?" + parts.map(([key, text]) => `${key}=${encode(text)}`).join("&") : location.pathname;
  if (query === location.search) return;
  history[replace ? "replaceState" : "pushState"](history.state, "", query);
}

export function showTab(name) {
  findTab(name)?.click();
}

function findTab(name) {
  return [...document.querySelectorAll("button[role=tab]")].find((button) => button.innerText.trim() === name);
}

function applyTheme(theme) {
  document.body.classList.toggle("dark", theme === "dark");
  document.documentElement.style.colorScheme = theme;
  dispatchEvent(new CustomEvent("rx-theme"));
}

function currentTheme() {
  return document.body.classList.contains("dark") ? "dark" : "light";
}

async function copyLink(button) {
  const say = (text) => {
    button.textContent = text;
    setTimeout(() => (button.textContent = "Copy link"), 1600);
  };
  try {
    await navigator.clipboard.writeText(location.href);
    say("Copied");
  } catch {
    prompt("The link to this view:", location.href); // no clipboard without https
  }
}

export function mount(element) {
  const frame = element.querySelector(".rx-widget");
  frame.innerHTML = `<a class="rx-brand" href="./"><svg viewBox="0 0 28 28" aria-hidden="true"><path d="M8 3v22" /><path class="arc" d="M8 5c14 0 14 18 0 18"/><circle cx="8" cy="23" r="3"/></svg>ResNet Explorer</a>
    <span class="rx-header-buttons"><button type="button" data-do="copy">Copy link</button>
    <button type="button" data-do="theme" aria-label="Switch between light and dark">◐</button></span>`;
  frame.querySelector("[data-do=copy]").addEventListener("click", (event) => copyLink(event.currentTarget));
  frame.querySelector("[data-do=theme]").addEventListener("click", () => {
    const theme = currentTheme() === "dark" ? "light" : "dark";
    localStorage.setItem("rx-theme", theme);
    applyTheme(theme);
  });
  const saved = localStorage.getItem("rx-theme");
  if (saved) applyTheme(saved);
  addEventListener("keydown", moveInGroup);
  if (innerWidth < 760) closeDrawer();
  if (readLink().run) showRunTab();
}

/** Arrow keys move within a group of radio buttons; Gradio gives each button a group of its own. */
function moveInGroup(event) {
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (!step || event.target.type !== "radio" || event.target.closest(".rx-widget") || event.ctrlKey || event.altKey || event.metaKey) return;
  const group = [...event.target.closest("fieldset, .block").querySelectorAll("input[type=radio]")];
  const next = group[(group.indexOf(event.target) + step + group.length) % group.length];
  event.preventDefault();
  next.focus();
  next.click();
}

/** A link to a run opens the tab it is shown in, once the tabs are there. */
function showRunTab(tries = 50) {
  if (findTab("Train")) showTab("Train");
  else if (tries) setTimeout(() => showRunTab(tries - 1), 100);
}

/** On a narrow screen the controls start as a closed drawer. */
function closeDrawer() {
  const label = document.querySelector(".rx-controls button.label-wrap.open, .rx-controls button[aria-expanded=true]");
  if (label) label.click();
  else setTimeout(closeDrawer, 150);
}
