// Adding a peer, and what became of it.

import { useRef, useState } from "preact/hooks";
import { ApiError, act } from "../data/api";
import { peerUrl } from "./rows";

export interface Notice {
  good: boolean;
  text: string;
}

export function AddPeer({ interval_s, onDone }: { interval_s: number; onDone(): void }) {
  const form = useRef<HTMLFormElement>(null);
  const [notice, setNotice] = useState<Notice | null>(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    const data = new FormData(form.current!);
    const text = String(data.get("url") ?? "");
    const withPeers = data.get("addpeers") !== null;
    const url = peerUrl(text, withPeers);
    const fields: Record<string, string> = { url };
    for (const name of ["ip", "delay", "fails"]) {
      const value = String(data.get(name) ?? "").trim();
      if (value) fields[name] = value;
    }
    setBusy(true);
    try {
      await act("/v1/addpeer", fields);
      form.current!.reset();
      setNotice({ good: true, text: withPeers ? `${text} and its peers are being added.` : `${url} is added: its first probe goes out within ${interval_s || 10} s.` });
      onDone();
    } catch (error) {
      setNotice({ good: false, text: error instanceof ApiError ? error.message : String(error) });
    } finally {
      setBusy(false);
    }
  };
  return (
    <form class="add-peer" ref={form} onSubmit={submit} aria-label="Add a peer">
      <label class="field wide"><span>Address</span><input name="url" required placeholder="host:8080 or http://host:8080/v1/ping" autocomplete="off" spellcheck={false} /></label>
      <label class="field"><span>Connect to IP <em>optional</em></span><input name="ip" placeholder="instead of the name's" autocomplete="off" spellcheck={false} /></label>
      <label class="field short"><span>Every <em>s</em></span><input name="delay" inputMode="numeric" pattern="[0-9]*" placeholder={String(interval_s || 10)} /></label>
      <label class="field short"><span>Give up after <em>failures</em></span><input name="fails" inputMode="numeric" pattern="[0-9]*" placeholder="100" /></label>
      <label class="toggle"><input type="checkbox" name="addpeers" /><span>and its peers</span></label>
      <button type="submit" class="primary" disabled={busy}>Add peer</button>
      {notice && <p class={notice.good ? "notice good" : "notice bad"} role="status">{notice.text.charAt(0).toUpperCase() + notice.text.slice(1)}</p>}
    </form>
  );
}
