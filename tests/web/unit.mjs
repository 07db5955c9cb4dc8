// The dashboard's unit tests (unit/*.test.ts), bundled and run by node's own runner.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const WEB = new URL("../../web/", import.meta.url).pathname;
const SKIPPED = 77;

if (!existsSync(join(WEB, "node_modules/esbuild"))) {
  console.log("skipped: web/node_modules is not there: ./dev build makes it");
  process.exit(SKIPPED);
}
const folder = mkdtempSync(join(tmpdir(), "pingmesh-web-"));
try {
  const run = (...words) => spawnSync(process.execPath, words, { cwd: WEB, stdio: "inherit" }).status ?? 1;
  const status = run("build.mjs", "--tests", folder);
  process.exitCode = status || run("--test", ...readdirSync(folder).map((name) => join(folder, name)));
} finally {
  rmSync(folder, { recursive: true });
}
