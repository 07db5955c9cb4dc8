import assert from "node:assert/strict";
import { test } from "node:test";
import { age, latency, lossShare, milliseconds, offset, percent, signedPercent } from "../../../web/src/base/format";

test("milliseconds show three digits that say something", () => {
  const cases: [number | null, string][] = [
    [16_064, "0.016"], [999_400, "0.999"], [999_600, "1.00"], [3_208_000, "3.21"], [9_996_000, "10.0"],
    [32_140_000, "32.1"], [99_960_000, "100"], [321_400_000, "321"], [-1_500_000, "-1.50"], [0, "0.000"], [null, "–"],
  ];
  for (const [ns, text] of cases) assert.equal(milliseconds(ns), text, String(ns));
});

test("a latency has a unit, and is in seconds from ten on", () => {
  assert.equal(latency(3_208_000), "3.21 ms");
  assert.equal(latency(9_999e6), "9999 ms");
  assert.equal(latency(12_340e6), "12.3 s");
  assert.equal(latency(undefined), "–");
});

test("a share of lost probes never looks like none", () => {
  const cases: [number | null, string][] = [[0, "0 %"], [0.0004, "< 0.1 %"], [0.004, "0.4 %"], [0.05, "5 %"], [0.123, "12 %"], [1, "100 %"], [null, "–"]];
  for (const [share, text] of cases) assert.equal(percent(share), text, String(share));
  assert.equal(lossShare(0, 0), null);
  assert.equal(lossShare(60, 3), 0.05);
});

test("ages and offsets are short", () => {
  assert.deepEqual([3.4, 89, 91, 7200, 200_000, null].map(age), ["3 s", "89 s", "2 min", "2 h", "2 d", "–"]);
  assert.deepEqual([0, 60, 330, -210].map(offset), ["+00:00", "+01:00", "+05:30", "-03:30"]);
  assert.deepEqual([0.123, -0.02, 0.001].map(signedPercent), ["+12 %", "−2 %", "±0 %"]);
});
