// Draws the part of the matrix that is in view, in one pass: cells, then the names over them.

import { type LogScale } from "../base/colour";
import type { Item } from "./axis";
import { paintCell } from "./cell_paint";
import type { GridCell, Metric } from "./grid";
import { type Layout, type Place, visible } from "./layout";
import type { Palette } from "./palette";

export interface Picture {
  rows: readonly Item[];
  columns: readonly Item[];
  grid: readonly (readonly GridCell[])[];
  layout: Layout;
  metric: Metric;
  scale: LogScale;
  palette: Palette;
  /** The one that is looked at. */
  focus: Place | null;
  selfIndex: number;
}

export interface View {
  width: number;
  height: number;
  scrollX: number;
  scrollY: number;
}

const NAME_SIZE = 12;
const DETAIL_MIN = 48; // pixels, below which nothing is left of it
const gapOf = (layout: Layout) => (layout.cellWidth >= 10 ? 1 : layout.cellWidth >= 6 ? 0.5 : 0);

function drawCells(context: CanvasRenderingContext2D, picture: Picture, view: View): void {
  const { layout, grid } = picture;
  const [left, right] = visible(view.scrollX, view.width - layout.left, layout.cellWidth, layout.columns);
  const [top, bottom] = visible(view.scrollY, view.height - layout.top, layout.cellHeight, layout.rows);
  const gap = gapOf(layout);
  context.font = `500 ${layout.cellWidth >= 64 ? 12.5 : 11}px ${picture.palette.font}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (let row = top; row < bottom; row++) {
    for (let column = left; column < right; column++) {
      const box = {
        x: layout.left + column * layout.cellWidth - view.scrollX + gap,
        y: layout.top + row * layout.cellHeight - view.scrollY + gap,
        width: layout.cellWidth - 2 * gap,
        height: layout.cellHeight - 2 * gap,
      };
      paintCell(context, box, grid[row]![column]!, picture.metric, picture.scale, picture.palette);
    }
  }
}

/** The text as far as it fits, with an ellipsis. */
export function fitted(context: CanvasRenderingContext2D, text: string, width: number): string {
  if (context.measureText(text).width <= width) return text;
  let low = 0;
  let high = text.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (context.measureText(`${text.slice(0, middle)}…`).width <= width) low = middle;
    else high = middle - 1;
  }
  return low ? `${text.slice(0, low)}…` : "";
}

/** Label and, where there is room, detail; within a group of one place the detail alone tells apart. */
function drawName(context: CanvasRenderingContext2D, item: Item, x: number, width: number, size: number, palette: Palette): void {
  const repeated = item.group === "middle" || item.group === "last";
  const label = repeated ? "" : fitted(context, item.label, width);
  context.fillStyle = palette.text;
  context.fillText(label, x, 0);
  const used = label ? context.measureText(label).width + 7 : repeated ? 10 : 0;
  if (item.detail && width - used > DETAIL_MIN) {
    context.fillStyle = palette.muted;
    context.font = `400 ${size}px ${palette.font}`;
    context.fillText(fitted(context, item.detail, width - used), x + used, 0);
  }
}

/** Upright there is little room: more than the place is said only where that does not tell apart. */
function named(item: Item): Item {
  return item.group === "none" && !item.folded ? { ...item, detail: "" } : item;
}

function drawFold(context: CanvasRenderingContext2D, item: Item, palette: Palette): void {
  if (!item.folded && item.group !== "first") return;
  context.fillStyle = palette.muted;
  context.beginPath();
  if (item.folded) {
    context.moveTo(7, -4);
    context.lineTo(12, 0);
    context.lineTo(7, 4);
  } else {
    context.moveTo(5, -2.5);
    context.lineTo(13, -2.5);
    context.lineTo(9, 2.5);
  }
  context.fill();
}

function drawRowNames(context: CanvasRenderingContext2D, picture: Picture, view: View): void {
  const { layout, rows, palette, focus } = picture;
  const [top, bottom] = visible(view.scrollY, view.height - layout.top, layout.cellHeight, layout.rows);
  context.save();
  context.beginPath();
  context.rect(0, layout.top, layout.left, view.height - layout.top);
  context.clip();
  context.fillStyle = palette.surface;
  context.fillRect(0, layout.top, layout.left, view.height - layout.top);
  const size = Math.min(NAME_SIZE, Math.max(7, layout.cellHeight - 1));
  context.textAlign = "left";
  context.textBaseline = "middle";
  for (let row = top; row < bottom; row++) {
    const item = rows[row]!;
    const y = layout.top + row * layout.cellHeight - view.scrollY;
    const own = item.members.includes(picture.selfIndex);
    if (focus?.row === row) {
      context.fillStyle = palette.line;
      context.fillRect(0, y, layout.left, layout.cellHeight);
    }
    if (item.group !== "none") {
      context.fillStyle = palette.line;
      context.fillRect(8.5, y + (item.group === "first" ? layout.cellHeight / 2 : 0), 1,
        item.group === "middle" ? layout.cellHeight : layout.cellHeight / 2);
    }
    context.save();
    context.translate(0, y + layout.cellHeight / 2 + 0.5);
    drawFold(context, item, palette);
    context.font = `${own ? 650 : 400} ${size}px ${palette.font}`;
    drawName(context, item, 18, layout.left - 24, size, palette);
    context.restore();
  }
  context.restore();
}

function drawColumnNames(context: CanvasRenderingContext2D, picture: Picture, view: View): void {
  const { layout, columns, palette, focus } = picture;
  const [left, right] = visible(view.scrollX, view.width - layout.left, layout.cellWidth, layout.columns);
  context.save();
  context.beginPath();
  context.rect(layout.left, 0, view.width - layout.left, layout.top);
  context.clip();
  context.fillStyle = palette.surface;
  context.fillRect(layout.left, 0, view.width - layout.left, layout.top);
  const size = Math.min(NAME_SIZE, Math.max(7, layout.cellWidth - 1));
  context.textBaseline = "middle";
  for (let column = left; column < right; column++) {
    const item = columns[column]!;
    const x = layout.left + column * layout.cellWidth - view.scrollX;
    const own = item.members.includes(picture.selfIndex);
    if (focus?.column === column) {
      context.fillStyle = palette.line;
      context.fillRect(x, 0, layout.cellWidth, layout.top);
    }
    context.save();
    context.font = `${own ? 650 : 400} ${size}px ${palette.font}`;
    if (layout.upright) {
      context.translate(x + layout.cellWidth / 2 + 0.5, layout.top - 6);
      context.rotate(-Math.PI / 2);
      context.textAlign = "left";
      drawName(context, named(item), 0, layout.top - 12, size, palette);
    } else {
      context.textAlign = "center";
      const middle = x + layout.cellWidth / 2;
      context.fillStyle = palette.text;
      context.fillText(fitted(context, item.label, layout.cellWidth - 8), middle, layout.top - (item.detail ? 25 : 16));
      context.fillStyle = palette.muted;
      context.font = `400 11px ${palette.font}`;
      if (item.detail) context.fillText(fitted(context, item.detail, layout.cellWidth - 8), middle, layout.top - 10);
    }
    context.restore();
  }
  context.restore();
}

function drawCorner(context: CanvasRenderingContext2D, picture: Picture): void {
  const { layout, palette } = picture;
  context.fillStyle = palette.surface;
  context.fillRect(0, 0, layout.left, layout.top);
  context.fillStyle = palette.muted;
  context.font = `400 11px ${palette.font}`;
  context.textBaseline = "alphabetic";
  context.textAlign = "left";
  context.fillText("from ↓", 18, layout.top - 7);
  context.textAlign = "right";
  context.fillText("to →", layout.left - 8, layout.top - 7);
}

function drawFocus(context: CanvasRenderingContext2D, picture: Picture, view: View): void {
  const { focus, layout, palette } = picture;
  if (!focus) return;
  const x = layout.left + focus.column * layout.cellWidth - view.scrollX;
  const y = layout.top + focus.row * layout.cellHeight - view.scrollY;
  if (x < layout.left - 1 || y < layout.top - 1) return;
  context.strokeStyle = palette.surface;
  context.lineWidth = 4;
  context.strokeRect(x, y, layout.cellWidth, layout.cellHeight);
  context.strokeStyle = palette.text;
  context.lineWidth = 2;
  context.strokeRect(x, y, layout.cellWidth, layout.cellHeight);
}

export function drawMatrix(context: CanvasRenderingContext2D, picture: Picture, view: View): void {
  context.fillStyle = picture.palette.surface;
  context.fillRect(0, 0, view.width, view.height);
  drawCells(context, picture, view);
  drawFocus(context, picture, view);
  drawRowNames(context, picture, view);
  drawColumnNames(context, picture, view);
  drawCorner(context, picture);
}
