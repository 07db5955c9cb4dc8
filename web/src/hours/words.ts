// Says in words what the hours of a week show. Pure.

import { signedPercent } from "../base/format";
import type { ProfileAnswer, ProfileCell } from "../data/types";

export const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"] as const;

/** By how much of the path's own median that hour is slower; null: nothing was measured then. */
export function slowerBy(cell: ProfileCell, answer: ProfileAnswer): number | null {
  if (typeof cell.slower_by === "number") return cell.slower_by;
  if (cell.p50_ns === null || !answer.all.p50_ns) return null;
  return cell.p50_ns / answer.all.p50_ns - 1;
}

export interface Stretch {
  day: number;
  from: number;
  /** The hour at which it ends, up to 24. */
  to: number;
  worst: number;
}

/** Hours that are slow beyond noise, neighbours together. */
export function slowStretches(answer: ProfileAnswer): Stretch[] {
  const stretches: Stretch[] = [];
  for (const cell of answer.cells) {
    if (!cell.slow) continue;
    const by = slowerBy(cell, answer) ?? 0;
    const last = stretches.at(-1);
    if (last && last.day === cell.weekday - 1 && last.to === cell.hour) {
      last.to++;
      last.worst = Math.max(last.worst, by);
    } else {
      stretches.push({ day: cell.weekday - 1, from: cell.hour, to: cell.hour + 1, worst: by });
    }
  }
  return stretches;
}

const hour = (value: number) => `${String(value % 24).padStart(2, "0")}:00`;

function listed(words: readonly string[]): string {
  if (words.length < 3) return words.join(" and ");
  return `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}

/** "every day", "Mon to Fri", "Sat and Sun", "Tue". */
export function daysText(days: readonly number[]): string {
  const sorted = [...new Set(days)].sort((a, b) => a - b);
  if (sorted.length === 7) return "every day";
  const first = sorted[0] ?? 0;
  if (sorted.length > 2 && sorted.every((day, i) => day === first + i)) return `${DAYS[first]} to ${DAYS[sorted.at(-1)!]}`;
  return listed(sorted.map((day) => DAYS[day]!));
}

/** The same hours of several days are one sentence. */
function hoursText(stretches: readonly Stretch[]): string {
  const byHours = new Map<string, number[]>();
  for (const stretch of stretches) {
    const name = `${hour(stretch.from)}–${hour(stretch.to)}`;
    byHours.set(name, [...(byHours.get(name) ?? []), stretch.day]);
  }
  const parts = [...byHours.entries()].sort((a, b) => b[1].length - a[1].length).map(([hours, days]) => `${hours} ${daysText(days)}`);
  const shown = parts.slice(0, 4);
  return shown.join("; ") + (parts.length > shown.length ? `; and ${parts.length - shown.length} more` : "");
}

export interface Finding {
  found: boolean;
  text: string;
}

export function finding(answer: ProfileAnswer): Finding {
  const measured = answer.cells.filter((cell) => cell.n > 0).length;
  if (measured === 0) return { found: false, text: "Nothing was measured in this time." };
  const { pattern } = answer;
  if (!pattern) return { found: false, text: "This node does not judge patterns." };
  if (!pattern.daily && !pattern.weekly) {
    const few = Math.max(...answer.cells.map((cell) => cell.hours)) < 3;
    return {
      found: false,
      text: few ? "No pattern found, but there is little to go by yet: each hour wants to be seen on three days at least."
        : "No pattern found: what differs between hours is no more than chance would do.",
    };
  }
  const kind = pattern.weekly && !pattern.daily ? "A weekly pattern" : pattern.weekly ? "A daily and a weekly pattern" : "A daily pattern";
  const stretches = slowStretches(answer);
  if (!stretches.length) return { found: true, text: `${kind} was found, but no single hour is slower by more than 5 %.` };
  const worst = stretches.reduce((a, b) => (b.worst > a.worst ? b : a));
  return {
    found: true,
    text: `${kind} was found. Slower at ${hoursText(stretches)}; by ${signedPercent(worst.worst)} at the worst, ${DAYS[worst.day]} ${hour(worst.from)}–${hour(worst.to)}.`,
  };
}

/** What the ends of the colour scale stand for: round, and at least a tenth. */
export function scaleEnd(answer: ProfileAnswer): number {
  const sizes = answer.cells.map((cell) => Math.abs(slowerBy(cell, answer) ?? 0)).sort((a, b) => a - b);
  const high = sizes[Math.floor((sizes.length - 1) * 0.97)] ?? 0;
  return [0.1, 0.2, 0.3, 0.5, 1, 2, 5].find((end) => end >= high) ?? 10;
}
