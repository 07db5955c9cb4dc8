// One axis of the matrix: nodes in order, those of one location together, some locations folded
// into one line. Pure.

import type { Mesh, Node } from "../data/mesh";
import { median } from "../base/statistics";

export type Sort = "location" | "trouble" | "name";

/** A line (or a column): one node, or a folded location. */
export interface Item {
  label: string;
  /** More about it, shown where there is room. */
  detail: string;
  members: readonly number[];
  location: string;
  folded: boolean;
  /** Of the nodes of its location, where it has more than one: where in the group it stands. */
  group: "none" | "first" | "middle" | "last";
}

/** "Paris,FR" comes under FR: neighbours on the map are neighbours in the matrix. */
export function locationOrder(location: string): string {
  const comma = location.lastIndexOf(",");
  if (!location) return "\uffff"; // unknown places come last
  if (comma < 0) return location.toLowerCase();
  return `${location.slice(comma + 1).trim()} ${location.slice(0, comma).trim()}`.toLowerCase();
}

/** How bad things are at a node, the worst first: failed paths, then loss, then slowness. */
export interface Trouble {
  failed: number;
  loss: number;
  slow: number;
}

export function troubleOf(mesh: Mesh, index: number, now: number): Trouble {
  const trouble: Trouble = { failed: 0, loss: 0, slow: 0 };
  const rtts: number[] = [];
  mesh.nodes.forEach((_, other) => {
    for (const [from, to] of [[index, other], [other, index]] as const) {
      const shown = mesh.shown(from, to, now);
      if (shown.state === "failed") trouble.failed++;
      if (shown.state !== "measured" || !shown.cell) continue;
      if (shown.cell.sent > 0) trouble.loss = Math.max(trouble.loss, shown.cell.lost / shown.cell.sent);
      if (shown.ns !== null) rtts.push(shown.ns);
    }
  });
  trouble.slow = median(rtts) ?? 0;
  return trouble;
}

export function compareTrouble(a: Trouble, b: Trouble): number {
  return b.failed - a.failed || b.loss - a.loss || b.slow - a.slow;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

interface Group {
  location: string;
  nodes: Node[];
}

function groupsOf(nodes: readonly Node[]): Group[] {
  const groups = new Map<string, Group>();
  for (const node of nodes) {
    const name = node.location || `\u0000${node.key}`; // unknown places are no group
    const group = groups.get(name) ?? { location: node.location, nodes: [] };
    group.nodes.push(node);
    groups.set(name, group);
  }
  return [...groups.values()];
}

function byName(a: Node, b: Node): number {
  return a.host.localeCompare(b.host, "en", { numeric: true });
}

function sortGroups(groups: Group[], mesh: Mesh, sort: Sort, now: number): void {
  if (sort === "name") {
    groups.forEach((group) => group.nodes.sort(byName));
    groups.sort((a, b) => byName(a.nodes[0]!, b.nodes[0]!));
  } else if (sort === "location") {
    groups.forEach((group) => group.nodes.sort(byName));
    groups.sort((a, b) => compareText(locationOrder(a.location), locationOrder(b.location)) || byName(a.nodes[0]!, b.nodes[0]!));
  } else {
    const troubles = new Map(mesh.nodes.map((node) => [node.index, troubleOf(mesh, node.index, now)]));
    const compare = (a: Node, b: Node) => compareTrouble(troubles.get(a.index)!, troubles.get(b.index)!) || byName(a, b);
    groups.forEach((group) => group.nodes.sort(compare));
    groups.sort((a, b) => compare(a.nodes[0]!, b.nodes[0]!));
  }
}

function nodeItem(node: Node, place: number, of: number): Item {
  const group = of < 2 ? "none" : place === 0 ? "first" : place === of - 1 ? "last" : "middle";
  return {
    label: node.location || node.host,
    detail: node.location ? node.host : "",
    members: [node.index], location: node.location, folded: false, group,
  };
}

export function matches(node: Node, find: string): boolean {
  const text = `${node.location} ${node.host} ${node.url} ${node.key}`.toLowerCase();
  return find.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

/** "paris" is looked for among the rows, "to:paris" among the columns; both can be given. */
export function findWords(find: string): { rows: string; columns: string } {
  const words = find.trim().split(/\s+/).filter(Boolean);
  const of = (wanted: boolean) => words.filter((word) => /^to:/i.test(word) === wanted).map((word) => word.replace(/^(to|from):/i, "")).join(" ");
  return { rows: of(false), columns: of(true) };
}

export interface AxisOptions {
  sort: Sort;
  /** Only nodes that have all these words. */
  find: string;
  isFolded(location: string): boolean;
}

export function makeAxis(mesh: Mesh, options: AxisOptions, now: number): Item[] {
  const groups = groupsOf(mesh.nodes.filter((node) => matches(node, options.find)));
  sortGroups(groups, mesh, options.sort, now);
  return groups.flatMap((group): Item[] => {
    const { location, nodes } = group;
    if (nodes.length < 2 || !options.isFolded(location)) {
      return nodes.map((node, i) => nodeItem(node, i, nodes.length));
    }
    return [{
      label: location, detail: `${nodes.length} nodes`, members: nodes.map((node) => node.index),
      location, folded: true, group: "none",
    }];
  });
}

/** Which locations are folded: all, none, and exceptions from that, as one word for the address. */
export class Folds {
  private constructor(readonly all: boolean, private readonly except: ReadonlySet<string>) {}

  static parse(text: string, many: boolean): Folds {
    if (text === "") return new Folds(many, new Set());
    const [first = "", ...rest] = text.split("|");
    return new Folds(first === "all", new Set(rest));
  }

  format(): string {
    return [this.all ? "all" : "none", ...this.except].join("|");
  }

  has(location: string): boolean {
    return this.all !== this.except.has(location);
  }

  toggled(location: string): Folds {
    const except = new Set(this.except);
    if (!except.delete(location)) except.add(location);
    return new Folds(this.all, except);
  }
}
