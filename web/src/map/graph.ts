// Places and links for the map, and a plane for nodes whose place is not known: their network
// coordinates, seen from the side that tells most. Pure.

import { type Mesh, type Node, type Shown } from "../data/mesh";
import { median } from "../base/statistics";

export interface Dot {
  label: string;
  nodes: Node[];
}

export interface Link {
  from: number;
  to: number;
  /** The median of the medians of all paths both ways, in nanoseconds. */
  ns: number | null;
  failed: number;
  measured: number;
  stale: number;
}

export function dotsOf(nodes: readonly Node[], nameOf: (node: Node) => string): Dot[] {
  const dots = new Map<string, Dot>();
  for (const node of nodes) {
    const name = nameOf(node);
    const dot = dots.get(name) ?? { label: name, nodes: [] };
    dot.nodes.push(node);
    dots.set(name, dot);
  }
  return [...dots.values()];
}

function pathsBetween(mesh: Mesh, a: Dot, b: Dot, now: number): Shown[] {
  return a.nodes.flatMap((from) => b.nodes.flatMap((to) =>
    [mesh.shown(from.index, to.index, now), mesh.shown(to.index, from.index, now)]));
}

/** A link for each two dots between which anything is or was measured. */
export function linksOf(mesh: Mesh, dots: readonly Dot[], now: number): Link[] {
  const links: Link[] = [];
  for (let from = 0; from < dots.length; from++) {
    for (let to = from + 1; to < dots.length; to++) {
      const paths = pathsBetween(mesh, dots[from]!, dots[to]!, now);
      const of = (state: string) => paths.filter((path) => path.state === state);
      const measured = of("measured");
      const [failed, stale] = [of("failed").length, of("stale").length];
      if (measured.length + failed + stale === 0) continue;
      const values = measured.flatMap((path) => (path.ns === null ? [] : [path.ns]));
      links.push({ from, to, ns: median(values), failed, measured: measured.length, stale });
    }
  }
  return links;
}

export type Xy = [number, number];

/** The direction in which points differ most: a few steps of power iteration on their covariance. */
function mainDirection(points: readonly number[][], without?: readonly number[]): number[] {
  let direction = without ? [-without[1]!, without[0]!, 0.3] : [1, 0.7, 0.4];
  for (let step = 0; step < 24; step++) {
    const next = [0, 0, 0];
    for (const point of points) {
      const along = point.reduce((sum, value, i) => sum + value * direction[i]!, 0);
      point.forEach((value, i) => { next[i]! += along * value; });
    }
    if (without) {
      const along = next.reduce((sum, value, i) => sum + value * without[i]!, 0);
      without.forEach((value, i) => { next[i]! -= along * value; });
    }
    const length = Math.hypot(...next);
    if (length < 1e-9) return direction;
    direction = next.map((value) => value / length);
  }
  return direction;
}

/** Each node's place on a plane of 0 to 1 by 0 to 1, by its coordinate; null where it has none. */
export function plane(nodes: readonly Node[]): (Xy | null)[] {
  const known = nodes.filter((node) => node.coordinate);
  if (known.length === 0) return nodes.map(() => null);
  const center = [0, 1, 2].map((i) => known.reduce((sum, node) => sum + node.coordinate![i]!, 0) / known.length);
  const centered = known.map((node) => [0, 1, 2].map((i) => node.coordinate![i]! - center[i]!));
  const first = mainDirection(centered);
  const second = mainDirection(centered, first);
  const flat = centered.map((point): Xy => [
    point.reduce((sum, value, i) => sum + value * first[i]!, 0),
    point.reduce((sum, value, i) => sum + value * second[i]!, 0)]);
  const size = Math.max(1e-6, ...flat.flatMap((xy) => xy.map(Math.abs)));
  const byKey = new Map(known.map((node, i) => [node.key, [0.5 + flat[i]![0] / size / 2, 0.5 + flat[i]![1] / size / 2] as Xy]));
  return nodes.map((node) => byKey.get(node.key) ?? null);
}
