// A long network at a glance, beside the graph: where one is, and a way to get elsewhere.

const WIDTH = 56;

export class Minimap {
  constructor(graph, canvas) {
    Object.assign(this, { graph, canvas });
    const go = (event) => {
      const share = (event.clientY - canvas.getBoundingClientRect().top) / canvas.clientHeight;
      graph.box.scrollTop = share * graph.box.scrollHeight - graph.box.clientHeight / 2;
    };
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      go(event);
    });
    canvas.addEventListener("pointermove", (event) => event.buttons && go(event));
    addEventListener("rx-theme", () => this.draw());
  }

  /** Draw it in the next frame, once. */
  ask() {
    if (this.asked) return;
    this.asked = requestAnimationFrame(() => {
      this.asked = 0;
      this.draw();
    });
  }

  /** Draw it where the graph is longer than what is seen of it. */
  draw() {
    const { box, stack, scale } = this.graph;
    const height = box.clientHeight, ratio = devicePixelRatio || 1;
    Object.assign(this.canvas, { width: WIDTH * ratio, height: height * ratio });
    Object.assign(this.canvas.style, { width: `${WIDTH}px`, height: `${height}px` });
    const pen = this.canvas.getContext("2d");
    pen.scale(ratio, ratio);
    // a short network needs none, but its place stays, so that nothing jumps
    const needed = stack && box.scrollHeight > 1.2 * box.clientHeight;
    this.canvas.toggleAttribute("data-idle", !needed);
    if (!needed) return;
    this.drawParts(pen, height / stack.height, (WIDTH - 8) / (stack.left + stack.right));
    const colour = getComputedStyle(this.canvas).getPropertyValue("--rx-accent");
    pen.strokeStyle = colour;
    pen.lineWidth = 1.5;
    const span = Math.max(6, (box.clientHeight / scale) * (height / stack.height));
    pen.strokeRect(1, (box.scrollTop / box.scrollHeight) * height, WIDTH - 2, Math.min(span, height - 2));
  }

  drawParts(pen, down, across) {
    const style = getComputedStyle(this.canvas);
    const { stack, order } = this.graph;
    pen.fillStyle = style.getPropertyValue("--rx-border");
    for (const { top, bottom, depth } of stack.frames)
      if (!depth) pen.fillRect(2, top * down, WIDTH - 4, Math.max(1, (bottom - top) * down));
    const line = style.getPropertyValue("--rx-line"), heat = style.getPropertyValue("--rx-heat");
    for (const spot of order) {
      if (spot.frame) continue;
      const share = this.graph.heat ? this.graph.share(spot) : undefined;
      pen.fillStyle = share === undefined ? line : heat;
      pen.globalAlpha = share === undefined ? (this.graph.heat ? 0.4 : 1) : 0.12 + 0.88 * share;
      const wide = Math.max(3, spot.w * across);
      pen.fillRect(4 + (spot.x + stack.left) * across - wide / 2, spot.y * down, wide, Math.max(1, spot.h * down * 0.6));
    }
    pen.globalAlpha = 1;
  }
}
