// Nodes where they are, links coloured by their round trip; a plain graph for the others.

import { Fragment } from "preact";
import { useMemo, useState } from "preact/hooks";
import { type LogScale, latencyColour, logScale, toCss } from "../base/colour";
import { count, latency } from "../base/format";
import { type Route, go, pairHash, withQuery } from "../base/route";
import { extent } from "../base/statistics";
import type { Mesh, Node } from "../data/mesh";
import { Legend } from "../mesh/legend";
import { readPalette } from "../mesh/palette";
import { useLive, useNow } from "../shell/context";
import { Empty, Loading } from "../shell/parts";
import cities from "./cities.json";
import { type Dot, type Link, type Xy, dotsOf, linksOf, plane } from "./graph";
import land from "./land.json";
import { type City, Places } from "./places";
import { HEIGHT, type Spot, WIDTH, landPath, linkPath, project } from "./projection";

const LINKS_MAX = 300; // beyond which only one place's links are drawn, or nothing could be told apart
const LAND = landPath(land as number[][]);
const PLACES = new Places(cities as City[]);

function LinkMarks() {
  const marks = [["link", "measured"], ["link part", "some paths failed"], ["link failed", "failed"], ["link stale", "stale"]] as const;
  return (
    <ul>
      {marks.map(([style, name]) => (
        <li key={name}><svg class="sample" viewBox="0 0 22 16" aria-hidden="true"><path class={style} d="M1 8h20" /></svg>{name}</li>
      ))}
    </ul>
  );
}

interface Drawn {
  dots: (Dot & { xy: Xy })[];
  links: Link[];
  path(link: Link): string;
}

interface LinksProps {
  drawn: Drawn;
  /** Only its links are drawn; -1: all are. */
  chosen: number;
  scale: LogScale;
  theme: "light" | "dark";
}

function linkClass(link: Link): string {
  if (link.measured === 0) return link.failed ? "link failed" : "link stale";
  return link.failed ? "link part" : "link";
}

function Links({ drawn, chosen, scale, theme }: LinksProps) {
  const near = (link: Link) => link.from === chosen || link.to === chosen;
  const shown = drawn.links.filter((link) => chosen < 0 || near(link));
  const ordered = [...shown].sort((a, b) => (a.ns ?? 0) - (b.ns ?? 0));
  return (
    <g class="links">
      {ordered.map((link) => (
        <path key={`${link.from} ${link.to}`} d={drawn.path(link)} class={linkClass(link)}
          style={link.ns !== null && link.measured ? { stroke: toCss(latencyColour(0.15 + 0.85 * scale.at(link.ns), theme)) } : undefined}>
          <title>{`${drawn.dots[link.from]!.label} – ${drawn.dots[link.to]!.label}: ${link.measured ? latency(link.ns) : link.failed ? "failed" : "stale"}`}</title>
        </path>
      ))}
    </g>
  );
}

type Side = "right" | "left";

// Names go to the right of their dots, or to the left where that is taken; where both are, there is
// none. The chosen place comes first, then those with most nodes.
function nameSides(dots: readonly (Dot & { xy: Xy })[], chosen: number): Map<number, Side> {
  const order = dots.map((_, i) => i).sort((a, b) => Number(b === chosen) - Number(a === chosen) || dots[b]!.nodes.length - dots[a]!.nodes.length);
  const taken: [number, number, number][] = dots.map(({ xy: [x, y] }) => [x - 5, x + 5, y]);
  const sides = new Map<number, Side>();
  for (const i of order) {
    const [x, y] = dots[i]!.xy;
    const width = nameOf(dots[i]!).length * 6.2 + 4;
    const spans: [Side, number, number][] = [["right", x + 8, x + 8 + width], ["left", x - 8 - width, x - 8]];
    const free = spans.find(([, left, right]) => left > 0 && right < WIDTH && taken.every(([u, v, w]) => Math.abs(w - y) > 11 || v < left || u > right));
    if (!free && i !== chosen) continue;
    const [side, left, right] = free ?? spans[0]!;
    sides.set(i, side);
    taken.push([left, right, y]);
  }
  return sides;
}

const nameOf = (dot: Dot) => dot.label + (dot.nodes.length > 1 ? ` ×${dot.nodes.length}` : "");

function Dots({ drawn, chosen, self, onChoose }: { drawn: Drawn; chosen: number; self: string; onChoose(index: number): void }) {
  const sides = nameSides(drawn.dots, chosen);
  return (
    <g class="dots">
      {drawn.dots.map((dot, i) => {
        const [x, y] = dot.xy;
        const own = dot.nodes.some((node) => node.key === self);
        const side = sides.get(i);
        return (
          <g key={dot.label} class={`dot${i === chosen ? " chosen" : ""}${own ? " own" : ""}`} role="button" tabIndex={0}
            aria-pressed={i === chosen} aria-label={`${dot.label}, ${count(dot.nodes.length, "node")}`}
            onClick={() => onChoose(i)} onKeyDown={(event) => { if (event.key === "Enter" || event.key === " ") { onChoose(i); event.preventDefault(); } }}>
            <circle class="reach" cx={x} cy={y} r="11" />
            <circle cx={x} cy={y} r={3 + Math.min(5, Math.sqrt(dot.nodes.length))} />
            {side && <text x={side === "right" ? x + 9 : x - 9} y={y + 3.5} text-anchor={side === "right" ? "start" : "end"}>{nameOf(dot)}</text>}
          </g>
        );
      })}
    </g>
  );
}

function mapOf(mesh: Mesh, now: number): { drawn: Drawn; rest: Node[] } {
  const spots = new Map<string, Spot>();
  const rest = mesh.nodes.filter((node) => {
    const spot = PLACES.find(node.location);
    if (spot) spots.set(node.location, spot);
    return !spot;
  });
  const dots = dotsOf(mesh.nodes.filter((node) => spots.has(node.location)), (node) => node.location)
    .map((dot) => ({ ...dot, xy: project(spots.get(dot.label)!.longitude, spots.get(dot.label)!.latitude) }));
  const spotOf = (index: number) => spots.get(dots[index]!.label)!;
  return { drawn: { dots, links: linksOf(mesh, dots, now), path: (link) => linkPath(spotOf(link.from), spotOf(link.to)) }, rest };
}

const GRAPH_HEIGHT = 380;
const GRAPH_LINKS_MAX = 60; // all of them are straight, and cross in one small place
const GRAPH_MIN = 3; // nodes, below which a drawing says nothing

function graphOf(mesh: Mesh, nodes: readonly Node[], now: number): Drawn {
  const places = plane(nodes);
  const lost = nodes.filter((_, i) => !places[i]);
  const dots = nodes.map((node, i) => {
    const at = places[i] ?? ([(lost.indexOf(node) + 0.5) / lost.length, 0.97] as Xy); // without a coordinate: along the edge
    return { label: node.location ? `${node.location} ${node.host}` : node.host || node.url, nodes: [node], xy: [60 + at[0] * (WIDTH - 220), 20 + at[1] * (GRAPH_HEIGHT - 40)] as Xy };
  });
  const at = (index: number) => dots[index]!.xy.map((value) => Math.round(value)).join(" ");
  return { dots, links: linksOf(mesh, dots, now), path: (link) => `M${at(link.from)}L${at(link.to)}` };
}

function scaleOf(drawn: readonly Drawn[]): LogScale {
  const ends = extent(drawn.flatMap((each) => each.links.flatMap((link) => (link.ns === null ? [] : [link.ns]))));
  return logScale(...(ends ?? [1e6, 1e8]));
}

/** From the chosen place to all others, the slowest first. */
function Neighbours({ drawn, chosen }: { drawn: Drawn; chosen: number }) {
  const links = drawn.links.filter((link) => link.from === chosen || link.to === chosen)
    .sort((a, b) => Number(b.measured === 0) - Number(a.measured === 0) || (b.ns ?? 0) - (a.ns ?? 0));
  const dot = drawn.dots[chosen]!;
  return (
    <aside class="neighbours" aria-label={`From ${dot.label}`}>
      <h2>{dot.label} <span class="quiet">{count(dot.nodes.length, "node")}</span></h2>
      {links.length === 0 ? <p class="quiet">No path of this place is measured.</p> : (
        <ol class="worst">
          {links.map((link) => {
            const other = drawn.dots[link.from === chosen ? link.to : link.from]!;
            return (
              <li key={other.label}>
                <a href={pairHash(dot.nodes[0]!.key, other.nodes[0]!.key)}>
                  <span class="names">{other.label}</span>
                  <span class="figure">{link.measured ? latency(link.ns) : <span class={`badge state-${link.failed ? "failed" : "stale"}`}>{link.failed ? "failed" : "stale"}</span>}</span>
                </a>
              </li>
            );
          })}
        </ol>
      )}
    </aside>
  );
}

function placeIndex(drawn: Drawn, mesh: Mesh, place: string): number {
  const asked = drawn.dots.findIndex((dot) => dot.label === place);
  return asked >= 0 ? asked : drawn.dots.findIndex((dot) => dot.nodes.some((node) => node.key === mesh.self));
}

export function MapView({ route }: { route: Route }) {
  const { mesh, themeVersion } = useLive();
  const tick = useNow(3000);
  const [graphChosen, setGraphChosen] = useState(-1);
  const now = Math.max(tick, Date.now());
  const { drawn, rest } = useMemo(() => mapOf(mesh, now), [mesh, mesh.version, tick]);
  const graph = useMemo(() => graphOf(mesh, rest, now), [mesh, mesh.version, tick, rest]);
  if (!mesh.loadedAt) return <Loading />;
  const theme = readPalette(document.body).theme;
  const scale = scaleOf([drawn, graph]);
  const chosen = placeIndex(drawn, mesh, route.query["place"] ?? "");
  const crowded = drawn.links.length > LINKS_MAX;
  const graphCrowded = graph.links.length > GRAPH_LINKS_MAX;
  const graphPlace = graphCrowded && graphChosen < 0 ? Math.max(0, placeIndex(graph, mesh, "")) : graphChosen;
  const choose = (index: number) => go(withQuery(route, { place: drawn.dots[index]!.label }), true);
  return (
    <div class="map-view">
      <h1 class="unseen">Map</h1>
      {drawn.dots.length > 0 && (
        <section class="map-body">
          <div class="card map-card">
            <div class="map-room" tabIndex={0} role="region" aria-label="Map">
              <svg class="map" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="group" aria-label="Nodes on a map of the world">
                <path class="land" d={LAND} />
                <Links drawn={drawn} chosen={crowded ? chosen : -1} scale={scale} theme={theme} />
                <Dots drawn={drawn} chosen={chosen} self={mesh.self} onChoose={choose} />
              </svg>
            </div>
            {crowded && <p class="quiet">{count(drawn.links.length, "link")}: only those of the chosen place are drawn.</p>}
            <Legend scale={scale} metric="p50" themeVersion={themeVersion}><LinkMarks /></Legend>
            <p class="quiet foot">Cities: GeoNames (CC BY 4.0). Land: Natural Earth. Links are the median of both directions.</p>
          </div>
          {chosen >= 0 && <Neighbours drawn={drawn} chosen={chosen} />}
        </section>
      )}
      {rest.length > 0 && rest.length < GRAPH_MIN && drawn.dots.length > 0 && (
        <section class="card">
          <h2>Place not known</h2>
          <p>{rest.map((node, i) => <Fragment key={node.key}>{i > 0 && ", "}{node.location || "no place"} <span class="quiet">{node.host}</span></Fragment>)}</p>
        </section>
      )}
      {rest.length > 0 && (rest.length >= GRAPH_MIN || drawn.dots.length === 0) && (
        <section class="card">
          <h2>{drawn.dots.length ? "Place not known" : "By network coordinates"} <span class="quiet">{count(rest.length, "node")}; near is fast: laid out by network coordinates</span></h2>
          <svg class="map graph" viewBox={`0 0 ${WIDTH} ${GRAPH_HEIGHT}`} role="group" aria-label="Nodes by their network coordinates">
            <Links drawn={graph} chosen={graphCrowded ? graphPlace : -1} scale={scale} theme={theme} />
            <Dots drawn={graph} chosen={graphPlace} self={mesh.self} onChoose={setGraphChosen} />
          </svg>
          {graphCrowded && <p class="quiet">{count(graph.links.length, "link")}: only those of the chosen node are drawn.</p>}
          {drawn.dots.length === 0 && <Legend scale={scale} metric="p50" themeVersion={themeVersion}><LinkMarks /></Legend>}
        </section>
      )}
      {mesh.nodes.length === 0 && <Empty title="No node yet" />}
    </div>
  );
}
