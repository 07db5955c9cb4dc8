// From the rows of the history to what is plotted. Pure.
//
// A plot has one list of times. Where two directions are told at different times, a value that is
// not there is undefined (the line goes on to the next one), while a gap in what was measured is
// null (the line ends).

import type { HistoryAnswer, HistoryRow } from "../data/types";

export interface Point {
  /** Seconds since 1970; the middle of the row's step. */
  at: number;
  p10: number | null;
  p50: number | null;
  p90: number | null;
  p99: number | null;
  sent: number;
  lost: number;
}

const ms = (ns: number | null) => (ns === null ? null : ns / 1e6);

export function pointsOf(answer: HistoryAnswer | null): Point[] {
  if (!answer) return [];
  return answer.rows.map((row) => ({
    at: Date.parse(row.t) / 1000 + answer.step_s / 2,
    p10: ms(row.p10_ns), p50: ms(row.p50_ns), p90: ms(row.p90_ns), p99: ms(row.p99_ns),
    sent: row.sent, lost: row.lost,
  }));
}

const HOLE: Omit<Point, "at"> = { p10: null, p50: null, p90: null, p99: null, sent: 0, lost: 0 };

/** With an empty point wherever rows are missing. */
export function withGaps(points: readonly Point[], step_s: number): Point[] {
  return points.flatMap((point, i) => {
    const before = points[i - 1];
    const hole = before && point.at - before.at > 1.5 * step_s;
    return hole ? [{ ...HOLE, at: before.at + step_s }, point] : [point];
  });
}

export type Column = (number | null | undefined)[];

/** The points at those times; between an empty one and the next there is nothing but emptiness. */
function pointsAt(times: readonly number[], points: readonly Point[]): (Point | undefined)[] {
  const byTime = new Map(points.map((point) => [point.at, point]));
  let last: Point | undefined;
  return times.map((time) => {
    const point = byTime.get(time);
    last = point ?? last;
    return point ?? (last?.p50 === null ? last : undefined);
  });
}

/** One list of times, and for each list of points the chosen figures at those times. */
export function aligned(lists: readonly (readonly Point[])[], figures: readonly (readonly (keyof Point)[])[]): [number[], ...Column[]] {
  const times = [...new Set(lists.flatMap((points) => points.map((point) => point.at)))].sort((a, b) => a - b);
  const columns = lists.flatMap((points, i) => {
    const there = pointsAt(times, points);
    return figures[i]!.map((name): Column => there.map((point) => point?.[name]));
  });
  return [times, ...columns];
}

const largest = (values: readonly number[]) => values.reduce((a, b) => Math.max(a, b), -Infinity);
const smallest = (values: readonly number[]) => values.reduce((a, b) => Math.min(a, b), Infinity);

/** The ends of the vertical axis: everything but the most extreme two of a hundred 99th percentiles. */
export function valueRange(lists: readonly (readonly Point[])[]): [number, number] {
  const points = lists.flat().filter((point) => point.p50 !== null);
  if (!points.length) return [0, 1];
  const tops = points.map((point) => point.p99 ?? point.p50!).sort((a, b) => a - b);
  const high = Math.max(tops[Math.floor((tops.length - 1) * 0.98)]!, largest(points.map((point) => point.p90 ?? point.p50!)));
  const low = smallest(points.map((point) => point.p10 ?? point.p50!));
  const room = Math.max((high - low) * 0.08, high * 0.02);
  return [low < high * 0.35 ? 0 : Math.max(0, low - room), high + room];
}

export interface Totals {
  sent: number;
  lost: number;
  median: number | null;
  mean: number | null;
  p10: number | null;
  p99: number | null;
  max: number | null;
}

/** Of the whole range. The median is that of the rows' medians, the mean is exact. */
export function totalsOf(answer: HistoryAnswer | null): Totals | null {
  if (!answer || answer.rows.length === 0) return null;
  const rows = answer.rows.filter((row): row is HistoryRow & { p50_ns: number } => row.n > 0 && row.p50_ns !== null);
  const sum = (pick: (row: HistoryRow) => number) => answer.rows.reduce((total, row) => total + pick(row), 0);
  const medians = rows.map((row) => row.p50_ns).sort((a, b) => a - b);
  const count = rows.reduce((total, row) => total + row.n, 0);
  return {
    sent: sum((row) => row.sent), lost: sum((row) => row.lost),
    median: medians.length ? medians[medians.length >> 1]! : null,
    mean: count ? rows.reduce((total, row) => total + (row.mean_ns ?? row.p50_ns) * row.n, 0) / count : null,
    p10: medians.length ? smallest(rows.map((row) => row.p10_ns ?? row.p50_ns)) : null,
    p99: medians.length ? largest(rows.map((row) => row.p99_ns ?? row.p50_ns)) : null,
    max: medians.length ? largest(rows.map((row) => row.max_ns ?? row.p50_ns)) : null,
  };
}

export const STACK = ["dns", "tcp", "tls", "first", "last"] as const;

type Means = Record<string, number | null>;

/** Means of the phases, each on top of those before it, in milliseconds; null: nothing is known. */
export function stacked(answer: HistoryAnswer | null): [number[], ...Column[]] | null {
  if (!answer) return null;
  const steps: { at: number; means: Means | null }[] = [];
  for (const row of answer.rows) {
    const at = Date.parse(row.t) / 1000 + answer.step_s / 2;
    const before = steps.at(-1);
    if (before && at - before.at > 1.5 * answer.step_s) steps.push({ at: before.at + answer.step_s, means: null });
    const means = row.mean_ns_by_phase ?? {};
    steps.push({ at, means: STACK.some((phase) => typeof means[phase] === "number") ? means : null });
  }
  if (steps.every(({ means }) => means === null)) return null;
  const floor = steps.map(() => 0);
  const columns = STACK.map((phase): Column => steps.map(({ means }, i) => {
    if (means) floor[i]! += (means[phase] ?? 0) / 1e6;
    return means && floor[i]!;
  }));
  return [steps.map(({ at }) => at), ...columns];
}
