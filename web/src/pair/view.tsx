// One pair of nodes over time, in both directions.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { csv } from "../base/csv";
import { download, fileName } from "../base/download";
import { age, clock, latency, lossShare, milliseconds, moment, percent } from "../base/format";
import { type Route, go, pairHash, withQuery } from "../base/route";
import { path } from "../data/api";
import { type Mesh, nodeName } from "../data/mesh";
import type { HistoryAnswer } from "../data/types";
import { StateBadge } from "../mesh/inspector";
import { type Loaded, useDocument, useLive, useNow } from "../shell/context";
import { Empty, Failure, Loading, Menu, Segments, Select, Toggle } from "../shell/parts";
import { PairPicker, usualPair } from "./picker";
import { Plot } from "./plot";
import { type PlotColours, readPlotColours } from "./plot_style";
import { PHASES, type Phase, RANGES, type Range, isPhase, isRange } from "./range";
import { Recent } from "./recent";
import { STACK, pointsOf, stacked, totalsOf, withGaps } from "./series";
import { type Direction, smokeData, smokeOptions } from "./smoke";
import { PHASE_NAMES, stackOptions } from "./stack";

const YOUNG_MS = 55 * 60_000;
const SMOKE_HEIGHT = 300;
const STACK_HEIGHT = 190;

function directionOf(answer: HistoryAnswer | null): Direction {
  const step_s = answer?.step_s ?? 60;
  return { points: withGaps(pointsOf(answer), step_s), step_s };
}

/** What is under the cursor, or of the latest time. */
function Readout({ there, back, at }: { there: Direction; back: Direction | null; at: number | null }) {
  const line = (direction: Direction | null, name: string, mark: string) => {
    if (!direction) return null;
    const near = at === null ? direction.points.at(-1)
      : direction.points.find((point) => Math.abs(point.at - at) <= direction.step_s / 2 + 1);
    if (!near) return <p><i class={mark} aria-hidden="true" />{name} <span class="quiet">nothing at that time</span></p>;
    return (
      <p>
        <i class={mark} aria-hidden="true" />{name}{" "}
        <time>{moment(new Date(near.at * 1000 - direction.step_s * 500), new Date())}</time>{" "}
        <b>{near.p50 === null ? "no success" : latency(near.p50 * 1e6)}</b>{" "}
        {near.p10 !== null && <span class="quiet">p10–p90 {milliseconds(near.p10 * 1e6)}–{milliseconds((near.p90 ?? 0) * 1e6)}, p99 {milliseconds((near.p99 ?? 0) * 1e6)}, </span>}
        <span class={near.lost ? "bad" : "quiet"}>{near.lost} of {near.sent} lost</span>
      </p>
    );
  };
  return <div class="readout">{line(there, "there", "dot-there")}{line(back, "back", "dot-back")}</div>;
}

function Numbers({ there, back, mesh, from, to }: { there: HistoryAnswer | null; back: HistoryAnswer | null; mesh: Mesh; from: string; to: string }) {
  const sides = [[there, from, to, "there"], [back, to, from, "back"]] as const;
  const [a, b] = [mesh.indexOf(from), mesh.indexOf(to)];
  const shown = a === undefined || b === undefined ? null : [mesh.shown(a, b, Date.now()), mesh.shown(b, a, Date.now())];
  return (
    <div class="table-room" tabIndex={0} role="region" aria-label="Figures of the whole range">
      <table class="numbers">
        <thead><tr><th>direction</th><th>now</th><th class="number">median</th><th class="number">mean</th><th class="number">lowest p10</th>
          <th class="number">highest p99</th><th class="number">max</th><th class="number">loss</th><th class="number">probes</th></tr></thead>
        <tbody>
          {sides.map(([answer, , , name], i) => {
            const totals = totalsOf(answer);
            const now = shown?.[i];
            return (
              <tr key={name}>
                <th scope="row"><i class={`dot-${name}`} aria-hidden="true" />{name}</th>
                <td>{now ? <><span class="figure">{latency(now.ns)}</span> <StateBadge state={now.state} />{now.age_s !== null && <span class="quiet"> {age(now.age_s)} ago</span>}</> : "–"}</td>
                {[totals?.median, totals?.mean, totals?.p10, totals?.p99, totals?.max].map((ns, j) => <td key={j} class="number">{latency(ns)}</td>)}
                <td class="number">{totals ? percent(lossShare(totals.sent, totals.lost)) : "–"}</td>
                <td class="number">{totals ? totals.sent.toLocaleString("en") : "–"}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

interface ChartProps {
  there: Loaded<HistoryAnswer>;
  back: Loaded<HistoryAnswer> | null;
  colours: PlotColours;
}

function useSpan(answer: HistoryAnswer | null) {
  const span = useRef<[number, number]>([0, 1]);
  if (answer) span.current = [Date.parse(answer.since) / 1000, Date.parse(answer.until) / 1000];
  return [() => span.current[0], () => span.current[1]] as const;
}

function SmokeCard({ there, back, colours }: ChartProps) {
  const [cursor, setCursor] = useState<number | null>(null);
  const sides = useMemo(() => ({ there: directionOf(there.value), back: back && directionOf(back.value) }), [there.value, back?.value, back === null]);
  const latest = useRef(sides);
  latest.current = sides;
  const [since, until] = useSpan(there.value ?? back?.value ?? null);
  const data = useMemo(() => smokeData(sides.there, sides.back), [sides]);
  const options = useMemo(() => smokeOptions({
    there: () => latest.current.there, back: () => latest.current.back, colours, since, until, onCursor: setCursor,
  }, back !== null), [colours, back === null]);
  const answer = there.value ?? back?.value ?? null;
  const empty = !sides.there.points.length && !sides.back?.points.length;
  const at = cursor === null ? null : ((data[0][cursor] as number | undefined) ?? null);
  const reported = there.value?.source === "reported" && sides.there.points.length > 0;
  return (
    <section class="card">
      {there.error && !there.value && there.error.status !== 404 ? <Failure error={there.error} onRetry={there.reload} />
        : !answer && there.loading ? <Loading />
          : empty ? <Empty title="Nothing is known of this range">The path was not measured then, or nobody told this node.</Empty> : (
            <>
              <Plot options={options} data={data} height={SMOKE_HEIGHT} label="Round trips over time: median, percentiles and loss of both directions" />
              <Readout there={sides.there} back={sides.back} at={at} />
              <p class="quiet foot">
                Line: median. Smoke: 10th to 90th, fainter to the 99th percentile. Bars at the foot: lost probes.
                {reported && " Told by the other node in steps of ten minutes; percentiles are approximate."}
              </p>
            </>
          )}
    </section>
  );
}

function StackCard({ answer, colours }: { answer: HistoryAnswer | null; colours: PlotColours }) {
  const data = useMemo(() => stacked(answer), [answer]);
  const [since, until] = useSpan(answer);
  const options = useMemo(() => stackOptions(colours, since, until), [colours]);
  return (
    <section class="card">
      <h2>Where the time goes <span class="quiet">mean of each phase, stacked</span></h2>
      {!data ? <Empty title="Phases are not known for this range">Only the node that measures a path knows all of them.</Empty> : (
        <>
          <Plot options={options} data={data as uPlot.AlignedData} height={STACK_HEIGHT} label="Mean of each phase over time, stacked" />
          <ul class="marks">
            {STACK.map((phase) => <li key={phase}><i class={`swatch phase-${phase}`} aria-hidden="true" />{PHASE_NAMES[phase]}</li>)}
          </ul>
        </>
      )}
    </section>
  );
}

function historyCsv(answers: readonly (HistoryAnswer | null)[]): string {
  const lines = answers.flatMap((answer) => (answer?.rows ?? []).map((row) => [
    answer!.from, answer!.to, answer!.phase, row.t, answer!.step_s, row.sent, row.lost,
    row.p10_ns, row.p50_ns, row.p90_ns, row.p99_ns, row.max_ns, row.mean_ns]));
  return csv([["from", "to", "phase", "time", "step_s", "sent", "lost", "p10_ns", "p50_ns", "p90_ns", "p99_ns", "max_ns", "mean_ns"], ...lines]);
}

export function PairView({ route }: { route: Route }) {
  const { mesh, themeVersion } = useLive();
  useNow(5000);
  const usual = mesh.loadedAt ? usualPair(mesh) : null;
  const from = route.parts[0] || usual?.[0] || "";
  const to = route.parts[1] || usual?.[1] || "";
  const asked = isRange(route.query["range"]) ? route.query["range"] : null;
  const [young, setYoung] = useState("");
  const range: Range = asked ?? (young === `${from} ${to}` ? "1h" : "6h");
  const phase: Phase = isPhase(route.query["phase"]) ? route.query["phase"] : "tcp";
  const both = route.query["both"] !== "0";
  const { since, step, reload_ms } = RANGES[range];
  const ask = (a: string, b: string) => (a && b ? path("/v1/history", { from: a, to: b, phase, since, step }) : null);
  const there = useDocument<HistoryAnswer>(ask(from, to), reload_ms);
  const back = useDocument<HistoryAnswer>(both ? ask(to, from) : null, reload_ms);
  const colours = useMemo(readPlotColours, [themeVersion]);
  useEffect(() => { // unless asked otherwise, a path that was just added has its first hour to itself
    const answer = there.value;
    const first = answer?.rows[0];
    if (first && Date.parse(answer.until) - Date.parse(first.t) < YOUNG_MS) setYoung(`${from} ${to}`);
  }, [there.value, from, to]);

  if (!from || !to) {
    return mesh.loadedAt ? <Empty title="There is no pair yet">This node knows no other one. Add one on the <a href="#/peers">peers</a> page.</Empty> : <Loading />;
  }
  const set = (changes: Record<string, string>) => go(withQuery({ ...route, parts: [from, to] }, changes), true);
  const name = (key: string) => {
    const index = mesh.indexOf(key);
    return index === undefined ? key : nodeName(mesh.nodes[index]);
  };
  const saved = () => download(fileName("pair", "csv"), historyCsv([there.value, both ? back.value : null]), "text/csv");
  const savedJson = () => download(fileName("pair", "json"), JSON.stringify({ there: there.value, back: both ? back.value : null }, null, 1), "application/json");
  return (
    <div class="pair">
      <h1 class="unseen">{`From ${name(from)} to ${name(to)}`}</h1>
      <div class="tools">
        <PairPicker mesh={mesh} from={from} to={to} onChange={(a, b) => go(pairHash(a, b, route.query))} />
        <Segments label="Range" value={range} options={(Object.keys(RANGES) as Range[]).map((key) => [key, RANGES[key].label] as const)} onChange={(value) => set({ range: value })} />
        <Select label="Phase" hideLabel value={phase} options={Object.entries(PHASES) as [Phase, string][]} onChange={(value) => set({ phase: value === "tcp" ? "" : value })} />
        <Toggle label="Both directions" on={both} onChange={(on) => set({ both: on ? "" : "0" })} />
        <span class="grow" />
        <a class="button" href={`#/hours/${encodeURIComponent(from)}/${encodeURIComponent(to)}`}>Time of day</a>
        <Menu label="Export" actions={[["CSV", saved], ["JSON", savedJson]]} />
      </div>
      {from === to ? <Empty title="A node does not measure itself">Choose another one.</Empty> : (
        <>
          <SmokeCard key={`${from} ${to}`} there={there} back={both ? back : null} colours={colours} />
          <section class="card">
            <h2>In figures <span class="quiet">{PHASES[phase]}, {RANGES[range].label}{there.value ? `, until ${clock(new Date(there.value.until))}` : ""}</span></h2>
            <Numbers there={there.value} back={both ? back.value : null} mesh={mesh} from={from} to={to} />
          </section>
          <StackCard answer={there.value} colours={colours} />
          <Recent from={from} to={to} />
        </>
      )}
    </div>
  );
}
