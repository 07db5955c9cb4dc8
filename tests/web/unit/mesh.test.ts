import assert from "node:assert/strict";
import { test } from "node:test";
import { Mesh } from "../../../web/src/data/mesh";
import { predictNs } from "../../../web/src/data/predict";
import type { MatrixAnswer, NodeAnswer } from "../../../web/src/data/types";
import { Folds, findWords, locationOrder, makeAxis, troubleOf } from "../../../web/src/mesh/axis";
import { gridCell, makeGrid, summarize, worstPaths } from "../../../web/src/mesh/grid";
import { matrixCsv } from "../../../web/src/mesh/export";

const NOW = 1_800_000_000_000;
const FIELDS = ["to", "state", "age_s", "sent", "lost", "p25_ns", "p50_ns", "p75_ns", "p90_ns", "p99_ns", "jitter_ns", "dns_ns", "tls_ns", "first_ns", "total_ns"];
const [MEASURED, FAILED] = [1, 2];

function node(key: string, location: string, coordinate: NodeAnswer["coordinate"] = null): NodeAnswer {
  return { key, host: `${key}.example:80`, url: `http://${key}.example/v1/ping`, location, state: "active", coordinate };
}

function cell(to: number, state: number, p50: number | null, { age_s = 3, sent = 10, lost = 0 } = {}): (number | null)[] {
  return [to, state, age_s, sent, lost, p50, p50, p50, p50, p50, 1, 2, 3, 4, 5];
}

// a and b are in Paris, c is in Tokyo, d somewhere; a measures b and c, c fails to reach a.
function answer(): MatrixAnswer {
  return {
    time: "", self: "a", stale_after_s: 90, fields: FIELDS, states: ["unknown", "measured", "failed", "stale"], more: false,
    nodes: [node("a", "Paris,FR", [0, 0, 0, 1]), node("b", "Paris,FR", [3, 4, 0, 2]), node("c", "Tokyo,JP"), node("d", "")],
    rows: [
      { from: 0, source: "self", hops: 0, via: null, age_s: 0, cells: [cell(1, MEASURED, 1e6), cell(2, MEASURED, 220e6, { lost: 1 })] },
      { from: 2, source: "relayed", hops: 2, via: 1, age_s: 60, cells: [cell(0, FAILED, null, { age_s: 70, lost: 10 })] },
    ],
  };
}

function loaded(): Mesh {
  const mesh = new Mesh();
  mesh.load([answer()], NOW);
  return mesh;
}

test("cells are decoded by the fields' names, whatever their order", () => {
  const mesh = new Mesh();
  const turned = answer();
  turned.fields = [...FIELDS].reverse();
  turned.rows.forEach((row) => row.cells.forEach((values) => values.reverse()));
  mesh.load([turned], NOW);
  const shown = mesh.shown(0, 2, NOW);
  assert.equal(shown.state, "measured");
  assert.equal(shown.ns, 220e6);
  assert.equal(shown.cell?.lost, 1);
});

test("the node itself, a prediction, and what nobody knows are told apart", () => {
  const mesh = loaded();
  assert.equal(mesh.shown(1, 1, NOW).state, "self");
  assert.deepEqual([mesh.shown(1, 0, NOW).state, mesh.shown(1, 0, NOW).ns], ["predicted", 8e6]);
  assert.equal(mesh.shown(3, 0, NOW).state, "unknown");
});

test("figures grow stale on the page's own clock, measured or failed", () => {
  const mesh = loaded();
  assert.equal(mesh.shown(0, 1, NOW + 80_000).state, "measured");
  assert.equal(mesh.shown(0, 1, NOW + 88_000).state, "stale");
  assert.equal(mesh.shown(2, 0, NOW + 19_000).state, "failed");
  assert.equal(mesh.shown(2, 0, NOW + 21_000).state, "stale");
});

test("an event changes its cells and confirms the others of its row", () => {
  const mesh = loaded();
  const version = mesh.version;
  const [, ...rest] = cell(2, FAILED, null);
  const known = mesh.take({ from: "a", source: "self", hops: 0, age_s: 0, cells: [["c", ...rest]] }, NOW + 80_000);
  assert.equal(known, true);
  assert.ok(mesh.version > version);
  assert.equal(mesh.shown(0, 2, NOW + 80_000).state, "failed");
  assert.equal(mesh.shown(0, 1, NOW + 160_000).state, "measured");
});

test("an event about a node that is not known asks for the matrix again", () => {
  const mesh = loaded();
  assert.equal(mesh.take({ from: "z", source: "direct", hops: 1, age_s: 0, cells: [] }, NOW), false);
  assert.equal(mesh.take({ from: "a", source: "self", hops: 0, age_s: 0, cells: [["z", 1, 0]] }, NOW), false);
});

test("a later page's numbers are those of its own list of nodes", () => {
  const mesh = new Mesh();
  const [first, second] = [answer(), answer()];
  first.rows = [first.rows[0]!];
  second.nodes = [...second.nodes].reverse(); // d c b a
  second.rows = [{ from: 1, source: "direct", hops: 1, via: 2, age_s: 0, cells: [cell(3, MEASURED, 7e6)] }];
  mesh.load([first, second], NOW);
  assert.equal(mesh.shown(2, 0, NOW).ns, 7e6);
  assert.equal(mesh.row(2)?.via, 1);
});

test("predictions are distances plus both heights", () => {
  assert.equal(predictNs([0, 0, 0, 1], [3, 4, 12, 2]), 16e6);
  assert.equal(predictNs(null, [0, 0, 0, 0]), null);
  assert.equal(predictNs([0, 0, 0, 0], [0, 0, 0, 0]), null);
});

test("places are ordered by country and city, unknown ones last", () => {
  const places = ["", "Tokyo,JP", "Berlin,DE", "Paris,FR", "Aachen,DE", "rack 7"];
  const sorted = [...places].sort((a, b) => (locationOrder(a) < locationOrder(b) ? -1 : 1));
  assert.deepEqual(sorted, ["Aachen,DE", "Berlin,DE", "Paris,FR", "Tokyo,JP", "rack 7", ""].sort((a, b) => (locationOrder(a) < locationOrder(b) ? -1 : 1)));
  assert.equal(sorted.at(-1), "");
});

test("an axis keeps a location's nodes together and folds them into one", () => {
  const mesh = loaded();
  const unfolded = makeAxis(mesh, { sort: "location", find: "", isFolded: () => false }, NOW);
  assert.deepEqual(unfolded.map((item) => [item.members[0], item.group]), [[0, "first"], [1, "last"], [2, "none"], [3, "none"]]);
  const folded = makeAxis(mesh, { sort: "location", find: "", isFolded: () => true }, NOW);
  assert.deepEqual(folded.map((item) => item.members), [[0, 1], [2], [3]]);
  assert.equal(folded[0]!.detail, "2 nodes");
});

test("by trouble the node with failed paths comes first", () => {
  const mesh = loaded();
  const axis = makeAxis(mesh, { sort: "trouble", find: "", isFolded: () => false }, NOW);
  assert.deepEqual(axis.slice(0, 2).map((item) => item.members[0]), [2, 0]); // both ends of it; the slower one is worse
  assert.deepEqual(troubleOf(mesh, 2, NOW), { failed: 1, loss: 0.1, slow: 220e6 });
});

test("searching looks at names, places and keys; to: is for the columns", () => {
  const mesh = loaded();
  const found = (find: string) => makeAxis(mesh, { sort: "name", find, isFolded: () => false }, NOW).map((item) => item.members[0]);
  assert.deepEqual(found("PARIS"), [0, 1]);
  assert.deepEqual(found("paris b.ex"), [1]);
  assert.deepEqual(found("nowhere"), []);
  assert.deepEqual(findWords("paris to:tokyo from:b"), { rows: "paris b", columns: "tokyo" });
});

test("folds are said in a word, with exceptions", () => {
  const folds = Folds.parse("", true);
  assert.equal(folds.has("Paris,FR"), true);
  const opened = folds.toggled("Paris,FR");
  assert.equal(opened.has("Paris,FR"), false);
  assert.equal(Folds.parse(opened.format(), false).has("Paris,FR"), false);
  assert.equal(Folds.parse(opened.format(), false).has("Tokyo,JP"), true);
  assert.equal(opened.toggled("Paris,FR").format(), "all");
});

test("two locations together show the median of medians, the worst loss, and what failed", () => {
  const mesh = loaded();
  const [paris, tokyo] = makeAxis(mesh, { sort: "location", find: "", isFolded: () => true }, NOW) as [never, never, never];
  const there = gridCell(mesh, paris, tokyo, "p50", NOW);
  assert.deepEqual([there.state, there.value, there.loss, there.paths], ["measured", 220e6, 0.1, 2]);
  const back = gridCell(mesh, tokyo, paris, "p50", NOW);
  assert.deepEqual([back.state, back.value, back.failed], ["failed", null, 1]);
  const within = gridCell(mesh, paris, paris, "p50", NOW);
  assert.deepEqual([within.state, within.value, within.paths], ["measured", 1e6, 2]);
});

test("other metrics have no predictions", () => {
  const mesh = loaded();
  const axis = makeAxis(mesh, { sort: "location", find: "", isFolded: () => false }, NOW);
  const grid = makeGrid(mesh, axis, axis, "loss", NOW);
  assert.equal(grid[0]![2]!.value, 0.1);
  assert.deepEqual([grid[1]![0]!.state, grid[1]![0]!.value], ["predicted", null]);
});

test("the summary counts every path once, and the worst come first", () => {
  const mesh = loaded();
  const sum = summarize(mesh, NOW);
  assert.deepEqual([sum.nodes, sum.measured, sum.failed, sum.predicted, sum.stale, sum.unknown], [4, 2, 1, 1, 0, 8]);
  const worst = worstPaths(mesh, 2, NOW);
  assert.deepEqual(worst.map((path) => [path.from, path.to, path.state]), [[2, 0, "failed"], [0, 2, "measured"]]);
});

test("many failed paths to one node are told as one", () => {
  const mesh = new Mesh();
  const down = answer();
  down.rows = [0, 1, 2].map((from) => ({ from, source: "direct" as const, hops: 1, via: null, age_s: 0, cells: [cell(3, FAILED, null)] }));
  mesh.load([down], NOW);
  assert.deepEqual(worstPaths(mesh, 9, NOW).map((path) => [path.from, path.to, path.paths]), [[null, 3, 3]]);
});

test("the CSV has a line a path, with predictions apart from figures", () => {
  const mesh = loaded();
  const lines = matrixCsv(mesh, [0, 1], [0, 1, 2], NOW).trim().split("\r\n").map((line) => line.split(","));
  assert.equal(lines.length, 1 + 2 + 2);
  const predicted = lines.find((line) => line.includes("predicted"))!;
  assert.equal(predicted.at(-1), "8");
});
