// A real mesh on loopback: pingmesh processes on addresses and a port of their own, the first of
// which all others are told of.
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { existsSync, mkdtempSync, readFileSync, rmSync, openSync, closeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const BUILD = process.env.PM_BUILD ?? new URL("../../build", import.meta.url).pathname;
export const PINGMESH = join(BUILD, "pingmesh");
const PLACES = ["Sunnyvale,US", "Paris,FR", "Tokyo,JP", "Sydney,AU", "São Paulo,BR", "Stockholm,SE"];
const READY_MS = 60_000;
const STOP_MS = 30_000;
const SANITIZER_REPORT = /Sanitizer|runtime error:/;

export const canRun = () => existsSync(PINGMESH);

/** The condition's first value that is something; an error with what was awaited after the time. */
export async function until(what, condition, { ms = 60_000, pause = 150 } = {}) {
  const end = Date.now() + ms;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > end) throw new Error(`not within ${ms / 1000} s: ${what}`);
    await sleep(pause);
  }
}

const random = (from, to) => from + Math.floor(Math.random() * (to - from));

function isFree(address, port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, address, () => server.close(() => resolve(true)));
  });
}

class Node {
  constructor(address, port, place, options, folder) {
    this.address = `http://${address}:${port}`;
    this.place = place;
    this.log = join(folder, `${address}.log`);
    const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("PINGMESH_")));
    const output = openSync(this.log, "a");
    this.process = spawn(PINGMESH, ["-q", "-s", String(port), "-d", "1", "-L", place, "-H", address, "--bind", address, ...(options.arguments ?? [])], {
      env: { ...environment, ...(options.master ? { PINGMESH_URL: `${options.master}/v1/ping` } : {}), ...options.environment }, stdio: ["ignore", output, output],
    });
    closeSync(output);
    this.ended = new Promise((resolve) => this.process.on("exit", resolve));
  }

  async json(path) {
    const answer = await fetch(this.address + path, { headers: { Accept: "application/json" } });
    return answer.json();
  }

  async isReady() {
    if (this.process.exitCode !== null) throw new Error(`ended before it was ready: ${readFileSync(this.log)}`);
    return fetch(`${this.address}/readyz`).then((answer) => answer.ok, () => false);
  }

  kill() {
    this.process.kill("SIGKILL");
    return this.ended;
  }

  async stop() {
    if (this.process.exitCode === null && this.process.signalCode === null) this.process.kill("SIGTERM");
    const late = sleep(STOP_MS, undefined, { ref: false }).then(() => this.process.kill("SIGKILL"));
    await Promise.race([this.ended, late]);
    const log = readFileSync(this.log, "utf8");
    return SANITIZER_REPORT.test(log) ? `a sanitizer's report of ${this.address}: ${log}` : "";
  }
}

export class RealMesh {
  static async start(count) {
    const mesh = new RealMesh();
    mesh.folder = mkdtempSync(join(tmpdir(), "pingmesh-mesh-"));
    mesh.network = `127.${random(1, 255)}.${random(0, 255)}`;
    do mesh.port = random(10_000, 32_000); while (!(await isFree(`${mesh.network}.1`, mesh.port)));
    mesh.nodes = [];
    try {
      for (let i = 0; i < count; i++) mesh.add({ master: mesh.nodes[0]?.address });
      await Promise.all(mesh.nodes.map((node) => until(`${node.address} is ready`, () => node.isReady(), { ms: READY_MS })));
    } catch (error) {
      await mesh.stop();
      throw error;
    }
    return mesh;
  }

  add(options = {}) {
    const number = this.nodes.length + 1;
    const node = new Node(`${this.network}.${number}`, this.port, PLACES[number - 1] ?? "", options, this.folder);
    this.nodes.push(node);
    return node;
  }

  /** Until the first node has every one's row with all others measured. */
  grown() {
    const count = this.nodes.length;
    return until("everybody's row is known to the first node", async () => {
      const { rows } = await this.nodes[0].json("/v1/matrix");
      return rows.length === count && rows.every((row) => row.cells.filter((cell) => cell[1] === 1).length === count - 1);
    }, { ms: 90_000, pause: 500 });
  }

  /** What was wrong; empty if nothing was. */
  async stop() {
    const reports = await Promise.all(this.nodes.map((node) => node.stop()));
    rmSync(this.folder, { recursive: true, force: true });
    return reports.filter(Boolean).join("\n");
  }
}
