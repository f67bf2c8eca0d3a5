// Amounts as people write them, read as explorer/architecture/search.py reads them: "5M", "4.1G", "600k", "2_000_000".

const SUFFIXES = { "": 0, k: 3, m: 6, g: 9, b: 9, t: 12 };
const SIZES = [["T", 12], ["G", 9], ["M", 6], ["k", 3]];

/** The whole number that a text stands for; null where it is none. */
export function parseAmount(text) {
  const match = /^([0-9][0-9_,]{0,23}(?:\.[0-9]{1,12})?)\s?([kmgbt]?)$/i.exec(text.trim());
  // decimal text is read as one number: 4.1 times 10^9 would be rounded twice
  return match && Math.trunc(Number(`${match[1].replace(/[_,]/g, "")}e${SUFFIXES[match[2].toLowerCase()]}`));
}

/** The shortest text that reads back as the same number: "5M", "4.1G", "1234567". */
export function writeAmount(number) {
  for (const [suffix, digits] of SIZES) {
    const text = String(number / 10 ** digits);
    if (number >= 10 ** digits && text.length < 7 && parseAmount(text + suffix) === number) return text + suffix;
  }
  return String(number);
}

/** Two significant digits, for what a slider says. */
export function roundAmount(number) {
  return Math.max(1, Math.round(Number(number.toPrecision(number < 1000 ? 3 : 2))));
}
