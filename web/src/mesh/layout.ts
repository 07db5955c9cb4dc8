// Where things are in the drawn matrix, in CSS pixels. Pure.

export interface Layout {
  cellWidth: number;
  cellHeight: number;
  /** The bands with the names, which do not scroll. */
  left: number;
  top: number;
  /** Whether the columns' names are written upright. */
  upright: boolean;
  columns: number;
  rows: number;
}

const CELL_MIN = 8;
const CELL_MIN_NARROW = 12; // a finger's accuracy
const CELL_WIDTH_MAX = 152;
const CELL_HEIGHT_MAX = 40;
const UPRIGHT_BELOW = 64; // narrower columns have their names written upright

export interface Room {
  width: number;
  height: number;
  /** How long the longest name is. */
  names: number;
}

export function makeLayout(rows: number, columns: number, room: Room): Layout {
  const narrow = room.width < 560;
  const left = Math.min(room.names + 26, narrow ? 112 : 236);
  const free = room.width - left - 2;
  const least = narrow ? CELL_MIN_NARROW : CELL_MIN;
  const cellWidth = Math.floor(Math.min(CELL_WIDTH_MAX, Math.max(least, free / Math.max(1, columns))));
  const upright = cellWidth < UPRIGHT_BELOW;
  const top = upright ? Math.min(Math.max(60, room.names * 0.72 + 14), 128) : 42;
  const ideal = Math.min(cellWidth, upright ? 30 : CELL_HEIGHT_MAX);
  return { cellWidth, cellHeight: ideal, left, top: Math.round(top), upright, columns, rows };
}

export function contentSize(layout: Layout): { width: number; height: number } {
  return {
    width: layout.left + layout.columns * layout.cellWidth + 1,
    height: layout.top + layout.rows * layout.cellHeight + 1,
  };
}

/** Rows or columns that are at least in part within the window. */
export function visible(scroll: number, window: number, size: number, count: number): [number, number] {
  const first = Math.max(0, Math.floor(scroll / size));
  return [first, Math.min(count, Math.ceil((scroll + window) / size))];
}

export interface Place {
  row: number;
  column: number;
}

export type Hit = { kind: "cell"; at: Place } | { kind: "row" | "column"; index: number } | null;

/** What is under a point of the canvas. */
export function hit(layout: Layout, x: number, y: number, scrollX: number, scrollY: number): Hit {
  const column = Math.floor((x - layout.left + scrollX) / layout.cellWidth);
  const row = Math.floor((y - layout.top + scrollY) / layout.cellHeight);
  const inColumns = column >= 0 && column < layout.columns;
  const inRows = row >= 0 && row < layout.rows;
  if (x < layout.left && y < layout.top) return null;
  if (x < layout.left) return inRows ? { kind: "row", index: row } : null;
  if (y < layout.top) return inColumns ? { kind: "column", index: column } : null;
  return inColumns && inRows ? { kind: "cell", at: { row, column } } : null;
}
