// The matrix on its canvas: scrolling, pointer, keys, and what a screen reader is told. The canvas
// stands still within a box that scrolls; only what is in view is drawn.

import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Item } from "./axis";
import { drawMatrix, type Picture } from "./draw";
import { contentSize, hit, makeLayout, type Hit, type Place } from "./layout";
import { readPalette } from "./palette";

interface Props {
  picture: Omit<Picture, "layout" | "palette" | "focus">;
  focus: Place | null;
  themeVersion: number;
  describe(place: Place): string;
  onFocus(place: Place | null): void;
  onOpen(place: Place): void;
  /** Where the way back is; null: not in the picture. */
  reverse(place: Place): Place | null;
  onFold(item: Item): void;
  /** Where the whole picture is to be had, for a file. */
  share(picture: Picture): void;
}

function useSize(box: { current: HTMLElement | null }): { width: number; height: number } {
  const [size, setSize] = useState({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const element = box.current!;
    const measure = () => {
      const parent = element.parentElement!;
      setSize({ width: parent.clientWidth, height: element.clientHeight });
    };
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    observer.observe(element.parentElement!);
    measure();
    return () => observer.disconnect();
  }, []);
  return size;
}

function longestName(axis: readonly Item[], font: string): number {
  const context = document.createElement("canvas").getContext("2d")!;
  context.font = `600 12px ${font}`;
  return axis.reduce((longest, item) => Math.max(longest, context.measureText(`${item.label}  ${item.detail}`).width), 40);
}

export function MatrixCanvas(props: Props) {
  const { picture, focus, themeVersion } = props;
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const frame = useRef(0);
  const size = useSize(box);
  const palette = useMemo(() => readPalette(document.body), [themeVersion]);
  const names = useMemo(() => longestName([...picture.rows, ...picture.columns], palette.font), [picture.rows, picture.columns, palette]);
  const layout = useMemo(() => makeLayout(picture.rows.length, picture.columns.length, { ...size, names }), [picture.rows.length, picture.columns.length, size.width, size.height, names]);
  const whole: Picture = { ...picture, layout, palette, focus };
  const content = contentSize(layout);
  props.share(whole);

  const draw = () => {
    frame.current = 0;
    const [element, scroller] = [canvas.current, box.current];
    const context = element?.getContext("2d");
    if (!element || !scroller || !context) return;
    const [width, height] = [scroller.clientWidth, scroller.clientHeight];
    const ratio = devicePixelRatio || 1;
    if (element.width !== Math.round(width * ratio) || element.height !== Math.round(height * ratio)) {
      element.width = Math.round(width * ratio);
      element.height = Math.round(height * ratio);
      element.style.width = `${width}px`;
      element.style.height = `${height}px`;
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const began = performance.now();
    drawMatrix(context, latest.current, { width, height, scrollX: scroller.scrollLeft, scrollY: scroller.scrollTop });
    performance.measure("matrix", { start: began, end: performance.now() });
  };
  const latest = useRef(whole);
  latest.current = whole;
  const ask = () => {
    if (!frame.current) frame.current = requestAnimationFrame(draw);
  };
  useLayoutEffect(ask);
  useEffect(() => () => cancelAnimationFrame(frame.current), []);

  const at = (event: MouseEvent): Hit => {
    const scroller = box.current!;
    const bounds = scroller.getBoundingClientRect();
    return hit(layout, event.clientX - bounds.left, event.clientY - bounds.top, scroller.scrollLeft, scroller.scrollTop);
  };
  const move = (event: PointerEvent) => {
    if (event.pointerType !== "mouse") return;
    const found = at(event);
    box.current!.style.cursor = found ? "pointer" : "";
    if (found?.kind === "cell" && (found.at.row !== focus?.row || found.at.column !== focus.column)) props.onFocus(found.at);
  };
  const click = (event: MouseEvent) => {
    const found = at(event);
    if (!found) return;
    if (found.kind !== "cell") {
      const item = (found.kind === "row" ? picture.rows : picture.columns)[found.index]!;
      if (item.folded || item.group !== "none") props.onFold(item);
      return;
    }
    // A finger chooses first and opens with the button beside; a mouse has chosen by hovering.
    const touched = (event as PointerEvent).pointerType === "touch";
    if (touched) props.onFocus(found.at);
    else props.onOpen(found.at);
  };

  const reveal = (place: Place) => {
    const scroller = box.current!;
    const x = place.column * layout.cellWidth;
    const y = place.row * layout.cellHeight;
    const [width, height] = [scroller.clientWidth - layout.left, scroller.clientHeight - layout.top];
    scroller.scrollTo({
      left: Math.min(x, Math.max(scroller.scrollLeft, x + layout.cellWidth + 2 - width)),
      top: Math.min(y, Math.max(scroller.scrollTop, y + layout.cellHeight + 2 - height)),
    });
  };
  const press = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const last = { row: picture.rows.length - 1, column: picture.columns.length - 1 };
    const place = focus ?? { row: 0, column: 0 };
    const by = event.shiftKey ? 10 : 1;
    const within = (value: number, axis: keyof Place) => Math.min(last[axis], Math.max(0, value));
    const moves: Record<string, Place> = {
      ArrowLeft: { ...place, column: within(place.column - by, "column") },
      ArrowRight: { ...place, column: within(place.column + by, "column") },
      ArrowUp: { ...place, row: within(place.row - by, "row") },
      ArrowDown: { ...place, row: within(place.row + by, "row") },
      Home: { ...place, column: 0 }, End: { ...place, column: last.column },
      PageUp: { ...place, row: within(place.row - 10, "row") }, PageDown: { ...place, row: within(place.row + 10, "row") },
    };
    const next = moves[event.key];
    if (next) {
      props.onFocus(next);
      reveal(next);
    } else if (event.key === "Enter" && focus) props.onOpen(focus);
    else if (event.key === "r" && focus) {
      const reverse = props.reverse(focus);
      if (reverse) {
        props.onFocus(reverse);
        reveal(reverse);
      }
    } else if (event.key === "f" && focus) props.onFold(picture.rows[focus.row]!);
    else return;
    event.preventDefault();
  };

  return (
    <div class="matrix" ref={box} tabIndex={0} role="grid" aria-label="Round trips from each node (rows) to each other one (columns)"
      aria-rowcount={picture.rows.length} aria-colcount={picture.columns.length} aria-activedescendant={focus ? "matrix-cell" : undefined} aria-describedby="matrix-help"
      onScroll={ask} onPointerMove={move} onClick={click} onKeyDown={press}
      onFocus={() => { if (!focus) props.onFocus({ row: 0, column: Math.min(1, picture.columns.length - 1) }); }}
      style={{ height: `${content.height}px`, width: `${content.width}px` }}>
      <canvas ref={canvas} aria-hidden="true" />
      <div class="matrix-space" aria-hidden="true" style={{ width: `${content.width}px`, height: `${content.height}px` }} />
      <div role="row" class="unseen" aria-rowindex={(focus?.row ?? 0) + 1}>
        <div role="gridcell" id="matrix-cell" aria-colindex={(focus?.column ?? 0) + 1} aria-selected={focus !== null}>
          {focus ? props.describe(focus) : "No cell chosen"}
        </div>
      </div>
      <span id="matrix-help" class="unseen">Arrow keys move, Enter opens the pair, r reverses the direction.</span>
    </div>
  );
}
