/* The reason ledger: one row per reason, in the colour and shape of its kind: a switch (does it count?) and a button that
   selects what it rests on. Text only through textContent. */
export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector("#l");
  const make = (tag, cls, text) => { const e = document.createElement(tag); if (cls) e.className = cls; if (text !== undefined) e.textContent = text; return e; };
  const css = getComputedStyle(root), bg = (css.getPropertyValue("--st-background-color").match(/[0-9a-f]{2}/gi) || ["00", "00", "00"]).slice(0, 3);
  const dark = bg.reduce((s, h, i) => s + parseInt(h, 16) * [0.2126, 0.7152, 0.0722][i], 0) < 128;
  const active = parentElement.getRootNode().activeElement, held = active && root.contains(active) ? active.dataset.name : null;
  root.replaceChildren(...data.rows.map((r, i) => {
    const colour = dark ? r.dark : r.light, row = make("div", "row" + (r.chosen ? " chosen" : "") + (r.counts ? "" : " off"));
    const flip = make("button", "switch"), b = make("button", "main"), words = make("span", "words");
    flip.type = b.type = "button"; flip.dataset.name = "s" + i; b.dataset.name = "m" + i;
    flip.setAttribute("role", "switch"); flip.setAttribute("aria-checked", r.counts ? "true" : "false");
    flip.setAttribute("aria-label", `Count ${r.title}`); flip.title = r.counts ? `Drop ${r.title} and see what is left` : `Count ${r.title} again`;
    flip.style.setProperty("--on", colour); flip.append(make("span", "knob"));
    flip.addEventListener("click", () => setTriggerValue("switched", { kind: r.kind }));
    b.title = r.tip; b.setAttribute("aria-pressed", r.chosen ? "true" : "false");
    const glyph = make("span", "glyph", r.glyph); glyph.style.color = colour; glyph.setAttribute("aria-hidden", "true");
    words.append(make("span", "text", r.text), make("span", "note", r.note));
    const bits = make("span", "bits", r.bits); bits.style.color = colour; bits.style.background = `color-mix(in srgb, ${colour} 15%, transparent)`;
    b.append(glyph, words, bits);
    b.addEventListener("click", () => setTriggerValue("chosen", { kind: r.kind }));
    row.append(flip, b);
    return row;
  }));
  if (held) root.querySelector(`[data-name=${held}]`)?.focus();
}
