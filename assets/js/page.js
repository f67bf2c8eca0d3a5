// The header, the tabs and the theme: what belongs to the page and to no tab.
import "./asked.js"; // hears what tabs ask of one that is not mounted yet
import { copyText } from "./files.js";
import { readLink, writeLink } from "./link.js";

/** Bring a tab to the front, by the word on it. */
export function showTab(name) {
  findTab(name)?.click();
  writeLink({ tab: nameTab(name.toLowerCase()) });
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
  button.textContent = await copyText(location.href, "The link to this view:");
  setTimeout(() => (button.textContent = "Copy link"), 1600);
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
  followTabs();
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

/** The tab in front is in the link; a link opens its tab, and one to a run the tab that runs are shown in. */
function followTabs(tries = 50) {
  if (!findTab("Build")) return tries && setTimeout(() => followTabs(tries - 1), 100);
  const wanted = () => readLink().tab || usualTab();
  const open = () => findTab(wanted()[0].toUpperCase() + wanted().slice(1))?.click();
  document.addEventListener("click", (event) => {
    const tab = event.isTrusted && event.target.closest("#rx-tabs button[role=tab]");
    if (tab) writeLink({ tab: nameTab(tab.innerText.trim().toLowerCase()) });
  });
  addEventListener("popstate", open);
  if (wanted() !== "build") open();
}

/** What the link says of a tab: nothing of the one that opens anyway. */
function nameTab(tab) {
  return tab === usualTab() ? "" : tab;
}

/** The tab that a link opens which names none. */
function usualTab() {
  const { run, runs, race, study } = readLink();
  return run || runs || race || study ? "train" : "build";
}
