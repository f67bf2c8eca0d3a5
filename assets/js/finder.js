// Search in the graph, by name or by kind, closed parts too.

export class Finder {
  /** `show(name)` selects and scrolls to a hit. */
  constructor(graph, { input, count }, show) {
    Object.assign(this, { graph, input, count, show, at: -1 });
    input.addEventListener("input", () => this.search());
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.step(event.shiftKey ? -1 : 1);
      if (event.key === "Escape") this.clear();
    });
  }

  clear() {
    this.input.value = "";
    this.search();
  }

  /** Search again where there is another network to search in. */
  update() {
    if (this.data !== this.graph.data) this.search();
  }

  search() {
    const words = this.input.value.trim().toLowerCase();
    this.hits = words ? this.list().filter(([name, label]) => name.includes(words) || label.includes(words)) : [];
    this.at = -1;
    this.say(words);
  }

  say(words = this.input.value.trim()) {
    const found = this.at < 0 ? `${this.hits.length}` : `${this.at + 1} of ${this.hits.length}`;
    this.count.textContent = !words ? "" : this.hits.length ? `${found}, Enter goes on` : "none";
  }

  step(by) {
    if (!this.hits?.length) return;
    this.at = (this.at + by + this.hits.length) % this.hits.length;
    this.say();
    this.show(this.hits[this.at][0]);
  }

  /** Names and labels of every part and operation, of folds the first block's. */
  list() {
    const { data } = this.graph;
    if (this.data === data) return this.all;
    const found = new Map();
    const read = (item) => {
      for (const number of [item.closed, item.opened])
        for (const [, name, label] of number === null ? [] : data.pieces[number].svg.matchAll(/data-name="([^"]*)"[^>]*><title>([^<]*)/g))
          found.set(name.replace("@", item.name), label.replaceAll("@", item.name).toLowerCase());
      item.parts?.forEach(read);
    };
    data.items.forEach(read);
    this.data = data;
    this.all = [...found];
    return this.all;
  }
}

