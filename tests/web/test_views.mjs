// The dashboard in Chromium against a made-up mesh: what a real one on a single machine cannot
// show. Two hundred nodes, long histories, patterns, a narrow screen, a connection that breaks.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { axeFindings, launch, missing, openPage } from "./browser.mjs";
import { startFake } from "./fake_node.mjs";

const DRAW_MS_MAX = 100; // of one pass over a matrix of 200 nodes; a busy machine, without a GPU

const reason = missing();
if (reason) {
  console.log(`skipped: ${reason}`);
  process.exit(77);
}

let fake, browser;
before(async () => {
  fake = await startFake({ nodes: 30 });
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await fake?.close();
});

async function open(hash, options, from = fake) {
  const page = await openPage(browser, options);
  await page.goto(`${from.address}/${hash}`);
  return page;
}

const key = (index) => fake.mesh.nodes[index].key;
const VIEWS = {
  mesh: ["#/mesh", ".matrix canvas"],
  "mesh by location": ["#/mesh?fold=all&metric=loss&sort=trouble", ".matrix canvas"],
  pair: [() => `#/pair/${key(0)}/${key(5)}`, ".card:nth-of-type(4) table"],
  "a pair of others": [() => `#/pair/${key(3)}/${key(5)}?range=30d&both=0`, ".plot canvas"],
  hours: [() => `#/hours/${key(0)}/${key(5)}`, ".week td.slow"],
  "hours of places": [() => `#/hours/${key(0)}/${key(5)}?by=location&figure=median&span=-52w`, ".week td.slow"],
  direction: ["#/direction?all=1", ".asymmetry tbody tr"],
  map: ["#/map", ".map .dot"],
  peers: ["#/peers", "table.budgets"],
};

for (const [name, [hash, selector]] of Object.entries(VIEWS)) {
  test(`${name}: no error, nothing serious for axe, in light and dark, and no wider than a phone`, async () => {
    const address = typeof hash === "function" ? hash() : hash;
    for (const theme of ["light", "dark"]) {
      const page = await open(address, { theme });
      await page.waitForSelector(selector);
      assert.deepEqual(await axeFindings(page), [], theme);
      await page.setViewportSize({ width: 390, height: 844 });
      // Plots follow the screen once the browser tells them of it.
      await page.waitForFunction(() => document.documentElement.scrollWidth <= innerWidth, null, { timeout: 20_000 }).catch(() => {});
      const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wider <= 0, `${wider} pixels wider than a phone`);
      assert.deepEqual(page.faults, []);
      await page.context().close();
    }
  });
}

test("two hundred nodes are drawn in time", async () => {
  const large = await startFake({ nodes: 200 });
  try {
    const page = await open("#/mesh?fold=none", {}, large);
    await page.waitForFunction(() => document.querySelector(".matrix")?.getAttribute("aria-rowcount") === "200");
    for (let i = 1; i <= 30; i++) {
      await page.evaluate((top) => document.querySelector(".matrix").scrollTo(top, top), i * 40);
      await page.waitForTimeout(30);
    }
    const times = await page.evaluate(() => performance.getEntriesByName("matrix").map((entry) => entry.duration).sort((a, b) => a - b));
    const [quarter, middle, worst] = [times[times.length >> 2], times[times.length >> 1], times.at(-1)];
    console.log(`a matrix of 200 × 200: drawn ${times.length} times, lower quartile ${quarter.toFixed(1)} ms, median ${middle.toFixed(1)} ms, worst ${worst.toFixed(1)} ms`);
    assert.ok(times.length >= 10);
    assert.ok(quarter < DRAW_MS_MAX, `${quarter} ms`); // the others wait for the processor
    assert.deepEqual(page.faults, []);
    await page.context().close();
  } finally {
    await large.close();
  }
});

test("keys move, turn round, fold and open", async () => {
  const page = await open("#/mesh");
  await page.waitForSelector(".matrix canvas");
  const text = () => page.textContent("#matrix-cell");
  await page.keyboard.press("/");
  await page.keyboard.type("frankfurt");
  await page.waitForFunction(() => document.querySelector(".matrix").getAttribute("aria-rowcount") === "1");
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => document.querySelector(".matrix").getAttribute("aria-rowcount") === "30");
  await page.focus(".matrix");
  await page.keyboard.press("Home");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  const [, there] = /^From (.*) to (.*?):\d+: /.exec(`${await text()} `) ?? [];
  await page.keyboard.press("r");
  assert.notEqual(await text(), there);
  await page.keyboard.press("r");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".plot canvas");
  assert.match(page.url(), /#\/pair\/[0-9a-f]+\/[0-9a-f]+/);
  await page.keyboard.press("?");
  await page.waitForSelector("dialog[open] >> text=Keys");
  await page.keyboard.press("Escape");
  await page.keyboard.press("6");
  await page.waitForSelector("table.peers");
  assert.deepEqual(page.faults, []);
  await page.context().close();
});

test("an address leads to the same view again", async () => {
  const hash = `#/pair/${key(2)}/${key(9)}?range=7d&phase=total`;
  const page = await open(hash);
  await page.waitForSelector(".plot canvas");
  assert.equal(await page.getAttribute(".segments button:nth-child(4)", "aria-pressed"), "true");
  assert.equal(await page.inputValue(".tools > .field select"), "total");
  await page.click("text=24 h");
  assert.match(page.url(), /range=24h&phase=total/);
  await page.context().close();
});

test("the matrix is had as CSV, JSON and PNG", async () => {
  const page = await open("#/mesh?find=tokyo");
  await page.waitForSelector(".matrix canvas");
  const contents = [];
  for (const [choice, name] of [["CSV", /matrix-.*\.csv$/], ["JSON", /\.json$/], ["PNG", /\.png$/]]) {
    await page.click("text=Export");
    const [download] = await Promise.all([page.waitForEvent("download"), page.click(`.menu-list >> text=${choice}`)]);
    assert.match(download.suggestedFilename(), name);
    contents.push(readFileSync(await download.path()));
  }
  const lines = contents[0].toString().trim().split("\r\n");
  assert.equal(lines.length, 1 + 29);
  assert.ok(lines.slice(1).every((line) => line.startsWith('"Tokyo,JP"')));
  assert.equal(JSON.parse(contents[1]).paths.length, 29);
  assert.equal(contents[2].subarray(1, 4).toString(), "PNG");
  assert.deepEqual(page.faults, []);
  await page.context().close();
});

test("peers are added, paused, resumed and removed; a refusal is shown", async () => {
  const page = await open("#/peers");
  page.on("dialog", (dialog) => dialog.accept());
  await page.fill("input[name=url]", "192.0.2.9:8080");
  await page.fill("input[name=ip]", "192.0.2.10");
  await page.click("text=Add peer");
  await page.waitForSelector(".notice.good");
  const row = page.locator("table.peers tr", { hasText: "192.0.2.9:8080" });
  await row.locator("text=Pause").click();
  await row.locator("text=Resume").click();
  await row.locator("text=Remove").click();
  await row.waitFor({ state: "detached" });
  page.state.expectLost = true; // the browser says of each refused request that it failed
  await page.fill("input[name=url]", "http://192.0.2.9/elsewhere");
  await page.click("text=Add peer");
  await page.waitForSelector(".notice.bad >> text=can be added");
  assert.deepEqual(page.faults, []);
  await page.context().close();
});

test("who is no operator is not offered what only operators may do", async () => {
  const plain = await startFake({ nodes: 5, operator: false });
  const page = await open("#/peers", {}, plain);
  await page.waitForSelector("a[href='/v1/login']");
  assert.equal(await page.locator("text=Remove").count(), 0);
  assert.equal(await page.locator("input[name=url]").count(), 0);
  await page.context().close();
  await plain.close();
});

test("a lost connection is said, figures grow stale, and all is well again when it is back", async () => {
  const port = 20_000 + Math.floor(Math.random() * 10_000);
  let node = await startFake({ nodes: 6, port });
  const page = await open("#/mesh", {}, node);
  await page.waitForSelector(".status.live");
  page.state.expectLost = true;
  await node.close();
  await page.waitForSelector(".banner >> text=Connection lost");
  node = await startFake({ nodes: 7, port });
  await page.waitForSelector(".banner", { state: "detached", timeout: 20_000 });
  await page.waitForFunction(() => document.querySelector(".matrix").getAttribute("aria-rowcount") === "7");
  assert.deepEqual(page.faults, []);
  await page.context().close();
  await node.close();
});

test("the theme follows the system until one is chosen", async () => {
  const page = await open("#/mesh", { theme: "dark" });
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  assert.equal(await background(), "rgb(16, 18, 21)");
  await page.keyboard.press("t");
  assert.equal(await background(), "rgb(246, 246, 244)");
  await page.reload();
  assert.equal(await background(), "rgb(246, 246, 244)");
  await page.context().close();
});
