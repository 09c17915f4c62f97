// SPDX-License-Identifier: MIT
// The graph of the model: boxes, what flows between them, and the tricks where they act.

import { sparkline } from "./charts.js";
import { brief, byId, element, shape } from "./dom.js";
import { words } from "./language.js";
import { palette } from "./theme.js";

const CURVES = ["activation", "gradient_norm", "weight_norm"];

export class ModelGraph {
  constructor(place) {
    this.place = place;
    new ResizeObserver(() => this.drawEdges()).observe(place);
  }

  /** Shows a graph. */
  begin(graph) {
    const said = words();
    this.graph = graph;
    this.boxes = new Map();
    this.edges = shape("svg", { "aria-hidden": "true" });
    const boxes = graph.boxes.map((box) => this.makeBox(box, said));
    this.place.replaceChildren(this.edges, ...boxes);
    byId("trick-text").hidden = true;
    this.drawEdges();
  }

  makeBox({ name, title, size, parameters }, said) {
    const [plain, detail] = title.split(": ");
    const made = element("div", { class: `box box-${name}` },
      element("strong", { text: said.titles[plain] ?? plain }),
      detail ? element("span", { class: "detail", text: detail }) : null,
      size ? element("span", { class: "detail", text: size }) : null,
      parameters ? element("span", { class: "detail", text: said.parameters(parameters.toLocaleString("en-US")) }) : null);
    const box = { made, curves: {} };
    if (parameters) {
      for (const curve of CURVES) {
        const canvas = element("canvas", { class: "sparkline", role: "img" });
        const value = element("span", { class: "value" });
        box.curves[curve] = { canvas, value };
        made.append(element("div", { class: "curve" }, element("span", { text: said[curve] }), canvas, value));
      }
    }
    for (const trick of this.graph.tricks.filter(({ at }) => at === name)) {
      made.append(element("button", { class: "trick", text: trick.name, title: trick.summary, type: "button", onclick: () => explain(trick) }));
    }
    this.boxes.set(name, box);
    return made;
  }

  /** Paints the small curves; `turn` is the player whose turn it is. */
  paint(rows, frame, turn) {
    if (!this.boxes) return;
    const upTo = rows.filter((row) => row.frame <= frame);
    for (const [name, { made, curves }] of this.boxes) {
      made.classList.toggle("at-work", name === turn || name === `${turn}_loss`);
      for (const [curve, { canvas, value }] of Object.entries(curves)) {
        const values = upTo.map(({ boxes }) => boxes?.[name]?.[curve] ?? NaN);
        sparkline(canvas, values, palette()[name === "generator" ? "fake" : "real"]);
        value.textContent = brief(values.at(-1) ?? NaN);
        canvas.setAttribute("aria-label", `${words()[curve]} ${value.textContent}`);
      }
    }
    this.edges.setAttribute("class", turn ? `turn-${turn}` : "");
  }

  /** Draws what flows from box to box; gradients flow back below. */
  drawEdges() {
    if (!this.boxes) return;
    const area = this.place.getBoundingClientRect();
    this.edges.setAttribute("viewBox", `0 0 ${area.width} ${area.height}`);
    this.edges.replaceChildren(arrowHead("head"), arrowHead("head-back"));
    for (const [from, to, flow] of this.graph.edges) {
      const [source, target] = [this.boxes.get(from), this.boxes.get(to)];
      if (!source || !target) continue;
      const back = flow === "gradient";
      const path = edgePath(relative(source.made, area), relative(target.made, area), back);
      const line = shape("path", { d: path, class: back ? `back of-${to}` : "forth", "marker-end": `url(#${back ? "head-back" : "head"})` });
      line.append(Object.assign(shape("title"), { textContent: words().edges[flow] ?? flow }));
      this.edges.append(line);
    }
  }
}

function relative(made, area) {
  const { left, right, top, bottom } = made.getBoundingClientRect();
  return { left: left - area.left, right: right - area.left, top: top - area.top, bottom: bottom - area.top };
}

function arrowHead(id) {
  const marker = shape("marker", { id, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 9, markerHeight: 9, markerUnits: "userSpaceOnUse", orient: "auto-start-reverse" });
  marker.append(shape("path", { d: "M0 .8 7.5 4 0 7.2z" }));
  return marker;
}

function edgePath(from, to, back) {
  const middle = ({ top, bottom }) => (top + bottom) / 2;
  const center = ({ left, right }) => (left + right) / 2;
  if (!back && to.left >= from.right - 1) {
    const [x, y, endX, endY] = [from.right, middle(from), to.left - 2, middle(to)];
    const bend = (endX - x) / 2;
    return `M${x} ${y}C${x + bend} ${y} ${endX - bend} ${endY} ${endX} ${endY}`;
  }
  if (!back) {
    const down = to.top > from.top;
    const [x, endX] = [center(from), center(to)];
    const [y, endY] = down ? [from.bottom, to.top - 2] : [from.top, to.bottom + 2];
    return `M${x} ${y}C${x} ${(y + endY) / 2} ${endX} ${(y + endY) / 2} ${endX} ${endY}`;
  }
  if (to.bottom < from.top) { // up along the side that is nearer
    const right = center(from) > center(to);
    const [x, endX, out] = right ? [from.right, to.right, 26] : [from.left, to.left, -26];
    return `M${x} ${middle(from)}C${x + out} ${middle(from)} ${endX + out} ${middle(to)} ${endX + Math.sign(out) * 2} ${middle(to)}`;
  }
  const sideways = to.right <= from.left + 1;
  if (sideways && from.left - to.right < 130) { // its neighbor
    const y = Math.min(Math.max(middle(from) + 14, to.top + 14), to.bottom - 8);
    return `M${from.left} ${middle(from) + 14}C${from.left - 20} ${middle(from) + 14} ${to.right + 24} ${y} ${to.right + 2} ${y}`;
  }
  const [x, endX] = [center(from), center(to)];
  const depth = Math.max(from.bottom, to.bottom) + 26;
  return `M${x} ${from.bottom}C${x} ${depth + 18} ${endX} ${depth + 18} ${endX} ${to.bottom + 2}`;
}

function explain({ name, summary, formula, paper }) {
  const place = byId("trick-text");
  place.hidden = false;
  place.replaceChildren(element("strong", { text: name }), element("span", { text: ` ${summary} ` }));
  if (formula) place.append(element("code", { text: formula }));
  if (paper) place.append(element("span", { class: "paper", text: ` ${paperText(paper)}` }));
}

function paperText(paper) {
  if (typeof paper === "string") return paper;
  return [paper.authors, paper.title, paper.year, paper.arxiv ?? paper.arxiv_id].filter(Boolean).join(", ");
}
