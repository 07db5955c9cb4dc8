// Which end sees the path slower, in words and on one scale. Pure.

import type { AsymmetryPair } from "../data/types";

export interface Ranked {
  pair: AsymmetryPair;
  /** The end whose own probes are slower comes first. */
  slow: "ab" | "ba";
}

export function ranked(pairs: readonly AsymmetryPair[], beyondOnly: boolean, find: string): Ranked[] {
  const words = find.toLowerCase().split(/\s+/);
  return pairs
    .filter((pair) => !beyondOnly || pair.beyond_noise || pair.loss_beyond_noise)
    .filter((pair) => {
      const text = `${pair.a_location} ${pair.b_location} ${pair.a} ${pair.b}`.toLowerCase();
      return words.every((word) => text.includes(word));
    })
    .map((pair) => ({ pair, slow: pair.difference_ns >= 0 ? "ab" : "ba" }));
}

/** The faster end's median: what the other one is compared with. */
export function faster_ns(pair: AsymmetryPair): number {
  return Math.max(1, Math.min(pair.ab.p50_ns, pair.ba.p50_ns));
}

/**
 * By how much a figure is above the faster end's median, in the worst of the rows: the end of the one
 * scale that all of them are drawn on, so that they can be compared. Round.
 */
export function commonEnd(pairs: readonly AsymmetryPair[]): number {
  const most = pairs.reduce((worst, pair) => Math.max(worst, Math.abs(pair.difference_ns) / faster_ns(pair)), 0.05);
  return [0.1, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 1.5, 2, 3, 4, 5, 7.5, 10].find((end) => end >= most * 1.05) ?? 20;
}
