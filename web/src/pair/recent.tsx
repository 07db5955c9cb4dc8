// The last raw probes of a path that this node measures itself, each with its verdict.

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { clock, latency, milliseconds } from "../base/format";
import { path } from "../data/api";
import type { RecentAnswer, RecentSample } from "../data/types";
import { useDocument, useShell } from "../shell/context";
import { Empty, Failure, Loading } from "../shell/parts";

const ROWS = 14;
const GOOD = new Set(["success", "ok"]);
const succeeded = (sample: RecentSample) => GOOD.has(sample.outcome);
const VERDICTS: Record<string, string> = {
  clean: "nothing speaks against it",
  retransmitted: "packets had to be sent again",
  starved: "this node was kept from running: its own times are not the network's",
};

function Mark({ sample, x, y }: { sample: RecentSample; x: number; y: number }) {
  if (!succeeded(sample)) return <path class="mark-failed" d={`M${x - 3} ${y - 3}l6 6m0 -6l-6 6`} />;
  if (sample.verdict === "retransmitted") return <path class="mark-retransmitted" d={`M${x} ${y - 4}l4 7h-8z`} />;
  if (sample.verdict === "starved") return <circle class="mark-starved" cx={x} cy={y} r="3" />;
  return <circle class="mark-clean" cx={x} cy={y} r="2.4" />;
}

const HEIGHT = 84;

/** The element's width in pixels, so that marks keep their shape. */
function useWidth() {
  const place = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(800);
  useLayoutEffect(() => {
    const observer = new ResizeObserver(() => setWidth(Math.max(200, place.current?.clientWidth ?? 0)));
    observer.observe(place.current!);
    return () => observer.disconnect();
  }, []);
  return [place, width] as const;
}

/** One mark a probe, by time and by its round trip (logarithmic). */
function Strip({ samples }: { samples: readonly RecentSample[] }) {
  const [place, width] = useWidth();
  const times = samples.map((sample) => Date.parse(sample.t));
  const values = samples.flatMap((sample) => (sample.tcp_ns && succeeded(sample) ? [sample.tcp_ns] : []));
  const [first, last] = [Math.min(...times), Math.max(...times)];
  const [fastest, slowest] = values.length ? [Math.min(...values), Math.max(...values)] : [1, 1];
  const [low, high] = [Math.log(fastest), Math.log(slowest)];
  const x = (t: number) => 8 + ((width - 16) * (t - first)) / Math.max(1, last - first);
  const y = (ns: number) => HEIGHT - 12 - ((HEIGHT - 24) * (Math.log(ns) - low)) / Math.max(1e-3, high - low);
  return (
    <div class="strip" ref={place}><svg width={width} height={HEIGHT} role="img"
      aria-label={values.length ? `${samples.length} probes between ${latency(fastest)} and ${latency(slowest)}` : `${samples.length} failed probes`}>
      {samples.map((sample, i) => (
        <Mark key={sample.t} sample={sample} x={x(times[i]!)} y={succeeded(sample) && sample.tcp_ns ? y(sample.tcp_ns) : 8} />
      ))}
    </svg></div>
  );
}

function SampleRow({ sample }: { sample: RecentSample }) {
  return (
    <tr>
      <td class="time">{clock(new Date(sample.t))}</td>
      <td class={succeeded(sample) ? "" : "bad"}>{sample.outcome}</td>
      <td><span class={`verdict ${sample.verdict}`} title={VERDICTS[sample.verdict]}>{sample.verdict}</span></td>
      {[sample.dns_ns, sample.tcp_ns, sample.tls_ns, sample.first_ns, sample.last_ns, sample.total_ns].map((ns, i) => (
        <td key={i} class="number">{ns ? milliseconds(ns) : "–"}</td>
      ))}
    </tr>
  );
}

export function Recent({ from, to }: { from: string; to: string }) {
  const { live, mesh } = useShell();
  const own = from === mesh.self;
  const recent = useDocument<RecentAnswer>(own ? path("/v1/recent", { to }) : null, 10_000);
  const url = mesh.nodes[mesh.indexOf(to) ?? -1]?.url;
  useEffect(() => live.listen({
    sample: (event) => { if (own && (event.to === to || event.to === url)) recent.reload(); },
  }), [live, own, to, url]);
  if (!own) return null;
  const samples = recent.value?.samples ?? [];
  const latest = [...samples].sort((a, b) => (a.t < b.t ? 1 : -1));
  return (
    <section class="card">
      <h2>Latest probes <span class="quiet">each one as it was measured by this node</span></h2>
      {recent.error && !recent.value ? <Failure error={recent.error} onRetry={recent.reload} />
        : recent.loading ? <Loading />
          : samples.length === 0 ? <Empty title="No probe yet">The first one is due within an interval.</Empty> : (
            <>
              <Strip samples={samples} />
              <ul class="marks" aria-hidden="true">
                <li><svg viewBox="0 0 10 10"><circle class="mark-clean" cx="5" cy="5" r="2.6" /></svg>clean</li>
                <li><svg viewBox="0 0 10 10"><path class="mark-retransmitted" d="M5 1l4 7h-8z" /></svg>retransmitted</li>
                <li><svg viewBox="0 0 10 10"><circle class="mark-starved" cx="5" cy="5" r="3" /></svg>starved</li>
                <li><svg viewBox="0 0 10 10"><path class="mark-failed" d="M2 2l6 6m0 -6l-6 6" /></svg>failed</li>
              </ul>
              <div class="table-room" tabIndex={0} role="region" aria-label="Latest probes">
                <table>
                  <thead><tr><th>time</th><th>outcome</th><th>verdict</th>
                    {["lookup", "TCP", "TLS", "first byte", "last byte", "total"].map((name) => <th key={name} class="number">{name}, ms</th>)}</tr></thead>
                  <tbody>{latest.slice(0, ROWS).map((sample) => <SampleRow key={sample.t} sample={sample} />)}</tbody>
                </table>
              </div>
            </>
          )}
    </section>
  );
}
