// What every view stands on: the mesh, the live connection, who is asking, and the theme.

import { createContext } from "preact";
import { useContext, useEffect, useReducer, useState } from "preact/hooks";
import { ApiError, get } from "../data/api";
import type { Live } from "../data/live";
import type { Mesh } from "../data/mesh";
import type { Session } from "../data/types";
import { type Route, current } from "../base/route";

export interface Shell {
  mesh: Mesh;
  live: Live;
  session: Session | null;
  /** Goes up when light turns dark: what is drawn on a canvas is drawn again. */
  themeVersion: number;
}

export const ShellContext = createContext<Shell | null>(null);

export function useShell(): Shell {
  return useContext(ShellContext)!;
}

/** Draws the component again with each change of the live figures. */
export function useLive(): Shell {
  const shell = useShell();
  const [, again] = useReducer((n: number) => n + 1, 0);
  useEffect(() => shell.live.watch(() => again(0)), [shell.live]);
  return shell;
}

/** The time, so that ages go on growing between events. */
export function useNow(every_ms: number): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), every_ms);
    return () => clearInterval(timer);
  }, [every_ms]);
  return Math.max(now, Date.now() - every_ms);
}

export function useRoute(): Route {
  const [route, setRoute] = useState(current());
  useEffect(() => {
    const take = () => setRoute(current());
    addEventListener("hashchange", take);
    return () => removeEventListener("hashchange", take);
  }, []);
  return route;
}

export interface Loaded<T> {
  value: T | null;
  error: ApiError | null;
  loading: boolean;
  reload(): void;
}

/** A document of the node. With every_ms it is read again; the old one stays while that goes on. */
export function useDocument<T>(address: string | null, every_ms = 0): Loaded<T> {
  const [state, setState] = useState<{ address: string | null; value: T | null; error: ApiError | null }>(
    { address, value: null, error: null });
  const [turn, again] = useReducer((n: number) => n + 1, 0);
  useEffect(() => {
    if (address === null) return;
    const controller = new AbortController();
    get<T>(address, {}, controller.signal).then(
      (value) => setState({ address, value, error: null }),
      (error) => {
        if (controller.signal.aborted) return;
        setState((old) => ({
          address, value: old.address === address ? old.value : null,
          error: error instanceof ApiError ? error : new ApiError(0, String(error)),
        }));
      });
    const timer = every_ms ? setTimeout(() => again(0), every_ms) : undefined;
    return () => {
      controller.abort();
      clearTimeout(timer);
    };
  }, [address, every_ms, turn]);
  const fresh = state.address === address;
  return {
    value: fresh ? state.value : null, error: fresh ? state.error : null,
    loading: address !== null && (!fresh || (state.value === null && state.error === null)),
    reload: () => again(0),
  };
}
