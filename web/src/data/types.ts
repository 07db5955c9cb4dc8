// The documents of the API, as docs of each endpoint say. Times are nanoseconds unless the name
// says otherwise.

export type StateText = "unknown" | "measured" | "failed" | "stale";
export type Source = "self" | "direct" | "relayed" | "old-node";

export interface NodeAnswer {
  key: string;
  host: string;
  url: string;
  location: string;
  state: string;
  coordinate: [number, number, number, number] | null;
  coordinate_error?: number | null;
}

/** One cell: values in the order of MatrixAnswer.fields. */
export type CellAnswer = (number | null)[];

export interface RowAnswer {
  from: number;
  source: Source;
  hops: number;
  via: number | null;
  age_s: number;
  cells: CellAnswer[];
}

export interface MatrixAnswer {
  time: string;
  self: string;
  stale_after_s: number;
  fields: string[];
  states: StateText[];
  nodes: NodeAnswer[];
  rows: RowAnswer[];
  more: boolean;
}

export interface RowEvent {
  from: string;
  source: Source;
  hops: number;
  age_s: number;
  cells: [string, ...(number | null)[]][];
}

export interface MemberEvent {
  change: string;
  key?: string;
  url?: string;
  reason?: string;
}

export interface SampleEvent {
  to: string;
  t: string;
  outcome: string;
  verdict: string;
  tcp_ns: number | null;
  total_ns: number | null;
}

export interface Session {
  operator: boolean;
  login: boolean;
  self: string;
  location: string;
  version: string;
  interval_s: number;
  mesh: string;
  grow: boolean;
}

export interface HistoryRow {
  t: string;
  sent: number;
  lost: number;
  n: number;
  p10_ns: number | null;
  p50_ns: number | null;
  p90_ns: number | null;
  p99_ns: number | null;
  max_ns: number | null;
  mean_ns: number | null;
  mean_ns_by_phase?: Record<string, number | null>;
}

export interface HistoryAnswer {
  from: string;
  to: string;
  phase: string;
  since: string;
  until: string;
  source?: "measured" | "reported";
  step_s: number;
  rows: HistoryRow[];
}

export interface RecentSample {
  t: string;
  outcome: string;
  verdict: string;
  dns_ns: number | null;
  tcp_ns: number | null;
  tls_ns: number | null;
  first_ns: number | null;
  last_ns: number | null;
  total_ns: number | null;
}

export interface RecentAnswer {
  from: string;
  to: string;
  samples: RecentSample[];
}

export interface ProfileCell {
  weekday: number;
  hour: number;
  hours: number;
  sent: number;
  lost: number;
  n: number;
  p50_ns: number | null;
  slower_by?: number | null;
  slow?: boolean;
}

export interface ProfileAnswer {
  from: string;
  to: string;
  zone: string;
  since: string;
  until: string;
  all: { n: number; p50_ns: number | null };
  pattern?: { daily: boolean; weekly: boolean; p_day: number | null; p_week: number | null };
  cells: ProfileCell[];
}

export interface AsymmetrySide {
  p50_ns: number;
  p25_ns: number;
  p75_ns: number;
  sent: number;
  lost: number;
  age_s: number;
}

export interface AsymmetryPair {
  a: string;
  b: string;
  a_location: string;
  b_location: string;
  ab: AsymmetrySide;
  ba: AsymmetrySide;
  difference_ns: number;
  noise_ns: number;
  beyond_noise: boolean;
  loss_difference: number;
  loss_beyond_noise: boolean;
}

export interface AsymmetryAnswer {
  time: string;
  self: string;
  judged: number;
  pairs: AsymmetryPair[];
}

export interface PeerEntry {
  Url: string;
  Host: string;
  Location: string;
  PeerIP: string;
  FirstPing: string;
  LatestPing: string;
  Pings: number;
  Fails: number;
  Mesh?: { Share?: boolean; Paused?: boolean; Stats?: Record<string, unknown> };
}

export interface MemberEntry {
  Contact: string;
  State: string;
  Active: boolean;
  Listed: boolean;
  Learned: string;
  From: string | null;
  Depth: number;
  Fails: number;
  StateSeconds: number;
  LastOkSeconds: number;
  Place: string | null;
  RttMs: number;
  OldNode: boolean;
  Paused?: boolean;
}

export interface Budget {
  Left: number;
  Burst: number;
  Taken: number;
  Refused: number;
}

export interface PeersAnswer {
  Start: string;
  SrvLoc: string;
  SrvHost: string;
  SrvPort: number;
  Peers: PeerEntry[] | null;
  DelPeers: PeerEntry[] | null;
  Mesh?: {
    Verified: number;
    Active: number;
    Candidates: number;
    Heard: number;
    Lost: number;
    NodesEstimate: number;
    Budgets: Record<string, Budget>;
    Changes: Record<string, number>;
    Refusals: Record<string, number>;
    Members: MemberEntry[];
  };
}
