// What each cell of the drawn matrix says: one path's figures, or those of two locations together
// (the median of the medians, the worst loss). Pure.

import type { Cell, Mesh, State } from "../data/mesh";
import type { Item } from "./axis";
import { median } from "../base/statistics";

export type Metric = "p50" | "p90" | "p99" | "jitter" | "loss";

export const METRICS: Record<Metric, string> = {
  p50: "Median round trip",
  p90: "90th percentile",
  p99: "99th percentile",
  jitter: "Jitter",
  loss: "Loss",
};

export interface GridCell {
  state: State;
  /** Nanoseconds, or a share where the metric is loss; null: there is none. */
  value: number | null;
  /** The worst share of probes lost. */
  loss: number;
  /** Paths in it by state; one path unless a location is folded. */
  paths: number;
  failed: number;
  stale: number;
}

function metricOf(cell: Cell | null, ns: number | null, metric: Metric): number | null {
  if (!cell) return metric === "p50" ? ns : null; // predictions are of the round trip
  if (metric === "loss") return cell.sent > 0 ? cell.lost / cell.sent : null;
  return cell[metric];
}

const EMPTY: GridCell = { state: "unknown", value: null, loss: 0, paths: 0, failed: 0, stale: 0 };

/** The best that can be said of several paths together: what is measured outweighs the rest. */
const PRECEDENCE: State[] = ["measured", "failed", "stale", "predicted", "unknown", "self"];

export function gridCell(mesh: Mesh, row: Item, column: Item, metric: Metric, now: number): GridCell {
  if (row.members.length === 1 && column.members.length === 1) {
    const shown = mesh.shown(row.members[0]!, column.members[0]!, now);
    const { cell, state } = shown;
    return {
      state, value: metricOf(cell, shown.ns, metric),
      loss: cell && cell.sent > 0 ? cell.lost / cell.sent : 0,
      paths: state === "self" ? 0 : 1, failed: state === "failed" ? 1 : 0, stale: state === "stale" ? 1 : 0,
    };
  }
  const result: GridCell = { ...EMPTY };
  const values = new Map<State, number[]>();
  const seen = new Set<State>();
  for (const from of row.members) {
    for (const to of column.members) {
      const shown = mesh.shown(from, to, now);
      if (shown.state === "self") continue;
      const { cell, state } = shown;
      const value = metricOf(cell, shown.ns, metric);
      seen.add(state);
      result.paths++;
      if (state === "failed") result.failed++;
      if (state === "stale") result.stale++;
      if (cell && cell.sent > 0 && state !== "stale") result.loss = Math.max(result.loss, cell.lost / cell.sent);
      if (value !== null) values.set(state, [...(values.get(state) ?? []), value]);
    }
  }
  result.state = PRECEDENCE.find((state) => seen.has(state)) ?? "self";
  const own = values.get(result.state) ?? [];
  result.value = metric === "loss" && own.length ? Math.max(...own) : median(own);
  return result;
}

export function makeGrid(mesh: Mesh, rows: readonly Item[], columns: readonly Item[], metric: Metric, now: number): GridCell[][] {
  return rows.map((row) => columns.map((column) => gridCell(mesh, row, column, metric, now)));
}

/** The values that set the colour scale's ends: what is measured, or else what there is. */
export function scaleValues(grid: readonly (readonly GridCell[])[]): number[] {
  const all = grid.flat().filter((cell) => cell.value !== null && cell.value > 0);
  const measured = all.filter((cell) => cell.state === "measured");
  return (measured.length ? measured : all).map((cell) => cell.value!);
}

export interface Summary {
  nodes: number;
  measured: number;
  failed: number;
  stale: number;
  predicted: number;
  unknown: number;
  lossy: number;
  median: number | null;
}

const LOSS_WORTH_SAYING = 0.02;

export function summarize(mesh: Mesh, now: number): Summary {
  const sum = { nodes: mesh.nodes.length, measured: 0, failed: 0, stale: 0, predicted: 0, unknown: 0, lossy: 0 };
  const rtts: number[] = [];
  for (let from = 0; from < mesh.nodes.length; from++) {
    for (let to = 0; to < mesh.nodes.length; to++) {
      const { state, cell, ns } = mesh.shown(from, to, now);
      if (state === "self") continue;
      sum[state]++;
      if (state !== "measured" || !cell) continue;
      if (ns !== null) rtts.push(ns);
      if (cell.sent > 0 && cell.lost / cell.sent > LOSS_WORTH_SAYING) sum.lossy++;
    }
  }
  return { ...sum, median: median(rtts) };
}

export interface Worst {
  /** null: so many paths from different nodes that the one they lead to is what to look at. */
  from: number | null;
  to: number;
  state: State;
  ns: number | null;
  loss: number;
  /** How many paths it stands for. */
  paths: number;
}

const SAME_END_MIN = 3; // failed paths to one node, from which they are told together

function failedTogether(all: readonly Worst[]): Worst[] {
  const byEnd = new Map<number, Worst[]>();
  for (const path of all) {
    if (path.state === "failed") byEnd.set(path.to, [...(byEnd.get(path.to) ?? []), path]);
  }
  return [...byEnd.values()].filter((paths) => paths.length >= SAME_END_MIN)
    .map((paths) => ({ ...paths[0]!, from: null, paths: paths.length }));
}

/** The paths that one would look at first: failed ones, then those that lose most, then the slowest. */
export function worstPaths(mesh: Mesh, most: number, now: number): Worst[] {
  const all: Worst[] = [];
  for (let from = 0; from < mesh.nodes.length; from++) {
    mesh.row(from)?.cells.forEach((_, to) => {
      const { state, cell, ns } = mesh.shown(from, to, now);
      if (state !== "failed" && state !== "measured") return;
      all.push({ from, to, state, ns, loss: cell && cell.sent > 0 ? cell.lost / cell.sent : 0, paths: 1 });
    });
  }
  const failed = (path: Worst) => (path.state === "failed" ? 1 : 0);
  const lossy = (path: Worst) => (path.loss > LOSS_WORTH_SAYING ? path.loss : 0);
  const together = failedTogether(all);
  const told = new Set(together.map((path) => path.to));
  const single = all.filter((path) => path.state !== "failed" || !told.has(path.to));
  const list = [...together, ...single];
  list.sort((a, b) => failed(b) - failed(a) || b.paths - a.paths || lossy(b) - lossy(a) || (b.ns ?? 0) - (a.ns ?? 0));
  return list.slice(0, most);
}
