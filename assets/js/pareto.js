// The points that no other beats in two measures, as explorer/architecture/search.py finds them in any number.

/**
 * Indices among `count` points, from the best in `x` to the best in `y`. `betterX` and `betterY` are -1 where less is
 * better and 1 where more is; `takes(index)` says whether a point stands for election. Points that are equal in both
 * stay together.
 */
export function findPareto(count, x, y, betterX, betterY, takes) {
  const front = []; // sorted by a, and so from large to small b; less is better in both
  for (let index = 0; index < count; index++) {
    if (!takes(index)) continue;
    const a = -betterX * x[index], b = -betterY * y[index];
    const place = findAfter(front, a);
    const before = front[place - 1]; // of those as good in a, the best in b
    if (before && before.b <= b) {
      if (before.b === b && before.a === a) before.members.push(index);
      continue;
    }
    const start = before && before.a === a ? place - 1 : place;
    let end = start;
    while (end < front.length && front[end].b >= b) end++;
    front.splice(start, end - start, { a, b, members: [index] });
  }
  return front.flatMap(({ members }) => members);
}

/** How many of the front have at most this a. */
function findAfter(front, a) {
  let [low, high] = [0, front.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (front[middle].a <= a) low = middle + 1;
    else high = middle;
  }
  return low;
}
