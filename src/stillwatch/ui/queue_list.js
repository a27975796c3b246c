/* The queue: one row a cluster, two lines each. Arrow keys move, Enter or a double-click opens. Text only through textContent. */
const make = (tag, cls, text) => { const e = document.createElement(tag); if (cls) e.className = cls; if (text !== undefined) e.textContent = text; return e; };
const chip = (text, tone, title) => { const e = make("span", "chip " + tone, text); if (title) e.title = title; return e; };

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector("#q");
  const css = getComputedStyle(root), bg = (css.getPropertyValue("--st-background-color").match(/[0-9a-f]{2}/gi) || ["00", "00", "00"]).slice(0, 3);
  const dark = bg.reduce((s, h, i) => s + parseInt(h, 16) * [0.2126, 0.7152, 0.0722][i], 0) < 128;
  root.classList.toggle("dark", dark);
  const inside = parentElement.activeElement && root.contains(parentElement.activeElement);
  const rows = data.rows.map(r => {
    const b = make("button", "row" + (r.id === data.chosen ? " chosen" : "")); b.type = "button"; b.dataset.id = r.id;
    b.setAttribute("aria-pressed", r.id === data.chosen ? "true" : "false");
    const head = make("span", "head"), why = make("span", "why"), main = make("span", "main"), score = make("span", "score");
    head.append(make("span", "rank", r.rank), make("span", "id", r.id), make("span", "title", r.title));
    for (const [text, tone, title] of r.chips) head.append(chip(text, tone, title));
    for (const k of r.reasons) { const one = make("span", "reason"), g = make("span", "glyph", k.glyph); g.style.color = dark ? k.dark : k.light; g.setAttribute("aria-hidden", "true"); one.append(g, make("span", "", k.text)); why.append(one); }
    main.append(head, why);
    const track = make("span", "track"), fill = make("span", "fill " + r.tone); fill.style.width = r.percent + "%"; track.append(fill);
    const words = make("span", "words"); words.append(make("span", "word", r.word), make("span", "num", r.percent + " %"));
    score.append(words, track);
    const nums = make("span", "nums"); nums.append(number(r.size, "accounts"), number(r.requests, "requests"));
    b.append(score, main, nums, bars(r.daily), make("span", "age", r.age));
    b.addEventListener("click", () => { mark(b); setTriggerValue("chosen", { id: r.id }); });
    b.addEventListener("dblclick", () => setTriggerValue("opened", { id: r.id }));
    return b;
  });
  const mark = b => rows.forEach(o => { o.classList.toggle("chosen", o === b); o.setAttribute("aria-pressed", o === b ? "true" : "false"); });
  root.replaceChildren(...rows);
  const here = rows.findIndex(b => b.dataset.id === data.chosen);
  if (here >= 0) { rows[here].scrollIntoView({ block: "nearest" }); if (inside) rows[here].focus({ preventScroll: true }); }
  root.onkeydown = e => {
    const i = rows.indexOf(parentElement.activeElement), step = e.key === "ArrowDown" ? 1 : e.key === "ArrowUp" ? -1 : 0;
    if (i < 0) return;
    if (step) { e.preventDefault(); const next = rows[Math.min(Math.max(i + step, 0), rows.length - 1)]; next.focus(); mark(next); setTriggerValue("chosen", { id: next.dataset.id }); }
    else if (e.key === "Enter") { e.preventDefault(); setTriggerValue("opened", { id: rows[i].dataset.id }); }
  };
}
function number(text, unit) { const e = make("span", "pair"); e.append(make("b", "", text), make("span", "", unit)); return e; }
function bars(values) {
  const e = make("span", "bars"), top = Math.max(1, ...values); e.title = "requests a day, 30 days"; e.setAttribute("aria-hidden", "true");
  for (const v of values) { const b = make("i"); b.style.height = Math.max(4, Math.round((100 * v) / top)) + "%"; if (!v) b.className = "none"; e.append(b); }
  return e;
}
