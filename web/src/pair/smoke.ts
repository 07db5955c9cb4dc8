// The smoke plot: the median as a line, how far round trips spread as smoke around it, lost probes
// as bars at the foot; the other direction under it.

import type uPlot from "uplot";
import type { Point } from "./series";
import { aligned, valueRange } from "./series";
import { type PlotColours, alpha, axes } from "./plot_style";

export interface Direction {
  points: readonly Point[];
  step_s: number;
}

const LOSS_STRIP = 14; // CSS pixels for one direction's loss

/** The worse the loss, the taller and the stronger the bar: it is read without colour, too. */
function drawLoss(plot: uPlot, direction: Direction, strip: number, colours: PlotColours): void {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio || 1;
  const height = LOSS_STRIP * ratio;
  const bottom = bbox.top + bbox.height - strip * (height + ratio);
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  for (const point of direction.points) {
    if (point.lost === 0) continue;
    const share = point.lost / point.sent;
    const left = plot.valToPos(point.at - direction.step_s / 2, "x", true);
    const right = plot.valToPos(point.at + direction.step_s / 2, "x", true);
    const size = Math.max(0.25, Math.sqrt(share)) * height;
    ctx.globalAlpha = 0.45 + 0.55 * Math.sqrt(share);
    ctx.fillStyle = colours.failed;
    ctx.fillRect(left, bottom - size, Math.max(1.5 * ratio, right - left - ratio), size);
  }
  ctx.restore();
}

export function smokeData(there: Direction, back: Direction | null): uPlot.AlignedData {
  const lists = back ? [there.points, back.points] : [there.points];
  const figures = [["p10", "p50", "p90", "p99"], ["p10", "p50", "p90"]] as const;
  return aligned(lists, figures.slice(0, lists.length)) as uPlot.AlignedData;
}

interface Smoke {
  there: () => Direction;
  back: () => Direction | null;
  colours: PlotColours;
  since: () => number;
  until: () => number;
  onCursor(index: number | null): void;
}

export function smokeOptions(smoke: Smoke, hasBack: boolean): Omit<uPlot.Options, "width" | "height"> {
  const { colours } = smoke;
  const hidden = { stroke: "transparent", width: 0, points: { show: false } };
  const line = (colour: string, width: number): uPlot.Series => ({ stroke: colour, width, points: { show: false, size: 4 }, spanGaps: false });
  const series: uPlot.Series[] = [{}, hidden, line(colours.there, 1.75), hidden, hidden];
  const bands: uPlot.Band[] = [
    { series: [4, 3], fill: alpha(colours.there, 0.13) },
    { series: [3, 1], fill: alpha(colours.there, 0.27) },
  ];
  if (hasBack) {
    series.push(hidden, { ...line(colours.back, 1.5), dash: [5, 3] }, hidden);
    bands.push({ series: [7, 5], fill: alpha(colours.back, 0.16) });
  }
  const lists = () => [smoke.there().points, smoke.back()?.points ?? []];
  return {
    series, bands, axes: axes(colours, "ms"), legend: { show: false }, padding: [10, 8, 0, 0],
    cursor: { drag: { x: true, y: false }, points: { size: 6 } },
    scales: {
      x: { time: true, range: () => [smoke.since(), smoke.until()] },
      y: { range: () => {
        const [low, high] = valueRange(lists());
        const strips = hasBack ? 2 : 1; // room for them under the line
        return [Math.max(0, low - (high - low) * 0.05 * strips), high];
      } },
    },
    hooks: {
      draw: [(plot) => {
        drawLoss(plot, smoke.there(), hasBack ? 1 : 0, colours);
        const back = smoke.back();
        if (back) drawLoss(plot, back, 0, colours);
      }],
      setCursor: [(plot) => smoke.onCursor(plot.cursor.idx ?? null)],
    },
  };
}
