// A node that only pretends: it serves web/dist and answers the dashboard's questions with made-up
// figures in the API's form, the same ones for the same seed. For what no real mesh on one machine
// can show: 200 nodes on a map, a month of history, a daily pattern, a connection that breaks.
//
//   node tests/web/fake_node.mjs [PORT [NODES]]
import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const WEB = new URL("../../web/", import.meta.url);
const CITIES = JSON.parse(readFileSync(new URL("src/map/cities.json", WEB), "utf8"));
const TYPES = { html: "text/html; charset=utf-8", js: "text/javascript", css: "text/css", svg: "image/svg+xml" };
export const CSP = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; " +
  "connect-src 'self'; font-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

const FIELDS = ["to", "state", "age_s", "sent", "lost", "p25_ns", "p50_ns", "p75_ns", "p90_ns", "p99_ns",
  "jitter_ns", "dns_ns", "tls_ns", "first_ns", "total_ns"];
const STATES = ["unknown", "measured", "failed", "stale"];
const [UNKNOWN, MEASURED, FAILED, STALE] = [0, 1, 2, 3];

const SITES = ["Sunnyvale,US", "Ashburn,US", "Frankfurt,DE", "Paris,FR", "London,GB", "Tokyo,JP", "Singapore,SG",
  "Sydney,AU", "São Paulo,BR", "Mumbai,IN", "Johannesburg,ZA", "Stockholm,SE", "Toronto,CA", "Hong Kong,HK",
  "Seoul,KR", "Dubai,AE", "Warsaw,PL", "Madrid,ES", "Santiago,CL", "Chicago,US", "Dublin,IE", "Zürich,CH",
  "Jakarta,ID", "Mexico City,MX", "Nairobi,KE", "Auckland,NZ", "Atlanta,US", "Osaka,JP", "Helsinki,FI", "Milan,IT"];

// Mulberry32: small, and the same everywhere.
function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const hash = (...numbers) => numbers.reduce((h, n) => Math.imul(h ^ n, 2654435761) >>> 0, 0x9e3779b9);

function spotOf(location) {
  const [name, country] = location.split(",");
  const city = CITIES.find(([names, code]) => code === country && names.split("/").includes(name));
  return city ? [city[2] / 10, city[3] / 10] : null;
}

function kilometres([a, b], [c, d]) {
  const rad = Math.PI / 180;
  const h = Math.sin(((c - a) * rad) / 2) ** 2 + Math.cos(a * rad) * Math.cos(c * rad) * Math.sin(((d - b) * rad) / 2) ** 2;
  return 12742 * Math.asin(Math.sqrt(h));
}

function makeNodes(count) {
  return Array.from({ length: count }, (_, i) => {
    const site = SITES[i % SITES.length];
    const unplaced = count >= 20 && i % 29 === 17;
    const location = unplaced ? (i % 2 ? "" : "rack 12, cage B") : site;
    const spot = spotOf(site);
    const [latitude, longitude] = (spot ?? [0, 0]).map((value) => (value * Math.PI) / 180);
    const radius = 60; // milliseconds; a chord through the globe is a little shorter than the fibre
    return {
      key: hash(i, 7).toString(16).padStart(8, "0").repeat(4), spot,
      host: unplaced && i === 17 ? "a-very-long-host-name-of-a-node.in-some-department.example.org:8080" : `10.${20 + (i % SITES.length)}.${1 + Math.floor(i / SITES.length)}.10:8080`,
      location, state: i === 0 ? "self" : i % 41 === 40 ? "suspect" : "active",
      coordinate: [radius * Math.cos(latitude) * Math.cos(longitude), radius * Math.cos(latitude) * Math.sin(longitude),
        radius * Math.sin(latitude), 0.4].map((value) => Math.round(value * 100) / 100),
      coordinate_error: 0.15,
    };
  }).map((node) => ({ ...node, url: `http://${node.host}/v1/ping` }));
}

/** A made-up mesh: round trips follow distance; some ways differ, some lose, some fail. */
export class FakeMesh {
  constructor(count, seed = 1) {
    this.count = count;
    this.seed = seed;
    this.nodes = makeNodes(count);
    this.started = Date.now();
    this.down = new Set(count > 8 ? [7] : []); // nodes that nobody reaches
    this.silent = new Set(count > 8 ? [11] : []); // nodes whose row is old
    this.added = [];
    this.paused = new Set();
  }

  base_ns(from, to) {
    const [a, b] = [this.nodes[from], this.nodes[to]];
    const random = generator(hash(this.seed, Math.min(from, to), Math.max(from, to)));
    const detour = 1.25 + 0.5 * random();
    const km = kilometres(a.spot, b.spot);
    const oneWay = hash(from, to, 3) % 23 === 0 ? 1.07 + (hash(from, to, 17) % 40) / 100 : 1; // the way there is routed otherwise
    return (km * 1e4 * detour + 0.25e6 + random() * 3e5) * oneWay;
  }

  isMeasured(from, to) {
    return this.count <= 40 || hash(from, to, 5) % 100 < 72;
  }

  cell(from, to, age_s) {
    const random = generator(hash(this.seed, from, to, Math.floor((Date.now() - this.started) / 4000)));
    const base = this.base_ns(from, to) * (1 + 0.02 * random());
    const lossy = hash(from, to, 11) % 37 === 0;
    const failed = this.down.has(to) || hash(from, to, 13) % 211 === 0;
    const lost = failed ? 60 : lossy ? 2 + (hash(from, to) % 9) : 0;
    const ns = (factor) => Math.round(base * factor);
    const figures = failed ? Array(10).fill(null)
      : [ns(0.985), ns(1), ns(1.03), ns(1.09), ns(1.4 + random() * 0.6), ns(0.03), Math.round(random() * 2e6), ns(1.15), ns(1.06), ns(3.4)];
    const state = this.silent.has(from) ? STALE : failed ? FAILED : MEASURED;
    return [to, state, age_s + (to % 9), 60, lost, ...figures];
  }

  row(from) {
    const own = from === 0;
    const age_s = this.silent.has(from) ? 340 : own ? 0 : 2 + (from % 13);
    const relayed = !own && hash(from) % 7 === 0;
    const cells = [];
    for (let to = 0; to < this.count; to++) {
      if (to !== from && this.isMeasured(from, to)) cells.push(this.cell(from, to, age_s));
    }
    return { from, source: own ? "self" : relayed ? "relayed" : "direct", hops: own ? 0 : relayed ? 2 : 1, via: relayed ? 1 : null, age_s, cells };
  }

  matrix() {
    const rows = this.nodes.flatMap((_, from) => (this.down.has(from) ? [] : [this.row(from)]));
    const nodes = this.nodes.map(({ spot, ...node }) => node);
    return { time: new Date().toISOString(), self: this.nodes[0].key, stale_after_s: 90, fields: FIELDS, states: STATES, nodes, rows, more: false };
  }

  indexOf(key) {
    return this.nodes.findIndex((node) => node.key === key || node.url === key);
  }

  asymmetry(limit) {
    const side = (from, to) => {
      const p50 = Math.round(this.base_ns(from, to));
      return { p50_ns: p50, p25_ns: Math.round(p50 * 0.985), p75_ns: Math.round(p50 * 1.03), sent: 60, lost: hash(from, to, 11) % 37 === 0 ? 4 : 0, age_s: 4 };
    };
    const pairs = [];
    for (let a = 0; a < this.count; a++) {
      for (let b = a + 1; b < this.count; b++) {
        if (!this.isMeasured(a, b) || !this.isMeasured(b, a) || this.down.has(a) || this.down.has(b)) continue;
        const [ab, ba] = [side(a, b), side(b, a)];
        const noise_ns = Math.round(Math.max(2e5, 0.05 * Math.min(ab.p50_ns, ba.p50_ns)));
        const difference_ns = ab.p50_ns - ba.p50_ns;
        const loss_difference = (ab.lost - ba.lost) / 60;
        pairs.push({ a: this.nodes[a].key, b: this.nodes[b].key, a_location: this.nodes[a].location, b_location: this.nodes[b].location, ab, ba,
          difference_ns, noise_ns, beyond_noise: Math.abs(difference_ns) > noise_ns, loss_difference, loss_beyond_noise: false });
      }
    }
    pairs.sort((x, y) => y.beyond_noise - x.beyond_noise || Math.abs(y.difference_ns) - Math.abs(x.difference_ns));
    return { time: new Date().toISOString(), self: this.nodes[0].key, judged: pairs.length, pairs: pairs.slice(0, limit) };
  }

  // Slower in the evening of the zone that the path ends in.
  evening(from, to, time_s) {
    const [, longitude] = this.nodes[to].spot;
    const hour = ((time_s / 3600 + longitude / 15) % 24 + 24) % 24;
    const weekend = [0, 6].includes(new Date(time_s * 1000).getUTCDay());
    return (from + to) % 2 ? 1 + (weekend ? 0.1 : 0.28) * Math.exp(-(((hour - 20) / 2.4) ** 2)) : 1;
  }

  history(from, to, since_s, until_s, step_s) {
    const rows = [];
    for (let t = Math.ceil(since_s / step_s) * step_s; t < until_s; t += step_s) {
      const random = generator(hash(this.seed, from, to, t / 60));
      const outage = hash(to, Math.floor(t / 7200)) % 61 === 0;
      const gap = hash(from, Math.floor(t / 10800)) % 47 === 0;
      if (gap) continue;
      const base = this.base_ns(from, to) * this.evening(from, to, t) * (1 + 0.015 * (random() - 0.5));
      const sent = Math.max(1, Math.round(step_s / 10));
      const lost = outage ? Math.ceil(sent * (0.2 + 0.6 * random())) : random() < 0.03 ? Math.ceil(sent * 0.05) : 0;
      const busy = 1 + 0.25 * random() ** 4;
      const ns = (factor) => Math.round(base * factor);
      rows.push({ t: new Date(t * 1000).toISOString(), sent, lost, n: sent - lost, p10_ns: ns(0.975), p50_ns: ns(1), p90_ns: ns(1.04 * busy),
        p99_ns: ns(1.2 * busy * busy + 0.2 * random()), max_ns: ns(2 + random()), mean_ns: ns(1.02),
        mean_ns_by_phase: { dns: Math.round(4e5 + random() * 1e6), tcp: ns(1.02), tls: to % 3 ? ns(1.2) : 0, first: ns(1.08), last: 9e4 } });
    }
    return rows;
  }

  profile(from, to, zone) {
    const pattern = (from + to) % 2 === 1;
    const sign = zone.startsWith("-") ? -1 : 1;
    const ahead_s = sign * (Number(zone.slice(1, 3)) * 3600 + Number(zone.slice(4, 6)) * 60);
    const monday_s = Date.UTC(2026, 10, 2) / 1000 - ahead_s;
    const base = this.base_ns(from, to);
    const cells = Array.from({ length: 168 }, (_, i) => {
      const random = generator(hash(this.seed, from, to, i, 99));
      const factor = this.evening(from, to, monday_s + i * 3600) * (1 + 0.03 * (random() - 0.5));
      const hours = i > 160 && to % 4 === 0 ? 0 : 4 - (hash(i) % 3 === 0 ? 1 : 0);
      const by = factor / 1.02 - 1;
      return { weekday: Math.floor(i / 24) + 1, hour: i % 24, hours, sent: hours * 360, lost: hours ? Math.floor(random() * 4) : 0, n: hours * 358,
        p10_ns: base * 0.98, p50_ns: hours ? Math.round(base * factor) : null, p90_ns: base * 1.1, p99_ns: base * 1.4, max_ns: base * 2, mean_ns: base,
        slower_by: hours ? Math.round(by * 1000) / 1000 : null, slow: pattern && by > 0.08 };
    });
    return { all: { n: cells.reduce((n, cell) => n + cell.n, 0), p50_ns: Math.round(base * 1.02) },
      pattern: { daily: pattern, weekly: pattern, p_day: pattern ? 1e-9 : 0.41, p_week: pattern ? 1e-5 : 0.6 }, cells };
  }

  recent(to) {
    const now = Date.now();
    const samples = Array.from({ length: 100 }, (_, i) => {
      const turn = Math.floor(now / 10_000) - 99 + i;
      const random = generator(hash(this.seed, to, turn));
      const ok = random() > 0.03;
      const verdict = random() < 0.05 ? "retransmitted" : random() < 0.05 ? "starved" : "clean";
      const tcp = this.base_ns(0, to) * (1 + 0.2 * random() ** 4) * (verdict === "retransmitted" ? 1.6 : 1);
      const ns = (factor) => (ok ? Math.round(tcp * factor) : null);
      return { t: new Date(turn * 10_000).toISOString(), outcome: ok ? "success" : "timeout", verdict, dns_ns: 0, tcp_ns: ns(1), tls_ns: ns(1.1), first_ns: ns(1.05), last_ns: ok ? 6e4 : null, total_ns: ns(3.2) };
    });
    return { from: this.nodes[0].key, to: this.nodes[to].key, samples };
  }

  peers(operator) {
    const now = Date.now();
    const learned = ["consent", "word", "local", "claim", "saved"];
    const entry = (host, url, location, i) => ({ Url: url, Host: host, Limit: 0, Delay: 10, Maxfail: 100, Location: location, PeerIP: host.replace(/:\d+$/, ""),
      FirstPing: new Date(now - 3600e3 * (i + 1)).toISOString(), LatestPing: new Date(now - 1000 * (i % 11)).toISOString(), Pings: 360 * (i + 1), Fails: i % 9 === 7 ? 31 : 0,
      Mesh: { Paused: this.paused.has(url) } });
    const others = this.nodes.slice(1, 128);
    const Peers = [...others.map((node, i) => entry(node.host, node.url, node.location, i)), ...this.added.map((url, i) => entry(new URL(url).host, url, "", i))];
    const budget = (Left, Burst, Taken, Refused) => ({ Left, Burst, Taken, Refused });
    const document = { Start: new Date(this.started - 86400e3).toISOString(), SrvLoc: this.nodes[0].location, SrvHost: "10.20.1.10", SrvPort: 8080, Peers, Requests: 12345,
      NumActive: Peers.length, NumDeleted: 1, DelPeers: [entry("192.0.2.77:8080", "http://192.0.2.77:8080/v1/ping", "Lyon,FR", 3)] };
    if (!operator) return document;
    return { ...document, Mesh: { Verified: others.length, Active: others.length, Candidates: 3, Heard: 12, Lost: 1, NodesEstimate: this.count - 1,
      Budgets: { verify: budget(48, 50, 151, 0), speculative: budget(1, 8, 32, 4), claim: budget(20, 20, 9, 0), inbound: budget(97, 100, 88, 0), hint: budget(20, 20, 3, 0), total: budget(52, 60, 190, 0), page: budget(980, 1000, 640, 0), failure: budget(22, 30, 14, 0) },
      Changes: { admitted: 140 }, Refusals: { "did not answer": 9, "answered, but is no node of the mesh": 2, "its address is not allowed from this source": 31, "the table is full": 0 },
      Members: others.map((node, i) => ({ Contact: `${node.host}|${node.host.replace(/:\d+$/, "")}`, State: i === 5 ? "suspect" : "verified", Active: true, Listed: true, Learned: learned[i % 5],
        From: i % 5 === 1 || i % 5 === 3 ? this.nodes[(i * 3) % this.count].host : null, Depth: 1 + (i % 3), Fails: i === 5 ? 3 : 0, StateSeconds: 3600 * i, LastOkSeconds: i % 11, Place: node.location, RttMs: this.base_ns(0, i + 1) / 1e6, OldNode: false })) } };
  }
}

const UNITS = { s: 1, m: 60, h: 3600, d: 86400, w: 604800 };
const seconds = (text, fallback) => {
  const match = /^-?(\d+)([smhdw])?$/.exec(text ?? "");
  return match ? Number(match[1]) * UNITS[match[2] ?? "s"] : fallback;
};

/** Serves the mesh on a loopback port. What comes back has its address, and close(). */
export async function startFake({ nodes = 30, port = 0, operator = true } = {}) {
  const mesh = new FakeMesh(nodes);
  const streams = new Set();
  let id = 0;
  const send = (event, data) => streams.forEach((stream) => stream.write(`id: ${++id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`));

  const json = (response, value, status = 200) => {
    response.writeHead(status, { "Content-Type": status < 400 ? "application/json" : "application/problem+json" });
    response.end(JSON.stringify(value));
  };
  const problem = (response, status, detail) => json(response, { title: "problem", status, detail }, status);

  const pair = (query, response) => {
    const find = (name) => (query.get("by") === "location" ? mesh.nodes.findIndex((node) => node.location === name) : mesh.indexOf(name));
    const from = query.get("from") ? find(query.get("from")) : 0;
    const to = find(query.get("to") ?? "");
    if (from >= 0 && to >= 0) return [from, to];
    problem(response, 404, "nothing is known of that pair");
    return null;
  };
  const head = (query, from, to) => {
    const until_s = Date.now() / 1000;
    const since_s = until_s - seconds(query.get("since"), 6 * 3600);
    return { from: mesh.nodes[from].key, to: mesh.nodes[to].key, phase: query.get("phase") ?? "tcp", since: new Date(since_s * 1000).toISOString(), until: new Date(until_s * 1000).toISOString() };
  };

  const gets = {
    "/v1/session": (_query, response) => json(response, { operator, login: !operator, self: mesh.nodes[0].key, location: mesh.nodes[0].location, version: "0.1.0", interval_s: 10, mesh: "default", grow: true }),
    "/v1/matrix": (_query, response) => json(response, mesh.matrix()),
    "/v1/asymmetry": (query, response) => json(response, mesh.asymmetry(Number(query.get("limit") ?? 100))),
    "/v1/peers": (_query, response) => json(response, mesh.peers(operator)),
    "/v1/recent": (query, response) => {
      const to = mesh.indexOf(query.get("to") ?? "");
      return to < 0 ? problem(response, 404, "nothing is known of that target") : json(response, mesh.recent(to));
    },
    "/v1/history": (query, response) => {
      const ends = pair(query, response);
      if (!ends) return;
      const about = head(query, ...ends);
      const step_s = Math.max(seconds(query.get("step"), 60), ends[0] === 0 ? 60 : 600);
      json(response, { ...about, source: ends[0] === 0 ? "measured" : "reported", step_s,
        rows: mesh.history(...ends, Date.parse(about.since) / 1000, Date.parse(about.until) / 1000, step_s) });
    },
    "/v1/profile": (query, response) => {
      const ends = pair(query, response);
      if (ends) json(response, { ...head(query, ...ends), zone: query.get("zone"), ...mesh.profile(...ends, query.get("zone") ?? "+00:00") });
    },
    "/v1/events": (_query, response) => {
      response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
      response.write("retry: 500\n\n");
      streams.add(response);
      response.on("close", () => streams.delete(response));
      send("hello", { time: new Date().toISOString(), self: mesh.nodes[0].key, version: "0.1.0" });
    },
  };

  const act = (path, form, response) => {
    if (!operator) return problem(response, 403, "this is for operators");
    const url = form.get("url") ?? "";
    if (!/^https?:\/\/[^/]+\/v1\/(ping|peers)/.test(url)) return problem(response, 400, "url: only …/v1/ping and …/v1/peers can be added");
    if (path === "/v1/addpeer") mesh.added.push(url);
    if (path === "/v1/removepeer") mesh.added = mesh.added.filter((each) => each !== url);
    if (path === "/v1/pausepeer") mesh.paused[form.get("paused") === "true" ? "add" : "delete"](url);
    json(response, { url, result: path === "/v1/addpeer" ? "added" : path === "/v1/removepeer" ? "removed" : "done" });
  };

  const asset = (path, response) => {
    try {
      const file = path === "/" ? "index.html" : path.slice(1);
      const bytes = readFileSync(new URL(`dist/${file}`, WEB));
      response.writeHead(200, { "Content-Type": TYPES[file.split(".").pop()] ?? "application/octet-stream", "Content-Security-Policy": CSP });
      response.end(bytes);
    } catch {
      problem(response, 404, `there is nothing at ${path}`);
    }
  };

  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url, "http://fake");
    if (request.method === "POST") {
      let body = "";
      request.on("data", (piece) => (body += piece));
      request.on("end", () => act(pathname, new URLSearchParams(body), response));
    } else if (gets[pathname]) gets[pathname](searchParams, response);
    else asset(pathname, response);
  });
  await new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));

  let turn = 0;
  const timer = setInterval(() => {
    turn++;
    const from = turn % Math.min(mesh.count, 12);
    if (mesh.down.has(from) || mesh.silent.has(from)) return;
    const row = mesh.row(from);
    send("row", { from: mesh.nodes[from].key, source: row.source, hops: row.hops, age_s: 0, cells: row.cells.slice(0, 8).map(([to, ...rest]) => [mesh.nodes[to].key, ...rest]) });
  }, 1000);

  return {
    mesh, send, address: `http://127.0.0.1:${server.address().port}`,
    /** Ends all event streams and refuses everything until resume(). */
    close() {
      clearInterval(timer);
      streams.forEach((stream) => stream.destroy());
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [port = "8090", nodes = "30"] = process.argv.slice(2);
  const fake = await startFake({ port: Number(port), nodes: Number(nodes) });
  console.log(`${fake.mesh.count} made-up nodes at ${fake.address}/`);
}
