// A uPlot in the page: made anew when its options change, told of new data, as wide as its place.

import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import uPlot from "uplot";

interface Props {
  /** Everything but the size. A new object makes a new plot. */
  options: Omit<uPlot.Options, "width" | "height">;
  data: uPlot.AlignedData;
  height: number;
  label: string;
}

export function Plot({ options, data, height, label }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  useLayoutEffect(() => {
    const element = place.current!;
    const made = new uPlot({ ...options, width: Math.max(200, element.clientWidth), height }, data, element);
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: Math.max(200, element.clientWidth), height }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [options, height]);
  const first = useRef(true);
  useEffect(() => {
    if (!first.current) plot.current?.setData(data);
    first.current = false;
  }, [data]);
  return <div class="plot" ref={place} role="img" aria-label={label} />;
}
