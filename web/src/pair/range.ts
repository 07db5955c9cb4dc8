// How far back a plot reaches, and by what step: a few hundred rows each, whole minutes.

export type Range = "1h" | "6h" | "24h" | "7d" | "30d";

interface Span {
  label: string;
  /** As /v1/history takes it. */
  since: string;
  step: string;
  reload_ms: number;
}

export const RANGES: Record<Range, Span> = {
  "1h": { label: "1 h", since: "-1h", step: "1m", reload_ms: 15_000 },
  "6h": { label: "6 h", since: "-6h", step: "1m", reload_ms: 30_000 },
  "24h": { label: "24 h", since: "-24h", step: "5m", reload_ms: 60_000 },
  "7d": { label: "7 d", since: "-7d", step: "30m", reload_ms: 300_000 },
  "30d": { label: "30 d", since: "-30d", step: "2h", reload_ms: 600_000 },
};

export const PHASES = {
  tcp: "TCP round trip",
  dns: "Lookup",
  tls: "TLS handshake",
  first: "First byte",
  last: "Last byte",
  total: "Total",
} as const;
export type Phase = keyof typeof PHASES;

export const isRange = (text: string | undefined): text is Range => text !== undefined && text in RANGES;
export const isPhase = (text: string | undefined): text is Phase => text !== undefined && text in PHASES;
