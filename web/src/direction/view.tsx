// Paths that the two ends see differently, the largest difference first.

import { csv } from "../base/csv";
import { download, fileName } from "../base/download";
import { count, latency, milliseconds, signedPercent } from "../base/format";
import { type Route, go, pairHash, withQuery } from "../base/route";
import { path } from "../data/api";
import { type Mesh, nodeName } from "../data/mesh";
import type { AsymmetryAnswer, AsymmetryPair, AsymmetrySide } from "../data/types";
import { useDocument, useLive } from "../shell/context";
import { Empty, Failure, Loading, Menu, Toggle } from "../shell/parts";
import { type Ranked, commonEnd, faster_ns, ranked } from "./rank";

const LIMIT = 200;
const RELOAD_MS = 30_000;
const WIDTH = 300;
const EDGE = 8;
const ZERO = 28; // where the faster end is

/** Both medians by how much they are above the faster one, each with its middle half; grey: what chance would do. */
function Dumbbell({ pair, end }: { pair: AsymmetryPair; end: number }) {
  const low = faster_ns(pair);
  const x = (ns: number) => ZERO + (WIDTH - ZERO - EDGE) * Math.min(1, Math.max(-0.08, (ns / low - 1) / end));
  const { ab, ba } = pair;
  const side = (each: AsymmetrySide, name: "there" | "back", y: number) => (
    <>
      <line class={`quartiles ${name}`} x1={x(each.p25_ns)} x2={x(each.p75_ns)} y1={y} y2={y} />
      {name === "there" ? <circle class="there" cx={x(each.p50_ns)} cy={y} r="4.5" />
        : <rect class="back" x={x(each.p50_ns) - 4} y={y - 4} width="8" height="8" />}
    </>
  );
  return (
    <svg class="dumbbell" viewBox={`0 0 ${WIDTH} 28`} role="img"
      aria-label={`${latency(ab.p50_ns)} there, ${latency(ba.p50_ns)} back, noise ${latency(pair.noise_ns)}`}>
      <rect class="noise" x={x(low)} y="3" width={Math.max(1, x(low + pair.noise_ns) - x(low))} height="22" />
      <line class="zero" x1={ZERO} x2={ZERO} y1="0" y2="28" />
      <line class="bar" x1={x(ab.p50_ns)} x2={x(ba.p50_ns)} y1="14" y2="14" />
      {side(ab, "there", 14)}
      {side(ba, "back", 14)}
    </svg>
  );
}

function Axis({ end }: { end: number }) {
  return (
    <svg class="dumbbell axis" viewBox={`0 0 ${WIDTH} 16`} aria-hidden="true">
      <text x={ZERO} y="12" text-anchor="middle">faster</text>
      <text x={(WIDTH - EDGE + ZERO) / 2} y="12" text-anchor="middle">{signedPercent(end / 2)}</text>
      <text x={WIDTH} y="12" text-anchor="end">{signedPercent(end)}</text>
    </svg>
  );
}

function lossText(pair: AsymmetryPair): string {
  const points = pair.loss_difference * 100;
  if (Math.abs(points) < 0.05) return "–";
  return `${points > 0 ? "+" : "−"}${Math.abs(points).toFixed(1)} %`;
}

function End({ mesh, nodeKey, location }: { mesh: Mesh; nodeKey: string; location: string }) {
  const node = mesh.nodes[mesh.indexOf(nodeKey) ?? -1];
  return <span class="end-name"><span>{location || node?.host || nodeKey}</span>{location && <span class="quiet">{node?.host ?? ""}</span>}</span>;
}

function PairRow({ mesh, each, end }: { mesh: Mesh; each: Ranked; end: number }) {
  const { pair } = each;
  const slow = each.slow === "ab" ? pair.a_location || "the first" : pair.b_location || "the second";
  const beyond = pair.beyond_noise;
  return (
    <tr class={beyond || pair.loss_beyond_noise ? undefined : "within"}>
      <th scope="row">
        <a href={pairHash(pair.a, pair.b)}>
          <End mesh={mesh} nodeKey={pair.a} location={pair.a_location} />
          <span class="quiet" aria-label="and back">⇄</span>
          <End mesh={mesh} nodeKey={pair.b} location={pair.b_location} />
        </a>
      </th>
      <td class="number">{milliseconds(pair.ab.p50_ns)}</td>
      <td class="drawing"><Dumbbell pair={pair} end={end} /></td>
      <td class="number">{milliseconds(pair.ba.p50_ns)}</td>
      <td class="number strong" title={`slower as ${slow} sees it`}>{milliseconds(Math.abs(pair.difference_ns))}</td>
      <td class="number quiet">{pair.noise_ns > 0 ? milliseconds(pair.noise_ns) : "–"}</td>
      <td class={`number ${pair.loss_beyond_noise ? "bad" : "quiet"}`}>{lossText(pair)}</td>
      <td>{beyond || pair.loss_beyond_noise ? <span class="badge state-beyond">beyond noise</span> : <span class="quiet">{pair.noise_ns > 0 ? "within noise" : "too few probes"}</span>}</td>
    </tr>
  );
}

function asymmetryCsv(pairs: readonly AsymmetryPair[]): string {
  return csv([["a", "a_location", "b", "b_location", "ab_p50_ns", "ba_p50_ns", "difference_ns", "noise_ns", "beyond_noise", "loss_difference", "loss_beyond_noise"],
    ...pairs.map((pair) => [pair.a, pair.a_location, pair.b, pair.b_location, pair.ab.p50_ns, pair.ba.p50_ns, pair.difference_ns,
      pair.noise_ns, pair.beyond_noise ? 1 : 0, pair.loss_difference, pair.loss_beyond_noise ? 1 : 0])]);
}

export function DirectionView({ route }: { route: Route }) {
  const { mesh } = useLive();
  const all = useDocument<AsymmetryAnswer>(path("/v1/asymmetry", { limit: LIMIT }), RELOAD_MS);
  const beyondOnly = route.query["all"] !== "1";
  const find = route.query["find"] ?? "";
  const set = (changes: Record<string, string>) => go(withQuery(route, changes), true);
  const search = (text: string) => {
    // The places and hosts that the answer does not have are told from the mesh.
    return ranked(all.value!.pairs.map((pair) => ({ ...pair, a_location: pair.a_location || hostOf(mesh, pair.a), b_location: pair.b_location || hostOf(mesh, pair.b) })), beyondOnly, text);
  };
  const rows = all.value ? search(find) : [];
  const end = commonEnd(rows.map((row) => row.pair));
  const beyond = all.value?.pairs.filter((pair) => pair.beyond_noise || pair.loss_beyond_noise).length ?? 0;
  return (
    <div class="direction">
      <h1 class="unseen">Direction</h1>
      <div class="tools">
        <Toggle label="Only what is beyond noise" on={beyondOnly} onChange={(on) => set({ all: on ? "" : "1" })} />
        <input type="search" placeholder="Find places  /" aria-label="Find places" value={find} onInput={(event) => set({ find: event.currentTarget.value })} />
        <span class="grow" />
        {all.value && <Menu label="Export" actions={[
          ["CSV", () => download(fileName("direction", "csv"), asymmetryCsv(all.value!.pairs), "text/csv")],
          ["JSON", () => download(fileName("direction", "json"), JSON.stringify(all.value, null, 1), "application/json")]]} />}
      </div>
      <section class="card">
        {all.error && !all.value ? <Failure error={all.error} onRetry={all.reload} />
          : all.loading ? <Loading />
            : (
              <>
                <p class="finding">{beyond || "None"} of {count(all.value!.judged, "pair")} that both ends measure {beyond < 2 ? "differs" : "differ"} beyond noise</p>
                <p class="quiet">A round trip crosses the path both ways, whoever begins it: a difference says that the two ends are routed, shaped or served differently depending on who calls.</p>
                {rows.length === 0 ? (
                  <Empty title={find ? `No pair matches “${find}”` : "Both directions are alike"}>
                    {beyondOnly && all.value!.pairs.length > 0 && <button type="button" onClick={() => set({ all: "1" })}>Show all pairs</button>}
                  </Empty>
                ) : (
                  <div class="table-room" tabIndex={0} role="region" aria-label="Pairs by difference">
                    <table class="asymmetry">
                      <thead>
                        <tr>
                          <th scope="col">first ⇄ second</th>
                          <th scope="col" class="number"><i class="dot-there" aria-hidden="true" />there, ms</th>
                          <td class="drawing"><Axis end={end} /></td>
                          <th scope="col" class="number"><i class="square-back" aria-hidden="true" />back, ms</th>
                          <th scope="col" class="number">differ by</th><th scope="col" class="number">noise</th><th scope="col" class="number">loss</th><th scope="col">verdict</th>
                        </tr>
                      </thead>
                      <tbody>{rows.map((each) => <PairRow key={`${each.pair.a} ${each.pair.b}`} mesh={mesh} each={each} end={end} />)}</tbody>
                    </table>
                  </div>
                )}
              </>
            )}
      </section>
    </div>
  );
}

function hostOf(mesh: Mesh, key: string): string {
  const index = mesh.indexOf(key);
  return index === undefined ? "" : nodeName(mesh.nodes[index]);
}
