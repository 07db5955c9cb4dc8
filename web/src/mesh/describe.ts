// A cell in words, for those who do not see it. Pure.

import { age, latency, percent } from "../base/format";
import type { Mesh } from "../data/mesh";
import { nodeName } from "../data/mesh";
import type { Item } from "./axis";
import type { GridCell } from "./grid";

function itemName(mesh: Mesh, item: Item): string {
  return item.folded ? `${item.label}, ${item.detail}` : nodeName(mesh.nodes[item.members[0]!]);
}

export function describeCell(mesh: Mesh, row: Item, column: Item, cell: GridCell, now: number): string {
  const path = `From ${itemName(mesh, row)} to ${itemName(mesh, column)}`;
  if (cell.state === "self") return `${path}: the node itself`;
  if (cell.paths > 1) {
    return `${path}: ${cell.paths} paths, median ${latency(cell.value)}, worst loss ${percent(cell.loss)}, ${cell.failed} failed, ${cell.stale} stale`;
  }
  const shown = mesh.shown(row.members[0]!, column.members[0]!, now);
  const seen = shown.age_s === null ? "" : `, ${age(shown.age_s)} ago`;
  const figure = shown.ns === null ? "" : ` ${latency(shown.ns)}`;
  const loss = shown.cell && shown.cell.sent > 0 ? `, loss ${percent(shown.cell.lost / shown.cell.sent)}` : "";
  return `${path}: ${shown.state}${figure}${loss}${seen}`;
}
