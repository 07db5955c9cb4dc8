// Which path is looked at: from and to, and a button that turns it round.

import type { Mesh, Node } from "../data/mesh";
import { locationOrder } from "../mesh/axis";

interface Props {
  mesh: Mesh;
  from: string;
  to: string;
  onChange(from: string, to: string): void;
}

function nodesInOrder(mesh: Mesh): Node[] {
  const order = (node: Node) => `${locationOrder(node.location)} ${node.host}`;
  return [...mesh.nodes].sort((a, b) => (order(a) < order(b) ? -1 : 1));
}

function NodeSelect({ mesh, label, value, onChange }: { mesh: Mesh; label: string; value: string; onChange(key: string): void }) {
  const known = mesh.indexOf(value) !== undefined;
  return (
    <label class="field">
      <span>{label}</span>
      <select value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        {!known && <option value={value}>{value || "choose a node"}</option>}
        {nodesInOrder(mesh).map((node) => (
          <option key={node.key} value={node.key}>{node.location ? `${node.location} · ${node.host}` : node.host || node.url}</option>
        ))}
      </select>
    </label>
  );
}

export function PairPicker({ mesh, from, to, onChange }: Props) {
  return (
    <div class="picker">
      <NodeSelect mesh={mesh} label="From" value={from} onChange={(key) => onChange(key, to)} />
      <button type="button" class="icon" onClick={() => onChange(to, from)} aria-label="Turn the direction round" title="Turn the direction round">⇄</button>
      <NodeSelect mesh={mesh} label="To" value={to} onChange={(key) => onChange(from, key)} />
    </div>
  );
}

/** What to show when no path was chosen: the first of this node's own that is measured. */
export function usualPair(mesh: Mesh): [string, string] | null {
  const self = mesh.indexOf(mesh.self);
  const row = self === undefined ? undefined : mesh.row(self);
  const to = row && [...row.cells.entries()].find(([, cell]) => cell.state === "measured")?.[0];
  if (to !== undefined) return [mesh.self, mesh.nodes[to]!.key];
  const other = mesh.nodes.find((node) => node.key !== mesh.self);
  return other ? [mesh.self, other.key] : null;
}
