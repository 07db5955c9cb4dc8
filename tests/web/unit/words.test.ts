import assert from "node:assert/strict";
import { test } from "node:test";
import type { AsymmetryPair, ProfileAnswer, ProfileCell } from "../../../web/src/data/types";
import { commonEnd, ranked } from "../../../web/src/direction/rank";
import { daysText, finding, scaleEnd, slowStretches } from "../../../web/src/hours/words";

function profile(slow: (day: number, hour: number) => number | null, pattern = { daily: true, weekly: false }): ProfileAnswer {
  const cells: ProfileCell[] = Array.from({ length: 168 }, (_, i) => {
    const by = slow(Math.floor(i / 24), i % 24);
    return { weekday: Math.floor(i / 24) + 1, hour: i % 24, hours: 4, sent: 10, lost: 0, n: 10, p50_ns: 1e6, slower_by: by ?? 0, slow: by !== null };
  });
  return { from: "a", to: "b", zone: "+00:00", since: "", until: "", all: { n: 1680, p50_ns: 1e6 }, pattern: { ...pattern, p_day: 0, p_week: 1 }, cells };
}

test("slow hours that follow one another are one stretch", () => {
  const answer = profile((day, hour) => (day === 2 && hour >= 19 && hour < 22 ? hour / 100 : null));
  assert.deepEqual(slowStretches(answer), [{ day: 2, from: 19, to: 22, worst: 0.21 }]);
});

test("a stretch ends with its day", () => {
  const answer = profile((day, hour) => ((day === 0 && hour === 23) || (day === 1 && hour === 0) ? 0.3 : null));
  assert.deepEqual(slowStretches(answer).map(({ day, from, to }) => [day, from, to]), [[0, 23, 24], [1, 0, 1]]);
});

test("days are named as people do", () => {
  assert.equal(daysText([0, 1, 2, 3, 4, 5, 6]), "every day");
  assert.equal(daysText([4, 0, 1, 2, 3]), "Mon to Fri");
  assert.equal(daysText([5, 6]), "Sat and Sun");
  assert.equal(daysText([0, 2, 5]), "Mon, Wed and Sat");
});

test("the finding says when and by how much", () => {
  const answer = profile((day, hour) => (day < 5 && hour >= 19 && hour < 22 ? (day === 4 ? 0.34 : 0.2) : null));
  const { found, text } = finding(answer);
  assert.equal(found, true);
  assert.equal(text, "A daily pattern was found. Slower at 19:00–22:00 Mon to Fri; by +34 % at the worst, Fri 19:00–22:00.");
});

test("without a pattern nothing is claimed", () => {
  const none = finding(profile(() => null, { daily: false, weekly: false }));
  assert.equal(none.found, false);
  assert.match(none.text, /^No pattern found/);
  const young = profile(() => null, { daily: false, weekly: false });
  young.cells.forEach((cell) => { cell.hours = 1; });
  assert.match(finding(young).text, /little to go by/);
  const empty = profile(() => null);
  empty.cells.forEach((cell) => { cell.n = 0; });
  assert.equal(finding(empty).text, "Nothing was measured in this time.");
});

test("the colour scale ends at a round share, a tenth at least", () => {
  assert.equal(scaleEnd(profile(() => null)), 0.1);
  assert.equal(scaleEnd(profile((_, hour) => (hour > 12 ? 0.26 : null))), 0.3);
});

const side = (p50_ns: number) => ({ p50_ns, p25_ns: p50_ns, p75_ns: p50_ns, sent: 9, lost: 0, age_s: 1 });
function pair(a: string, ab: number, ba: number, beyond: boolean): AsymmetryPair {
  return { a, b: "b", a_location: `${a} town`, b_location: "", ab: side(ab), ba: side(ba), difference_ns: ab - ba, noise_ns: 1, beyond_noise: beyond, loss_difference: 0, loss_beyond_noise: false };
}

test("asymmetries are filtered by noise and by place", () => {
  const pairs = [pair("x", 100, 130, true), pair("y", 50, 49, false)];
  assert.deepEqual(ranked(pairs, true, "").map((each) => [each.pair.a, each.slow]), [["x", "ba"]]);
  assert.equal(ranked(pairs, false, "").length, 2);
  assert.deepEqual(ranked(pairs, false, "Y TOWN").map((each) => each.slow), ["ab"]);
  assert.equal(commonEnd(pairs), 0.4);
});
