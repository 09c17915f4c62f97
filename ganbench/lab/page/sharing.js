// SPDX-License-Identifier: MIT
// The address with the recipe, copied code, and pictures and clips as files.

import { byId, element } from "./dom.js";
import { words } from "./language.js";
import { arrowReference, arrowsOf, densityOf, framesOfTrails, gridCells, levelLine, trailSteps, verdicts } from "./points.js";
import { palette, verdictColor } from "./theme.js";

const SIZE = 800;
const FULL = 65535;

/** Returns the recipe (TOML) in an address' hash, or null. */
export function recipeInAddress() {
  const found = /[#&]recipe=([\w-]+)/.exec(location.hash);
  if (!found) return null;
  try {
    const letters = atob(found[1].replaceAll("-", "+").replaceAll("_", "/"));
    return new TextDecoder().decode(Uint8Array.from(letters, (letter) => letter.charCodeAt(0)));
  } catch {
    return null;
  }
}

/** Writes the recipe into the address, without the token. */
export function keepInAddress(toml) {
  const letters = String.fromCharCode(...new TextEncoder().encode(toml));
  const packed = btoa(letters).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  history.replaceState(null, "", `${location.pathname}#recipe=${packed}`);
}

export async function copy(text) {
  const status = byId("share-status");
  const code = byId("code");
  code.textContent = text;
  code.hidden = false;
  try {
    await navigator.clipboard.writeText(text);
    status.textContent = words().copied;
  } catch {
    getSelection().selectAllChildren(code);
    status.textContent = words().copy_by_hand;
  }
}

export function download(name, blob) {
  const link = element("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

export function savePng(canvas, name) {
  canvas.toBlob((blob) => download(`${name}.png`, blob), "image/png");
}

/** Saves the picture of points as SVG: the same layers, as shapes. */
export function saveSvg(frame, { layers, bounds, history }, name) {
  download(`${name}.svg`, new Blob([pointsSvg(frame, { layers, bounds, history })], { type: "image/svg+xml" }));
}

export function pointsSvg(frame, { layers, bounds, history }) {
  const colors = palette();
  const number = (value) => Math.round(value * SIZE * 10) / 10;
  const at = (x, y) => `${number(x)} ${number(1 - y)}`;
  const lines = (segments) => segments.map(([x, y, nextX, nextY]) => `M${at(x, y)}L${at(nextX, nextY)}`).join("");
  const parts = [`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${SIZE} ${SIZE}"><rect width="${SIZE}" height="${SIZE}" fill="${colors.paper}"/>`];
  if (layers.heat && frame.arrays.heat) {
    const [rows, columns] = frame.arrays.heat.shape;
    const cells = [...verdicts(frame)].map((verdict, cell) => square(cell % columns, rows - 1 - Math.floor(cell / columns), columns, `fill="rgb(${verdictColor(verdict).join(",")})"`));
    parts.push(`<g shape-rendering="crispEdges">${cells.join("")}</g>`);
  }
  const past = layers.trajectories ? framesOfTrails(history, frame) : [];
  past.slice(-6, -1).forEach((earlier, age) => parts.push(stroked(lines(levelLine(earlier)), colors.level, 2, 0.1 + 0.06 * age)));
  if (layers.level) parts.push(stroked(lines(levelLine(frame)), colors.level, 2, 0.75));
  if (layers.grid && frame.arrays.grid) {
    const cells = gridCells(frame.arrays.grid).map(({ corners, opacity }) => `<path d="M${corners.map((corner) => at(...corner)).join("L")}Z" fill-opacity="${opacity.toFixed(3)}"/>`);
    parts.push(`<g fill="${colors.grid}" stroke="${colors.grid}" stroke-width="0.7" stroke-opacity=".55">${cells.join("")}</g>`);
  }
  for (const kind of ["real", "fake"]) {
    const points = frame.arrays[kind];
    if (!layers[kind] || !points) continue;
    if (layers.density) parts.push(densitySvg(points, colors[kind]));
    else {
      const dots = Array.from({ length: points.data.length / 2 }, (_, place) => `M${at(points.data[2 * place] / FULL, points.data[2 * place + 1] / FULL)}h0`);
      parts.push(`<path d="${dots.join("")}" stroke="${colors[kind]}" stroke-width="5" stroke-linecap="round" stroke-opacity=".78"/>`);
    }
  }
  for (const step of trailSteps(past)) parts.push(stroked(lines(step.lines), colors.fake, 1.6, step.opacity));
  if (layers.arrows) {
    const arrows = arrowsOf(frame, bounds, arrowReference([...history.frames.values()]));
    parts.push(stroked(lines(arrows.flatMap(([x, y, right, up]) => [[x, y, x + right, y + up], ...headOf(x, y, right, up)])), colors.arrow, 1.5, 0.85));
  }
  return `${parts.join("")}</svg>`;
}

const stroked = (path, color, width, opacity) => `<path d="${path}" stroke="${color}" stroke-width="${width}" stroke-opacity="${opacity.toFixed(2)}" fill="none"/>`;

/** Returns a cell of the picture, by its column and its row from the top. */
function square(column, row, cells, look) {
  const size = SIZE / cells;
  return `<rect x="${(column * size).toFixed(1)}" y="${(row * size).toFixed(1)}" width="${size.toFixed(1)}" height="${size.toFixed(1)}" ${look}/>`;
}

function densitySvg(points, color) {
  const densities = [...densityOf(points)];
  const cells = Math.sqrt(densities.length);
  const squares = densities.map((density, cell) =>
    (density < 0.002 ? "" : square(cell % cells, Math.floor(cell / cells), cells, `fill-opacity="${(0.88 * Math.sqrt(density)).toFixed(2)}"`)));
  return `<g fill="${color}" shape-rendering="crispEdges">${squares.join("")}</g>`;
}

/** Returns the two lines of an arrow's head. */
function headOf(x, y, right, up) {
  const [length, angle] = [Math.hypot(right, up), Math.atan2(up, right)];
  const head = Math.min(0.01, 0.4 * length);
  const [toX, toY] = [x + right, y + up];
  return [2.6, -2.6].map((turn) => [toX, toY, toX + head * Math.cos(angle + turn), toY + head * Math.sin(angle + turn)]);
}

/** Records what is painted on a canvas as a WebM clip, where the browser can. */
export class Clip {
  static possible = typeof MediaRecorder !== "undefined" && "captureStream" in HTMLCanvasElement.prototype;

  start(canvas, name) {
    const parts = [];
    this.recorder = new MediaRecorder(canvas.captureStream(30));
    this.recorder.ondataavailable = ({ data }) => parts.push(data);
    this.recorder.onstop = () => download(`${name}.webm`, new Blob(parts, { type: this.recorder.mimeType }));
    this.recorder.start();
  }

  stop() {
    this.recorder.stop();
  }
}
