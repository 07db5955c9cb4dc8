// How one cell looks. Each state can be told without colour: measured is full, predicted is hatched,
// stale is an outline, failed is a cross, unknown is a small dot; lost probes are a bar at its foot.
// The legend paints its samples with the same function.

import { type LogScale, type Rgb, inkOn, latencyColour, parseHex, ramp, toCss } from "../base/colour";
import { milliseconds, percent } from "../base/format";
import type { GridCell, Metric } from "./grid";
import type { Palette } from "./palette";

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

const TEXT_WIDTH_MIN = 38; // pixels, below which figures do not fit
const LOSS_MIN = 0.005; // a share of lost probes that is worth a mark

export function cellColour(value: number, metric: Metric, scale: LogScale, palette: Palette): Rgb {
  if (metric === "loss") return latencyColour(Math.sqrt(Math.min(1, value / 0.5)), palette.theme);
  return latencyColour(scale.at(value), palette.theme);
}

// A hatch is a pattern, made once a colour: stroking its lines in each of ten thousand cells would
// take most of the time that a matrix takes. Colours are told in steps that nobody sees.
const HATCH_STEPS = 48;
const HATCH_SIZE = 5; // CSS pixels from line to line
const hatches = new Map<string, CanvasPattern | null>();

function makeHatch(line: string, ground: string, ratio: number): CanvasPattern | null {
  const size = Math.round(HATCH_SIZE * ratio);
  const tile = document.createElement("canvas");
  tile.width = tile.height = size;
  const context = tile.getContext("2d")!;
  context.fillStyle = ground;
  context.fillRect(0, 0, size, size);
  context.strokeStyle = line;
  context.lineWidth = ratio;
  context.beginPath();
  for (const shift of [-size, 0, size]) { // the corners belong to the neighbours' lines
    context.moveTo(shift - 1, size + 1);
    context.lineTo(shift + size + 1, -1);
  }
  context.stroke();
  const pattern = context.createPattern(tile, "repeat");
  pattern?.setTransform(new DOMMatrix().scale(1 / ratio));
  return pattern;
}

function hatch(line: Rgb, ground: Rgb): CanvasPattern | null {
  const ratio = devicePixelRatio || 1;
  const name = `${toCss(line)} ${toCss(ground)} ${ratio}`;
  let pattern = hatches.get(name);
  if (pattern === undefined) {
    pattern = makeHatch(toCss(line), toCss(ground), ratio);
    hatches.set(name, pattern);
  }
  return pattern;
}

function cross(context: CanvasRenderingContext2D, box: Box): void {
  const size = Math.min(box.width, box.height, 22) * 0.28;
  const x = box.x + box.width / 2;
  const y = box.y + box.height / 2;
  context.beginPath();
  context.moveTo(x - size, y - size);
  context.lineTo(x + size, y + size);
  context.moveTo(x + size, y - size);
  context.lineTo(x - size, y + size);
  context.stroke();
}

function write(context: CanvasRenderingContext2D, box: Box, text: string, ink: string): void {
  context.fillStyle = ink;
  context.fillText(text, box.x + box.width / 2, box.y + box.height / 2 + 0.5);
}

function figure(cell: GridCell, metric: Metric): string {
  if (cell.value === null) return "";
  if (cell.value === 0) return "0";
  return metric === "loss" ? percent(cell.value).replace(" ", "\u202f") : milliseconds(cell.value);
}

/** A full, a hatched or an outlined cell in its value's colour. */
function paintValue(context: CanvasRenderingContext2D, box: Box, cell: GridCell, metric: Metric, scale: LogScale, palette: Palette): void {
  const colour = cell.value === null ? null : cellColour(cell.value, metric, scale, palette);
  const css = colour ? toCss(colour) : palette.muted;
  const text = box.width >= TEXT_WIDTH_MIN ? figure(cell, metric) : "";
  if (cell.state === "measured") {
    context.fillStyle = colour ? css : palette.line;
    context.fillRect(box.x, box.y, box.width, box.height);
    if (text && colour) write(context, box, text, inkOn(colour));
    return;
  }
  if (cell.state === "predicted") {
    const background = parseHex(palette.surface);
    const stepped = cell.value === null ? parseHex(palette.muted) : latencyColour(Math.round(scale.at(cell.value) * HATCH_STEPS) / HATCH_STEPS, palette.theme);
    context.fillStyle = hatch(ramp([background, stepped], 0.6), ramp([background, stepped], 0.16)) ?? css;
    context.fillRect(box.x, box.y, box.width, box.height);
    if (text) {
      context.fillStyle = palette.surface;
      context.globalAlpha = 0.78;
      context.fillRect(box.x + box.width / 2 - 18, box.y + box.height / 2 - 7, 36, 14);
      context.globalAlpha = 1;
      write(context, box, text, palette.muted);
    }
    return;
  }
  const line = Math.min(2, box.width / 5);
  context.lineWidth = line;
  context.strokeStyle = palette.muted;
  context.setLineDash(box.width > 14 ? [3, 2] : []);
  context.strokeRect(box.x + line / 2, box.y + line / 2, box.width - line, box.height - line);
  context.setLineDash([]);
  if (text) write(context, box, text, palette.muted);
}

function paintLoss(context: CanvasRenderingContext2D, box: Box, loss: number, palette: Palette): void {
  const height = Math.max(2, Math.min(4, box.height * 0.16));
  const width = Math.max(3, box.width * Math.min(1, Math.sqrt(loss)));
  context.fillStyle = palette.surface;
  context.fillRect(box.x, box.y + box.height - height - 1, width + 1, height + 1);
  context.fillStyle = palette.failed;
  context.fillRect(box.x, box.y + box.height - height, width, height);
}

export function paintCell(context: CanvasRenderingContext2D, box: Box, cell: GridCell, metric: Metric, scale: LogScale, palette: Palette): void {
  switch (cell.state) {
    case "self":
      context.fillStyle = palette.line;
      context.globalAlpha = 0.55;
      context.fillRect(box.x, box.y, box.width, box.height);
      context.globalAlpha = 1;
      return;
    case "unknown": {
      const size = Math.min(2, box.width / 4);
      context.fillStyle = palette.line;
      context.fillRect(box.x + (box.width - size) / 2, box.y + (box.height - size) / 2, size, size);
      return;
    }
    case "failed":
      context.fillStyle = palette.failed;
      context.fillRect(box.x, box.y, box.width, box.height);
      context.strokeStyle = palette.surface;
      context.lineWidth = Math.max(1.25, Math.min(2.25, box.width / 8));
      cross(context, box);
      return;
    default:
      paintValue(context, box, cell, metric, scale, palette);
  }
  if (cell.failed > 0 && cell.state === "measured") {
    const size = Math.min(7, box.width * 0.45);
    context.fillStyle = palette.failed;
    context.beginPath();
    context.moveTo(box.x + box.width - size, box.y);
    context.lineTo(box.x + box.width, box.y);
    context.lineTo(box.x + box.width, box.y + size);
    context.fill();
  }
  if (cell.loss >= LOSS_MIN && cell.state === "measured") paintLoss(context, box, cell.loss, palette);
}
