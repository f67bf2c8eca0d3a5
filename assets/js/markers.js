// A marker for each kind of variant, as a stamp of pixels for the cloud and as a path for whatever is drawn larger.

const INSIDE = {
  basic: (x, y, r) => Math.max(Math.abs(x), Math.abs(y)) <= r * 0.8,
  bottleneck: (x, y, r) => Math.hypot(x, y) <= r,
  grouped: (x, y, r) => y <= r * 0.75 && Math.abs(x) <= (y + r) * 0.6,
  attention: (x, y, r) => Math.abs(x) + Math.abs(y) <= r * 1.15,
  dense: (x, y, r) => Math.min(Math.abs(x), Math.abs(y)) <= r * 0.34 && Math.max(Math.abs(x), Math.abs(y)) <= r * 1.1,
};

/** Offsets [x, y, x, y, ...] of the pixels of a marker with this radius. */
export function stamp(kind, radius) {
  const offsets = [], reach = Math.ceil(radius * 1.2);
  for (let y = -reach; y <= reach; y++)
    for (let x = -reach; x <= reach; x++) if (INSIDE[kind](x, y, radius)) offsets.push(x, y);
  return Int8Array.from(offsets);
}

/** The same as the data of an SVG path around 0, 0. */
export function outline(kind, r) {
  const s = (factor) => (factor * r).toFixed(2);
  return {
    basic: `M${s(-0.8)} ${s(-0.8)}H${s(0.8)}V${s(0.8)}H${s(-0.8)}Z`,
    bottleneck: `M${s(-1)} 0A${r} ${r} 0 1 0 ${s(1)} 0A${r} ${r} 0 1 0 ${s(-1)} 0Z`,
    grouped: `M0 ${s(-1)}L${s(1)} ${s(0.75)}H${s(-1)}Z`,
    attention: `M0 ${s(-1.15)}L${s(1.15)} 0L0 ${s(1.15)}L${s(-1.15)} 0Z`,
    dense: `M${s(-0.34)} ${s(-1.1)}H${s(0.34)}V${s(-0.34)}H${s(1.1)}V${s(0.34)}H${s(0.34)}V${s(1.1)}H${s(-0.34)}V${s(0.34)}H${s(-1.1)}V${s(-0.34)}H${s(-0.34)}Z`,
  }[kind];
}
