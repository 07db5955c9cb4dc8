// The page's state in the address's hash, so that every view can be shared: #/pair/A/B?range=6h.
// Pure but for current() and go().

export interface Route {
  view: string;
  parts: string[];
  query: Record<string, string>;
}

const decode = (text: string) => {
  try {
    return decodeURIComponent(text.replace(/\+/g, "%20"));
  } catch {
    return text; // a broken escape is shown as it is
  }
};

// In a path only what would end a part is escaped, so that addresses stay readable.
const encodePart = (text: string) => encodeURIComponent(text).replace(/%3A/g, ":").replace(/%2C/g, ",");

export function parseRoute(hash: string): Route {
  const [path = "", search = ""] = hash.replace(/^#?\/?/, "").split(/\?(.*)/s);
  const [view = "", ...parts] = path.split("/");
  const query: Record<string, string> = {};
  for (const pair of search.split("&")) {
    const [name = "", value = ""] = pair.split(/=(.*)/s);
    if (name) query[decode(name)] = decode(value);
  }
  return { view: decode(view) || "mesh", parts: parts.map(decode), query };
}

export function formatRoute(route: Partial<Route> & { view: string }): string {
  const path = [route.view, ...(route.parts ?? [])].map(encodePart).join("/");
  const search = Object.entries(route.query ?? {})
    .filter(([, value]) => value !== "")
    .map(([name, value]) => `${encodePart(name)}=${encodePart(value)}`)
    .join("&");
  return `#/${path}${search ? `?${search}` : ""}`;
}

export function pairHash(from: string, to: string, query: Record<string, string> = {}): string {
  return formatRoute({ view: "pair", parts: [from, to], query });
}

/** The same view with some of its query changed; "" takes one away. */
export function withQuery(route: Route, changes: Record<string, string>): string {
  return formatRoute({ ...route, query: { ...route.query, ...changes } });
}

export const current = () => parseRoute(location.hash);

/** replace: the step is not one to go back to. */
export function go(hash: string, replace = false): void {
  if (hash === location.hash) return;
  if (replace) {
    history.replaceState(null, "", hash);
    dispatchEvent(new HashChangeEvent("hashchange"));
  } else {
    location.hash = hash;
  }
}
