// Whether the figures are live, and of when they are if not.

import { clock } from "../base/format";
import { useLive, useNow } from "./context";

export function Status() {
  const { live, mesh } = useLive();
  useNow(1000);
  if (live.state === "live") {
    return <span class="status live" role="status"><i aria-hidden="true" />live</span>;
  }
  if (live.state === "connecting" && !mesh.loadedAt) {
    return <span class="status" role="status"><i aria-hidden="true" />connecting…</span>;
  }
  return <span class="status lost" role="status"><i aria-hidden="true" />not live</span>;
}

export function LostBanner() {
  const { live, mesh } = useLive();
  if (live.state !== "lost" || !mesh.loadedAt) return null; // without any figure the view says why
  const asOf = new Date(Math.max(live.heardAt, mesh.loadedAt));
  return (
    <div class="banner" role="alert">
      <strong>Connection lost.</strong>{" "}
      Figures are as of <time dateTime={asOf.toISOString()}>{clock(asOf)}</time>; trying again.
    </div>
  );
}
