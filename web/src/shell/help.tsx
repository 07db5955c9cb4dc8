// What the keys do.

import { useEffect, useRef } from "preact/hooks";

const KEYS: [string, string][] = [
  ["?", "this help"],
  ["/", "search nodes"],
  ["1 … 6", "mesh, pair, time of day, direction, map, peers"],
  ["← ↑ → ↓", "move in the matrix; with Shift by ten, Home and End to the edges"],
  ["Enter", "open the pair under the cursor"],
  ["r", "from there to here: the reverse direction"],
  ["f", "fold or unfold the row's location"],
  ["t", "light, dark, as the system"],
  ["Esc", "leave the search, close this"],
];

const licences = document.querySelector<HTMLLinkElement>("link[rel=license]")?.href ?? "/";

export function Help({ open, onClose }: { open: boolean; onClose(): void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const element = dialog.current;
    if (open && element && !element.open) element.showModal();
    if (!open && element?.open) element.close();
  }, [open]);
  return (
    <dialog ref={dialog} class="help" aria-labelledby="help-title" onClose={onClose}
      onClick={(event) => { if (event.target === dialog.current) onClose(); }}>
      <h2 id="help-title">Keys</h2>
      <dl>
        {KEYS.map(([key, what]) => (
          <div key={key}><dt><kbd>{key}</kbd></dt><dd>{what}</dd></div>
        ))}
      </dl>
      <p>
        All figures are round trips, made by the node of the row. What other nodes measured is as they say;
        figures older than 90 seconds are stale.
      </p>
      <p class="links">
        <a href="/v1">All that this node answers</a> · <a href="/v1/matrix?format=html">The matrix without script</a> · <a href={licences}>Licences</a>
      </p>
      <form method="dialog"><button autofocus>Close</button></form>
    </dialog>
  );
}
