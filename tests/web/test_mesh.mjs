// The dashboard in Chromium against a real mesh of five nodes: every view, a peer added by the form
// and seen measured, a change seen live, a node killed and seen to fail and to grow stale.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { axeFindings, launch, missing, openPage } from "./browser.mjs";
import { RealMesh, canRun, until } from "./mesh_nodes.mjs";

const FIRST_VIEW_BYTES_MAX = 200 * 1024;
const STALE_MS = 150_000; // figures are stale 90 s after their row was last heard of
const FAILED = 2; // in an event's cell
const STATES = /: (measured|failed|stale|predicted|unknown)/;

const reason = missing() ?? (canRun() ? null : "build/pingmesh is not there");
if (reason) {
  console.log(`skipped: ${reason}`);
  process.exit(77);
}

let mesh, browser;
before(async () => {
  mesh = await RealMesh.start(5);
  await mesh.grown();
  browser = await launch();
});
after(async () => {
  await browser?.close();
  assert.equal(await mesh?.stop(), "");
});

async function open(hash, options) {
  const page = await openPage(browser, options);
  await page.goto(`${mesh.nodes[0].address}/${hash}`);
  return page;
}

/** Moves the matrix' cursor by keys until the cell of that path is under it. */
async function choose(page, from, to) {
  const find = (node) => page.evaluate(async (place) => {
    const { nodes } = await (await fetch("/v1/matrix")).json();
    const order = nodes.map((node) => node.location).sort((a, b) => (key(a) < key(b) ? -1 : 1));
    function key(location) {
      const comma = location.lastIndexOf(",");
      return `${location.slice(comma + 1)} ${location.slice(0, comma)}`.toLowerCase();
    }
    return order.indexOf(place);
  }, node.place);
  const [row, column] = [await find(from), await find(to)];
  await page.focus(".matrix");
  await page.keyboard.press("Home");
  for (let i = 0; i < 6; i++) await page.keyboard.press("ArrowUp");
  for (let i = 0; i < row; i++) await page.keyboard.press("ArrowDown");
  for (let i = 0; i < column; i++) await page.keyboard.press("ArrowRight");
  const text = await page.textContent("#matrix-cell");
  assert.ok(text.startsWith(`From ${from.place}`) && text.includes(`to ${to.place}`), `${text} is not ${from.place} to ${to.place}`);
}

const stateOf = async (page) => STATES.exec(await page.textContent("#matrix-cell"))?.[1];

test("the first view is small, and everything comes from the node", async () => {
  const page = await openPage(browser);
  const session = await page.context().newCDPSession(page);
  let bytes = 0;
  await session.send("Network.enable");
  session.on("Network.loadingFinished", (event) => (bytes += event.encodedDataLength));
  await page.goto(`${mesh.nodes[0].address}/`);
  await page.waitForSelector(".matrix canvas");
  await page.waitForTimeout(500);
  console.log(`first view: ${(bytes / 1024).toFixed(1)} KB transferred`);
  assert.ok(bytes > 10_000 && bytes <= FIRST_VIEW_BYTES_MAX, `${bytes} bytes`);
  assert.deepEqual(page.faults, []);
  await page.context().close();
});

const VIEWS = [
  ["#/mesh", ".matrix canvas"], ["#/pair", ".plot canvas"], ["#/hours", ".view-hours .card"],
  ["#/direction", ".view-direction .finding"], ["#/map", ".map .dot"], ["#/peers", "table.peers"],
];
for (const [hash, selector] of VIEWS) {
  test(`${hash} shows what it is for, in light and dark, and can be used by all`, async () => {
    for (const theme of ["light", "dark"]) {
      const page = await open(hash, { theme });
      await page.waitForSelector(selector, { timeout: 90_000 }); // a plot needs its first minute
      assert.deepEqual(await axeFindings(page), [], theme);
      assert.deepEqual(page.faults, []);
      await page.context().close();
    }
  });
}

test("a peer that is added by the form is measured", async () => {
  const sixth = mesh.add({ arguments: ["--no-grow"] });
  await until("the sixth node is ready", () => sixth.isReady());
  const page = await open("#/peers");
  await page.fill("input[name=url]", sixth.address.replace("http://", ""));
  await page.click("text=Add peer");
  await page.waitForSelector(".notice.good");
  const row = page.locator("table.peers tr", { hasText: sixth.address.replace("http://", "") });
  await until("it has answered", async () => Number((await row.locator("td.number").nth(3).textContent().catch(() => "0")) ?? 0) > 0);
  await row.locator("text=Pause").click();
  await row.locator("text=Resume").click(); // only a paused one has it
  await page.click("nav >> text=Mesh");
  await until("it is in the matrix", async () => (await page.getAttribute(".matrix", "aria-rowcount")) === "6");
  await choose(page, mesh.nodes[0], sixth);
  await until("its cell is measured", async () => (await stateOf(page)) === "measured");
  assert.deepEqual(page.faults, []);
  await page.context().close();
});

test("a killed node's cells fail at once, then grow stale, and are never measured again", async () => {
  const [first, , , , victim] = mesh.nodes;
  const there = await open("#/mesh");
  const back = await open("#/mesh");
  for (const page of [there, back]) await page.waitForSelector(".matrix canvas");
  await choose(there, first, victim);
  await choose(back, victim, first);
  assert.deepEqual([await stateOf(there), await stateOf(back)], ["measured", "measured"]);

  // The failure comes by an event, and is seen as soon as that has come.
  const { self } = await first.json("/v1/session");
  const session = await there.context().newCDPSession(there);
  let toldAt = 0;
  await session.send("Network.enable");
  session.on("Network.eventSourceMessageReceived", ({ eventName, data }) => {
    if (eventName !== "row" || toldAt) return;
    const row = JSON.parse(data);
    if (row.from === self && row.cells.some(([, state]) => state === FAILED)) toldAt = Date.now();
  });
  await victim.kill();
  await until("the path to it has failed", async () => (await stateOf(there)) === "failed", { ms: 30_000, pause: 50 });
  const late_ms = Date.now() - toldAt;
  assert.ok(toldAt > 0, "no event told of the failure");
  assert.ok(late_ms < 3000, `seen ${late_ms} ms after the event`);

  const seen = { there: ["failed"], back: [] };
  const note = async (list, page) => {
    const state = await stateOf(page);
    if (list.at(-1) !== state) list.push(state);
    return state;
  };
  await until("what it said of itself is stale", async () => {
    const states = [await note(seen.there, there), await note(seen.back, back)];
    return states.every((state) => state !== "failed" && state !== "measured");
  }, { ms: STALE_MS, pause: 250 });
  console.log(`to the killed node: ${seen.there.join(" → ")}; from it: ${seen.back.join(" → ")}`);
  assert.ok(!seen.there.includes("measured"), seen.there.join());
  assert.equal(seen.back.lastIndexOf("measured"), 0, seen.back.join());
  assert.equal(seen.back.at(-1), "stale");
  assert.deepEqual([there.faults, back.faults], [[], []]);
  await there.context().close();
  await back.context().close();
});

test("a node that goes away is said to, and its figures keep their age", async () => {
  const page = await open("#/mesh");
  await page.waitForSelector(".status.live");
  page.state.expectLost = true;
  await mesh.nodes[0].kill();
  await page.waitForSelector(".banner >> text=Connection lost");
  assert.match(await page.textContent(".banner"), /as of \d\d:\d\d:\d\d/);
  assert.deepEqual(page.faults, []);
  await page.context().close();
});
