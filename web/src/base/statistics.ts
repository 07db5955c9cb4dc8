// A few statistics over plain arrays. Pure.

/** The median of the finite values; null if there is none. */
export function median(values: readonly number[]): number | null {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  const half = sorted.length >> 1;
  if (sorted.length === 0) return null;
  return sorted.length % 2 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

/** All but the outermost share of the values at each end; null if there is nothing. */
export function middleExtent(values: readonly number[], share: number): [number, number] | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const cut = Math.floor((sorted.length - 1) * share);
  return [sorted[cut]!, sorted[sorted.length - 1 - cut]!];
}

/** Smallest and largest; null if there is nothing. */
export function extent(values: Iterable<number>): [number, number] | null {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [low, high] : null;
}
