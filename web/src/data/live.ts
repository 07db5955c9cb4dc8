// Keeps the matrix up to date: loads it, follows the node's events, loads it again after a
// connection was lost and now and then anyway, for a row that did not change sends no event.

import { ApiError, get } from "./api";
import type { Mesh } from "./mesh";
import type { MatrixAnswer, MemberEvent, RowEvent, SampleEvent } from "./types";

export type LiveState = "connecting" | "live" | "lost";

const RELOAD_MS = 20_000; // several times within the age at which figures become stale
const RELOAD_LARGE_MS = 45_000; // a large matrix is megabytes
const RELOAD_SOON_MS = 1_000; // after an event about a node that is not known here
const RETRY_MS = 5_000;
const REDRAW_MS = 250;
const REDRAW_LARGE_MS = 1_000; // tens of thousands of cells are looked at each time
const LARGE_FROM = 100; // nodes

export interface LiveEvents {
  member(event: MemberEvent): void;
  sample(event: SampleEvent): void;
}

export class Live {
  state: LiveState = "connecting";
  /** When anything was heard of the node last. */
  heardAt = 0;
  error: ApiError | null = null;

  private source: EventSource | null = null;
  private timers = new Map<string, ReturnType<typeof setTimeout>>();
  private watchers = new Set<() => void>();
  private listeners = new Set<Partial<LiveEvents>>();
  private loading = false;

  constructor(private readonly mesh: Mesh) {}

  start(): void {
    this.connect();
    void this.reload();
    addEventListener("online", () => this.reconnect());
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) void this.reload();
    });
  }

  /** Called after each change, a few times a second at most. Returns how to end it. */
  watch(watcher: () => void): () => void {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }

  listen(listener: Partial<LiveEvents>): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private later(name: string, ms: number, what: () => void): void {
    if (this.timers.has(name)) return;
    this.timers.set(name, setTimeout(() => {
      this.timers.delete(name);
      what();
    }, ms));
  }

  private changed(): void {
    this.later("redraw", this.isLarge() ? REDRAW_LARGE_MS : REDRAW_MS, () => this.watchers.forEach((watcher) => watcher()));
  }

  private setState(state: LiveState): void {
    if (this.state === state) return;
    this.state = state;
    this.changed();
  }

  private isLarge(): boolean {
    return this.mesh.nodes.length > LARGE_FROM;
  }

  private heard(): void {
    this.heardAt = Date.now();
  }

  private connect(): void {
    const source = new EventSource("/v1/events");
    this.source = source;
    source.addEventListener("open", () => {
      this.heard();
      if (this.state === "lost") void this.reload();
      else this.setState("live");
    });
    source.addEventListener("error", () => {
      this.setState("lost");
      // A refusal is final for an EventSource; we go on trying.
      if (source.readyState === EventSource.CLOSED) this.later("connect", RETRY_MS, () => this.reconnect());
    });
    this.on(source, "row", (data) => this.takeRow(data as RowEvent));
    this.on(source, "member", (data) => this.takeMember(data as MemberEvent));
    this.on(source, "sample", (data) =>
      this.listeners.forEach((listener) => listener.sample?.(data as SampleEvent)));
    this.on(source, "dropped", () => void this.reload());
  }

  private reconnect(): void {
    this.source?.close();
    this.connect();
    void this.reload();
  }

  private on(source: EventSource, name: string, take: (data: unknown) => void): void {
    source.addEventListener(name, (event) => {
      this.heard();
      try {
        take(JSON.parse((event as MessageEvent<string>).data));
      } catch {
        this.later("reload", RELOAD_SOON_MS, () => void this.reload());
      }
    });
  }

  private takeRow(event: RowEvent): void {
    if (!this.mesh.take(event, Date.now())) this.later("reload", RELOAD_SOON_MS, () => void this.reload());
    this.changed();
  }

  private takeMember(event: MemberEvent): void {
    this.listeners.forEach((listener) => listener.member?.(event));
    this.later("reload", RELOAD_SOON_MS, () => void this.reload());
  }

  private async pages(): Promise<MatrixAnswer[]> {
    const pages: MatrixAnswer[] = [];
    let after: string | undefined;
    for (;;) {
      const page = await get<MatrixAnswer>("/v1/matrix", { limit: 1000, after });
      pages.push(page);
      const last = page.rows.at(-1);
      const key = last && page.nodes[last.from]?.key;
      if (!page.more || !key || key === after) return pages;
      after = key;
    }
  }

  async reload(): Promise<void> {
    if (this.loading) return;
    this.loading = true;
    try {
      const pages = await this.pages();
      this.mesh.load(pages, Date.now());
      this.error = null;
      this.heard();
      if (this.source?.readyState === EventSource.OPEN) this.setState("live");
    } catch (error) {
      this.error = error instanceof ApiError ? error : new ApiError(0, String(error));
      this.setState("lost");
    } finally {
      this.loading = false;
      this.changed();
      const pause = this.state === "lost" ? RETRY_MS
        : this.isLarge() ? RELOAD_LARGE_MS : RELOAD_MS;
      this.later("again", pause, () => {
        if (!document.hidden) void this.reload();
        else this.later("again", pause, () => void this.reload());
      });
    }
  }
}
