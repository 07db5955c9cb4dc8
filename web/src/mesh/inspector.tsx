// Beside the matrix: the path under the cursor in full, or the mesh as a whole.

import { type ComponentChildren, Fragment } from "preact";
import { useMemo } from "preact/hooks";
import { age, count, latency, lossShare, milliseconds, percent } from "../base/format";
import { pairHash } from "../base/route";
import { type Mesh, type Shown, nodeName } from "../data/mesh";
import { Fact } from "../shell/parts";
import type { Item } from "./axis";
import { type GridCell, type Worst, summarize, worstPaths } from "./grid";

const WORST_SHOWN = 8;
const RECOUNT_MS = 3_000; // a list whose order changes more often cannot be read

const STATE_TEXT: Record<string, string> = {
  measured: "measured", failed: "failed", stale: "stale", predicted: "predicted", unknown: "unknown",
};

export function StateBadge({ state }: { state: string }) {
  return <span class={`badge state-${state}`}>{STATE_TEXT[state] ?? state}</span>;
}

function sourceText(mesh: Mesh, from: number): string {
  const row = mesh.row(from);
  if (!row) return "";
  switch (row.source) {
    case "self": return "this node's own probes";
    case "direct": return "told by the node itself";
    case "old-node": return "an older node's sums: means only";
    case "relayed": return `passed on by ${row.via === null ? "others" : nodeName(mesh.nodes[row.via])}, ${count(row.hops, "hop")}`;
  }
}

/** Percentiles on one line: p25 to p75 as a box, p50 as a mark, up to p99. */
function Spread({ shown }: { shown: Shown }) {
  const cell = shown.cell;
  if (!cell || cell.p50 === null || cell.p99 === null || cell.p25 === null || cell.p75 === null) return null;
  const low = cell.p25 * 0.9;
  const high = Math.max(cell.p99, low + 1);
  const at = (ns: number) => 4 + (192 * (ns - low)) / (high - low);
  return (
    <svg class="spread" viewBox="0 0 200 22" role="img" aria-label={`25 to 75 percent of round trips lie between ${latency(cell.p25)} and ${latency(cell.p75)}`}>
      <line x1={at(cell.p25)} x2={at(cell.p99)} y1="11" y2="11" class="whisker" />
      <rect x={at(cell.p25)} width={Math.max(2, at(cell.p75) - at(cell.p25))} y="5" height="12" rx="2" class="box" />
      {cell.p90 !== null && <line x1={at(cell.p90)} x2={at(cell.p90)} y1="7" y2="15" class="whisker" />}
      <line x1={at(cell.p99)} x2={at(cell.p99)} y1="7" y2="15" class="whisker" />
      <line x1={at(cell.p50)} x2={at(cell.p50)} y1="2" y2="20" class="middle" />
    </svg>
  );
}

const PHASES = [["dns", "lookup"], ["tcp", "TCP"], ["tls", "TLS"], ["first", "first byte"]] as const;

function Phases({ shown }: { shown: Shown }) {
  const cell = shown.cell;
  if (!cell || cell.p50 === null) return null;
  const values: Record<string, number> = { dns: cell.dns ?? 0, tcp: cell.p50, tls: cell.tls ?? 0, first: cell.first ?? 0 };
  const sum = Object.values(values).reduce((a, b) => a + b, 0);
  return (
    <div class="phases">
      <div class="phase-bar" aria-hidden="true">
        {PHASES.map(([phase]) => values[phase]! > 0 && <i key={phase} class={`phase-${phase}`} style={{ flexGrow: values[phase]! / sum }} />)}
      </div>
      <dl>
        {PHASES.map(([phase, name]) => (
          <div key={phase}><dt><i class={`phase-${phase}`} aria-hidden="true" />{name}</dt><dd>{values[phase]! > 0 ? milliseconds(values[phase]) : "–"}</dd></div>
        ))}
        <div><dt>total</dt><dd>{milliseconds(cell.total)}</dd></div>
      </dl>
    </div>
  );
}

function Ends({ mesh, from, to }: { mesh: Mesh; from: number; to: number }) {
  const end = (index: number, word: string) => {
    const node = mesh.nodes[index]!;
    return (
      <div class="end">
        <span class="word">{word}</span>
        <span class="place">{node.location || "place unknown"}</span>
        <span class="host">{node.host}</span>
      </div>
    );
  };
  return <div class="ends">{end(from, "from")}{end(to, "to")}</div>;
}

function PathDetails({ mesh, from, to, now }: { mesh: Mesh; from: number; to: number; now: number }) {
  const shown = mesh.shown(from, to, now);
  const back = mesh.shown(to, from, now);
  const { cell } = shown;
  const loss = cell ? lossShare(cell.sent, cell.lost) : null;
  return (
    <Fragment>
      <Ends mesh={mesh} from={from} to={to} />
      <p class="big">
        <span class="figure">{shown.ns === null ? "–" : latency(shown.ns)}</span>
        <StateBadge state={shown.state} />
      </p>
      <Spread shown={shown} />
      {cell && (
        <dl class="facts">
          <Fact name="p25 – p75">{milliseconds(cell.p25)} – {latency(cell.p75)}</Fact>
          <Fact name="p90 / p99">{milliseconds(cell.p90)} / {latency(cell.p99)}</Fact>
          <Fact name="jitter">{latency(cell.jitter)}</Fact>
          <Fact name="loss">{percent(loss)} <span class="quiet">of {cell.sent}</span></Fact>
          <Fact name="age">{age(shown.age_s)}</Fact>
        </dl>
      )}
      <Phases shown={shown} />
      <dl class="facts">
        <Fact name="back">{back.ns === null ? "–" : latency(back.ns)} <StateBadge state={back.state} /></Fact>
        {cell && <Fact name="source">{sourceText(mesh, from)}</Fact>}
      </dl>
      {shown.state === "predicted" && <p class="quiet">Nobody measures this path. The figure is told from both ends' network coordinates.</p>}
      {shown.state === "unknown" && <p class="quiet">Nobody measures this path, or nobody told this node.</p>}
      <a class="button" href={pairHash(mesh.nodes[from]!.key, mesh.nodes[to]!.key)}>Open the pair</a>
    </Fragment>
  );
}

function GroupDetails({ row, column, cell }: { row: Item; column: Item; cell: GridCell }) {
  return (
    <Fragment>
      <div class="ends">
        {[[row, "from"] as const, [column, "to"] as const].map(([item, word]) => (
          <div class="end" key={word}><span class="word">{word}</span><span class="place">{item.label}</span><span class="host">{item.detail}</span></div>
        ))}
      </div>
      <p class="big"><span class="figure">{latency(cell.value)}</span><StateBadge state={cell.state} /></p>
      <dl class="facts">
        <Fact name="paths">{cell.paths}</Fact>
        <Fact name="worst loss">{percent(cell.loss)}</Fact>
        <Fact name="failed">{cell.failed}</Fact>
        <Fact name="stale">{cell.stale}</Fact>
      </dl>
      <p class="quiet">The median of the paths' medians. Unfold the location (f) for each of them.</p>
    </Fragment>
  );
}

function WorstList({ mesh, worst }: { mesh: Mesh; worst: readonly Worst[] }) {
  const name = (index: number) => mesh.nodes[index]!.location || mesh.nodes[index]!.host;
  return (
    <ol class="worst">
      {worst.map((path) => (
        <li key={`${path.from}-${path.to}`}>
          <a href={path.from === null ? `#/mesh?find=${encodeURIComponent(`to:${mesh.nodes[path.to]!.host}`)}` : pairHash(mesh.nodes[path.from]!.key, mesh.nodes[path.to]!.key)}>
            <span class="names">{path.from === null ? <span class="quiet">{path.paths} paths</span> : name(path.from)} <span class="quiet">→</span> {name(path.to)}</span>
            <span class="figure">{path.state === "failed" ? <StateBadge state="failed" /> : latency(path.ns)}
              {path.state !== "failed" && path.loss > 0.02 && <span class="loss">{percent(path.loss)} lost</span>}</span>
          </a>
        </li>
      ))}
    </ol>
  );
}

function MeshDetails({ mesh, now }: { mesh: Mesh; now: number }) {
  const turn = Math.floor(now / RECOUNT_MS);
  const sum = useMemo(() => summarize(mesh, now), [mesh, mesh.nodes, turn]);
  const worst = useMemo(() => worstPaths(mesh, WORST_SHOWN, now), [mesh, mesh.nodes, turn]);
  const paths = sum.nodes * (sum.nodes - 1);
  const fact = (name: string, value: number): ComponentChildren => value > 0 && <Fact name={name}>{value.toLocaleString("en")}</Fact>;
  return (
    <Fragment>
      <h2>The mesh now</h2>
      <p class="big"><span class="figure">{latency(sum.median)}</span><span class="quiet">median of all paths</span></p>
      <dl class="facts">
        <Fact name="nodes">{sum.nodes}</Fact>
        <Fact name="measured">{sum.measured.toLocaleString("en")} {paths > 0 && <span class="quiet">of {count(paths, "path")}</span>}</Fact>
        {fact("losing over 2 %", sum.lossy)}
        {fact("failed", sum.failed)}
        {fact("stale", sum.stale)}
        {fact("predicted", sum.predicted)}
        {fact("unknown", sum.unknown)}
      </dl>
      {worst.length > 0 && <h3>To look at first</h3>}
      <WorstList mesh={mesh} worst={worst} />
    </Fragment>
  );
}

interface Props {
  mesh: Mesh;
  row: Item | null;
  column: Item | null;
  cell: GridCell | null;
  now: number;
  onClose(): void;
}

export function Inspector({ mesh, row, column, cell, now, onClose }: Props) {
  const chosen = row && column && cell && cell.state !== "self";
  return (
    <aside class="inspector" aria-label={chosen ? "The chosen path" : "The mesh now"}>
      {chosen && <button type="button" class="icon close" onClick={onClose} aria-label="Back to the mesh as a whole" title="Back to the mesh as a whole">×</button>}
      {!chosen ? <MeshDetails mesh={mesh} now={now} />
        : cell.paths > 1 || row.folded || column.folded ? <GroupDetails row={row} column={column} cell={cell} />
          : <PathDetails mesh={mesh} from={row.members[0]!} to={column.members[0]!} now={now} />}
    </aside>
  );
}
