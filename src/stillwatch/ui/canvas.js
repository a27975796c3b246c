/* Live graph canvas around vis-network (loaded by a component of its own, see canvas.py).
   vis holds the camera, the gestures and the frame loop; nodes, edges and labels are drawn here from flat arrays, so that
   dimming or hiding never rebuilds anything. All text goes to the canvas or to textContent: ids cannot become markup.
   data: bytes, first line = version of the drawing, rest = JSON (see canvas.py). The same version is never drawn twice. */
const LIVE = (globalThis.__stillwatchCanvas ??= new Map());   // name -> drawing; canvas_focus.js finds it here

const SHAPES = {
  dot: (c, x, y, r) => { c.arc(x, y, r, 0, 6.2832); },
  diamond: (c, x, y, r) => { r *= 1.25; c.moveTo(x, y - r); c.lineTo(x + r, y); c.lineTo(x, y + r); c.lineTo(x - r, y); c.closePath(); },
  square: (c, x, y, r) => { r *= 0.92; c.rect(x - r, y - r, 2 * r, 2 * r); },
  triangle: (c, x, y, r) => poly(c, x, y + r * 0.15, r * 1.25, 3, -1.5708),
  triangleDown: (c, x, y, r) => poly(c, x, y - r * 0.15, r * 1.25, 3, 1.5708),
  hexagon: (c, x, y, r) => poly(c, x, y, r * 1.12, 6, 0),
  star: (c, x, y, r) => { for (let i = 0; i < 10; i++) { const q = i % 2 ? r * 0.58 : r * 1.3, a = -1.5708 + i * 0.62832; c[i ? "lineTo" : "moveTo"](x + q * Math.cos(a), y + q * Math.sin(a)); } c.closePath(); },
  cross: (c, x, y, r) => { const s = r * 1.15, t = r * 0.42; c.moveTo(x - t, y - s); for (const [u, v] of [[t, -s], [t, -t], [s, -t], [s, t], [t, t], [t, s], [-t, s], [-t, t], [-s, t], [-s, -t], [-t, -t]]) c.lineTo(x + u, y + v); c.closePath(); },
  bar: (c, x, y, r) => { c.rect(x - r * 1.3, y - r * 0.6, r * 2.6, r * 1.2); },
  ring: (c, x, y, r) => { c.arc(x, y, r, 0, 6.2832); c.moveTo(x + r * 0.5, y); c.arc(x, y, r * 0.5, 0, 6.2832, true); },
};
const cut = t => { const s = t.replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+/g, " "); return s.length > 22 ? s.slice(0, 14) + "…" + s.slice(-7) : s; };
const LETTERS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
const PARTS_DARK = ["#6ea8fe", "#ffb454", "#4fd1a5", "#f28bb9", "#c4a7ff", "#e8e06a"], PARTS_LIGHT = ["#3b6fd4", "#b45309", "#047857", "#be185d", "#6d28d9", "#7a7000"];
function poly(c, x, y, r, n, turn) {
  for (let i = 0; i < n; i++) { const a = turn + (i * 6.28319) / n; c[i ? "lineTo" : "moveTo"](x + r * Math.cos(a), y + r * Math.sin(a)); }
  c.closePath();
}

export default async function ({ data, parentElement, setTriggerValue }) {
  while (!globalThis.vis?.Network) await new Promise(done => setTimeout(done, 10));
  const root = parentElement.querySelector("#g");
  const cut = data.indexOf(10), version = new TextDecoder().decode(data.subarray(0, cut));
  let S = root.__drawing;
  const send = { picked: v => setTriggerValue("picked", v), opened: v => setTriggerValue("opened", v), hidden: v => setTriggerValue("hidden", v) };
  const turn = (root.__turn = (root.__turn || 0) + 1);    // Streamlit also calls the cleanup of a call that a newer one overtook
  const cleanup = () => { if (root.__turn !== turn) return; const D = root.__drawing; if (D && LIVE.get(D.g.name) === D) LIVE.delete(D.g.name); D?.destroy(); root.__drawing = null; };
  if (S && S.version === version) { S.send = send; S.paint(); return cleanup; }
  const camera = S && S.net ? { position: S.net.getViewPosition(), scale: S.net.getScale() } : null;
  const same = S && S.family === version.split("|")[0];
  if (S && !same) document.querySelector("[data-testid=stMain]")?.scrollTo({ top: 0 });   // another cluster begins at its head
  if (S) S.destroy();
  S = new Drawing(parentElement, root, version, JSON.parse(new TextDecoder().decode(data.subarray(cut + 1))), send);
  root.__drawing = S;
  if (camera && same) S.net.moveTo({ ...camera, animation: false });
  LIVE.set(S.g.name, S);
  const waiting = LIVE.get("focus:" + S.g.name);
  if (waiting) S.focus(waiting);
  return cleanup;
}

class Drawing {
  constructor(parent, root, version, g, send) {
    Object.assign(this, { parent, root, version, g, send, family: version.split("|")[0] });
    this.began = performance.now();
    const n = (this.n = g.ids.length);
    this.at = new Map(g.ids.map((id, i) => [id, i]));
    this.x = Float32Array.from(g.x); this.y = Float32Array.from(g.y); this.r = Float32Array.from(g.r);
    this.kind = Uint8Array.from(g.kind); this.edges = Uint32Array.from(g.edges);
    this.lit = new Uint8Array(n).fill(1); this.chosen = new Uint8Array(n); this.gone = new Uint8Array(n); this.pinned = new Uint8Array(n);
    this.path = []; this.part = null; this.sizes = []; this.piles = []; this.searched = 0; this.off = new Uint8Array(g.kinds.length);
    this.anyDim = false; this.picked = 0; this.hover = -1; this.stop = new AbortController();
    this.order = Array.from({ length: n }, (_, i) => i).filter(i => g.labels[i]).sort((a, b) => this.r[b] - this.r[a]).slice(0, 400);
    this.widths = new Map();
    this.build();
    this.net = new vis.Network(this.stage, { nodes: new vis.DataSet([]), edges: new vis.DataSet([]) }, {
      physics: false, layout: { improvedLayout: false },
      interaction: { selectable: false, hover: false, dragNodes: false, zoomSpeed: 0.6 },
    });
    this.net.on("beforeDrawing", c => this.draw(c));
    this.net.on("afterDrawing", c => { this.letters(c); if (!root.dataset.drawnMs) root.dataset.drawnMs = Math.round(performance.now() - this.began); });
    this.net.on("click", p => this.click(p));
    this.net.on("doubleClick", p => { const i = this.hit(p.pointer.DOM); if (i >= 0) this.send.opened({ id: this.g.ids[i] }); });
    this.net.on("dragStart", () => { this.moving = true; }); this.net.on("dragEnd", () => { this.moving = false; this.net.redraw(); });
    this.net.on("zoom", () => { this.moving = true; clearTimeout(this.rest); this.rest = setTimeout(() => { this.moving = false; this.net.redraw(); }, 160); });
    this.pointer(); this.fit(); this.colours();
    root.__nodeXY = id => { const i = this.at.get(id); if (i === undefined) return null; const p = this.net.canvasToDOM({ x: this.x[i], y: this.y[i] }), b = this.stage.getBoundingClientRect(); return [Math.round(b.left + p.x), Math.round(b.top + p.y)]; };
  }

  build() {                                               // legend, stage, zoom buttons, hint: once per drawing
    const { root, g } = this, make = (tag, cls, text) => { const e = document.createElement(tag); if (cls) e.className = cls; if (text) e.textContent = text; return e; };
    root.replaceChildren(); delete root.dataset.drawnMs;
    root.style.height = g.height + "px";
    this.legend = make("div", "legend"); this.legend.setAttribute("role", "group"); this.legend.setAttribute("aria-label", "Kinds of evidence shown");
    this.keys = g.kinds.map((k, i) => {
      const b = make("button", "key"); b.type = "button"; b.setAttribute("aria-pressed", "true");
      const glyph = make("canvas"); glyph.width = glyph.height = 28; glyph.setAttribute("aria-hidden", "true");
      b.append(glyph, make("span", "", k.title), make("span", "count", k.count.toLocaleString("en")));
      b.title = k.fixed ? k.title : `Show or hide ${k.title.toLowerCase()} links; with shift: only these`;
      if (k.fixed) b.disabled = true;
      else b.addEventListener("click", e => {
        if (e.shiftKey) { const alone = !this.off[i] && g.kinds.every((q, j) => q.fixed || j === i || this.off[j]); g.kinds.forEach((q, j) => { this.off[j] = q.fixed || alone || j === i ? 0 : 1; }); }
        else this.off[i] = this.off[i] ? 0 : 1;
        this.paint(); this.send.hidden({ kinds: g.kinds.filter((_, j) => this.off[j]).map(q => q.kind) }); });
      this.legend.append(b); return b;
    });
    this.stage = make("div", "stage"); this.stage.setAttribute("role", "img"); this.stage.setAttribute("aria-label", g.alt);
    const zoom = make("div", "zoom");
    for (const [sign, name, act] of [["+", "Zoom in", () => this.zoom(1.35)], ["−", "Zoom out", () => this.zoom(1 / 1.35)], ["⛶", "Show everything", () => this.fit(true)]]) {
      const b = make("button", "", sign); b.type = "button"; b.title = name; b.setAttribute("aria-label", name); b.addEventListener("click", act); zoom.append(b);
    }
    this.tip = make("div", "tip"); this.tip.hidden = true;
    this.box = make("div", "box"); this.box.hidden = true;
    this.hint = make("div", "hint", g.hint); this.hint.setAttribute("role", "status");
    const body = make("div", "body"); body.append(this.stage, zoom, this.box, this.tip, this.hint);
    root.append(this.legend, body);
  }

  colours() {
    const css = getComputedStyle(this.root), read = n => css.getPropertyValue(n).trim();
    const bg = read("--st-background-color") || "#0b1120", m = bg.match(/[0-9a-f]{2}/gi) || ["0b", "11", "20"];
    this.dark = m.slice(0, 3).reduce((s, h, i) => s + parseInt(h, 16) * [0.2126, 0.7152, 0.0722][i], 0) < 128;
    this.colour = this.g.kinds.map(k => (this.dark ? k.dark : k.light));
    this.bg = bg; this.ink = read("--st-text-color") || "#e2e8f0"; this.font = read("--st-font") || "sans-serif";
    this.edge = this.dark ? "rgba(123,147,190,.30)" : "rgba(71,96,143,.26)"; this.edgeLit = this.dark ? "rgba(150,182,240,.62)" : "rgba(47,84,160,.55)";
    this.faint = this.dark ? "#1d2940" : "#d9e0ea"; this.accent = read("--st-primary-color") || "#4f8cff";
    this.keys.forEach((b, i) => {
      b.setAttribute("aria-pressed", this.off[i] ? "false" : "true");
      const c = b.querySelector("canvas").getContext("2d"); c.clearRect(0, 0, 28, 28); c.fillStyle = this.off[i] ? this.faint : this.colour[i];
      c.beginPath(); SHAPES[this.g.kinds[i].shape](c, 14, 14, 8.5); c.fill("evenodd");
    });
  }
  paint() { this.colours(); this.net.redraw(); }

  focus(f) {                                              // {version, selected, lit, hidden}: positions in g.ids, lit null = all
    if (f.version !== this.version) return;
    this.anyDim = f.lit !== null;
    this.lit.fill(this.anyDim ? 0 : 1); if (this.anyDim) for (const i of f.lit) this.lit[i] = 1;
    this.chosen.fill(0); for (const i of f.selected) this.chosen[i] = 1;
    this.picked = f.selected.length;
    this.g.kinds.forEach((k, i) => { this.off[i] = f.hidden.includes(k.kind) ? 1 : 0; });
    this.gone.fill(0); for (const i of f.gone || []) this.gone[i] = 1;
    this.pinned.fill(0); for (const i of f.pinned || []) { this.pinned[i] = 1; this.lit[i] = 1; }
    this.hint.textContent = f.note || this.g.hint; this.hint.classList.toggle("note", !!f.note);
    this.path = f.path || []; this.part = f.part || null; this.sizes = f.sizes || [];
    for (const i of this.path) this.lit[i] = 1;
    this.piles = this.part ? this.pile() : [];
    if (f.find && f.find.n !== this.searched) { this.searched = f.find.n; if (f.find.at.length) this.show(f.find.at); }
    this.paint();
  }
  pile() {                                                // parts of a cluster that is taken apart: where each lies, how many accounts
    const sums = new Map();
    for (let i = 0; i < this.n; i++) {
      const p = this.part[i]; if (this.g.kinds[this.kind[i]].kind !== "account" || p === " " || p === ".") continue;
      const w = this.g.count ? (this.g.count[i] < 0 ? 0 : this.g.count[i] || 1) : 1; if (!w) continue;   // a folded group weighs as its accounts
      const s = sums.get(p) || { p, x: 0, y: 0, n: 0 }; s.x += w * this.x[i]; s.y += w * this.y[i]; s.n += w; sums.set(p, s);
    }
    return [...sums.values()].sort((a, b) => b.n - a.n).slice(0, 9).map((s, i) => ({ x: s.x / s.n, y: s.y / s.n, text: `Part ${LETTERS.indexOf(s.p) + 1} · ${(this.sizes[LETTERS.indexOf(s.p)] ?? s.n).toLocaleString("en")}`, colour: this.partColour(s.p) }));
  }
  partColour(p) { const list = this.dark ? PARTS_DARK : PARTS_LIGHT; return list[LETTERS.indexOf(p) % list.length]; }
  show(list) {                                            // bring what was searched for into view
    let a = Infinity, b = Infinity, c = -Infinity, d = -Infinity;
    for (const i of list) { a = Math.min(a, this.x[i]); b = Math.min(b, this.y[i]); c = Math.max(c, this.x[i]); d = Math.max(d, this.y[i]); }
    const w = this.stage.clientWidth || 800, h = this.stage.clientHeight || 400;
    this.net.moveTo({ position: { x: (a + c) / 2, y: (b + d) / 2 }, scale: Math.min((w - 120) / Math.max(c - a, 160), (h - 90) / Math.max(d - b, 120), 2.2), animation: false });
  }

  size(i, scale) { return this.r[i] * Math.pow(scale, -0.42); }
  draw(c) {
    const { x, y, kind, off, lit, chosen, edges, n, anyDim } = this, scale = this.net.getScale(), many = edges.length > 16000;
    if (!(this.moving && many)) {
      const faint = new Path2D(), strong = new Path2D();
      const via = this.g.via; let on = 0; for (let q = 0; q < off.length; q++) if (!off[q]) on |= 1 << q;
      for (let e = 0; e < edges.length; e += 2) {
        const a = edges[e], b = edges[e + 1];
        if (via && !(via[e >> 1] & on)) continue;
        if (off[kind[a]] || off[kind[b]] || this.gone[a] || this.gone[b]) continue;
        const path = anyDim && lit[a] && lit[b] ? strong : faint;
        path.moveTo(x[a], y[a]); path.lineTo(x[b], y[b]);
      }
      c.lineWidth = 0.8 / scale; c.globalAlpha = anyDim ? 0.28 : Math.min(1, Math.sqrt(8000 / edges.length)); c.strokeStyle = this.edge; c.stroke(faint);
      c.globalAlpha = 1; c.lineWidth = 1 / scale; c.strokeStyle = this.edgeLit; c.stroke(strong);
    }
    for (let pass = anyDim ? 0 : 1; pass < 2; pass++) {   // dim nodes below, lit ones above; one path per kind
      this.g.kinds.forEach((k, q) => {
        if (off[q]) return;
        if (this.part && k.kind === "account") { this.accountsByPart(c, q, pass, scale); return; }
        const path = new Path2D(), shape = SHAPES[k.shape]; let some = false;
        for (let i = 0; i < n; i++) if (kind[i] === q && lit[i] === pass && !(this.g.count?.[i] < 0)) { const r = this.size(i, scale); path.moveTo(x[i] + r, y[i]); shape(path, x[i], y[i], r); some = true; }
        if (!some) return;
        c.fillStyle = pass ? this.colour[q] : this.faint; c.fill(path, k.shape === "ring" ? "evenodd" : "nonzero");
        if (pass && k.kind !== "account") { c.lineWidth = 1 / scale; c.strokeStyle = this.bg; c.stroke(path); }
      });
    }
    if (this.g.count) { c.strokeStyle = this.ink; c.lineWidth = 1.4 / scale; for (let i = 0; i < n; i++) if (this.g.count[i] < 0) { const r = this.size(i, scale); c.beginPath(); c.arc(x[i], y[i], r, 0, 6.2832); c.moveTo(x[i] - r * 0.5, y[i]); c.lineTo(x[i] + r * 0.5, y[i]); c.stroke(); } }
    if (this.path.length > 1) { c.strokeStyle = this.accent; c.lineWidth = 3.2 / scale; c.beginPath(); this.path.forEach((i, j) => c[j ? "lineTo" : "moveTo"](x[i], y[i])); c.stroke(); }
    for (let i = 0; i < n; i++) if (this.gone[i]) { const r = this.size(i, scale) * 0.8; c.strokeStyle = this.ink; c.lineWidth = 1.6 / scale; c.beginPath(); c.moveTo(x[i] - r, y[i] - r); c.lineTo(x[i] + r, y[i] + r); c.moveTo(x[i] + r, y[i] - r); c.lineTo(x[i] - r, y[i] + r); c.stroke(); }
    c.strokeStyle = this.accent; c.lineWidth = 2 / scale; c.setLineDash([4 / scale, 3 / scale]);
    for (let i = 0; i < n; i++) if (this.pinned[i]) { c.beginPath(); c.arc(x[i], y[i], this.size(i, scale) + 5 / scale, 0, 6.2832); c.stroke(); }
    c.setLineDash([]);
    c.strokeStyle = this.ink; c.lineWidth = 2 / scale;
    const rings = this.picked <= 40;                      // more would hide what they mark; being lit says enough
    for (let i = 0; i < n; i++) if (((chosen[i] && rings) || i === this.hover) && !off[kind[i]]) {
      const r = this.size(i, scale) + 3 / scale; c.beginPath(); c.arc(x[i], y[i], r, 0, 6.2832); c.stroke();
    }
  }

  accountsByPart(c, q, pass, scale) {                     // what fell off is hollow; parts have a colour each
    const paths = new Map();
    for (let i = 0; i < this.n; i++) if (this.kind[i] === q && this.lit[i] === pass && !(this.g.count?.[i] < 0)) {
      const p = this.part[i]; let path = paths.get(p); if (!path) paths.set(p, (path = new Path2D()));
      const r = this.size(i, scale); path.moveTo(this.x[i] + r, this.y[i]); path.arc(this.x[i], this.y[i], r, 0, 6.2832);
    }
    for (const [p, path] of paths) {
      if (p === ".") { c.strokeStyle = this.ink; c.globalAlpha = pass ? 0.5 : 0.2; c.lineWidth = 1 / scale; c.stroke(path); c.globalAlpha = 1; continue; }
      c.fillStyle = pass ? (p === " " ? this.colour[q] : this.partColour(p)) : this.faint; c.fill(path);
    }
  }

  letters(c) {                                            // labels in screen space, biggest first, none over another
    const ratio = c.canvas.width / c.canvas.clientWidth, scale = this.net.getScale(), taken = [], W = c.canvas.clientWidth, H = c.canvas.clientHeight;
    c.save(); c.setTransform(ratio, 0, 0, ratio, 0, 0); c.font = `11px ${this.font}`; c.textBaseline = "middle"; c.lineJoin = "round";
    const clash = b => taken.some(t => b[0] < t[2] && b[2] > t[0] && b[1] < t[3] && b[3] > t[1]);
    const first = [], rest = [];
    for (const i of this.order) { if (this.off[this.kind[i]] || (!this.lit[i] && !this.chosen[i])) continue; (this.chosen[i] || this.pinned[i] || this.g.count?.[i] ? first : rest).push(i); }
    if (this.picked <= 12) for (let i = 0; i < this.n; i++) if ((this.pinned[i] || this.chosen[i]) && !this.g.labels[i] && !this.off[this.kind[i]]) first.push(i);
    if (this.hover >= 0 && !first.includes(this.hover)) first.unshift(this.hover);
    const all = [...first, ...rest], spots = new Map();
    for (const i of all.slice(0, 120)) { const p = this.net.canvasToDOM({ x: this.x[i], y: this.y[i] }); const r = this.size(i, scale) * scale + 1; spots.set(i, [p.x, p.y, r]); taken.push([p.x - r * 0.8, p.y - r * 0.8, p.x + r * 0.8, p.y + r * 0.8]); }
    let drawn = 0;
    c.font = `600 12px ${this.font}`;
    const named = [];
    for (const s of this.piles) {                         // names of the parts, above everything
      const p = this.net.canvasToDOM({ x: s.x, y: s.y }), w = c.measureText(s.text).width;
      const lx = Math.min(Math.max(p.x - w / 2, 6), W - w - 50); let ly = Math.max(12, p.y - (this.g.count ? 30 : 0));   // above a super-node, on a cloud
      const over = () => named.some(t => lx - 6 < t[2] && lx + w + 6 > t[0] && ly - 10 < t[3] && ly + 10 > t[1]);
      for (let t = 0; t < 6 && over(); t++) ly += 20;
      named.push([lx - 6, ly - 10, lx + w + 6, ly + 10]); taken.push(named.at(-1));
      c.textAlign = "left"; c.fillStyle = this.bg; c.globalAlpha = 0.82; c.fillRect(lx - 5, ly - 9, w + 10, 18); c.globalAlpha = 1; c.strokeStyle = s.colour; c.lineWidth = 1.4; c.strokeRect(lx - 5, ly - 9, w + 10, 18); c.fillStyle = this.ink; c.fillText(s.text, lx, ly);
    }
    c.font = `11px ${this.font}`;
    for (const [i, [px, py, r]] of spots) {
      if (px < -20 || py < -20 || px > W + 20 || py > H + 20) continue;
      if (this.g.more?.[i]) { const t = `+${this.g.more[i].toLocaleString("en")}`; c.font = `600 10px ${this.font}`; c.textAlign = "center"; c.lineWidth = 3; c.strokeStyle = this.bg; c.strokeText(t, px, py - r - 5); c.fillStyle = this.accent; c.fillText(t, px, py - r - 5); c.font = `11px ${this.font}`; }
      if (this.g.count?.[i] > 0) { c.textAlign = "center"; c.font = `600 12px ${this.font}`; c.fillStyle = this.dark ? "#0b1120" : "#ffffff"; c.fillText(this.g.count[i].toLocaleString("en"), px, py); c.font = `11px ${this.font}`; }
      if (drawn >= 34 && !this.chosen[i]) continue;
      const text = this.g.labels[i] || (this.chosen[i] || this.pinned[i] ? cut(this.g.ids[i]) : ""); if (!text) continue;
      let w = this.widths.get(text); if (w === undefined) this.widths.set(text, (w = c.measureText(text).width));
      const places = this.g.count?.[i] > 0 ? [[px - w / 2, py + r + 9]] : [[px + r + 4, py], [px - r - 4 - w, py], [px - w / 2, py - r - 9], [px - w / 2, py + r + 9]];
      for (const [lx, ly] of places) {
        const b = [lx - 2, ly - 7, lx + w + 2, ly + 7];
        if (lx < 2 || lx + w > W - 44 || clash(b)) continue;
        taken.push(b); c.textAlign = "left"; c.lineWidth = 3.5; c.strokeStyle = this.bg; c.strokeText(text, lx, ly); c.fillStyle = this.ink; c.globalAlpha = this.chosen[i] || i === this.hover ? 1 : 0.82; c.fillText(text, lx, ly); c.globalAlpha = 1; drawn++; break;
      }
    }
    c.restore();
  }

  hit(dom) {                                              // nearest visible node under the pointer, with 3 px of grace
    const p = this.net.DOMtoCanvas(dom), scale = this.net.getScale(), grace = 3 / scale; let best = -1, near = Infinity;
    for (let i = 0; i < this.n; i++) {
      if (this.off[this.kind[i]]) continue;
      const d = Math.hypot(this.x[i] - p.x, this.y[i] - p.y), r = this.size(i, scale) + grace;
      if (d < r && d / r < near) { near = d / r; best = i; }
    }
    return best;
  }
  click(p) {
    const i = this.hit(p.pointer.DOM), e = p.event?.srcEvent || {};
    if (i >= 0) this.pick([i], e.ctrlKey || e.metaKey || e.shiftKey ? "toggle" : "set");
    else if (this.chosen.some(Boolean) || this.anyDim) this.pick([], "set");
  }
  pick(list, how) {
    if (how === "set") this.chosen.fill(0);
    for (const i of list) this.chosen[i] = how === "toggle" && this.chosen[i] ? 0 : 1;
    this.picked = this.chosen.reduce((s, v) => s + v, 0);
    this.net.redraw(); this.send.picked({ ids: list.map(i => this.g.ids[i]), how });
  }

  pointer() {                                             // hover, shift+click, shift+drag box
    const on = (type, f, more = {}) => this.stage.addEventListener(type, f, { signal: this.stop.signal, ...more });
    const local = e => { const b = this.stage.getBoundingClientRect(); return { x: e.clientX - b.left, y: e.clientY - b.top }; };
    let from = null;
    on("pointerdown", e => { if (!e.shiftKey || e.button) return; e.stopPropagation(); e.preventDefault(); from = local(e); this.stage.setPointerCapture(e.pointerId); }, { capture: true });
    on("pointermove", e => {
      const p = local(e);
      if (from) { e.stopPropagation(); const s = this.box.style; this.box.hidden = false; s.left = Math.min(from.x, p.x) + "px"; s.top = Math.min(from.y, p.y) + "px"; s.width = Math.abs(from.x - p.x) + "px"; s.height = Math.abs(from.y - p.y) + "px"; return; }
      if (e.buttons) return;
      const i = this.hit(p); this.stage.style.cursor = i >= 0 ? "pointer" : "grab";
      if (i !== this.hover) { this.hover = i; this.net.redraw(); }
      this.tip.hidden = i < 0;
      if (i >= 0) { this.tip.textContent = this.g.tips[i] ?? `${this.g.kinds[this.kind[i]].title} ${this.g.labels[i] || this.g.ids[i]}`; const w = this.stage.clientWidth; this.tip.style.left = Math.min(p.x + 14, w - 240) + "px"; this.tip.style.top = p.y + 14 + "px"; }
    }, { capture: true });
    on("pointerup", e => {
      if (!from) return;
      e.stopPropagation(); const p = local(e), a = from; from = null; this.box.hidden = true;
      if (Math.hypot(p.x - a.x, p.y - a.y) < 5) { const i = this.hit(p); if (i >= 0) this.pick([i], "toggle"); return; }
      const lo = this.net.DOMtoCanvas({ x: Math.min(a.x, p.x), y: Math.min(a.y, p.y) }), hi = this.net.DOMtoCanvas({ x: Math.max(a.x, p.x), y: Math.max(a.y, p.y) }), inside = [];
      for (let i = 0; i < this.n; i++) if (!this.off[this.kind[i]] && this.x[i] >= lo.x && this.x[i] <= hi.x && this.y[i] >= lo.y && this.y[i] <= hi.y) inside.push(i);
      this.pick(inside, "add");
    }, { capture: true });
    on("pointerleave", () => { this.tip.hidden = true; if (this.hover >= 0) { this.hover = -1; this.net.redraw(); } });
  }
  zoom(by) { this.net.moveTo({ scale: this.net.getScale() * by, animation: false }); }
  fit() {
    if (!this.n) return;
    let a = Infinity, b = Infinity, c = -Infinity, d = -Infinity;
    for (let i = 0; i < this.n; i++) { const r = this.r[i] + 6; a = Math.min(a, this.x[i] - r); b = Math.min(b, this.y[i] - r); c = Math.max(c, this.x[i] + r); d = Math.max(d, this.y[i] + r); }
    const w = this.stage.clientWidth || 800, h = this.stage.clientHeight || 400;
    this.net.moveTo({ position: { x: (a + c) / 2, y: (b + d) / 2 }, scale: Math.min((w - 70) / Math.max(c - a, 60), (h - 34) / Math.max(d - b, 60), 2.2), animation: false });
  }
  destroy() { this.stop.abort(); clearTimeout(this.rest); this.net?.destroy(); }
}
