// SPDX-License-Identifier: MIT
// Points that are drawn on the pad, or read from a CSV or npy file; files never leave the page whole.

import { byId, sharp } from "./dom.js";
import { words } from "./language.js";
import { palette } from "./theme.js";
import { half } from "./wire.js";

const MOST_POINTS = 20000;
const LEAST_POINTS = 10;
const SPREAD = 0.02;
const POINTS_PER_MOVE = 5;

/** Reads a number of each of numpy's types at a place of a view. */
const NPY_TYPES = {
  f2: (view, place, little) => half(view.getUint16(place, little)),
  f4: (view, place, little) => view.getFloat32(place, little),
  f8: (view, place, little) => view.getFloat64(place, little),
  i1: (view, place) => view.getInt8(place),
  i2: (view, place, little) => view.getInt16(place, little),
  i4: (view, place, little) => view.getInt32(place, little),
  i8: (view, place, little) => Number(view.getBigInt64(place, little)),
  u1: (view, place) => view.getUint8(place),
  u2: (view, place, little) => view.getUint16(place, little),
  u4: (view, place, little) => view.getUint32(place, little),
  u8: (view, place, little) => Number(view.getBigUint64(place, little)),
};

export class OwnPoints {
  constructor(send, complain) {
    this.points = []; // pairs in -1..1
    this.canvas = byId("pad");
    this.send = send;
    this.complain = complain;
    this.canvas.addEventListener("pointerdown", (event) => {
      this.canvas.setPointerCapture(event.pointerId);
      this.draw(event);
    });
    this.canvas.addEventListener("pointermove", (event) => event.buttons && this.draw(event));
    this.canvas.addEventListener("keydown", (event) => this.key(event));
    byId("pad-clear").addEventListener("click", () => this.clear());
    byId("pad-train").addEventListener("click", () => this.send({ kind: "data", points: this.points }));
    byId("file").addEventListener("change", ({ target }) => target.files[0] && this.read(target.files[0]));
    this.cursor = [0, 0];
  }

  draw(event) {
    const area = this.canvas.getBoundingClientRect();
    const moves = event.getCoalescedEvents?.() ?? [];
    for (const { clientX, clientY } of moves.length ? moves : [event]) {
      this.spray((2 * (clientX - area.left)) / area.width - 1, 1 - (2 * (clientY - area.top)) / area.height);
    }
    this.paint();
  }

  /** Adds points around a place, spread like a round normal distribution. */
  spray(x, y) {
    for (let count = 0; count < POINTS_PER_MOVE && this.points.length < MOST_POINTS; count += 1) {
      const radius = SPREAD * Math.sqrt(-2 * Math.log(1 - Math.random()));
      const angle = 2 * Math.PI * Math.random();
      this.points.push([rounded(x + radius * Math.cos(angle)), rounded(y + radius * Math.sin(angle))]);
    }
  }

  key(event) {
    const [right, up] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key] ?? [0, 0];
    if (event.key !== "Enter" && !right && !up) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.key === "Enter") this.spray(...this.cursor);
    this.cursor = [this.cursor[0] + right * 0.05, this.cursor[1] + up * 0.05].map((value) => Math.max(-1, Math.min(1, value)));
    this.paint();
  }

  clear() {
    this.points = [];
    this.paint();
  }

  paint() {
    const { context, width, height } = sharp(this.canvas);
    const colors = palette();
    context.clearRect(0, 0, width, height);
    context.fillStyle = colors.real;
    for (const [x, y] of this.points) context.fillRect(((x + 1) / 2) * width - 1, ((1 - y) / 2) * height - 1, 2, 2);
    if (document.activeElement === this.canvas) {
      context.strokeStyle = colors.muted;
      context.strokeRect(((this.cursor[0] + 1) / 2) * width - 4, ((1 - this.cursor[1]) / 2) * height - 4, 8, 8);
    }
    byId("pad-count").textContent = words().points(this.points.length);
    byId("pad-train").disabled = this.points.length < LEAST_POINTS;
  }

  /** Reads a file, and trains on its first two columns. */
  async read(file) {
    const points = file.name.endsWith(".npy") ? npyPoints(await file.arrayBuffer()) : tablePoints(await file.text());
    byId("file").value = "";
    if (!points) this.complain(words().file_bad(file.name));
    else if (points.length < LEAST_POINTS) this.complain(words().file_few(file.name));
    else this.send({ kind: "data", points: sampled(points) });
  }
}

const rounded = (value) => Math.round(1e4 * value) / 1e4;

/** Returns at most as many points as may be sent, evenly from the whole. */
function sampled(points) {
  const every = points.length / Math.min(points.length, MOST_POINTS);
  return Array.from({ length: Math.min(points.length, MOST_POINTS) }, (_, place) => points[Math.floor(place * every)]);
}

/** Returns the first two numeric columns of a text table, or null. */
export function tablePoints(text) {
  const rows = text.split(/\r?\n/).map((line) => line.trim()).filter((line) => line && !line.startsWith("#"))
    .map((line) => line.split(/[,;\t]|\s+/).map((cell) => (cell.trim() === "" ? NaN : Number(cell))));
  const complete = rows.filter((row) => row.length >= 2);
  const columns = [];
  for (let column = 0; column < (complete.at(-1)?.length ?? 0); column += 1) {
    if (Number.isFinite(complete.at(-1)[column])) columns.push(column);
  }
  if (columns.length < 2) return null;
  const points = complete.map((row) => [row[columns[0]], row[columns[1]]]);
  return points.filter((point) => point.every(Number.isFinite));
}

/** Returns the first two columns of an array in numpy's format, or null. */
export function npyPoints(buffer) {
  const bytes = new Uint8Array(buffer);
  if (bytes.length < 12 || String.fromCharCode(...bytes.subarray(1, 6)) !== "NUMPY") return null;
  const view = new DataView(buffer);
  const start = bytes[6] === 1 ? 10 : 12;
  const length = bytes[6] === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  const header = new TextDecoder("latin1").decode(bytes.subarray(start, start + length));
  const [, order, type] = /'descr':\s*'([<>|=])([a-z]\d)'/.exec(header) ?? [];
  const shape = (/'shape':\s*\(([^)]*)\)/.exec(header)?.[1] ?? "").split(",").map((size) => size.trim()).filter(Boolean).map(Number);
  if (!(type in NPY_TYPES) || shape.length !== 2 || shape[1] < 2) return null;
  const [rows, columns] = shape;
  const fortran = /'fortran_order':\s*True/.test(header);
  const size = Number(type[1]);
  if (start + length + rows * columns * size > bytes.length) return null;
  const at = (row, column) => NPY_TYPES[type](view, start + length + size * (fortran ? column * rows + row : row * columns + column), order !== ">");
  return Array.from({ length: rows }, (_, row) => [at(row, 0), at(row, 1)]).filter((point) => point.every(Number.isFinite));
}
