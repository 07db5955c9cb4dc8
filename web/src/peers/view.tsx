// Who is known, how it became known, and what growth is left.

import { useEffect, useState } from "preact/hooks";
import { csv } from "../base/csv";
import { download, fileName } from "../base/download";
import { age, count } from "../base/format";
import { type Route, go, withQuery } from "../base/route";
import { ApiError, act } from "../data/api";
import type { Budget, PeersAnswer } from "../data/types";
import { useDocument, useShell } from "../shell/context";
import { Empty, Failure, Loading, Menu } from "../shell/parts";
import { AddPeer, type Notice } from "./form";
import { BUDGETS, type PeerRow, peerRows, refusals } from "./rows";

const RELOAD_MS = 5_000;
const EVENTS_MAX = 30;

interface MeshEvent {
  at: Date;
  text: string;
}

const STATE_MARK: Record<string, string> = { verified: "●", probed: "●", candidate: "◌", suspect: "◐", lost: "×", ended: "×" };

function State({ row }: { row: PeerRow }) {
  const name = row.paused ? "paused" : row.state;
  return <span class={`peer-state state-${name}`}><i aria-hidden="true">{row.paused ? "‖" : (STATE_MARK[row.state] ?? "○")}</i>{name}{row.state === "verified" && !row.active ? ", not probed each interval" : ""}</span>;
}

function Actions({ row, onAct }: { row: PeerRow; onAct(path: string, fields: Record<string, string>): void }) {
  if (row.state === "ended") return <td />;
  const probed = row.active || row.paused;
  const pause = () => onAct("/v1/pausepeer", { url: row.url, paused: String(!row.paused) });
  const remove = () => {
    if (confirm(`Remove ${row.host}? A node of the mesh is refused for an hour, then it may come back.`)) onAct("/v1/removepeer", { url: row.url });
  };
  return (
    <td class="actions">
      {probed && <button type="button" onClick={pause} aria-label={`${row.paused ? "Resume" : "Pause"} ${row.host}`}>{row.paused ? "Resume" : "Pause"}</button>}
      <button type="button" onClick={remove} aria-label={`Remove ${row.host}`}>Remove</button>
    </td>
  );
}

function Table({ rows, operator, onAct }: { rows: readonly PeerRow[]; operator: boolean; onAct(path: string, fields: Record<string, string>): void }) {
  return (
    <div class="table-room" tabIndex={0} role="region" aria-label="Peers">
      <table class="peers">
        <thead>
          <tr>
            <th scope="col">place</th><th scope="col">address</th><th scope="col">state</th><th scope="col">learned</th>
            <th scope="col" class="number">hops</th><th scope="col" class="number">last answer</th><th scope="col" class="number">known for</th>
            <th scope="col" class="number">answers</th><th scope="col" class="number">failures</th>{operator && <th scope="col"><span class="unseen">actions</span></th>}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.key} class={row.state === "ended" ? "ended" : undefined}>
              <th scope="row">{row.place || <span class="quiet">unknown</span>}</th>
              <td class="long" title={row.url}>{row.host}</td>
              <td><State row={row} /></td>
              <td class="long" title={row.from ? `${row.learned} from ${row.from}` : undefined}>{row.learned}{row.from && <span class="quiet"> from {row.from}</span>}</td>
              <td class="number">{row.hops ?? "–"}</td>
              <td class="number">{row.lastOk_s === null ? "never" : age(row.lastOk_s)}</td>
              <td class="number">{age(row.since_s)}</td>
              <td class="number">{row.pings?.toLocaleString("en") ?? "–"}</td>
              <td class={`number ${row.fails ? "bad" : ""}`}>{row.fails.toLocaleString("en")}</td>
              {operator && <Actions row={row} onAct={onAct} />}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function BudgetRow({ name, budget }: { name: string; budget: Budget }) {
  const share = budget.Burst ? budget.Left / budget.Burst : 0;
  return (
    <tr>
      <th scope="row">{BUDGETS[name] ?? name}</th>
      <td class="meter"><span aria-hidden="true"><i class={share < 0.2 ? "low" : ""} style={{ width: `${share * 100}%` }} /></span></td>
      <td class="number">{budget.Left} of {budget.Burst}</td>
      <td class="number">{budget.Taken.toLocaleString("en")}</td>
      <td class={`number ${budget.Refused ? "bad" : "quiet"}`}>{budget.Refused.toLocaleString("en")}</td>
    </tr>
  );
}

function Growth({ answer, events }: { answer: PeersAnswer; events: readonly MeshEvent[] }) {
  const { Mesh: mesh } = answer;
  if (!mesh) return null;
  const refused = refusals(answer);
  return (
    <div class="columns">
      <section class="card">
        <h2>Growth <span class="quiet">what is left of each budget now</span></h2>
        <p>{count(mesh.Verified, "verified node")}, {mesh.Active} probed each interval, {count(mesh.Candidates, "candidate")}, {mesh.Heard} heard of, {mesh.Lost} lost. The mesh has about {Math.round(mesh.NodesEstimate + 1)} nodes.</p>
        <div class="table-room" tabIndex={0} role="region" aria-label="Budgets">
          <table class="budgets">
            <thead><tr><th scope="col">budget</th><td /><th scope="col" class="number">left</th><th scope="col" class="number">taken</th><th scope="col" class="number">refused</th></tr></thead>
            <tbody>{Object.entries(mesh.Budgets).map(([name, budget]) => <BudgetRow key={name} name={name} budget={budget} />)}</tbody>
          </table>
        </div>
      </section>
      <section class="card">
        <h2>Refusals <span class="quiet">since the node started</span></h2>
        {refused.length === 0 ? <p class="quiet">Nobody was refused.</p> : (
          <table class="refusals"><tbody>{refused.map(([reason, times]) => <tr key={reason}><th scope="row">{reason}</th><td class="number">{times.toLocaleString("en")}</td></tr>)}</tbody></table>
        )}
        <h2>News <span class="quiet">since this page was opened</span></h2>
        {events.length === 0 ? <p class="quiet">None yet.</p> : (
          <ul class="news">{events.map((event, i) => <li key={i}><time>{event.at.toTimeString().slice(0, 8)}</time> {event.text}</li>)}</ul>
        )}
      </section>
    </div>
  );
}

function peersCsv(rows: readonly PeerRow[]): string {
  return csv([["place", "url", "state", "active", "paused", "learned", "from", "hops", "last_ok_s", "known_s", "answers", "failures"],
    ...rows.map((row) => [row.place, row.url, row.state, row.active ? 1 : 0, row.paused ? 1 : 0, row.learned, row.from, row.hops,
      row.lastOk_s === null ? null : Math.round(row.lastOk_s), row.since_s === null ? null : Math.round(row.since_s), row.pings, row.fails])]);
}

export function PeersView({ route }: { route: Route }) {
  const { live, mesh, session } = useShell();
  const peers = useDocument<PeersAnswer>("/v1/peers?stats=none", RELOAD_MS);
  const [notice, setNotice] = useState<Notice | null>(null);
  const [events, setEvents] = useState<MeshEvent[]>([]);
  const find = (route.query["find"] ?? "").toLowerCase();
  useEffect(() => live.listen({
    member: (event) => {
      const node = mesh.nodes[mesh.indexOf(event.key ?? "") ?? -1];
      const who = event.url || node?.host || event.key || "a node";
      setEvents((old) => [{ at: new Date(), text: `${who} ${event.change}${event.reason ? `: ${event.reason}` : ""}` }, ...old].slice(0, EVENTS_MAX));
      peers.reload();
    },
  }), [live]);
  const operator = session?.operator ?? false;
  const onAct = (path: string, fields: Record<string, string>) => {
    act<{ url?: string; result?: string }>(path, fields).then(
      (done) => { setNotice({ good: true, text: `${fields["url"]}: ${done.result ?? "done"}` }); peers.reload(); },
      (error) => setNotice({ good: false, text: error instanceof ApiError ? error.message : String(error) }));
  };
  const rows = peers.value ? peerRows(peers.value, Date.now()) : [];
  const shown = rows.filter((row) => !find || `${row.place} ${row.url} ${row.state} ${row.learned} ${row.from}`.toLowerCase().includes(find));
  return (
    <div class="peers-view">
      <h1 class="unseen">Peers</h1>
      <section class="card">
        <h2>Add a peer</h2>
        {operator ? <AddPeer interval_s={session?.interval_s ?? 10} onDone={peers.reload} /> : (
          <p class="quiet">Adding, pausing and removing is for operators. {session?.login
            ? <a href="/v1/login">Log in</a> : session ? "Open this page on the node's own machine, or start the node with PINGMESH_ADMIN_TOKEN." : ""}</p>
        )}
      </section>
      <section class="card">
        <div class="tools in-card">
          <h2>Peers {peers.value && <span class="quiet">{count(rows.filter((row) => row.active).length, "probed target")}</span>}</h2>
          <span class="grow" />
          <input type="search" placeholder="Find peers  /" aria-label="Find peers" value={route.query["find"] ?? ""}
            onInput={(event) => go(withQuery(route, { find: event.currentTarget.value }), true)} />
          <Menu label="Export" actions={[
            ["CSV", () => download(fileName("peers", "csv"), peersCsv(rows), "text/csv")],
            ["JSON", () => download(fileName("peers", "json"), JSON.stringify(peers.value, null, 1), "application/json")]]} />
        </div>
        {notice && <p class={notice.good ? "notice good" : "notice bad"} role="status">{notice.text.charAt(0).toUpperCase() + notice.text.slice(1)}</p>}
        {peers.error && !peers.value ? <Failure error={peers.error} onRetry={peers.reload} />
          : peers.loading ? <Loading />
            : shown.length === 0 ? <Empty title={find ? `No peer matches “${find}”` : "No peer yet"}>{!find && "Add one above, or give another node this one's address."}</Empty>
              : <Table rows={shown} operator={operator} onAct={onAct} />}
      </section>
      {peers.value && <Growth answer={peers.value} events={events} />}
    </div>
  );
}
