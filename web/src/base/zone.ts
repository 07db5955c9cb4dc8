// The viewer's zone as /v1/profile takes it: what its clock was ahead of UTC, and each change of that
// (summer time). Pure: the zone is a function.

import { offset } from "./format";

/** Minutes ahead of UTC at that time. */
export type Ahead = (time_ms: number) => number;

const STEP_MS = 7 * 86_400_000; // no zone changes twice a week
const CHANGES_MAX = 8;
const MINUTE_MS = 60_000;

export const here: Ahead = (time_ms) => -new Date(time_ms).getTimezoneOffset();

/** The first whole minute of the second of two offsets; they differ at the two times. */
function changeBetween(from_ms: number, to_ms: number, ahead: Ahead): number {
  let [before, after] = [Math.floor(from_ms / MINUTE_MS), Math.ceil(to_ms / MINUTE_MS)];
  const old = ahead(from_ms);
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (ahead(middle * MINUTE_MS) === old) before = middle;
    else after = middle;
  }
  return after * MINUTE_MS;
}

/** "+02:00,2026-10-25T01:00:00Z=+01:00": the latest changes if there are more than are taken. */
export function zoneText(since_ms: number, until_ms: number, ahead: Ahead): string {
  const changes: number[] = [];
  for (let at = since_ms; at < until_ms; at += STEP_MS) {
    const next = Math.min(at + STEP_MS, until_ms);
    if (ahead(at) !== ahead(next)) changes.push(changeBetween(at, next, ahead));
  }
  const kept = changes.slice(-CHANGES_MAX);
  const first = kept[0] === undefined ? until_ms : kept[0] - MINUTE_MS;
  const parts = kept.map((at) => `${new Date(at).toISOString().replace(".000", "")}=${offset(ahead(at))}`);
  return [offset(ahead(first)), ...parts].join(",");
}
