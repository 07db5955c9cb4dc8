// The matrix as files: every path with all that is known of it. Pure but for the picture.

import { type Field, csv } from "../base/csv";
import type { Mesh } from "../data/mesh";
import { type Picture, drawMatrix } from "./draw";
import { contentSize } from "./layout";

const COLUMNS = ["from_location", "from_host", "from_key", "to_location", "to_host", "to_key", "state",
  "source", "age_s", "sent", "lost", "p25_ms", "p50_ms", "p75_ms", "p90_ms", "p99_ms", "jitter_ms",
  "dns_ms", "tls_ms", "first_ms", "total_ms", "predicted_ms"] as const;

const ms = (ns: number | null | undefined) => (ns === null || ns === undefined ? null : ns / 1e6);

function record(mesh: Mesh, from: number, to: number, now: number): Field[] {
  const [a, b] = [mesh.nodes[from]!, mesh.nodes[to]!];
  const { state, cell, ns, age_s } = mesh.shown(from, to, now);
  const predicted = state === "predicted";
  return [a.location, a.host, a.key, b.location, b.host, b.key, state,
    cell ? mesh.row(from)?.source : null, age_s === null ? null : Math.round(age_s), cell?.sent, cell?.lost,
    ...[cell?.p25, cell?.p50, cell?.p75, cell?.p90, cell?.p99, cell?.jitter, cell?.dns, cell?.tls,
      cell?.first, cell?.total].map(ms), predicted ? ms(ns) : null];
}

function records(mesh: Mesh, rows: readonly number[], columns: readonly number[], now: number): Field[][] {
  return rows.flatMap((from) => columns.filter((to) => to !== from).map((to) => record(mesh, from, to, now)));
}

export function matrixCsv(mesh: Mesh, rows: readonly number[], columns: readonly number[], now: number): string {
  return csv([[...COLUMNS], ...records(mesh, rows, columns, now)]);
}

export function matrixJson(mesh: Mesh, rows: readonly number[], columns: readonly number[], now: number): string {
  const paths = records(mesh, rows, columns, now).map((record) =>
    Object.fromEntries(COLUMNS.map((name, i) => [name, record[i] ?? null])));
  return `${JSON.stringify({ time: new Date(now).toISOString(), self: mesh.self, paths }, null, 1)}\n`;
}

const PIXELS_MAX = 16_384; // what browsers can draw on

/** The whole matrix, whatever part of it is in view. */
export async function matrixPng(picture: Picture): Promise<Blob | null> {
  const { width, height } = contentSize(picture.layout);
  const ratio = Math.min(2, PIXELS_MAX / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.ceil(width * ratio);
  canvas.height = Math.ceil(height * ratio);
  const context = canvas.getContext("2d");
  if (!context) return null;
  context.scale(ratio, ratio);
  drawMatrix(context, { ...picture, focus: null }, { width, height, scrollX: 0, scrollY: 0 });
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}
