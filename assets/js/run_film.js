// The film: feature maps of one image as the network learns, at the time that is looked at.
import { make } from "./elements.js";
import { formatCount } from "./format.js";

const BASE64 = /^[A-Za-z0-9+/=]+$/;

/** The address of a base64 PNG from a record; null for what is none. */
export const addressPng = (text) => (BASE64.test(text) ? `data:image/png;base64,${text}` : null);

export class Film {
  constructor(view) {
    this.view = view;
    this.canvas = make("canvas", { class: "rx-film-picture", role: "img", width: 1, height: 1 });
    this.words = make("figcaption", {});
    this.nothing = make("p", { class: "rx-quiet rx-group-nothing" }, view.value.words.no_film);
    this.figure = make("figure", { class: "rx-film-figure", hidden: true }, this.canvas, this.words);
    this.element = make("div", { class: "rx-film" }, this.nothing, this.figure);
  }

  update(changed, at) {
    if (changed && !changed.has("film") && !changed.has("time")) return;
    const { frames } = this.view.store.film;
    const frame = at === null ? frames.at(-1) : frames.findLast((each) => each.step <= at) ?? frames[0];
    this.nothing.hidden = Boolean(frame);
    this.figure.hidden = !frame;
    if (frame && frame !== this.frame) this.draw(frame);
    this.frame = frame;
  }

  /** A canvas keeps the old picture until the new one is there: an image would flicker. */
  async draw(frame) {
    const [channels, height, width] = frame.shape;
    const words = `${frame.op}, step ${formatCount(frame.step)}: ${formatCount(channels)} channels of ${height} × ${width}.`;
    this.words.textContent = `${words} ${this.view.value.words.film}`;
    const address = addressPng(frame.maps);
    if (!address) return;
    const image = new Image();
    image.src = address;
    await image.decode().catch(() => {});
    if (frame !== this.frame || !image.naturalWidth) return;
    this.canvas.setAttribute("aria-label", `Feature maps of ${words}`);
    this.canvas.dataset.step = frame.step;
    if (this.canvas.width !== image.naturalWidth || this.canvas.height !== image.naturalHeight)
      Object.assign(this.canvas, { width: image.naturalWidth, height: image.naturalHeight });
    this.canvas.getContext("2d").drawImage(image, 0, 0);
  }
}
