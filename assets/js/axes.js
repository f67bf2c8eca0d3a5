// Logarithmic axes: where a value stands, and which values are written beside the axis.

export class Scale {
  /** From the exponents `low` and `high` (of 10) to the pixels `from` and `to`. */
  constructor([low, high], from, to) {
    Object.assign(this, { low, high, from, to, slope: (to - from) / (high - low) });
  }

  at(value) {
    return this.from + (Math.log10(value) - this.low) * this.slope;
  }

  /** The exponent at a pixel. */
  invert(pixel) {
    return this.low + (pixel - this.from) / this.slope;
  }

  /** Values to write, at most one in about `room` pixels. */
  list(room) {
    const most = Math.max(2, Math.floor(Math.abs(this.to - this.from) / room));
    for (const steps of [[1, 2, 5], [1, 3], [1]]) {
      const values = this.listDecades(steps);
      if (values.length <= most && values.length > 1) return values;
    }
    const decades = this.listDecades([1]);
    if (decades.length > 2) return decades.filter((_, index) => index % Math.ceil(decades.length / most) === 0);
    return this.listEven(most);
  }

  listDecades(steps) {
    const values = [];
    for (let power = Math.floor(this.low); power <= this.high; power++)
      for (const step of steps) values.push(Math.round(step * 10 ** power * 1e6) / 1e6);
    return values.filter((value) => Math.log10(value) >= this.low && Math.log10(value) <= this.high);
  }

  listEven(most) {
    const [first, last] = [10 ** this.low, 10 ** this.high];
    const rough = (last - first) / most, power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough);
    const values = [];
    for (let value = Math.ceil(first / step) * step; value <= last; value += step) values.push(Number(value.toPrecision(12)));
    return values;
  }
}

/** A range of exponents that holds all values with some air, and moves in steps, so that growth does not jitter it. */
export function fit(least, most) {
  if (!(least <= most)) return [0, 1];
  const low = Math.floor((Math.log10(Math.max(least, 1e-9)) - 0.05) * 5) / 5;
  const high = Math.ceil((Math.log10(Math.max(most, 1e-9)) + 0.05) * 5) / 5;
  return high - low < 0.4 ? [low - 0.2, high + 0.2] : [low, high];
}
