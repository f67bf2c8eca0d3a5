// What is said of one variant of the cloud: a tip beside the pointer, and a card with what can be done with it.
import { copyText } from "./files.js";
import { escapeHtml as escape, formatBytes, formatCount, formatSi } from "./format.js";
import { readLink } from "./link.js";
import { showTab } from "./page.js";

const REST = 60; // ms that a pointer rests before a name is asked for

export class Tip {
  constructor(view) {
    this.view = view;
    this.box = view.find(".rx-space-tip");
    view.scatter.box.append(this.box);
  }

  /** Show a point or a known network; null shows nothing. By keys it is spoken too. */
  show(what, spoken = false) {
    const { view, box } = this;
    clearTimeout(this.waiting);
    this.what = what;
    view.scatter.light(what);
    box.hidden = !what;
    view.scatter.box.classList.toggle("rx-cloud-hit", Boolean(what));
    if (!what) return;
    const text = view.write(what), name = what.known ? text : view.names.get(text);
    this.fill(what, name || "…");
    if (name) return spoken && this.speak(name);
    this.waiting = setTimeout(async () => {
      const found = await view.nameOne(text);
      if (this.what !== what) return;
      this.fill(what, found);
      if (spoken) this.speak(found);
    }, REST);
  }

  fill({ index, known }, name) {
    const { view, box } = this, { cloud } = view;
    const read = (column) => (known ? known[column] : cloud[column][index]);
    const kind = view.value.kinds[read("kind")].label;
    box.innerHTML = `<b>${escape(name)}</b><span>${formatSi(read("params")).trim()} params · ${formatSi(read("macs"))}MACs · depth ${formatCount(read("depth"))} · width ${formatCount(read("width"))} · ${escape(kind)}</span>`;
    this.said = box.lastChild.textContent;
    const [left, top] = view.scatter.locateInBox({ index, known });
    const { clientWidth, clientHeight } = view.scatter.box;
    const { offsetWidth: wide, offsetHeight: high } = box;
    box.style.left = `${Math.max(4, Math.min(clientWidth - wide - 4, left - wide / 2))}px`;
    box.style.top = `${top - high - 14 > 4 ? top - high - 14 : Math.min(clientHeight - high - 4, top + 14)}px`;
  }

  speak(name) {
    this.view.find(".rx-sr").textContent = `${name}: ${this.said}`;
  }
}

export class PointCard {
  constructor(view) {
    Object.assign(this, { view, box: view.find(".rx-space-card"), text: "", point: null, origin: null });
    this.box.addEventListener("click", (event) => this.press(event.target.closest("button")));
    this.box.addEventListener("keydown", (event) => event.key === "Escape" && this.close());
  }

  /** Numbers of what is open, to be marked in the cloud; null where it is of the other family. */
  place() {
    return this.point?.family === this.view.family ? this.point : null;
  }

  async open(text) {
    this.text = text;
    this.box.hidden = !text;
    if (!text) return (this.point = null);
    if (this.point?.variant === text) return;
    this.point = null;
    this.box.innerHTML = `<button type="button" class="rx-close" aria-label="Close">×</button><h3>${escape(text)}</h3><p class="rx-quiet">…</p>`;
    let point;
    try {
      point = await this.view.server.describe_point({ variant: text });
    } catch {
      point = { error: "The server does not answer." };
    }
    if (this.text !== text) return;
    if (point.error) this.box.querySelector("p").textContent = point.error;
    else {
      this.point = point;
      this.fill(point);
    }
    if (this.origin) (this.box.querySelector("[data-card]") || this.box.querySelector("button")).focus({ preventScroll: true });
    this.view.show();
  }

  fill(point) {
    const other = this.findOther();
    const number = (name, value, exact) => `<div><dt>${name}</dt><dd>${value}${exact === undefined ? "" : ` <small>${formatCount(exact)}</small>`}</dd></div>`;
    this.box.innerHTML = `<button type="button" class="rx-close" aria-label="Close">×</button><h3>${escape(point.variant)}</h3>
      <p class="rx-card-title">${escape(this.view.value.kinds[point.kind].label)} blocks</p><dl>
      ${number("Parameters", formatSi(point.params), point.params)}${number("MACs", formatSi(point.macs), point.macs)}
      ${number("Activations", formatSi(point.activations), point.activations)}
      ${number(`Memory of a training step, batch ${point.batch}, SGD with momentum`, formatBytes(point.memory))}
      ${number("Depth", formatCount(point.depth))}${number("Width", formatCount(point.width))}</dl>
      <div class="rx-space-actions"><button type="button" data-card="build">Open in Build</button><button type="button" data-card="compare">Compare with ${escape(other)}</button><button type="button" data-card="copy">Copy</button></div>`;
  }

  /** What it is compared with: the network that is drawn in Build, or a known one where that is itself. */
  findOther() {
    return [readLink().v, "resnet50", "resnet18"].find((variant) => variant && variant !== this.text);
  }

  async press(button) {
    if (!button) return;
    const { text } = this;
    if (button.classList.contains("rx-close")) this.close();
    if (button.dataset.card === "build") {
      dispatchEvent(new CustomEvent("rx-build", { detail: { variant: text } }));
      showTab("Build");
    }
    if (button.dataset.card === "compare") {
      dispatchEvent(new CustomEvent("rx-compare", { detail: { variants: [text, this.findOther()] } }));
      showTab("Compare");
    }
    if (button.dataset.card === "copy") {
      button.textContent = await copyText(text, "The variant:");
      setTimeout(() => (button.textContent = "Copy"), 1500);
    }
  }

  close() {
    const origin = this.origin?.isConnected ? this.origin : this.view.scatter.box;
    this.view.change({ chosen: "" });
    origin.focus({ preventScroll: true }); // else the focus would be lost with the card
  }
}
