import assert from "node:assert/strict";
import { test } from "node:test";
import type { MemberEntry, PeerEntry, PeersAnswer } from "../../../web/src/data/types";
import { peerRows, peerUrl, refusals } from "../../../web/src/peers/rows";

const NOW = Date.parse("2026-11-23T12:00:00Z");
const peer = (host: string, location: string): PeerEntry => ({ Url: `http://${host}/v1/ping`, Host: host, Location: location, PeerIP: "", FirstPing: "2026-11-23T11:00:00Z", LatestPing: "2026-11-23T11:59:55Z", Pings: 9, Fails: 1 });
const member = (host: string, state: string): MemberEntry => ({ Contact: `${host}|192.0.2.1`, State: state, Active: state === "verified", Listed: true, Learned: "consent", From: null, Depth: 2, Fails: 0, StateSeconds: 40, LastOkSeconds: -1, Place: "Rome,IT", RttMs: 0, OldNode: false });
const answer = (members: MemberEntry[] | null): PeersAnswer => ({ Start: "", SrvLoc: "", SrvHost: "", SrvPort: 0, Peers: [peer("b:80", "Paris,FR"), peer("a:80", "")], DelPeers: [peer("z:80", "Lyon,FR")],
  ...(members ? { Mesh: { Verified: 1, Active: 1, Candidates: 0, Heard: 0, Lost: 0, NodesEstimate: 1, Budgets: {}, Changes: {}, Refusals: { rare: 1, never: 0, often: 7 }, Members: members } } : {}) });

test("what is probed is joined with what the mesh knows of it", () => {
  const rows = peerRows(answer([member("b:80", "verified"), member("c:80", "lost")]), NOW);
  assert.deepEqual(rows.map((row) => [row.host, row.state, row.hops]), [["a:80", "probed", null], ["b:80", "verified", 2], ["c:80", "lost", 2], ["z:80", "ended", null]]);
  assert.deepEqual([rows[1]!.learned, rows[1]!.lastOk_s, rows[1]!.since_s], ["it contacted this node", 5, 3600]);
  assert.deepEqual([rows[2]!.url, rows[2]!.lastOk_s], ["http://c:80/v1/ping", null]);
});

test("who is no operator sees what is probed", () => {
  assert.deepEqual(peerRows(answer(null), NOW).map((row) => row.state), ["probed", "probed", "ended"]);
});

test("an address is completed to what can be added", () => {
  const cases: [string, boolean, string][] = [
    ["host:8080", false, "http://host:8080/v1/ping"], [" https://host/ ", false, "https://host/v1/ping"],
    ["[2001:db8::1]:80", false, "http://[2001:db8::1]:80/v1/ping"], ["http://host/v1/ping#Paris,FR", false, "http://host/v1/ping#Paris,FR"],
    ["host:8080", true, "http://host:8080/v1/peers?addpeers=true"], ["http://host/v1/ping", true, "http://host/v1/peers?addpeers=true"],
    ["https+insecure://host", false, "https+insecure://host/v1/ping"],
  ];
  for (const [text, withPeers, url] of cases) assert.equal(peerUrl(text, withPeers), url, text);
});

test("only refusals that happened are told, the most frequent first", () => {
  assert.deepEqual(refusals(answer([])), [["often", 7], ["rare", 1]]);
});
