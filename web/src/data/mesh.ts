// The whole matrix as this page knows it: loaded at once, then kept up by events. No I/O; the time
// comes with each call, in milliseconds since 1970 on the browser's clock, so that ages go on
// growing while the node is out of reach.

import type { CellAnswer, MatrixAnswer, NodeAnswer, RowEvent, Source, StateText } from "./types";
import { predictNs } from "./predict";

export type State = StateText | "predicted" | "self";

/** What a cell's fields are called here. */
const FIELDS: Record<string, keyof Figures> = {
  sent: "sent", lost: "lost",
  p25_ns: "p25", p50_ns: "p50", p75_ns: "p75", p90_ns: "p90", p99_ns: "p99",
  jitter_ns: "jitter", dns_ns: "dns", tls_ns: "tls", first_ns: "first", total_ns: "total",
};

export interface Figures {
  sent: number;
  lost: number;
  p25: number | null;
  p50: number | null;
  p75: number | null;
  p90: number | null;
  p99: number | null;
  jitter: number | null;
  dns: number | null;
  tls: number | null;
  first: number | null;
  total: number | null;
}

export interface Cell extends Figures {
  state: StateText;
  /** By how much the cell is older than its row. */
  lag_s: number;
}

export interface Row {
  source: Source;
  hops: number;
  via: number | null;
  /** When it was as it is. */
  asOf: number;
  cells: Map<number, Cell>;
}

export interface Node extends NodeAnswer {
  index: number;
}

/** A cell as of now: what is old is stale, whatever it was. */
export interface Shown {
  state: State;
  cell: Cell | null;
  /** The median measured, or what is predicted. */
  ns: number | null;
  age_s: number | null;
}

const UNKNOWN: Shown = { state: "unknown", cell: null, ns: null, age_s: null };
const SELF: Shown = { state: "self", cell: null, ns: null, age_s: null };

export class Mesh {
  nodes: Node[] = [];
  self = "";
  staleAfter_s = 90;
  /** When the matrix was loaded last; 0: never. */
  loadedAt = 0;
  /** Goes up with every change. */
  version = 0;

  private rows: (Row | undefined)[] = [];
  private places = new Map<string, number>();
  private fields: string[] = [];
  private states: StateText[] = ["unknown", "measured", "failed", "stale"];

  /** All pages of one matrix, the first one first. */
  load(pages: readonly MatrixAnswer[], now: number): void {
    const first = pages[0];
    if (!first) return;
    this.self = first.self;
    this.staleAfter_s = first.stale_after_s;
    this.fields = first.fields;
    this.states = first.states;
    this.nodes = first.nodes.map((node, index) => ({ ...node, index }));
    this.places = new Map(this.nodes.map((node) => [node.key, node.index]));
    this.rows = [];
    for (const page of pages) {
      for (const row of page.rows) this.takePageRow(page, row, now);
    }
    this.loadedAt = now;
    this.version++;
  }

  /** A later page has its own list of nodes: its numbers are translated by the nodes' keys. */
  private takePageRow(page: MatrixAnswer, row: MatrixAnswer["rows"][number], now: number): void {
    const own = (index: number | null) => {
      const node = index === null ? undefined : page.nodes[index];
      return node === undefined ? undefined : this.places.get(node.key);
    };
    const from = own(row.from);
    if (from === undefined) return;
    const cells = new Map<number, Cell>();
    const toField = this.fields.indexOf("to");
    for (const values of row.cells) {
      const to = own(values[toField] as number | null);
      if (to !== undefined) cells.set(to, this.decode(values, row.age_s));
    }
    this.rows[from] = {
      source: row.source,
      hops: row.hops,
      via: own(row.via) ?? null,
      asOf: now - row.age_s * 1000,
      cells,
    };
  }

  private decode(values: readonly (number | string | null)[], rowAge_s: number): Cell {
    const cell: Cell = {
      state: "unknown", lag_s: 0, sent: 0, lost: 0, p25: null, p50: null, p75: null, p90: null,
      p99: null, jitter: null, dns: null, tls: null, first: null, total: null,
    };
    this.fields.forEach((name, i) => {
      const value = values[i];
      const field = FIELDS[name];
      if (typeof value !== "number") return;
      if (field) cell[field] = value;
      else if (name === "state") cell.state = this.states[value] ?? "unknown";
      else if (name === "age_s") cell.lag_s = Math.max(0, value - rowAge_s);
    });
    return cell;
  }

  /** Cells that changed. False if it names a node that is not known here: load again. */
  take(event: RowEvent, now: number): boolean {
    const from = this.places.get(event.from);
    if (from === undefined) return false;
    let complete = true;
    const row: Row = this.rows[from] ?? { source: event.source, hops: event.hops, via: null, asOf: 0, cells: new Map() };
    row.source = event.source;
    row.hops = event.hops;
    row.asOf = Math.max(row.asOf, now - event.age_s * 1000);
    for (const [key, ...values] of event.cells) {
      const to = this.places.get(key);
      if (to === undefined) complete = false;
      else row.cells.set(to, this.decode([null, ...values] as CellAnswer, event.age_s));
    }
    this.rows[from] = row;
    this.version++;
    return complete;
  }

  indexOf(key: string): number | undefined {
    return this.places.get(key);
  }

  row(from: number): Row | undefined {
    return this.rows[from];
  }

  shown(from: number, to: number, now: number): Shown {
    if (from === to) return SELF;
    const row = this.rows[from];
    const cell = row?.cells.get(to);
    if (row && cell && cell.state !== "unknown") {
      const age_s = (now - row.asOf) / 1000 + cell.lag_s;
      return { state: age_s > this.staleAfter_s ? "stale" : cell.state, cell, ns: cell.p50, age_s };
    }
    const ns = predictNs(this.nodes[from]?.coordinate ?? null, this.nodes[to]?.coordinate ?? null);
    return ns === null ? UNKNOWN : { state: "predicted", cell: null, ns, age_s: null };
  }
}

export function nodeName(node: NodeAnswer | undefined): string {
  if (!node) return "unknown node";
  return node.location ? `${node.location} ${node.host}` : node.host || node.url || node.key;
}
