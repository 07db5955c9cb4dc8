// Pictures of the dashboard for the documentation, of a made-up mesh: ./dev screenshots
import { mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { launch, missing, openPage } from "./browser.mjs";
import { startFake } from "./fake_node.mjs";

const folder = process.argv[2] ?? "docs/screenshots";
const reason = missing();
if (reason) throw new Error(reason);
mkdirSync(folder, { recursive: true });

const fake = await startFake({ nodes: 30 });
const browser = await launch();
const key = (index) => fake.mesh.nodes[index].key;
const pair = `${key(0)}/${key(5)}`;

const SHOTS = [
  ["mesh-light", "#/mesh", { theme: "light" }, { wait: ".matrix canvas", keys: ["ArrowDown", "ArrowDown", "ArrowDown", ...Array(7).fill("ArrowRight")] }],
  ["mesh-dark", "#/mesh?sort=trouble", { theme: "dark" }, { wait: ".matrix canvas" }],
  ["pair-light", `#/pair/${pair}?range=24h`, { theme: "light", height: 1180 }, { wait: ".marks" }],
  ["hours-light", `#/hours/${pair}`, { theme: "light", height: 520 }, { wait: ".week" }],
  ["direction-dark", "#/direction", { theme: "dark", height: 620 }, { wait: ".asymmetry tbody tr" }],
  ["map-dark", "#/map", { theme: "dark", height: 660 }, { wait: ".map .dot" }],
  ["peers-light", "#/peers", { theme: "light", height: 620 }, { wait: "table.budgets" }],
  ["phone-light", "#/mesh", { theme: "light", width: 390, height: 780 }, { wait: ".matrix canvas" }],
];

for (const [name, hash, options, { wait, keys = [] }] of SHOTS) {
  const page = await openPage(browser, { width: 1240, height: 800, ...options });
  await page.goto(`${fake.address}/${hash}`);
  await page.waitForSelector(wait);
  await page.waitForSelector(".status.live");
  if (keys.length) await page.focus(".matrix");
  for (const each of keys) await page.keyboard.press(each);
  await page.waitForTimeout(600); // what is drawn on a canvas has no other sign of being there
  const path = join(folder, `${name}.png`);
  await page.screenshot({ path });
  console.log(`${path}  ${Math.round(statSync(path).size / 1024)} KB${page.faults.length ? `  ${page.faults}` : ""}`);
  await page.context().close();
}
await browser.close();
await fake.close();
