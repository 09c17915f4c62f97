// SPDX-License-Identifier: MIT
// Elements in few words.

export const byId = (name) => document.getElementById(name);

/** Makes an element: `on…` are listeners, `text` its text, everything else an attribute. */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "text") made.textContent = value;
    else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (typeof value === "boolean") made.toggleAttribute(name, value);
    else if (value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** Puts other elements into a place; a button there that has the focus hands it on, so that it is not lost. */
export function refill(place, ...children) {
  const held = [...place.querySelectorAll("button")].indexOf(document.activeElement);
  place.replaceChildren(...children);
  if (held < 0) return;
  const buttons = [...place.querySelectorAll("button")];
  place.tabIndex = -1;
  (buttons[held] ?? buttons.at(-1) ?? place).focus({ preventScroll: true });
}

/** Makes an element of SVG. */
export function shape(tag, attributes = {}) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

/** Returns a canvas' context in CSS pixels, its width and height, sharp on any screen. */
export function sharp(canvas) {
  const ratio = Math.min(3, window.devicePixelRatio || 1);
  const width = canvas.clientWidth || canvas.width;
  const height = canvas.clientHeight || canvas.height;
  const [across, down] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== across || canvas.height !== down) {
    canvas.width = across;
    canvas.height = down;
  }
  const context = canvas.getContext("2d");
  context.setTransform(across / width, 0, 0, down / height, 0, 0);
  context.globalAlpha = 1; // a painter that failed may have left another
  context.setLineDash([]);
  return { context, width, height };
}

/** A number in few characters. */
export function brief(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size < 0.001 || size >= 1e5)) return value.toExponential(1).replace("e+", "e");
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3);
}

export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
