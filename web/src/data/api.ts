// Requests to the node that served this page, and to nobody else.

export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

// Errors are application/problem+json (RFC 9457); something in between may answer otherwise.
async function problem(answer: Response): Promise<ApiError> {
  const text = await answer.text().catch(() => "");
  try {
    const { detail, title } = JSON.parse(text) as { detail?: string; title?: string };
    return new ApiError(answer.status, detail || title || `status ${answer.status}`);
  } catch {
    return new ApiError(answer.status, `the node answered with status ${answer.status}`);
  }
}

async function send<T>(path: string, init: RequestInit): Promise<T> {
  let answer: Response;
  try {
    answer = await fetch(path, { ...init, credentials: "same-origin" });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError(0, "the node does not answer");
  }
  if (!answer.ok) throw await problem(answer);
  return (await answer.json()) as T;
}

export type Query = Record<string, string | number | undefined>;

export function path(base: string, query: Query = {}): string {
  const pairs = Object.entries(query)
    .filter(([, value]) => value !== undefined && value !== "")
    .map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`);
  return pairs.length ? `${base}?${pairs.join("&")}` : base;
}

export function get<T>(base: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
  const init: RequestInit = { headers: { Accept: "application/json" } };
  if (signal) init.signal = signal;
  return send<T>(path(base, query), init);
}

/** What only an operator may do. */
export function act<T>(base: string, fields: Record<string, string>): Promise<T> {
  return send<T>(base, {
    method: "POST",
    headers: { Accept: "application/json", "Content-Type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams(fields).toString(),
  });
}
