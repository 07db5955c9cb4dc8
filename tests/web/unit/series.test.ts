import assert from "node:assert/strict";
import { test } from "node:test";
import type { HistoryAnswer, HistoryRow } from "../../../web/src/data/types";
import { aligned, pointsOf, stacked, totalsOf, valueRange, withGaps } from "../../../web/src/pair/series";

function row(minute: number, p50: number | null, { sent = 6, lost = 0, phases }: { sent?: number; lost?: number; phases?: Record<string, number | null> } = {}): HistoryRow {
  const ns = p50 === null ? null : p50 * 1e6;
  return { t: new Date(minute * 60_000).toISOString(), sent, lost, n: sent - lost, p10_ns: ns, p50_ns: ns, p90_ns: ns, p99_ns: ns && ns * 2, max_ns: ns && ns * 3, mean_ns: ns,
    ...(phases ? { mean_ns_by_phase: phases } : {}) };
}

function answer(rows: HistoryRow[], step_s = 60): HistoryAnswer {
  return { from: "a", to: "b", phase: "tcp", since: "", until: "", step_s, rows };
}

test("points stand in the middle of their step, in milliseconds", () => {
  const points = pointsOf(answer([row(10, 5)]));
  assert.deepEqual([points[0]!.at, points[0]!.p50], [630, 5]);
  assert.deepEqual(pointsOf(null), []);
});

test("missing rows are a gap, a missing success is one, too", () => {
  const points = withGaps(pointsOf(answer([row(0, 1), row(1, null, { lost: 6 }), row(5, 2)])), 60);
  assert.deepEqual(points.map((point) => point.p50), [1, null, null, 2]);
});

test("two directions share the times; what one does not have is not a gap", () => {
  const [times, there, back] = aligned([pointsOf(answer([row(0, 1), row(1, 2)])), pointsOf(answer([row(0, 9)], 120))], [["p50"], ["p50"]]);
  assert.deepEqual(times, [30, 60, 90]);
  assert.deepEqual(there, [1, undefined, 2]);
  assert.deepEqual(back, [undefined, 9, undefined]);
});

test("the other direction's times do not bridge a gap", () => {
  const gap = withGaps(pointsOf(answer([row(0, 1), row(9, 2)])), 60);
  const [times, there] = aligned([gap, pointsOf(answer([row(0, 5), row(3, 5), row(5, 5), row(9, 5)]))], [["p50"], ["p50"]]);
  assert.deepEqual(times.map((time) => (time - 30) / 60), [0, 1, 3, 5, 9]);
  assert.deepEqual(there, [1, null, null, null, 2]);
});

test("a single spike does not flatten the rest", () => {
  const points = pointsOf(answer(Array.from({ length: 100 }, (_, i) => row(i, 20))));
  points[50]!.p99 = 5_000;
  const [low, high] = valueRange([points]);
  assert.ok(high < 50 && low >= 0 && low < 20);
  assert.deepEqual(valueRange([[]]), [0, 1]);
});

test("totals weigh rows by their samples", () => {
  const totals = totalsOf(answer([row(0, 10, { sent: 1 }), row(1, 20, { sent: 4, lost: 1 }), row(2, null, { sent: 5, lost: 5 })]))!;
  assert.deepEqual([totals.sent, totals.lost, totals.mean, totals.max], [10, 6, (10e6 + 3 * 20e6) / 4, 60e6]);
  assert.equal(totalsOf(answer([])), null);
});

test("phases stand on those before them; without any there is no plot", () => {
  const data = stacked(answer([row(0, 1, { phases: { dns: 1e6, tcp: 2e6, tls: null, first: 3e6, last: 0 } })]))!;
  assert.deepEqual(data.slice(1).map((column) => column[0]), [1, 3, 3, 6, 6]);
  assert.equal(stacked(answer([row(0, 1)])), null);
  const gap = stacked(answer([0, 5].map((minute) => row(minute, 1, { phases: { tcp: 2e6 } }))))!;
  assert.deepEqual(gap[2], [2, null, 2]);
});
