// At what time of day a path is slow.

import { csv } from "../base/csv";
import { download, fileName } from "../base/download";
import { count, latency } from "../base/format";
import { type Route, formatRoute, go, withQuery } from "../base/route";
import { here, zoneText } from "../base/zone";
import { path } from "../data/api";
import type { ProfileAnswer } from "../data/types";
import { readPalette } from "../mesh/palette";
import { PairPicker, usualPair } from "../pair/picker";
import { PHASES, type Phase, isPhase } from "../pair/range";
import { useDocument, useLive } from "../shell/context";
import { Empty, Failure, Loading, Menu, Segments, Select } from "../shell/parts";
import { type Figure, Week } from "./week";
import { DAYS, finding, slowerBy } from "./words";

const RELOAD_MS = 300_000;
const FIGURES = [["slower", "Slower by"], ["median", "Median"], ["hours", "Hours seen"]] as const;
const WEEK_MS = 7 * 86_400_000;
const SPAN_WEEKS = { "-1w": 1, "-4w": 4, "-12w": 12, "-52w": 52 };
const SPANS = [["-1w", "1 week"], ["-4w", "4 weeks"], ["-12w", "12 weeks"], ["-52w", "a year"]] as const;

function profileCsv(answer: ProfileAnswer): string {
  return csv([["from", "to", "zone", "weekday", "hour", "hours", "samples", "sent", "lost", "p50_ns", "slower_by", "slow"],
    ...answer.cells.map((cell) => [answer.from, answer.to, answer.zone, DAYS[cell.weekday - 1], cell.hour, cell.hours, cell.n,
      cell.sent, cell.lost, cell.p50_ns, slowerBy(cell, answer), cell.slow ? 1 : 0])]);
}

export function HoursView({ route }: { route: Route }) {
  const { mesh } = useLive();
  const usual = mesh.loadedAt ? usualPair(mesh) : null;
  const from = route.parts[0] || usual?.[0] || "";
  const to = route.parts[1] || usual?.[1] || "";
  const phase: Phase = isPhase(route.query["phase"]) ? route.query["phase"] : "tcp";
  const figure = (FIGURES.find(([name]) => name === route.query["figure"])?.[0] ?? "slower") as Figure;
  const span = SPANS.find(([name]) => name === route.query["span"])?.[0] ?? "-4w";
  const until = Date.now();
  const zone = zoneText(until - SPAN_WEEKS[span] * WEEK_MS, until, here);
  const [begin, end] = [from, to].map((key) => mesh.nodes[mesh.indexOf(key) ?? -1]?.location ?? "");
  const places = begin && end ? { from: begin, to: end, by: "location" } : null;
  const byPlace = route.query["by"] === "location" && places !== null;
  const address = from && to ? path("/v1/profile", { ...(byPlace ? places : { from, to }), zone, phase, since: span }) : null;
  const profile = useDocument<ProfileAnswer>(address, RELOAD_MS);
  if (!from || !to) {
    return mesh.loadedAt ? <Empty title="There is no pair yet">This node knows no other one.</Empty> : <Loading />;
  }
  const set = (changes: Record<string, string>) => go(withQuery({ ...route, parts: [from, to] }, changes), true);
  const answer = profile.value;
  const found = answer && finding(answer);
  return (
    <div class="hours">
      <h1 class="unseen">Time of day</h1>
      <div class="tools">
        <PairPicker mesh={mesh} from={from} to={to} onChange={(a, b) => go(formatRoute({ ...route, parts: [a, b] }))} />
        <Segments label="In the cells" value={figure} options={FIGURES} onChange={(value) => set({ figure: value === "slower" ? "" : value })} />
        <Select label="Span" hideLabel value={span} options={SPANS} onChange={(value) => set({ span: value === "-4w" ? "" : value })} />
        <Select label="Phase" hideLabel value={phase} options={Object.entries(PHASES) as [Phase, string][]} onChange={(value) => set({ phase: value === "tcp" ? "" : value })} />
        {places && <Select label="Of" hideLabel value={byPlace ? "location" : ""} options={[["", "This pair"], ["location", "All of both places"]]} onChange={(value) => set({ by: value })} />}
        <span class="grow" />
        <a class="button" href={`#/pair/${encodeURIComponent(from)}/${encodeURIComponent(to)}`}>Over time</a>
        {answer && <Menu label="Export" actions={[
          ["CSV", () => download(fileName("hours", "csv"), profileCsv(answer), "text/csv")],
          ["JSON", () => download(fileName("hours", "json"), JSON.stringify(answer, null, 1), "application/json")]]} />}
      </div>
      <section class="card">
        {profile.error && !answer && profile.error.status !== 404 ? <Failure error={profile.error} onRetry={profile.reload} />
          : profile.loading ? <Loading />
            : !answer || !found || answer.all.n === 0 ? <Empty title="Nothing is known of this path yet">A pattern shows after some days of measuring.</Empty> : (
              <>
                <p class={`finding ${found.found ? "found" : ""}`}>{found.text}</p>
                <p class="quiet">Median of all hours {latency(answer.all.p50_ns)}, {count(answer.all.n, "sample")}. Hours are those of {Intl.DateTimeFormat().resolvedOptions().timeZone}.</p>
                <Week answer={answer} figure={figure} theme={readPalette(document.body).theme} />
              </>
            )}
      </section>
    </div>
  );
}
