// The mesh: everyone to everyone.

import { useMemo, useRef, useState } from "preact/hooks";
import { logScale } from "../base/colour";
import { download, fileName } from "../base/download";
import { type Route, go, pairHash, withQuery } from "../base/route";
import { middleExtent } from "../base/statistics";
import { ApiError } from "../data/api";
import { useLive, useNow } from "../shell/context";
import { Empty, Failure, Loading, Menu, Segments, Select } from "../shell/parts";
import { Folds, type Item, type Sort, findWords, makeAxis } from "./axis";
import { MatrixCanvas } from "./canvas";
import { describeCell } from "./describe";
import type { Picture } from "./draw";
import { matrixCsv, matrixJson, matrixPng } from "./export";
import { METRICS, type Metric, makeGrid, scaleValues } from "./grid";
import { Inspector } from "./inspector";
import type { Place } from "./layout";
import { Legend } from "./legend";

const SORTS = [["location", "Location"], ["trouble", "Trouble"], ["name", "Name"]] as const;
const FOLD_FROM = 64; // nodes, from which locations are folded unless asked otherwise
const RECOUNT_MS = 2_000; // how often ages are looked at while nothing happens

export function MeshView({ route }: { route: Route }) {
  const { mesh, live, themeVersion } = useLive();
  const tick = useNow(RECOUNT_MS);
  const [focus, setFocus] = useState<Place | null>(null);
  const shared = useRef<Picture | null>(null);

  const sort = (SORTS.some(([name]) => name === route.query["sort"]) ? route.query["sort"] : "location") as Sort;
  const metric = (route.query["metric"] ?? "p50") in METRICS ? ((route.query["metric"] ?? "p50") as Metric) : "p50";
  const find = route.query["find"] ?? "";
  const folds = Folds.parse(route.query["fold"] ?? "", mesh.nodes.length > FOLD_FROM);
  const set = (changes: Record<string, string>) => go(withQuery(route, changes), true);

  const foldText = folds.format();
  const [rows, columns] = useMemo(() => {
    const wanted = findWords(find);
    const axis = (find: string) => makeAxis(mesh, { sort, find, isFolded: (location) => folds.has(location) }, Date.now());
    return [axis(wanted.rows), axis(wanted.columns)] as const;
    // By trouble the order would jump with every figure: it is made anew when the matrix is loaded.
  }, [mesh, mesh.nodes, sort, find, foldText]);
  const now = Math.max(tick, Date.now());
  const grid = useMemo(() => makeGrid(mesh, rows, columns, metric, now), [mesh, mesh.version, tick, rows, columns, metric]);
  const scale = useMemo(() => {
    const ends = middleExtent(scaleValues(grid), 0.02); // a few outliers do not take all the colours
    return logScale(...(ends ?? [1e5, 1e8]));
  }, [grid]);

  if (!mesh.loadedAt) {
    return live.state === "lost" ? <Failure error={live.error ?? new ApiError(0, "the node does not answer")} onRetry={() => void live.reload()} /> : <Loading />;
  }
  const place = focus && focus.row < rows.length && focus.column < columns.length ? focus : null;
  const at = (place: Place) => [rows[place.row]!, columns[place.column]!] as const;
  const open = (place: Place) => {
    const [row, column] = at(place);
    if (row.folded || column.folded) {
      [row, column].filter((item) => item.folded).forEach(fold);
      return;
    }
    const [from, to] = [mesh.nodes[row.members[0]!]!, mesh.nodes[column.members[0]!]!];
    if (from !== to) go(pairHash(from.key, to.key));
  };
  const fold = (item: Item) => {
    if (item.folded || item.group !== "none") set({ fold: folds.toggled(item.location).format() });
  };
  const [from, to] = [rows, columns].map((items) => items.flatMap((item) => item.members)) as [number[], number[]];
  const reverse = (place: Place): Place | null => {
    const [row, column] = at(place);
    const same = (item: Item) => (other: Item) => other.members[0] === item.members[0] && other.folded === item.folded;
    const back = { row: rows.findIndex(same(column)), column: columns.findIndex(same(row)) };
    return back.row < 0 || back.column < 0 ? null : back;
  };
  const exports: [string, () => void][] = [
    ["CSV, each path a line", () => download(fileName("matrix", "csv"), matrixCsv(mesh, from, to, Date.now()), "text/csv")],
    ["JSON", () => download(fileName("matrix", "json"), matrixJson(mesh, from, to, Date.now()), "application/json")],
    ["PNG, as drawn", async () => {
      const picture = shared.current && (await matrixPng(shared.current));
      if (picture) download(fileName("matrix", "png"), picture);
    }],
  ];
  const grouped = folds.all || rows.some((item) => item.folded || item.group !== "none");
  return (
    <div class="mesh">
      <h1 class="unseen">Mesh</h1>
      <div class="tools">
        <Segments label="Order" value={sort} options={SORTS} onChange={(value) => set({ sort: value === "location" ? "" : value })} />
        <Select label="Show" hideLabel value={metric} options={Object.entries(METRICS) as [Metric, string][]} onChange={(value) => set({ metric: value === "p50" ? "" : value })} />
        {grouped && (
          <Segments label="Locations" value={folds.all ? "all" : "none"} options={[["none", "All nodes"], ["all", "By location"]]} onChange={(value) => set({ fold: value })} />
        )}
        <input type="search" placeholder="Find nodes, to:nodes  /" aria-label="Find nodes" value={find}
          onInput={(event) => set({ find: event.currentTarget.value })}
          onKeyDown={(event) => { if (event.key === "Escape") { set({ find: "" }); event.currentTarget.blur(); } }} />
        <span class="grow" />
        <Menu label="Export" actions={exports} />
      </div>
      <div class="mesh-body">
        <div class="mesh-main">
          <div class="matrix-room">
            {rows.length === 0 || columns.length === 0 || mesh.nodes.length < 2 ? (
              find ? <Empty title={`No node matches “${find}”`}>Names, addresses, places and keys are searched; “to:paris” looks among the columns.</Empty>
                : <Empty title="No other node yet">Add one on the <a href="#/peers">peers</a> page, or start one with this node's address.</Empty>
            ) : (
              <MatrixCanvas picture={{ rows, columns, grid, metric, scale, selfIndex: mesh.indexOf(mesh.self) ?? -1 }} focus={place} themeVersion={themeVersion}
                describe={(place) => describeCell(mesh, ...at(place), grid[place.row]![place.column]!, Date.now())}
                onFocus={setFocus} onOpen={open} onFold={fold} reverse={reverse}
                share={(picture) => { shared.current = picture; }} />
            )}
          </div>
          {mesh.nodes.length > 1 && <Legend scale={scale} metric={metric} themeVersion={themeVersion} />}
        </div>
        <Inspector mesh={mesh} row={place && rows[place.row]!} column={place && columns[place.column]!}
          cell={place && grid[place.row]![place.column]!} now={now} onClose={() => setFocus(null)} />
      </div>
    </div>
  );
}
