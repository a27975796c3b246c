"use strict";
// Draws the stored picture. Text from accounts reaches the page only as canvas text or textContent.
(() => {
  const read = id => JSON.parse(document.getElementById(id).textContent);
  const nodes = read("nodes"), edges = read("edges"), options = read("options"), { zoom, captions } = read("fields");
  const root = document.getElementById("graph");
  const colour = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const byId = new Map(nodes.map(n => [n.id, n]));
  const near = new Map(nodes.map(n => [n.id, []]));
  for (const e of edges) { near.get(e.from).push([e.to, e.bits]); near.get(e.to).push([e.from, e.bits]); }
  for (const list of near.values()) list.sort((a, b) => b[1] - a[1]);

  // Shapes that the library lacks, so that each kind looks as it does on the pages of the program.
  const shapes = {
    cross(c, x, y, r) { const w = r * 0.38; c.moveTo(x - w, y - r); c.lineTo(x + w, y - r); c.lineTo(x + w, y - w); c.lineTo(x + r, y - w); c.lineTo(x + r, y + w); c.lineTo(x + w, y + w); c.lineTo(x + w, y + r); c.lineTo(x - w, y + r); c.lineTo(x - w, y + w); c.lineTo(x - r, y + w); c.lineTo(x - r, y - w); c.lineTo(x - w, y - w); c.closePath(); },
    bar(c, x, y, r) { c.rect(x - r, y - r * 0.42, r * 2, r * 0.84); },
    ring(c, x, y, r) { c.arc(x, y, r, 0, 2 * Math.PI); c.moveTo(x + r * 0.5, y); c.arc(x, y, r * 0.5, 0, 2 * Math.PI, true); },
  };
  function text(c, words, x, y, size) {
    c.font = `${size}px system-ui, sans-serif`; c.textAlign = "center"; c.lineWidth = size / 4; c.lineJoin = "round";
    c.strokeStyle = colour("--ground"); c.strokeText(words, x, y); c.fillStyle = colour("--ink"); c.fillText(words, x, y);
  }
  const custom = n => ({ ctx, x, y }) => ({
    drawNode() {
      ctx.save(); ctx.globalAlpha = n.opacity ?? 1; ctx.fillStyle = n.color.background; ctx.beginPath(); shapes[n.form](ctx, x, y, n.size); ctx.fill();
      if (n.label) { text(ctx, n.label, x, y + n.size + 15 * zoom, 14 * zoom); }
      ctx.restore();
    },
    nodeDimensions: { width: 2 * n.size, height: 2 * n.size },
  });

  function painted(n) {
    const ink = colour("--ink"), fill = colour(`--k-${n.kind}`) || colour("--quiet");
    n.color = { background: fill, border: colour("--ground"), highlight: { background: fill, border: colour("--pick") }, hover: { background: fill, border: colour("--pick") } };
    n.font = { face: "system-ui, sans-serif", size: n.label ? 14 * zoom : 0, color: ink, strokeWidth: 3.5 * zoom, strokeColor: colour("--ground") };
    n.borderWidth = zoom * (n.kind === "account" ? 0.5 : 1);
    n.borderWidthSelected = 3 * zoom;
    if (shapes[n.form]) { n.shape = "custom"; n.ctxRenderer = custom(n); } else n.shape = n.form;
    return n;
  }
  const strength = edges.length <= 400 ? 0.8 : edges.length <= 1500 ? 0.45 : 0.15;
  const lined = (e, i) => ({ ...e, id: i, color: { color: colour("--edge"), opacity: strength, highlight: colour("--pick") }, width: zoom * (0.5 + Math.min(e.bits, 20) / 14), selectionWidth: 1.5 });

  const data = { nodes: new vis.DataSet(nodes.map(painted)), edges: new vis.DataSet(edges.map(lined)) };
  const net = new vis.Network(root, data, options);
  net.on("beforeDrawing", c => { if (captions.length > 1) for (const f of captions) text(c, f.text, f.x, f.y, 19 * zoom); });
  net.once("afterDrawing", () => { net.fit({ animation: false }); root.dataset.drawn = "1"; });
  document.getElementById("fit").addEventListener("click", () => { select(null); net.fit({ animation: false }); });

  function select(id) {
    const keep = id === null ? null : new Set([id, ...near.get(id).map(p => p[0])]);
    data.nodes.update(nodes.map(n => { n.opacity = !keep || keep.has(n.id) ? 1 : 0.13; return { id: n.id, opacity: n.opacity, ...(n.ctxRenderer ? { ctxRenderer: custom(n) } : {}) }; }));
    data.edges.update(edges.map((e, i) => ({ id: i, color: { color: colour("--edge"), highlight: colour("--pick"), opacity: id === null || e.from === id || e.to === id ? strength : strength / 6 } })));
    if (id === null) net.unselectAll();
    tell(id);
  }
  function tell(id) {
    const put = (where, text) => { document.getElementById(where).textContent = text; };
    const list = document.getElementById("list");
    list.replaceChildren();
    if (id === null) { put("what", "Nothing selected"); put("fact", "Click an account or a shared value to see what it is linked to. Scroll to zoom, drag to move."); return; }
    const n = byId.get(id), around = near.get(id);
    put("what", n.name);
    put("fact", n.kind === "account" ? `Account of ${n.cluster}, linked to ${around.length} shared values here.` : `${n.title_} of ${n.cluster}: ${around.length} accounts here` + (n.sharers === null ? "." : `, ${n.sharers} accounts everywhere.`));
    for (const [other, bits] of around.slice(0, 200)) {
      const item = document.createElement("li"), glyph = document.createElement("span"), text = document.createElement("span"), o = byId.get(other);
      glyph.className = "glyph"; glyph.textContent = o.glyph; glyph.style.color = `var(--k-${o.kind})`;
      text.className = "mono"; text.textContent = `${o.name}  (${bits.toFixed(1)} bits)`;
      item.append(glyph, text); list.append(item);
    }
    if (around.length > 200) { const item = document.createElement("li"); item.textContent = `… and ${around.length - 200} more, see tables/links.csv`; list.append(item); }
  }
  // The keyboard's way in: type part of a name, Enter; Escape lets go.
  const find = document.getElementById("find");
  find.addEventListener("keydown", e => {
    if (e.key === "Escape") { select(null); return; }
    if (e.key !== "Enter" || !find.value.trim()) return;
    const text = find.value.trim().toLowerCase();
    const hit = nodes.find(n => n.name.toLowerCase() === text) || nodes.find(n => n.name.toLowerCase().includes(text));
    if (!hit) { select(null); document.getElementById("what").textContent = "Not in this picture"; document.getElementById("fact").textContent = "The tables are complete: look in tables/accounts.csv and tables/links.csv."; return; }
    net.selectNodes([hit.id]); net.moveTo({ position: { x: hit.x, y: hit.y }, scale: Math.max(net.getScale(), 0.9 / zoom) }); select(hit.id);
  });
  net.on("click", p => select(p.nodes.length ? p.nodes[0] : null));

  const off = new Set();
  document.getElementById("legend").addEventListener("change", e => {
    const kind = e.target.dataset.kind;
    e.target.checked ? off.delete(kind) : off.add(kind);
    data.nodes.update(nodes.filter(n => n.kind !== "account").map(n => ({ id: n.id, hidden: off.has(n.kind) })));
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    data.nodes.update(nodes.map(painted)); data.edges.update(edges.map(lined));
  });
})();
