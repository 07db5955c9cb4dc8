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

// All that changes in dist/index.html from build to build is the assets' names.
function page(outputs, names) {
  const entry = Object.entries(outputs).find(([, output]) => output.entryPoint === "src/main.tsx");
  const name = (path) => path.replace(/^dist\//, "/");
  return readFileSync(here("src/index.html"), "utf8")
    .replace("{script}", name(entry[0]))
    .replace("{style}", name(entry[1].cssBundle))
    .replace("{icon}", names.icon)
    .replace("{licences}", names.licences);
}

function writeAsset(name, extension, bytes) {
  const path = `/assets/${name}-${createHash("sha256").update(bytes).digest("hex").slice(0, 8)}.${extension}`;
  writeFileSync(here(`dist${path}`), bytes);
  return path;
}

// What is bundled comes with its licence: the texts go along, and the help links to them.
function licences() {
  const texts = ["preact", "uplot"].map((name) => `${name}\n\n${readFileSync(here(`node_modules/${name}/LICENSE`), "utf8")}`);
  return [readFileSync(here("THIRD-PARTY.md"), "utf8"), ...texts].join(`\n${"-".repeat(80)}\n\n`);
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
    target: ["chrome110", "firefox110", "safari16"],
    legalComments: "none", logLevel: "warning",
  });
  writeFileSync(here("dist/index.html"), page(metafile.outputs, {
    icon: writeAsset("favicon", "svg", readFileSync(here("src/favicon.svg"))),
    licences: writeAsset("third-party", "txt", licences()),
  }));
  for (const path of Object.keys(metafile.outputs).sort()) {
    const bytes = readFileSync(here(path));
    console.log(`${path}  ${bytes.length} bytes, ${gzipSync(bytes, { level: 9 }).length} compressed`);
  }
}

const [, , word, directory] = process.argv;
await (word === "--tests" ? buildTests(directory) : buildDist());
