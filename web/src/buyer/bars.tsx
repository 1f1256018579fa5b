// A bar chart. The table beside each one says the same in words, so screen readers pass the chart over.

import { useEffect, useRef } from "preact/hooks";

export function Bars(props: { title: string; labels: string[]; values: number[]; range?: [number, number] }) {
  const place = useRef<HTMLDivElement>(null);
  const { title, labels, values, range } = props;
  useEffect(() => {
    let remove: (() => void) | undefined;
    let isGone = false;
    void import("./charts.ts").then(({ drawBars }) => {
      if (!isGone && place.current !== null) {
        remove = drawBars(place.current, labels, values, range);
      }
    });
    return () => {
      isGone = true;
      remove?.();
    };
  }, [title, labels.join("\n"), values.join(",")]);
  return <div class="chart" ref={place} aria-hidden="true" />;
}
