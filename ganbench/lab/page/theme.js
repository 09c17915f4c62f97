// SPDX-License-Identifier: MIT
// The colors of the style sheet, for what is painted.

const NAMES = ["ink", "muted", "line", "paper", "raised", "real", "fake", "arrow", "grid", "level"];
let colors = null;
const listeners = [];

/** Returns the colors by name, as CSS writes them. */
export function palette() {
  if (colors === null) {
    const style = getComputedStyle(document.documentElement);
    colors = Object.fromEntries(NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
  }
  return colors;
}

/** Calls a function when the colors have changed. */
export function whenThemeChanges(act) {
  listeners.push(act);
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  colors = null;
  for (const act of listeners) act();
});

/** Returns red, green and blue of a color written as #rrggbb. */
export function channels(color) {
  return [1, 3, 5].map((start) => parseInt(color.slice(start, start + 2), 16));
}

/** Returns a color between what D calls fake (0), undecided (0.5) and real (1). */
export function verdictColor(verdict) {
  const { fake, real, paper } = palette();
  const [far, near] = [channels(verdict < 0.5 ? fake : real), channels(paper)];
  const share = 0.62 * Math.min(1, Math.abs(verdict - 0.5) * 2) ** 0.7;
  return near.map((value, place) => Math.round(value + share * (far[place] - value)));
}

/**
 * Returns a verdict in 0..1, with the level line at one half; raw outputs have a range.
 *
 * Where a network's outputs are no longer finite there is no level, and the middle of the range takes its place.
 */
export function verdictOf(value, level, range) {
  if (!range) return value;
  const [low, high] = range;
  const middle = Number.isFinite(level) ? level : (low + high) / 2;
  const reach = Math.max(high - middle, middle - low, 1e-9);
  return 0.5 + Math.max(-1, Math.min(1, (value - middle) / reach)) / 2;
}
