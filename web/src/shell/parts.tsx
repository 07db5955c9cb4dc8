// Small parts that several views are made of.

import type { ApiError } from "../data/api";
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

interface Choice<T extends string> {
  label: string;
  value: T;
  options: readonly (readonly [T, string])[];
  onChange(value: T): void;
}

/** One of a few, all in sight. */
export function Segments<T extends string>({ label, value, options, onChange }: Choice<T>) {
  return (
    <div class="segments" role="group" aria-label={label}>
      {options.map(([option, text]) => (
        <button type="button" key={option} aria-pressed={option === value} onClick={() => onChange(option)}>
          {text}
        </button>
      ))}
    </div>
  );
}

/** One of many. */
export function Select<T extends string>({ label, value, options, onChange, hideLabel }: Choice<T> & { hideLabel?: boolean }) {
  return (
    <label class="field">
      <span class={hideLabel ? "unseen" : undefined}>{label}</span>
      <select value={value} onChange={(event) => onChange(event.currentTarget.value as T)}>
        {options.map(([option, text]) => <option key={option} value={option}>{text}</option>)}
      </select>
    </label>
  );
}

export function Toggle({ label, on, onChange }: { label: string; on: boolean; onChange(on: boolean): void }) {
  return (
    <label class="toggle">
      <input type="checkbox" checked={on} onChange={(event) => onChange(event.currentTarget.checked)} />
      <span>{label}</span>
    </label>
  );
}

/** A button that opens a list of actions. */
export function Menu({ label, actions }: { label: string; actions: readonly (readonly [string, () => void])[] }) {
  const [open, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open) return;
    const close = (event: Event) => {
      if (event instanceof KeyboardEvent ? event.key === "Escape" : !root.current?.contains(event.target as Element)) setOpen(false);
    };
    addEventListener("pointerdown", close);
    addEventListener("keydown", close);
    return () => {
      removeEventListener("pointerdown", close);
      removeEventListener("keydown", close);
    };
  }, [open]);
  return (
    <div class="menu" ref={root}>
      <button type="button" aria-expanded={open} onClick={() => setOpen(!open)}>{label} <span aria-hidden="true">▾</span></button>
      {open && (
        <div class="menu-list">
          {actions.map(([text, action]) => (
            <button type="button" key={text} onClick={() => { setOpen(false); action(); }}>{text}</button>
          ))}
        </div>
      )}
    </div>
  );
}

/** Nothing to show, and why. */
export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children && <p>{children}</p>}
    </div>
  );
}

export function Failure({ error, onRetry }: { error: ApiError; onRetry?: () => void }) {
  const { status, message } = error;
  return (
    <div class="failure" role="alert">
      <p>{message.charAt(0).toUpperCase() + message.slice(1)}.</p>
      {status === 401 && <a class="button" href="/v1/login">Log in</a>}{" "}
      {onRetry && <button type="button" onClick={onRetry}>Try again</button>}
    </div>
  );
}

export function Loading() {
  return <p class="loading" role="status">Loading…</p>;
}

/** A name with its value, as one row of a list. */
export function Fact({ name, children, title }: { name: string; children: ComponentChildren; title?: string }) {
  return (
    <div class="fact" title={title}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

export function Head({ title, children, note }: { title: string; children?: ComponentChildren; note?: ComponentChildren }): JSX.Element {
  return (
    <div class="view-head">
      <h1>{title}</h1>
      {note && <p class="note">{note}</p>}
      {children && <div class="tools">{children}</div>}
    </div>
  );
}
