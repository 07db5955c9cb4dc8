import assert from "node:assert/strict";
import { test } from "node:test";
import { type Rgb, divergingColour, inkOn, latencyColour, logScale, parseHex, round125, scaleTicks } from "../../../web/src/base/colour";

function luminance([r, g, b]: Rgb): number {
  const [x, y, z] = [r, g, b].map((value) => {
    const c = value / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * x + 0.7152 * y + 0.0722 * z;
}

const contrast = (a: number, b: number) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
const steps = Array.from({ length: 101 }, (_, i) => i / 100);

test("lightness alone tells which path is slower, in both themes", () => {
  for (const [theme, sign] of [["light", -1], ["dark", 1]] as const) {
    for (let i = 1; i < steps.length; i++) {
      const step = luminance(latencyColour(steps[i]!, theme)) - luminance(latencyColour(steps[i - 1]!, theme));
      assert.ok(step * sign > 0, `${theme} at ${steps[i]}`);
    }
  }
});

test("figures on any colour of any scale have a contrast of 4.5 at least", () => {
  for (const theme of ["light", "dark"] as const) {
    for (const t of steps) {
      for (const colour of [latencyColour(t, theme), divergingColour(t, theme), divergingColour(-t, theme)]) {
        const ink = luminance(parseHex(inkOn(colour)));
        assert.ok(contrast(ink, luminance(colour)) >= 4.5, `${theme} ${t} ${colour.map(Math.round).join()}`);
      }
    }
  }
});

test("scales end at 1, 2 or 5 times a power of ten, a factor of ten apart at least", () => {
  assert.equal(round125(3_400, false), 2_000);
  assert.equal(round125(3_400, true), 5_000);
  assert.equal(round125(5_000, true), 5_000);
  const near = logScale(21_000, 24_000);
  assert.ok(near.high / near.low >= 10 && near.low <= 21_000 && near.high >= 24_000);
  const wide = logScale(5.9e6, 412e6);
  assert.deepEqual([wide.low, wide.high], [5e6, 500e6]);
  assert.equal(wide.at(5e6), 0);
  assert.ok(Math.abs(wide.at(50e6) - 0.5) < 1e-9);
});

test("a legend has no more ticks than there is room for", () => {
  assert.deepEqual(scaleTicks(logScale(5e6, 5e8), 7), [5e6, 1e7, 2e7, 5e7, 1e8, 2e8, 5e8]);
  assert.deepEqual(scaleTicks(logScale(1e4, 1e8), 6), [1e4, 1e5, 1e6, 1e7, 1e8]);
});
