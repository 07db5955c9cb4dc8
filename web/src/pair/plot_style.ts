// What all plots have in common: axes in the page's colours and in the viewer's zone.

import type uPlot from "uplot";

export interface PlotColours {
  text: string;
  muted: string;
  line: string;
  surface: string;
  failed: string;
  there: string;
  back: string;
  phases: Record<string, string>;
  font: string;
}

export function readPlotColours(): PlotColours {
  const style = getComputedStyle(document.body);
  const read = (name: string) => style.getPropertyValue(name).trim();
  const phases = Object.fromEntries(["dns", "tcp", "tls", "first", "last"].map((phase) => [phase, read(`--phase-${phase}`)]));
  return {
    text: read("--text"), muted: read("--muted"), line: read("--line"), surface: read("--surface"),
    failed: read("--failed"), there: read("--there"), back: read("--back"), phases, font: `11px ${style.fontFamily}`,
  };
}

/** "#rrggbb" with an opacity. */
export function alpha(hex: string, opacity: number): string {
  return `${hex}${Math.round(opacity * 255).toString(16).padStart(2, "0")}`;
}

const two = (value: number) => String(value).padStart(2, "0");

// Hours and minutes; the date where a day begins.
function timeLabels(_plot: uPlot, ticks: number[], _axis: number, _space: number, step_s: number): string[] {
  return ticks.map((tick, i) => {
    const time = new Date(tick * 1000);
    const date = `${time.getDate()} ${time.toLocaleString("en", { month: "short" })}`;
    if (step_s >= 86400) return date;
    const hours = `${two(time.getHours())}:${two(time.getMinutes())}`;
    const newDay = i > 0 && new Date(ticks[i - 1]! * 1000).getDate() !== time.getDate();
    return newDay ? `${hours}\n${date}` : hours;
  });
}

export function axes(colours: PlotColours, unit: string): uPlot.Axis[] {
  const common = {
    stroke: colours.muted, font: colours.font,
    grid: { stroke: colours.line, width: 1 }, ticks: { show: false },
  };
  return [
    { ...common, values: timeLabels, space: 64, size: 36, gap: 6 },
    { ...common, size: 56, gap: 6, space: 36,
      values: (_plot: uPlot, ticks: number[]) => ticks.map((tick, i) => `${tick}${i === ticks.length - 1 ? ` ${unit}` : ""}`) },
  ];
}
