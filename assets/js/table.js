// The cost table: groups that fold and unfold; or, sorted or filtered, one list of operations.
import { escapeHtml, formatCount } from "./format.js";
import { makeButton, Popover } from "./menu.js";
import { COLUMNS, NAME, filterOps, foldName, listGroups, listOps, readRows, sortOps, sumOps } from "./table_rows.js";

const KEY = "rx-columns"; // in localStorage: the ids of those shown
const TOOLS = `<div class="rx-table-tools"><input type="search" placeholder="Filter by name or op" aria-label="Filter by name or op"
  spellcheck="false"><select aria-label="Kind of operation"></select></div>`;
const SCROLL = `<div class="rx-table-box" tabindex="0" role="region" aria-label="Cost table"><table class="rx-table"><thead></thead>
  <tbody></tbody><tfoot></tfoot></table></div><p class="rx-notes rx-quiet"></p>`;

export class Table {
  /** `on` is told what a person does: `onSelect(name)` ("" for nothing), `onHover(name)`, `onToggle(name, open)`. */
  constructor(box, on) {
    this.on = on;
    this.own = new Map(); // what was opened and closed here, until someone else keeps it
    this.isOpen = (name) => this.own.get(name) ?? /^layer\d+$/.test(name); // stages open, blocks closed
    this.sorted = null; // {column, down}
    this.at = [0, 0]; // how far it is scrolled: asking while drawing would lay out the page once more
    this.chosen = "";
    this.columns = recallColumns();
    box.insertAdjacentHTML("beforeend", TOOLS + SCROLL);
    const find = (selector) => box.querySelector(selector);
    [this.filter, this.kinds, this.notes] = [find("input[type=search]"), find("select"), find(".rx-notes")];
    this.scroll = find(".rx-table-box");
    [this.head, this.body, this.foot] = ["thead", "tbody", "tfoot"].map(find);
    this.addTools(find(".rx-table-tools"));
    this.listen();
  }

  addTools(tools) {
    this.all = makeButton("Open all");
    this.all.addEventListener("click", () => this.toggleAll());
    const popover = new Popover("Columns", (box) => {
      for (const { id, head, hint } of COLUMNS) {
        const label = document.createElement("label");
        label.innerHTML = `<input type="checkbox" value="${id}"><span></span>`;
        label.lastChild.textContent = head;
        label.title = hint || "";
        label.firstChild.checked = this.columns.has(id);
        box.append(label);
      }
    });
    popover.box.addEventListener("change", ({ target }) => {
      this.columns[target.checked ? "add" : "delete"](target.value);
      localStorage.setItem(KEY, JSON.stringify([...this.columns]));
      this.draw();
    });
    tools.append(this.all, popover.element);
  }

  /** Show what explorer/figures/rows.py describes; order, filter, scroll and selection stay. */
  show(data) {
    this.data = data;
    this.groups = readRows(data);
    for (const op of listOps(this.groups)) op.colour = data.kinds[op.kind][1];
    this.names = new Set([...listGroups(this.groups), ...listOps(this.groups)].map((row) => row.name));
    const options = Object.entries(data.kinds).map(([kind, [words]]) => new Option(words, kind));
    const kind = this.kinds.value in data.kinds ? this.kinds.value : "";
    this.kinds.replaceChildren(new Option("All kinds", ""), ...options);
    this.kinds.value = kind;
    this.draw();
  }

  /** From now on `isOpen(name)` says which groups are open; call this again whenever it says something else. */
  setOpen(isOpen) {
    this.isOpen = isOpen;
    this.shared = true;
    this.draw();
  }

  /** Whether a group or operation of this name is in the table, be it in a closed group. */
  has(name) {
    return Boolean(this.names?.has(foldName(this.groups, name)));
  }

  /** Mark a name as the selection; with `scroll`, bring its row into sight. */
  select(name, { scroll = false } = {}) {
    this.chosen = name;
    const [row] = this.mark("chosen", name);
    for (const old of this.body.querySelectorAll("[aria-current]")) old.removeAttribute("aria-current");
    row?.setAttribute("aria-current", "true");
    if (scroll && row) this.reveal(row);
  }

  /** Light a name up, or with "" nothing. */
  light(name) {
    this.mark("lit", name);
  }

  mark(kind, name) {
    for (const old of this.body.querySelectorAll(`.${kind}`)) old.classList.remove(kind);
    const rows = name && this.groups ? this.findRows(foldName(this.groups, name)) : [];
    for (const row of rows) row.classList.add(kind);
    return rows;
  }

  /** The row of a name; else those inside it; else that of what it is in. */
  findRows(name) {
    const rows = this.listRows();
    for (let path = name; path; path = path.slice(0, Math.max(0, path.lastIndexOf(".")))) {
      const own = rows.filter((row) => row.dataset.name === path);
      const found = own.length ? own : rows.filter((row) => row.dataset.name.startsWith(`${path}.`));
      if (found.length) return found;
    }
    return [];
  }

  listRows() {
    return [...this.body.querySelectorAll("tr[data-name]")];
  }

  get isFlat() {
    return Boolean(this.sorted || this.filter.value.trim() || this.kinds.value);
  }

  draw() {
    if (!this.data) return;
    const focused = this.body.contains(document.activeElement) && document.activeElement.closest("tr").dataset.name;
    this.shown = COLUMNS.filter((column) => this.columns.has(column.id));
    this.drawHead();
    const found = this.isFlat ? this.findOps() : null;
    this.body.innerHTML = found ? this.drawFlat(found) : this.groups.map((group) => this.drawGroup(group)).join("");
    this.drawFoot(found);
    if (this.at.some(Boolean)) this.scroll.scrollTo(...this.at);
    this.drawTools();
    this.select(this.chosen);
    if (focused) (this.findRows(focused)[0] || this.scroll).focus({ preventScroll: true });
  }

  findOps() {
    const ops = filterOps(listOps(this.groups), this.filter.value, this.kinds.value);
    return this.sorted ? sortOps(ops, this.sorted.column, this.sorted.down) : ops;
  }

  drawTools() {
    const groups = listGroups(this.groups);
    this.all.disabled = this.isFlat;
    this.all.textContent = groups.every((group) => this.isOpen(group.name)) ? "Close all" : "Open all";
    const hints = this.shown.filter((column) => column.hint).map(({ head, hint }) => `${head}: ${hint}`);
    if (this.isFlat && this.findOps().some((op) => op.repeat > 1)) hints.push("×N: N equal blocks, numbers of all together");
    this.notes.textContent = hints.join(" · ");
  }

  drawHead() {
    const heads = [NAME, ...this.shown].map(({ id, head, hint, number }) => {
      const down = this.sorted?.column.id === id ? this.sorted.down : null;
      const sort = down === null ? "none" : down ? "descending" : "ascending";
      const sign = down === null ? "" : down ? "▼" : "▲";
      return `<th scope="col" class="rx-col-${id}${number ? " rx-number" : ""}" aria-sort="${sort}"><button type="button" data-sort="${id}"
        title="${escapeHtml(hint || "")}">${head}<span aria-hidden="true">${sign}</span></button></th>`;
    });
    const focused = this.head.contains(document.activeElement) && document.activeElement.dataset.sort;
    this.head.innerHTML = `<tr>${heads.join("")}</tr>`;
    if (focused) this.head.querySelector(`[data-sort=${focused}]`)?.focus();
  }

  drawGroup(group) {
    const open = this.isOpen(group.name);
    const text = this.shown.filter((column) => column.text).length;
    const title = escapeHtml(group.title);
    const times = group.repeat > 1 ? ` <b class="rx-times">×${group.repeat}</b>` : "";
    const words = escapeHtml(group.words);
    const inside = open ? group.inner.map((inner) => this.drawGroup(inner)).join("") + group.ops.map((op) => this.drawOp(op)).join("") : "";
    return `<tr class="rx-group" data-name="${escapeHtml(group.name)}" data-depth="${group.depth}" tabindex="-1"><th scope="row"><button type="button"
      class="rx-chevron" tabindex="-1" aria-expanded="${open}" aria-label="Operations of ${title}"></button>${title}${times}</th>${
      text ? `<td colspan="${text}" title="${words}">${words}</td>` : ""}${this.drawCells(group, true, false)}</tr>${inside}`;
  }

  drawOp(op, flat = false) {
    const name = escapeHtml(op.name);
    const times = flat && op.repeat > 1 ? ` <b class="rx-times">×${op.repeat}</b>` : "";
    return `<tr data-name="${name}" data-depth="${flat ? 0 : op.group.depth + 1}" tabindex="-1"><th scope="row" title="${name}"><span
      class="rx-cut">${flat ? name : escapeHtml(op.relative)}</span>${times}</th>${this.drawCells(op, false, flat)}</tr>`;
  }

  /** The cells behind the name; a group has but the numbers, since words stand in the place of the others. */
  drawCells(row, isGroup, together) {
    return this.shown.filter((column) => !isGroup || !column.text).map(({ id, number, draw }) =>
      `<td class="rx-col-${id}${number ? " rx-number" : ""}">${draw(row, this.data.totals, together)}</td>`).join("");
  }

  drawFlat(ops) {
    if (ops.length) return ops.map((op) => this.drawOp(op, true)).join("");
    return `<tr class="rx-nothing"><td colspan="${this.shown.length + 1}">No operation has that. <button type="button" data-clear>Show all</button></td></tr>`;
  }

  drawFoot(found) {
    const { totals } = this.data;
    const sums = found ? sumOps(found) : totals;
    const filtered = found && sums.ops < totals.ops;
    const title = filtered ? `${formatCount(sums.ops)} of ${formatCount(totals.ops)} operations` : `all ${formatCount(totals.ops)} operations`;
    const row = { ...sums, field: null, output: [] };
    const cells = this.shown.map(({ id, text, number, draw }) =>
      `<td class="rx-col-${id}${number ? " rx-number" : ""}">${text || ["field", "output"].includes(id) ? "" : draw(row, totals, false)}</td>`);
    this.foot.innerHTML = `<tr><th scope="row" aria-live="polite">${title}</th>${cells.join("")}</tr>`;
  }

  listen() {
    const named = (event) => event.target.closest("tr[data-name]")?.dataset.name || "";
    this.body.addEventListener("click", (event) => {
      if (event.target.closest("[data-clear]")) return this.clear();
      const name = named(event);
      if (event.target.closest(".rx-chevron")) this.toggle(name, !this.isOpen(name));
      else if (name) this.on.onSelect(name);
    });
    this.body.addEventListener("mouseover", (event) => this.on.onHover(named(event)));
    this.body.addEventListener("mouseleave", () => this.on.onHover(""));
    this.head.addEventListener("click", (event) => this.sort(event.target.closest("[data-sort]")?.dataset.sort));
    this.scroll.addEventListener("keydown", (event) => this.press(event));
    this.scroll.addEventListener("scroll", () => (this.at = [this.scroll.scrollLeft, this.scroll.scrollTop]), { passive: true });
    for (const field of [this.filter, this.kinds]) field.addEventListener("input", () => this.draw());
    this.filter.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.filter.value) this.clear();
      if (event.key === "ArrowDown") this.move(0);
    });
  }

  clear() {
    this.filter.value = this.kinds.value = "";
    this.draw();
    this.filter.focus();
  }

  /** A column's heading was clicked: numbers begin with the largest; the third click goes back to the network's order. */
  sort(id) {
    const column = [NAME, ...COLUMNS].find((each) => each.id === id);
    if (!column) return;
    const first = Boolean(column.number);
    const again = this.sorted?.column === column;
    this.sorted = !again ? { column, down: first } : this.sorted.down === first ? { column, down: !first } : null;
    this.draw();
  }

  toggle(name, open) {
    if (!this.shared) {
      this.own.set(name, open);
      this.draw();
    }
    this.on.onToggle?.(name, open);
  }

  toggleAll() {
    const groups = listGroups(this.groups);
    const open = !groups.every((group) => this.isOpen(group.name));
    const others = groups.filter((group) => this.isOpen(group.name) !== open);
    if (!this.shared) for (const { name } of others) this.own.set(name, open);
    for (const { name } of others) this.on.onToggle?.(name, open);
    if (!this.shared) this.draw();
  }

  // up and down move the selection, right and left open and close, or go in and out
  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("thead")) return;
    const rows = this.listRows();
    const at = rows.findIndex((row) => row.getAttribute("aria-current"));
    const moves = {
      ArrowDown: () => this.move(at + 1),
      ArrowUp: () => this.move(at < 0 ? 0 : at - 1),
      Home: () => this.move(0),
      End: () => this.move(rows.length - 1),
      ArrowRight: () => this.step(rows[at], true),
      ArrowLeft: () => this.step(rows[at], false),
      Escape: () => this.on.onSelect(""),
    };
    if (!moves[event.key]) return;
    event.preventDefault();
    moves[event.key]();
  }

  move(index) {
    const row = this.listRows()[index];
    if (!row) return;
    this.on.onSelect(row.dataset.name);
    this.reveal(row);
    row.focus({ preventScroll: true });
  }

  /** Open a closed group, go into an open one; close an open group, go out to the group of anything else. */
  step(row, forward) {
    if (!row || this.isFlat) return;
    const chevron = row.querySelector(".rx-chevron");
    const open = chevron?.getAttribute("aria-expanded") === "true";
    if (chevron && open !== forward) return this.toggle(row.dataset.name, forward);
    const rows = this.listRows();
    const depth = Number(row.dataset.depth);
    if (forward && chevron) this.move(rows.indexOf(row) + 1);
    if (!forward && depth) this.move(rows.findLastIndex((other, index) => index < rows.indexOf(row) && Number(other.dataset.depth) < depth));
  }

  /** Scroll a row into sight, between head and foot. */
  reveal(row) {
    if (!this.scroll.clientHeight) return; // another view is shown
    const [outer, inner] = [this.scroll.getBoundingClientRect(), row.getBoundingClientRect()];
    const [top, bottom] = [outer.top + this.head.offsetHeight, outer.bottom - this.foot.offsetHeight - 2];
    if (inner.top < top) this.scroll.scrollTop -= top - inner.top;
    if (inner.bottom > bottom) this.scroll.scrollTop += inner.bottom - bottom;
  }
}

function recallColumns() {
  const usual = COLUMNS.filter((column) => !column.off).map((column) => column.id);
  try {
    const saved = JSON.parse(localStorage.getItem(KEY));
    return new Set(Array.isArray(saved) ? COLUMNS.map((column) => column.id).filter((id) => saved.includes(id)) : usual);
  } catch {
    return new Set(usual);
  }
}
