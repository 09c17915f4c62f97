// SPDX-License-Identifier: MIT
// The address with the recipe, copied code, and pictures and clips as files.

import { byId, element } from "./dom.js";
import { words } from "./language.js";
import { arrowReference, arrowsOf, levelLine, verdicts } from "./points.js";
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
  const parts = [`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${SIZE} ${SIZE}"><rect width="${SIZE}" height="${SIZE}" fill="${colors.paper}"/>`];
  if (layers.heat && frame.arrays.heat) {
    const [rows, columns] = frame.arrays.heat.shape;
    verdicts(frame).forEach((verdict, cell) => {
      const [x, y] = [(cell % columns) / columns, 1 - (Math.floor(cell / columns) + 1) / rows];
      parts.push(`<rect x="${number(x)}" y="${number(y)}" width="${SIZE / columns + 0.3}" height="${SIZE / rows + 0.3}" fill="rgb(${verdictColor(verdict).join(",")})"/>`);
    });
  }
  if (layers.level) {
    const path = levelLine(frame).map(([x, y, nextX, nextY]) => `M${at(x, y)}L${at(nextX, nextY)}`).join("");
    parts.push(`<path d="${path}" stroke="${colors.level}" stroke-width="2" fill="none"/>`);
  }
  for (const kind of ["real", "fake"]) {
    const data = frame.arrays[kind]?.data;
    if (!layers[kind] || !data) continue;
    const dots = Array.from({ length: data.length / 2 }, (_, place) => `M${at(data[2 * place] / FULL, data[2 * place + 1] / FULL)}h0`);
    parts.push(`<path d="${dots.join("")}" stroke="${colors[kind]}" stroke-width="5" stroke-linecap="round" stroke-opacity=".78"/>`);
  }
  if (layers.arrows) {
    const arrows = arrowsOf(frame, bounds, arrowReference([...history.frames.values()]));
    const path = arrows.map(([x, y, right, up]) => `M${at(x, y)}L${at(x + right, y + up)}`).join("");
    parts.push(`<path d="${path}" stroke="${colors.arrow}" stroke-width="1.5" fill="none"/>`);
  }
  return `${parts.join("")}</svg>`;
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
