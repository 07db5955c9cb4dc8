// The frame around the views: name, tabs, state of the connection, zone, theme, help.

import type { ComponentType } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { offset } from "../base/format";
import { type Route, formatRoute, go } from "../base/route";
import { ApiError, get } from "../data/api";
import type { Live } from "../data/live";
import type { Mesh } from "../data/mesh";
import type { Session } from "../data/types";
import { DirectionView } from "../direction/view";
import { HoursView } from "../hours/view";
import { MeshView } from "../mesh/view";
import { PeersView } from "../peers/view";
import { ShellContext, useRoute } from "./context";
import { Help } from "./help";
import { LostBanner, Status } from "./status";
import { Failure, Loading } from "./parts";
import { type Choice, apply, choose, chosen, onSystemChange } from "./theme";

interface ViewProps {
  route: Route;
}

interface Tab {
  view: string;
  label: string;
  /** Plots and the map are loaded when they are first looked at. */
  load(): Promise<ComponentType<ViewProps>>;
}

const TABS: readonly Tab[] = [
  { view: "mesh", label: "Mesh", load: async () => MeshView },
  { view: "pair", label: "Pair", load: async () => (await import("../pair/view")).PairView },
  { view: "hours", label: "Time of day", load: async () => HoursView },
  { view: "direction", label: "Direction", load: async () => DirectionView },
  { view: "map", label: "Map", load: async () => (await import("../map/view")).MapView },
  { view: "peers", label: "Peers", load: async () => PeersView },
];

// A pair that was looked at stays chosen when one goes on to its hours.
function tabHash(tab: Tab, route: Route): string {
  const keeps = (tab.view === "pair" || tab.view === "hours") && (route.view === "pair" || route.view === "hours");
  return formatRoute({ view: tab.view, parts: keeps ? route.parts : [] });
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches("input, select, textarea, [contenteditable]");
}

const THEMES: Record<Choice, [Choice, string, string]> = {
  system: ["light", "◐", "as the system"],
  light: ["dark", "○", "light"],
  dark: ["system", "●", "dark"],
};

function useView(tab: Tab): { View: ComponentType<ViewProps> | null; error: ApiError | null } {
  const [state, setState] = useState<{ tab: Tab; View: ComponentType<ViewProps> | null; error: ApiError | null }>(
    { tab, View: tab.view === "mesh" ? MeshView : null, error: null });
  useEffect(() => {
    let wanted = true;
    tab.load().then(
      (View) => wanted && setState({ tab, View, error: null }),
      () => wanted && setState({ tab, View: null, error: new ApiError(0, "this part of the dashboard could not be loaded; load the page again") }));
    return () => { wanted = false; };
  }, [tab]);
  return state.tab === tab ? state : { View: null, error: null };
}

function useSession(): Session | null {
  const [session, setSession] = useState<Session | null>(null);
  useEffect(() => {
    get<Session>("/v1/session").then(setSession, () => setSession(null));
  }, []);
  return session;
}

export function App({ mesh, live }: { mesh: Mesh; live: Live }) {
  const route = useRoute();
  const session = useSession();
  const [help, setHelp] = useState(false);
  const [theme, setTheme] = useState<Choice>(chosen());
  const [themeVersion, setThemeVersion] = useState(0);
  const tab = TABS.find((tab) => tab.view === route.view) ?? TABS[0]!;
  const { View, error } = useView(tab);

  const nextTheme = () => setTheme((old) => {
    const next = THEMES[old][0];
    choose(next);
    setThemeVersion((n) => n + 1);
    return next;
  });
  useEffect(() => onSystemChange(() => {
    apply(chosen());
    setThemeVersion((n) => n + 1);
  }), []);
  useEffect(() => {
    document.title = `${tab.label} – pingmesh${session?.location ? ` ${session.location}` : ""}`;
  }, [tab, session]);
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      const digit = TABS[Number(event.key) - 1];
      if (event.key === "?") setHelp(true);
      else if (event.key === "t") nextTheme();
      else if (digit) go(tabHash(digit, route));
      else if (event.key === "/") {
        const search = document.querySelector<HTMLInputElement>("input[type=search]");
        if (!search) return;
        search.focus();
        search.select();
      } else return;
      event.preventDefault();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, [route]);

  const shell = useMemo(() => ({ mesh, live, session, themeVersion }), [mesh, live, session, themeVersion]);
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const [, symbol, name] = THEMES[theme];
  return (
    <ShellContext.Provider value={shell}>
      <header class="bar">
        <a class="brand" href="#/mesh" aria-label="pingmesh, to the mesh">
          <span class="mark" aria-hidden="true"><i /><i /><i /><i /><i /><i /><i /><i /><i /></span>
          <b>pingmesh</b>
        </a>
        <nav aria-label="Views">
          {TABS.map((each) => (
            <a key={each.view} href={tabHash(each, route)} aria-current={each === tab ? "page" : undefined}>{each.label}</a>
          ))}
        </nav>
        <div class="bar-end">
          <span class="here" title="The node that you are asking">{session?.location || ""}</span>
          <Status />
          <span class="zone" title="The zone of all times shown"><span class="zone-name">{zone} </span>UTC{offset(-new Date().getTimezoneOffset())}</span>
          <button type="button" class="icon" onClick={nextTheme} aria-label={`Theme: ${name}. Change`} title={`Theme: ${name}`}>{symbol}</button>
          <button type="button" class="icon" onClick={() => setHelp(true)} aria-label="Help and keys" title="Help and keys (?)">?</button>
        </div>
      </header>
      <LostBanner />
      <main id="main" class={`view view-${tab.view}`}>
        {View ? <View route={route} /> : error ? <Failure error={error} /> : <Loading />}
      </main>
      <Help open={help} onClose={() => setHelp(false)} />
    </ShellContext.Provider>
  );
}
