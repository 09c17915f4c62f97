// SPDX-License-Identifier: MIT
// The picture for points. Places are numbers from 0 to 65535 on both axes, the second one upward.

import { channels, palette, verdictColor, verdictOf } from "./theme.js";

const FULL = 65535;
const TRAILS = 24;
const DENSITY_CELLS = 96;
const heatCanvas = document.createElement("canvas");
const densityCanvas = document.createElement("canvas");
const dots = new Map();

export const POINT_LAYERS = {
  heat: true, level: true, real: true, fake: true, density: false, arrows: true, grid: false, trajectories: false,
};

/** Returns the verdicts (64 × 64, row 0 at the bottom) of a frame, with one half on the level line. */
export function verdicts(frame) {
  if (frame.verdicts === undefined) {
    const heat = frame.arrays.heat;
    const [low, high] = frame.heat_range ?? [0, 1];
    const raw = heat && Float32Array.from(heat.data, (cell) => verdictOf(low + ((high - low) * cell) / 255, frame.heat_level, frame.heat_range));
    frame.verdicts = raw ? smoothed(smoothed(raw, heat.shape[1], 1), heat.shape[1], heat.shape[1]) : null;
  }
  return frame.verdicts;
}

/** Returns values blurred a little along an axis, which hides the steps of eight bits. */
function smoothed(values, columns, stride) {
  const rows = values.length / columns;
  const last = (stride === 1 ? columns : rows) - 1;
  return values.map((value, at) => {
    const along = stride === 1 ? at % columns : Math.floor(at / columns);
    const before = along > 0 ? values[at - stride] : value;
    const after = along < last ? values[at + stride] : value;
    return (before + 2 * value + after) / 4;
  });
}

/** Returns D's output at a place (0..1 on both axes), or null. */
export function outputAt(frame, x, y) {
  const heat = frame.arrays.heat;
  if (!heat) return null;
  const [rows, columns] = heat.shape;
  const column = Math.max(0, Math.min(columns - 1, Math.floor(x * columns)));
  const row = Math.max(0, Math.min(rows - 1, Math.floor(y * rows)));
  const [low, high] = frame.heat_range ?? [0, 1];
  return low + ((high - low) * heat.data[row * columns + column]) / 255;
}

/** Returns the level line: segments [x, y, x, y] in 0..1, by marching squares. */
export function levelLine(frame) {
  if (frame.level_line) return frame.level_line;
  const values = verdicts(frame);
  const lines = [];
  if (values) {
    const [rows, columns] = frame.arrays.heat.shape;
    const at = (row, column) => values[row * columns + column] - 0.5;
    for (let row = 0; row + 1 < rows; row += 1) {
      for (let column = 0; column + 1 < columns; column += 1) {
        const corners = [
          [column, row, at(row, column)], [column + 1, row, at(row, column + 1)],
          [column + 1, row + 1, at(row + 1, column + 1)], [column, row + 1, at(row + 1, column)],
        ];
        const crossed = [];
        for (let side = 0; side < 4; side += 1) {
          const [x, y, value] = corners[side];
          const [nextX, nextY, next] = corners[(side + 1) % 4];
          if (value > 0 === next > 0) continue;
          const share = value / (value - next);
          crossed.push((x + share * (nextX - x) + 0.5) / columns, (y + share * (nextY - y) + 0.5) / rows);
        }
        for (let start = 0; start + 3 < crossed.length; start += 4) lines.push(crossed.slice(start, start + 4));
      }
    }
  }
  frame.level_line = lines;
  return lines;
}

/** Returns the length that an arrow of the run usually has, in data units. */
export function arrowReference(frames) {
  const lengths = frames.filter((frame) => frame.arrays.arrows).map((frame) => {
    if (frame.arrow_length === undefined) {
      const { data } = frame.arrays.arrows;
      const each = Array.from({ length: data.length / 2 }, (_, place) => Math.hypot(data[2 * place], data[2 * place + 1]));
      frame.arrow_length = each.sort((a, b) => a - b)[Math.floor(0.9 * each.length)] ?? 0;
    }
    return frame.arrow_length;
  });
  return lengths.sort((a, b) => a - b)[Math.floor(0.75 * lengths.length)] || 1;
}

/** Returns the arrows of a frame: [x, y, dx, dy] in 0..1. */
export function arrowsOf(frame, bounds, reference) {
  const { arrows, fake } = frame.arrays;
  if (!arrows) return [];
  const count = Math.min(arrows.shape[0], 200);
  const extent = Math.max(bounds[0][1] - bounds[0][0], bounds[1][1] - bounds[1][0]);
  return Array.from({ length: count }, (_, place) => {
    const [right, up] = [arrows.data[2 * place], arrows.data[2 * place + 1]];
    const length = Math.hypot(right, up) || 1;
    const shown = Math.min(0.2, (0.1 * length) / reference);
    const stretch = (axis) => extent / (bounds[axis][1] - bounds[axis][0]);
    const [x, y] = [fake.data[2 * place] / FULL, fake.data[2 * place + 1] / FULL];
    return [x, y, ((shown * right) / length) * stretch(0), ((shown * up) / length) * stretch(1)];
  });
}

/** Paints a frame. `marked` is a place [x, y] in 0..1 that is pointed at. */
export function paintPoints({ context, width, height }, frame, { layers, bounds, history, marked }) {
  const colors = palette();
  const place = (x, y) => [x * width, (1 - y) * height];
  context.fillStyle = colors.paper;
  context.fillRect(0, 0, width, height);
  if (layers.heat && frame.arrays.heat) paintHeat(context, width, height, frame);
  const past = layers.trajectories ? framesOfTrails(history, frame) : [];
  for (const [age, earlier] of past.slice(-6, -1).entries()) paintLevel(context, place, earlier, 0.1 + 0.06 * age);
  if (layers.level) paintLevel(context, place, frame, 0.75);
  if (layers.grid && frame.arrays.grid) paintGrid(context, place, frame.arrays.grid, colors);
  if (layers.density) {
    if (layers.real) paintDensity(context, width, height, frame.arrays.real, colors.real);
    if (layers.fake) paintDensity(context, width, height, frame.arrays.fake, colors.fake);
  } else {
    const size = Math.max(1.3, Math.min(2.4, width / 260));
    if (layers.real) paintDots(context, place, frame.arrays.real, colors.real, size);
    if (layers.fake) paintDots(context, place, frame.arrays.fake, colors.fake, size);
  }
  if (past.length > 1) paintTrails(context, place, past, colors);
  if (layers.arrows) paintArrows(context, place, arrowsOf(frame, bounds, arrowReference([...history.frames.values()])), colors);
  if (marked) paintMark(context, place(...marked), colors);
}

function paintHeat(context, width, height, frame) {
  const [rows, columns] = frame.arrays.heat.shape;
  const steps = Uint8ClampedArray.from(verdicts(frame), (verdict) => 255 * verdict); // whole, and in the table
  const image = new ImageData(columns, rows);
  const table = Array.from({ length: 256 }, (_, step) => verdictColor(step / 255));
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      const color = table[steps[(rows - 1 - row) * columns + column]];
      image.data.set([...color, 255], 4 * (row * columns + column));
    }
  }
  heatCanvas.width = columns;
  heatCanvas.height = rows;
  heatCanvas.getContext("2d").putImageData(image, 0, 0);
  context.imageSmoothingEnabled = true;
  context.drawImage(heatCanvas, 0, 0, width, height);
}

function paintLevel(context, place, frame, opacity) {
  context.globalAlpha = opacity;
  context.strokeStyle = palette().level;
  context.lineWidth = 1.4;
  context.beginPath();
  for (const [x, y, nextX, nextY] of levelLine(frame)) {
    context.moveTo(...place(x, y));
    context.lineTo(...place(nextX, nextY));
  }
  context.stroke();
  context.globalAlpha = 1;
}

function paintDots(context, place, points, color, size) {
  if (!points) return;
  const dot = dotOf(color, size);
  context.globalAlpha = 0.78;
  for (let start = 0; start < points.data.length; start += 2) {
    const [x, y] = place(points.data[start] / FULL, points.data[start + 1] / FULL);
    context.drawImage(dot, x - size - 1, y - size - 1, 2 * size + 2, 2 * size + 2);
  }
  context.globalAlpha = 1;
}

/** Returns a small canvas with a dot; copies of it are painted much faster than arcs. */
function dotOf(color, size) {
  const key = `${color} ${size}`;
  if (!dots.has(key)) {
    const canvas = document.createElement("canvas");
    const ratio = 3;
    canvas.width = canvas.height = Math.ceil(ratio * (2 * size + 2));
    const context = canvas.getContext("2d");
    context.fillStyle = color;
    context.beginPath();
    context.arc(canvas.width / 2, canvas.height / 2, ratio * size, 0, 2 * Math.PI);
    context.fill();
    dots.set(key, canvas);
  }
  return dots.get(key);
}

/** Returns the density of points over cells × cells, row 0 on top, its largest value one. */
export function densityOf(points) {
  const cells = DENSITY_CELLS;
  let counts = new Float32Array(cells * cells);
  for (let start = 0; start < points.data.length; start += 2) {
    const column = Math.min(cells - 1, Math.floor((points.data[start] / FULL) * cells));
    const row = Math.min(cells - 1, Math.floor((1 - points.data[start + 1] / FULL) * cells));
    counts[row * cells + column] += 1;
  }
  for (let pass = 0; pass < 2; pass += 1) counts = blurred(blurred(counts, cells, 1), cells, cells);
  const most = counts.reduce((larger, value) => Math.max(larger, value), 1e-9);
  return counts.map((count) => count / most);
}

function paintDensity(context, width, height, points, color) {
  if (!points) return;
  const cells = DENSITY_CELLS;
  const [red, green, blue] = channels(color);
  const image = new ImageData(cells, cells);
  densityOf(points).forEach((density, at) => image.data.set([red, green, blue, 225 * Math.sqrt(density)], 4 * at));
  densityCanvas.width = densityCanvas.height = cells;
  densityCanvas.getContext("2d").putImageData(image, 0, 0);
  context.drawImage(densityCanvas, 0, 0, width, height);
}

function blurred(values, cells, stride) {
  const result = new Float32Array(values.length);
  for (let at = 0; at < values.length; at += 1) {
    const along = stride === 1 ? at % cells : Math.floor(at / cells);
    for (let shift = -2; shift <= 2; shift += 1) {
      if (along + shift >= 0 && along + shift < cells) result[at] += values[at + shift * stride] * (3 - Math.abs(shift));
    }
  }
  return result;
}

/** Returns the cells of the warped grid: their corners in 0..1, dense where they are small. */
export function gridCells(grid) {
  const [rows, columns] = grid.shape;
  const at = (row, column) => {
    const start = 2 * (row * columns + column);
    return [grid.data[start] / FULL, grid.data[start + 1] / FULL];
  };
  const usual = 1 / (rows * columns);
  const cells = [];
  for (let row = 0; row + 1 < rows; row += 1) {
    for (let column = 0; column + 1 < columns; column += 1) {
      const corners = [at(row, column), at(row, column + 1), at(row + 1, column + 1), at(row + 1, column)];
      let area = 0;
      corners.forEach(([x, y], side) => {
        const [nextX, nextY] = corners[(side + 1) % 4];
        area += (x * nextY - nextX * y) / 2;
      });
      cells.push({ corners, opacity: Math.min(0.75, (0.12 * usual) / (Math.abs(area) + 0.1 * usual)) });
    }
  }
  return cells;
}

function paintGrid(context, place, grid, colors) {
  context.fillStyle = colors.grid;
  context.strokeStyle = colors.grid;
  context.lineWidth = 0.5;
  for (const { corners, opacity } of gridCells(grid)) {
    context.beginPath();
    corners.forEach((corner, side) => (side ? context.lineTo(...place(...corner)) : context.moveTo(...place(...corner))));
    context.closePath();
    context.globalAlpha = opacity;
    context.fill();
    context.globalAlpha = 0.55;
    context.stroke();
  }
  context.globalAlpha = 1;
}

/** Returns the frames whose points leave trails up to a frame, the oldest first. */
export function framesOfTrails(history, frame) {
  return history.before(frame.frame, 12, 36);
}

/** Returns the steps of the trails: lines [x, y, x, y] in 0..1, fainter the older they are. */
export function trailSteps(past) {
  const steps = [];
  for (let age = 1; age < past.length; age += 1) {
    const [from, to] = [past[age - 1].arrays.fake?.data, past[age].arrays.fake?.data];
    if (!from || !to || from.length !== to.length) continue;
    const lines = [];
    for (let start = 0; start < Math.min(2 * TRAILS, to.length); start += 2) {
      lines.push([from[start], from[start + 1], to[start], to[start + 1]].map((value) => value / FULL));
    }
    steps.push({ lines, opacity: 0.08 + (0.5 * age) / past.length });
  }
  return steps;
}

function paintTrails(context, place, past, colors) {
  context.strokeStyle = colors.fake;
  context.lineWidth = 1.1;
  for (const { lines, opacity } of trailSteps(past)) {
    context.globalAlpha = opacity;
    context.beginPath();
    for (const [x, y, nextX, nextY] of lines) {
      context.moveTo(...place(x, y));
      context.lineTo(...place(nextX, nextY));
    }
    context.stroke();
  }
  context.globalAlpha = 1;
}

function paintArrows(context, place, arrows, colors) {
  context.strokeStyle = colors.arrow;
  context.lineWidth = 1.1;
  context.globalAlpha = 0.85;
  context.beginPath();
  for (const [x, y, right, up] of arrows) {
    const [fromX, fromY] = place(x, y);
    const [toX, toY] = place(x + right, y + up);
    const [length, angle] = [Math.hypot(toX - fromX, toY - fromY), Math.atan2(toY - fromY, toX - fromX)];
    if (length < 1) continue;
    context.moveTo(fromX, fromY);
    context.lineTo(toX, toY);
    const head = Math.min(5, 0.4 * length);
    for (const turn of [2.6, -2.6]) {
      context.moveTo(toX, toY);
      context.lineTo(toX + head * Math.cos(angle + turn), toY + head * Math.sin(angle + turn));
    }
  }
  context.stroke();
  context.globalAlpha = 1;
}

function paintMark(context, [x, y], colors) {
  context.beginPath();
  context.arc(x, y, 6, 0, 2 * Math.PI);
  context.fillStyle = colors.fake;
  context.fill();
  context.lineWidth = 2;
  context.strokeStyle = colors.ink;
  context.stroke();
}
