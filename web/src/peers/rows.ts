// The peers table's rows: what is probed, and what the mesh knows of it. Pure.

import type { MemberEntry, PeerEntry, PeersAnswer } from "../data/types";

export interface PeerRow {
  key: string;
  url: string;
  host: string;
  place: string;
  /** "verified", "probed" (by hand, no member), "candidate", "lost", "ended", … */
  state: string;
  active: boolean;
  paused: boolean;
  learned: string;
  from: string;
  hops: number | null;
  lastOk_s: number | null;
  since_s: number | null;
  pings: number | null;
  fails: number;
  rttMs: number | null;
}

const LEARNED: Record<string, string> = {
  local: "by hand or configuration", saved: "known before a restart", consent: "it contacted this node",
  claim: "announced by another node", word: "several nodes' word", speculative: "one node's word",
  revival: "seen alive again by others", retry: "tried again after it was lost",
};

export function learnedText(word: string): string {
  return LEARNED[word] ?? word;
}

const seconds = (from: string, now: number): number | null => {
  const time = Date.parse(from);
  return Number.isFinite(time) && time > 0 ? Math.max(0, (now - time) / 1000) : null;
};

function peerRow(peer: PeerEntry, member: MemberEntry | undefined, ended: boolean, now: number): PeerRow {
  return {
    key: peer.Url, url: peer.Url, host: peer.Host,
    place: peer.Location || member?.Place || "",
    state: ended ? "ended" : (member?.State ?? "probed"),
    active: !ended, paused: peer.Mesh?.Paused ?? member?.Paused ?? false,
    learned: member ? learnedText(member.Learned) : "added by hand",
    from: member?.From ?? "", hops: member ? member.Depth : null,
    lastOk_s: seconds(peer.LatestPing, now), since_s: seconds(peer.FirstPing, now),
    pings: peer.Pings, fails: peer.Fails, rttMs: member && member.RttMs > 0 ? member.RttMs : null,
  };
}

/** last: what was measured of it before it was lost. */
function memberRow(member: MemberEntry, last: PeerEntry | undefined): PeerRow {
  const [host = member.Contact] = member.Contact.split("|");
  return {
    key: `member ${member.Contact}`, url: `http://${host}/v1/ping`, host, place: member.Place || last?.Location || "",
    state: member.State, active: member.Active, paused: member.Paused ?? false, learned: learnedText(member.Learned),
    from: member.From ?? "", hops: member.Depth,
    lastOk_s: member.LastOkSeconds >= 0 ? member.LastOkSeconds : null, since_s: member.StateSeconds,
    pings: last?.Pings ?? null, fails: member.Fails, rttMs: member.RttMs > 0 ? member.RttMs : null,
  };
}

/** What is probed comes first, then members that are known without being probed, then what ended. */
export function peerRows(answer: PeersAnswer, now: number): PeerRow[] {
  const members = new Map((answer.Mesh?.Members ?? []).map((member) => [member.Contact.split("|")[0]!, member]));
  const probed = (answer.Peers ?? []).map((peer) => peerRow(peer, members.get(peer.Host), false, now));
  const seen = new Set((answer.Peers ?? []).map((peer) => peer.Host));
  const others = [...members.entries()].filter(([host]) => !seen.has(host))
    .map(([host, member]) => memberRow(member, (answer.DelPeers ?? []).findLast((peer) => peer.Host === host)));
  const ended = (answer.DelPeers ?? []).filter((peer) => !seen.has(peer.Host) && !members.has(peer.Host)).map((peer, i) => ({
    ...peerRow(peer, undefined, true, now), key: `ended ${i} ${peer.Url}`, learned: "", hops: null,
  }));
  const order = (a: PeerRow, b: PeerRow) => a.place.localeCompare(b.place, "en") || a.host.localeCompare(b.host, "en", { numeric: true });
  return [...probed.sort(order), ...others.sort(order), ...ended];
}

/** "host:8080" is meant as that node's ping page; with_peers: as its list of peers, to be added too. */
export function peerUrl(text: string, withPeers: boolean): string {
  const trimmed = text.trim();
  const full = /^[a-z+]+:\/\//i.test(trimmed) ? trimmed : `http://${trimmed}`;
  const match = /^([a-z+]+:\/\/[^/?#]+)([^?#]*)(.*)$/i.exec(full);
  if (!match) return full;
  const [, origin = "", pathname = "", rest = ""] = match;
  if (withPeers) return `${origin}/v1/peers?addpeers=true`;
  return pathname === "" || pathname === "/" ? `${origin}/v1/ping${rest}` : full;
}

/** Refusals that happened, the most frequent first. */
export function refusals(answer: PeersAnswer): [string, number][] {
  return Object.entries(answer.Mesh?.Refusals ?? {}).filter(([, times]) => times > 0).sort((a, b) => b[1] - a[1]);
}

export const BUDGETS: Record<string, string> = {
  total: "new contacts in all", inbound: "nodes that came to us", verify: "handshakes with nodes that others vouch for",
  claim: "nodes on one teller's word", speculative: "tries of unproven addresses", hint: "hints taken up",
  page: "pages of peers lists read", failure: "failures on strangers' word",
};
