// A button that opens a box below it, and menus made of one.

/** A button with a box that `fill(box)` fills once; Escape and a click elsewhere close it. */
export class Popover {
  constructor(label, fill) {
    this.element = document.createElement("span");
    this.element.className = "rx-popover";
    this.button = makeButton(label);
    this.button.setAttribute("aria-expanded", "false");
    this.button.classList.add("rx-opens");
    this.box = document.createElement("div");
    this.box.className = "rx-popover-box";
    this.box.setAttribute("role", "group");
    this.box.setAttribute("aria-label", label);
    this.element.append(this.button, this.box);
    fill(this.box);
    this.box.hidden = true;
    this.button.addEventListener("click", () => this.open(this.box.hidden));
    this.element.addEventListener("keydown", (event) => this.press(event));
    addEventListener("pointerdown", (event) => !this.element.contains(event.target) && this.open(false));
    this.element.addEventListener("focusout", (event) => {
      if (event.relatedTarget && !this.element.contains(event.relatedTarget)) this.open(false);
    });
  }

  open(isOpen) {
    this.box.hidden = !isOpen;
    this.button.setAttribute("aria-expanded", isOpen);
    this.box.style.translate = "";
    if (!isOpen) return;
    const { left, right } = this.box.getBoundingClientRect(); // a box that sticks out is moved in
    const by = left < 8 ? 8 - left : Math.min(0, document.documentElement.clientWidth - 8 - right);
    if (by) this.box.style.translate = `${by}px`;
    this.items()[0]?.focus();
  }

  items() {
    return [...this.box.querySelectorAll("button, input")];
  }

  press(event) {
    if (this.box.hidden) return;
    const items = this.items();
    const at = items.indexOf(document.activeElement);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
    if (next === undefined && event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    if (next !== undefined) return items.at(next % items.length).focus();
    this.open(false);
    this.button.focus();
  }
}

/** What copies or downloads a text: a button where there is one format, a menu where there are several. */
export function makeMenu(label, formats, choose) {
  const say = async (button, format) => {
    const word = await choose(format);
    if (!word) return;
    button.textContent = word;
    setTimeout(() => (button.textContent = label), 1500);
  };
  if (formats.length === 1) {
    const button = makeButton(label);
    button.addEventListener("click", () => say(button, formats[0]));
    return button;
  }
  const popover = new Popover(label, (box) => {
    for (const format of formats) {
      const item = makeButton(format.label);
      item.addEventListener("click", () => {
        popover.open(false);
        popover.button.focus();
        say(popover.button, format);
      });
      box.append(item);
    }
  });
  return popover.element;
}

export function makeButton(label) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = label;
  return button;
}
