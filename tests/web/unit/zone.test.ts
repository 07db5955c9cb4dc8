import assert from "node:assert/strict";
import { test } from "node:test";
import { zoneText } from "../../../web/src/base/zone";

// Central Europe in 2026: summer time from 29 March to 25 October, 1:00 UTC.
const [SPRING, AUTUMN] = [Date.UTC(2026, 2, 29, 1), Date.UTC(2026, 9, 25, 1)];
const paris = (time_ms: number) => (time_ms >= SPRING && time_ms < AUTUMN ? 120 : 60);

test("a zone that does not change is its offset", () => {
  assert.equal(zoneText(Date.UTC(2026, 10, 1), Date.UTC(2026, 10, 29), paris), "+01:00");
  assert.equal(zoneText(0, 1e12, () => 330), "+05:30");
  assert.equal(zoneText(0, 1e12, () => -210), "-03:30");
});

test("changes are told to the minute", () => {
  assert.equal(zoneText(Date.UTC(2026, 9, 20), Date.UTC(2026, 10, 17), paris), "+02:00,2026-10-25T01:00:00Z=+01:00");
  assert.equal(zoneText(Date.UTC(2026, 0, 3, 12, 34), Date.UTC(2026, 11, 30), paris), "+01:00,2026-03-29T01:00:00Z=+02:00,2026-10-25T01:00:00Z=+01:00");
});

test("of many changes the latest eight are told, and what was before them", () => {
  const monthly = (time_ms: number) => (new Date(time_ms).getUTCMonth() % 2 ? 60 : 120);
  const text = zoneText(Date.UTC(2025, 0, 1), Date.UTC(2026, 0, 1) - 1, monthly);
  assert.equal(text.split(",").length, 9);
  assert.ok(text.startsWith("+01:00,2025-05-01T00:00:00Z=+02:00,"), text);
});
