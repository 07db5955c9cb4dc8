// Writes dist/: index.html, favicon, and assets with a hash of their content in the name, so that a
// browser may keep them for ever. With --tests DIRECTORY: the unit tests there, as node can run them.
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const here = (name) => new URL(name, import.meta.url).pathname;

async function buildTests(outdir) {
  const folder = "../tests/web/unit/";
  const tests = readdirSync(here(folder)).filter((name) => name.endsWith(".test.ts"));
  await build({
    entryPoints: tests.map((name) => here(folder + name)),
    outdir,
    outExtension: { ".js": ".mjs" },
    bundle: true, format: "esm", platform: "node", target: "node18", logLevel: "warning",
  });
}

// The one element of dist/index.html that changes from build to build is the assets' names.
function page(outputs, icon) {
  const entry = Object.entries(outputs).find(([, output]) => output.entryPoint === "src/main.tsx");
  const name = (path) => path.replace(/^dist\//, "/");
  return readFileSync(here("src/index.html"), "utf8")
    .replace("{script}", name(entry[0]))
    .replace("{style}", name(entry[1].cssBundle))
    .replace("{icon}", icon);
}

function writeIcon() {
  const bytes = readFileSync(here("src/favicon.svg"));
  const name = `/assets/favicon-${createHash("sha256").update(bytes).digest("hex").slice(0, 8)}.svg`;
  writeFileSync(here(`dist${name}`), bytes);
  return name;
}

async function buildDist() {
  rmSync(here("dist"), { recursive: true, force: true });
  mkdirSync(here("dist"), { recursive: true });
  const { metafile } = await build({
    absWorkingDir: here("."),
    entryPoints: { app: "src/main.tsx" },
    outdir: "dist/assets",
    entryNames: "[name]-[hash]", chunkNames: "[name]-[hash]", assetNames: "[name]-[hash]",
    bundle: true, splitting: true, format: "esm", minify: true, metafile: true,
    target: ["chrome100", "firefox100", "safari15"],
    legalComments: "none", logLevel: "warning",
  });
  writeFileSync(here("dist/index.html"), page(metafile.outputs, writeIcon()));
  for (const path of Object.keys(metafile.outputs).sort()) {
    const bytes = readFileSync(here(path));
    console.log(`${path}  ${bytes.length} bytes, ${gzipSync(bytes, { level: 9 }).length} compressed`);
  }
}

const [, , word, directory] = process.argv;
await (word === "--tests" ? buildTests(directory) : buildDist());
