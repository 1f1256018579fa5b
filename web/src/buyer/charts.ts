// Draws bar charts with uPlot. Loaded only when a result is shown.

import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

const HEIGHT = 190;

/** Steps of the axis of counts: there is no half answer. */
const WHOLE = Array.from({ length: 10 }, (_, power) => [1, 2, 5].map((step) => step * 10 ** power)).flat();

/** Draws bars into an element, in the colours of the page, and keeps them as wide as it. Returns what removes them. */
export function drawBars(place: HTMLElement, labels: string[], values: number[], range?: [number, number]): () => void {
  const colour = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const font = "12px system-ui, sans-serif";
  const most = Math.max(1, ...values);
  const options = (): uPlot.Options => ({
    width: Math.max(place.clientWidth, 200),
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { time: false, range: [-0.6, labels.length - 0.4] },
      y: { range: range ?? [0, most * 1.08] },
    },
    axes: [
      {
        stroke: colour("--muted"),
        font,
        grid: { show: false },
        ticks: { show: false },
        splits: () => labels.map((_, index) => index),
        values: (plot) => labels.map((label) => shorten(label, (plot.width - 72) / labels.length)),
        size: 30,
      },
      { stroke: colour("--muted"), font, grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, size: 56, ...(range === undefined && { incrs: WHOLE }) },
    ],
    series: [
      {},
      {
        fill: colour("--accent"),
        stroke: colour("--accent"),
        width: 0,
        points: { show: false },
        ...(uPlot.paths.bars && { paths: uPlot.paths.bars({ size: [0.62, 72], radius: 0.12 }) }),
      },
    ],
  });
  const data: uPlot.AlignedData = [labels.map((_, index) => index), values];
  let plot = new uPlot(options(), data, place);
  const resize = new ResizeObserver(() => plot.setSize({ width: Math.max(place.clientWidth, 200), height: HEIGHT }));
  resize.observe(place);
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  const redraw = (): void => {
    plot.destroy();
    plot = new uPlot(options(), data, place);
  };
  scheme.addEventListener("change", redraw);
  return () => {
    scheme.removeEventListener("change", redraw);
    resize.disconnect();
    plot.destroy();
  };
}

/** A label that fits under its bar. */
function shorten(label: string, width: number): string {
  const most = Math.max(3, Math.floor(width / 7.5));
  return label.length <= most ? label : `${label.slice(0, most - 1)}…`;
}
