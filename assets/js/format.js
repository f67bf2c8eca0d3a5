// Numbers as people read them, as explorer/figures/format.py writes them.

const THIN = "\u2009";

/** Exact, thousands set apart by a thin space: "25 557 032". */
export function formatCount(number) {
  return String(number).replace(/\B(?=(\d{3})+(?!\d))/g, THIN);
}

/** Three significant digits with an SI prefix: "25.6 M", "4.09 G". */
export function formatSi(number) {
  for (const [size, prefix] of [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]])
    if (Math.abs(number) >= size * 0.9995) return `${threeDigits(number / size)} ${prefix}`;
  return `${+number.toPrecision(6)} `;
}

function threeDigits(value) {
  const size = Math.abs(value);
  return value.toFixed(size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2);
}

/** "25.7 MB", in powers of ten. */
export function formatBytes(number) {
  return `${formatSi(number)}B`;
}

/** A percentage with one decimal; empty where there is nothing. */
export function formatShare(part, whole) {
  return part && whole ? `${((100 * part) / whole).toFixed(1)}%` : "";
}

/** Text as HTML shows it. */
export function escapeHtml(text) {
  return String(text).replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
