/* The reason ledger: one button per reason, in the colour and shape of its kind. Text only through textContent. */
export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector("#l");
  const make = (tag, cls, text) => { const e = document.createElement(tag); if (cls) e.className = cls; if (text !== undefined) e.textContent = text; return e; };
  const css = getComputedStyle(root), bg = (css.getPropertyValue("--st-background-color").match(/[0-9a-f]{2}/gi) || ["00", "00", "00"]).slice(0, 3);
  const dark = bg.reduce((s, h, i) => s + parseInt(h, 16) * [0.2126, 0.7152, 0.0722][i], 0) < 128;
  root.replaceChildren(...data.rows.map(r => {
    const colour = dark ? r.dark : r.light, b = make("button", r.chosen ? "row chosen" : "row"), words = make("span", "words");
    b.type = "button"; b.title = r.tip; b.setAttribute("aria-pressed", r.chosen ? "true" : "false");
    const glyph = make("span", "glyph", r.glyph); glyph.style.color = colour; glyph.setAttribute("aria-hidden", "true");
    words.append(make("span", "text", r.text), make("span", "note", r.note));
    const bits = make("span", "bits", r.bits); bits.style.color = colour; bits.style.background = `color-mix(in srgb, ${colour} 15%, transparent)`;
    b.append(glyph, words, bits);
    b.addEventListener("click", () => setTriggerValue("chosen", { kind: r.kind }));
    return b;
  }));
}
