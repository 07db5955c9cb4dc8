// Chromium for the tests: Debian's, driven by playwright-core from web/node_modules. Each page keeps
// an account of what must not happen: errors on the console, and requests to another host.
import { createRequire } from "node:module";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const web = createRequire(new URL("../../web/package.json", import.meta.url));
const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Why the tests cannot run here; null if they can. */
export function missing() {
  if (!CHROMIUM.some(existsSync)) return "chromium is not installed";
  try {
    web.resolve("playwright-core");
  } catch {
    return "web/node_modules is not there: ./dev build makes it";
  }
  return null;
}

export async function launch() {
  const { chromium } = web("playwright-core");
  return chromium.launch({
    executablePath: CHROMIUM.find(existsSync),
    args: ["--no-sandbox", "--disable-dev-shm-usage", "--no-proxy-server"], // containers have neither
  });
}

const RESOURCE_ERROR = /Failed to load resource/;

/** A page whose `faults` are empty as long as all is well. expectLost: losing the connection is no fault. */
export async function openPage(browser, { theme = "light", width = 1360, height = 860, zone = "Europe/Paris", scale = 1 } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: theme, timezoneId: zone, locale: "en-GB", deviceScaleFactor: scale, reducedMotion: "reduce" });
  const page = await context.newPage();
  const faults = [];
  const state = { expectLost: false };
  page.on("console", (message) => {
    if (message.type() !== "error" && message.type() !== "warning") return;
    if (state.expectLost && (RESOURCE_ERROR.test(message.text()) || /ERR_|EventSource/.test(message.text()))) return;
    faults.push(`console: ${message.text()} (${message.location().url})`);
  });
  page.on("pageerror", (error) => faults.push(`exception: ${error.stack}`));
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.protocol.startsWith("http") && page.url() !== "about:blank" && url.host !== new URL(page.url()).host) faults.push(`a request to another host: ${url}`);
  });
  return Object.assign(page, { faults, state });
}

/** What axe finds that is serious or critical, one line each. */
export async function axeFindings(page) {
  const source = readFileSync(join(web.resolve("axe-core/package.json"), "..", "axe.min.js"), "utf8");
  await page.evaluate(source); // by the debugger's door: the page's policy allows no script of ours
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.slice(0, 3).map((node) => `${node.target.join(" ")} (${node.failureSummary?.split("\n")[1]?.trim()})`).join("; ")}`);
}
