// What colours and marks mean, painted by the same hand as the cells.

import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { type LogScale, latencyColour, scaleTicks, toCss } from "../base/colour";
import { latency } from "../base/format";
import type { State } from "../data/mesh";
import { paintCell } from "./cell_paint";
import type { GridCell, Metric } from "./grid";
import { readPalette } from "./palette";

const SAMPLES: [string, Partial<GridCell> & { state: State }, string][] = [
  ["measured", { state: "measured" }, "The latest probe succeeded"],
  ["with loss", { state: "measured", loss: 0.2 }, "Some probes of the last ten minutes were lost: the bar grows with their share"],
  ["predicted", { state: "predicted" }, "Nobody measures this path: told from network coordinates"],
  ["stale", { state: "stale" }, "Nothing was heard of it for a while: says nothing of now"],
  ["failed", { state: "failed", failed: 1 }, "The latest probes failed"],
  ["unknown", { state: "unknown" }, "Nobody measures it, or nobody told us"],
];

const WIDTH = 22;
const HEIGHT = 16;

function Sample({ cell, scale, metric, themeVersion }: { cell: GridCell; scale: LogScale; metric: Metric; themeVersion: number }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(() => {
    const element = canvas.current!;
    const ratio = devicePixelRatio || 1;
    element.width = WIDTH * ratio;
    element.height = HEIGHT * ratio;
    const context = element.getContext("2d")!;
    context.scale(ratio, ratio);
    paintCell(context, { x: 0, y: 0, width: WIDTH, height: HEIGHT }, cell, metric, scale, readPalette(document.body));
  }, [themeVersion, scale.low, scale.high, metric]);
  return <canvas ref={canvas} class="sample" width={WIDTH} height={HEIGHT} aria-hidden="true" />;
}

function gradient(theme: "light" | "dark"): string {
  const colours = Array.from({ length: 9 }, (_, i) => toCss(latencyColour(i / 8, theme)));
  return `linear-gradient(to right, ${colours.join(", ")})`;
}

interface Props {
  scale: LogScale;
  metric: Metric;
  themeVersion: number;
  /** What is explained instead of the cells' marks. */
  children?: ComponentChildren;
}

export function Legend({ scale, metric, themeVersion, children }: Props) {
  const theme = readPalette(document.body).theme;
  const middle = metric === "loss" ? 0.1 : Math.sqrt(scale.low * scale.high);
  const ticks = metric === "loss" ? [0, 0.05, 0.2, 0.5] : scaleTicks(scale, 7);
  const at = (tick: number) => (metric === "loss" ? Math.sqrt(tick / 0.5) : scale.at(tick));
  const text = (tick: number) => (metric === "loss" ? `${tick * 100} %` : latency(tick).replace(/\.0+ /, " "));
  const short = (tick: number) => (tick === ticks.at(-1) ? text(tick) : text(tick).replace(/ .*/, ""));
  return (
    <div class="legend">
      <div class="scale" role="img" aria-label={`Colour scale from ${text(ticks[0]!)} to ${text(ticks.at(-1)!)}`}>
        <div class="scale-bar" style={{ backgroundImage: gradient(theme) }} />
        <div class="scale-ticks" aria-hidden="true">
          {ticks.map((tick) => <span key={tick} style={{ left: `${at(tick) * 100}%` }}>{short(tick)}</span>)}
        </div>
      </div>
      {children ?? <ul>
        {SAMPLES.map(([name, cell, what]) => (
          <li key={name} title={what}>
            <Sample scale={scale} metric={metric} themeVersion={themeVersion}
              cell={{ value: cell.state === "unknown" || cell.state === "failed" ? null : middle, loss: 0, paths: 1, failed: 0, stale: 0, ...cell }} />
            {name}
          </li>
        ))}
      </ul>}
    </div>
  );
}
