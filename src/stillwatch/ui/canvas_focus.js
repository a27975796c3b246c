/* Tells the drawing of the same name what is selected, lit and hidden. Apart from canvas.js, so that a click sends a few
   bytes and never the graph again. */
export default function ({ data }) {
  const live = (globalThis.__stillwatchCanvas ??= new Map());
  live.set("focus:" + data.name, data);
  live.get(data.name)?.focus(data);
}
