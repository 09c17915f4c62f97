// SPDX-License-Identifier: MIT
// The picture for images, in a grid, and for sequences, as lines.

import { palette, verdictColor, verdictOf } from "./theme.js";

export const IMAGE_LAYERS = { fake: true, real: true, scores: true };
export const SEQUENCE_LAYERS = { fake: true, real: true };

/** Returns a canvas with images (n, H, W, C), side by side in one row. */
export function strip({ data, shape: [count, height, width, colors] }) {
  const canvas = document.createElement("canvas");
  canvas.width = count * width;
  canvas.height = height;
  const image = new ImageData(canvas.width, height);
  for (let number = 0, from = 0; number < count; number += 1) {
    for (let row = 0; row < height; row += 1) {
      for (let column = 0; column < width; column += 1, from += colors) {
        const to = 4 * (row * canvas.width + number * width + column);
        for (let channel = 0; channel < 3; channel += 1) image.data[to + channel] = data[from + Math.min(channel, colors - 1)];
        image.data[to + 3] = 255;
      }
    }
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

/** Returns nested lists, H × W × C or N × H × W × C, as `strip` takes them. */
export function asImages(nested) {
  const list = Array.isArray(nested[0][0][0]) ? nested : [nested];
  const shape = [list.length, list[0].length, list[0][0].length, list[0][0][0].length];
  return { data: Uint8Array.from(list.flat(3)), shape };
}

/** Returns where images are painted: for each `kind`, `index`, `x`, `y`, `size`. */
export function imagePlaces(frame, layers, width, height) {
  const kinds = ["fake", "real"].filter((kind) => layers[kind] && frame.arrays[kind]);
  const places = [];
  kinds.forEach((kind, part) => {
    const share = kinds.length > 1 ? [0.74, 0.26][part] : 1;
    const top = part ? 0.74 * height : 0;
    const count = kinds.length > 1 ? [64, 20][part] : 64;
    const columns = kinds.length > 1 ? 10 : 8;
    const shown = Math.min(count, frame.arrays[kind].shape[0]);
    const rows = Math.ceil(shown / columns);
    const title = kinds.length > 1 ? 20 : 0;
    const size = Math.min(width / columns, (share * height - title) / rows);
    const left = (width - columns * size) / 2;
    for (let index = 0; index < shown; index += 1) {
      places.push({ kind, index, x: left + (index % columns) * size, y: top + title + Math.floor(index / columns) * size, size });
    }
  });
  return places;
}

/** Paints images; `chosen` is the index of a fake that is marked. */
export function paintImages({ context, width, height }, frame, { layers, chosen, names }) {
  const colors = palette();
  context.fillStyle = colors.paper;
  context.fillRect(0, 0, width, height);
  context.imageSmoothingEnabled = false;
  const places = imagePlaces(frame, layers, width, height);
  const strips = {};
  context.font = "600 12px system-ui, sans-serif";
  const shownKinds = new Set(places.map(({ kind }) => kind));
  for (const { kind, index, x, y, size } of places) {
    const array = frame.arrays[kind];
    strips[kind] ??= strip(array);
    const gap = Math.max(1, size * 0.05);
    const scores = frame.arrays[kind === "fake" ? "scores" : "real_scores"];
    const bar = layers.scores && scores ? Math.max(3, size * 0.07) : 0;
    const [, rows, columns] = array.shape;
    const inner = size - 2 * gap - bar;
    context.drawImage(strips[kind], index * columns, 0, columns, rows, x + gap + bar / 2, y + gap, inner, inner);
    if (bar) {
      const verdict = scoreVerdict(frame, scores.data[index]);
      context.fillStyle = colors.line;
      context.fillRect(x + gap + bar / 2, y + size - gap - bar + 1, inner, bar - 1);
      context.fillStyle = verdict < 0.5 ? colors.fake : colors.real;
      context.fillRect(x + gap + bar / 2, y + size - gap - bar + 1, inner * Math.max(0.03, verdict), bar - 1);
    }
    if (kind === "fake" && index === chosen) {
      context.strokeStyle = colors.ink;
      context.lineWidth = 2;
      context.strokeRect(x + gap, y + gap / 2, size - 2 * gap, size - gap);
    }
    if (index === 0 && shownKinds.size > 1) {
      context.fillStyle = colors[kind];
      context.fillText(names[kind], x + gap + bar / 2, y - 5);
    }
  }
}

/** Returns a score in 0..1, with one half on the level line; raw scores are set against the frame's range. */
export function scoreVerdict(frame, score) {
  return Math.max(0, Math.min(1, verdictOf(score, frame.heat_level, frame.heat_range)));
}

const LINES = 8;

/** Paints sequences: numbers as lines, text as text; real ones to the right of fakes. */
export function paintSequences({ context, width, height }, frame, { layers, names }) {
  const colors = palette();
  context.fillStyle = colors.paper;
  context.fillRect(0, 0, width, height);
  const kinds = ["fake", "real"].filter((kind) => layers[kind]);
  const room = width / Math.max(1, kinds.length);
  kinds.forEach((kind, part) => {
    const left = part * room + 12;
    context.fillStyle = colors[kind];
    context.font = "600 12px system-ui, sans-serif";
    context.fillText(names[kind], left, 18);
    const texts = kind === "fake" ? frame.text : frame.real_text;
    if (texts) {
      const step = Math.max(20, Math.min(76, (height - 34) / texts.length));
      context.font = `${Math.min(24, 0.65 * step)}px ui-monospace, Menlo, Consolas, monospace`;
      context.fillStyle = colors.ink;
      const most = Math.floor((height - 34) / step);
      texts.slice(0, most).forEach((text, line) => context.fillText(text, left, 26 + step * (line + 0.7), room - 20));
    } else if (frame.arrays[kind]) paintWaves(context, frame.arrays[kind], colors[kind], [left, 26, room - 24, height - 34]);
  });
}

function paintWaves(context, { data, shape: [count, length, channelCount = 1] }, color, [left, top, width, height]) {
  const shown = Math.min(count, LINES);
  let most = 1e-6;
  for (let at = 0; at < shown * length * channelCount; at += 1) most = Math.max(most, Math.abs(data[at]));
  context.strokeStyle = color;
  context.lineWidth = 1.2;
  for (let line = 0; line < shown; line += 1) {
    const middle = top + (height * (line + 0.5)) / shown;
    for (let channel = 0; channel < Math.min(3, channelCount); channel += 1) {
      context.globalAlpha = 1 - 0.3 * channel;
      context.beginPath();
      for (let step = 0; step < length; step += 1) {
        const value = data[(line * length + step) * channelCount + channel];
        const [x, y] = [left + (width * step) / Math.max(1, length - 1), middle - (0.42 * height * value) / shown / most];
        step ? context.lineTo(x, y) : context.moveTo(x, y);
      }
      context.stroke();
    }
  }
  context.globalAlpha = 1;
}

/** Returns the CSS color of a verdict. */
export const verdictStyle = (verdict) => `rgb(${verdictColor(verdict).join(" ")})`;
