// The phases of a probe, stacked: where the time goes.

import type uPlot from "uplot";
import { STACK } from "./series";
import { type PlotColours, alpha, axes } from "./plot_style";

export const PHASE_NAMES: Record<(typeof STACK)[number], string> = {
  dns: "lookup", tcp: "TCP", tls: "TLS", first: "first byte", last: "last byte",
};

export function stackOptions(colours: PlotColours, since: () => number, until: () => number): Omit<uPlot.Options, "width" | "height"> {
  const series: uPlot.Series[] = [{}];
  const bands: uPlot.Band[] = [];
  STACK.forEach((phase, i) => {
    const colour = colours.phases[phase]!;
    series.push({ stroke: colour, width: 1, points: { show: false }, ...(i === 0 ? { fill: alpha(colour, 0.55) } : {}) });
    if (i > 0) bands.push({ series: [i + 1, i], fill: alpha(colour, 0.55) });
  });
  return {
    series, bands, axes: axes(colours, "ms"), legend: { show: false }, padding: [10, 8, 0, 0],
    cursor: { drag: { x: true, y: false }, points: { show: false } },
    scales: { x: { time: true, range: () => [since(), until()] }, y: { range: (_plot, _low, high) => [0, (high || 1) * 1.08] } },
  };
}
