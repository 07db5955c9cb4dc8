// The hours of a week as a table whose cells are coloured: slower than the path's own median, or
// faster. Slow hours beyond noise have a mark; figures are in the cells.

import { useMemo } from "preact/hooks";
import { type Theme, divergingColour, inkOn, toCss } from "../base/colour";
import { count, latency, percent, signedPercent } from "../base/format";
import type { ProfileAnswer, ProfileCell } from "../data/types";
import { DAYS, scaleEnd, slowerBy } from "./words";

export type Figure = "slower" | "median" | "hours";

const FIGURE_TEXT: Record<Figure, string> = { slower: "slower than its median by, in percent", median: "median in milliseconds", hours: "hours that were measured" };

interface CellProps {
  cell: ProfileCell;
  answer: ProfileAnswer;
  figure: Figure;
  end: number;
  theme: Theme;
}

const two = (value: number) => String(value).padStart(2, "0");

function describe(cell: ProfileCell, by: number | null): string {
  const when = `${DAYS[cell.weekday - 1]} ${two(cell.hour)}:00–${two((cell.hour + 1) % 24)}:00`;
  if (cell.n === 0) return `${when}: nothing measured`;
  const slow = cell.slow ? ", slow beyond noise" : "";
  return `${when}: median ${latency(cell.p50_ns)}, ${by === null ? "" : `${signedPercent(by)} against the whole week${slow}, `}` +
    `${count(cell.n, "sample")} in ${count(cell.hours, "hour")}, ${percent(cell.sent ? cell.lost / cell.sent : 0)} lost`;
}

function text(cell: ProfileCell, by: number | null, figure: Figure): string {
  if (figure === "hours") return String(cell.hours);
  if (figure === "median") return cell.p50_ns === null ? "" : (cell.p50_ns / 1e6).toPrecision(cell.p50_ns >= 1e8 ? 3 : 2);
  return by === null ? "" : signedPercent(by).replace(" %", "").replace("±0", "0");
}

function WeekCell({ cell, answer, figure, end, theme }: CellProps) {
  const by = slowerBy(cell, answer);
  if (cell.n === 0) return <td class="none" title={describe(cell, by)}><span class="unseen">nothing</span></td>;
  const colour = divergingColour((by ?? 0) / end, theme);
  return (
    <td class={cell.slow ? "slow" : undefined} title={describe(cell, by)} style={{ backgroundColor: toCss(colour), color: inkOn(colour) }}>
      {text(cell, by, figure)}
      {cell.slow && <span class="unseen"> slow</span>}
    </td>
  );
}

export function Week({ answer, figure, theme }: { answer: ProfileAnswer; figure: Figure; theme: Theme }) {
  const end = useMemo(() => scaleEnd(answer), [answer]);
  const days = DAYS.map((_, day) => answer.cells.filter((cell) => cell.weekday === day + 1));
  return (
    <>
      <div class="table-room" tabIndex={0} role="region" aria-label={`Hours of the week: ${FIGURE_TEXT[figure]}`}>
        <table class="week">
          <thead><tr><th scope="col"><span class="unseen">day</span></th>{Array.from({ length: 24 }, (_, i) => <th key={i} scope="col">{two(i)}</th>)}</tr></thead>
          <tbody>
            {days.map((cells, day) => (
              <tr key={day}>
                <th scope="row">{DAYS[day]}</th>
                {cells.map((cell) => <WeekCell key={cell.hour} {...{ cell, answer, figure, end, theme }} />)}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <WeekLegend end={end} theme={theme} figure={figure} />
    </>
  );
}

function WeekLegend({ end, theme, figure }: { end: number; theme: Theme; figure: Figure }) {
  const colours = [-1, -0.5, 0, 0.5, 1].map((t) => toCss(divergingColour(t, theme)));
  return (
    <div class="week-legend">
      <span>{signedPercent(-end)} faster</span>
      <span class="week-scale" aria-hidden="true" style={{ backgroundImage: `linear-gradient(to right, ${colours.join(", ")})` }} />
      <span>{signedPercent(end)} slower than its own median</span>
      <span class="key"><i class="slow-sample" aria-hidden="true" />slow beyond noise</span>
      <span class="key">in the cells: {FIGURE_TEXT[figure]}</span>
      <span class="key"><i class="none-sample" aria-hidden="true" />nothing measured</span>
    </div>
  );
}
