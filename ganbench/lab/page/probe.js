// SPDX-License-Identifier: MIT
// One latent followed through both networks: over the latents, over a fake, or over a plane of images.

import { asImages, imagePlaces, strip } from "./examples.js";
import { brief, byId, element, sharp } from "./dom.js";
import { words } from "./language.js";
import { outputAt } from "./points.js";
import { palette } from "./theme.js";

const FULL = 65535;
const NEAR = 14;
const PLANE_REACH = 2;
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

export class Probe {
  /**
   * `page` has `send`, `live`, `looksBack`, `hello`, `frame`, `layers`, `chosen`, and `mark(place)` and
   * `choose(index)`, which paint again.
   */
  constructor(page) {
    this.page = page;
    this.canvas = byId("latents");
    this.latent = null;
    this.canvas.addEventListener("pointermove", (event) => this.choose(...this.placeOf(event)));
    this.canvas.addEventListener("pointerdown", (event) => this.choose(...this.placeOf(event)));
    this.canvas.addEventListener("pointerleave", () => this.leave());
    this.canvas.addEventListener("keydown", (event) => {
      const [right, up] = KEYS[event.key] ?? [0, 0];
      if (!right && !up) return;
      event.preventDefault();
      const [x, y] = this.latent ?? [0, 0];
      this.choose(x + right * 0.1 * this.reach, y + up * 0.1 * this.reach);
    });
    const picture = byId("picture-a");
    picture.addEventListener("pointermove", (event) => this.overPicture(event));
    picture.addEventListener("pointerleave", () => this.leave());
    picture.addEventListener("click", (event) => this.clickPicture(event));
    picture.addEventListener("keydown", (event) => this.keyOnPicture(event));
  }

  begin(hello) {
    const said = words();
    this.hello = hello;
    this.leave();
    this.reach = hello.data === "images" ? PLANE_REACH : hello.resolved?.recipe?.prior === "uniform" ? 1 : 2;
    byId("probe").hidden = hello.data === "sequence" || (hello.data === "images" && !this.page.live);
    byId("probe-title").textContent = hello.data === "images" ? said.plane : said.latents;
    byId("probe-text").textContent = hello.data === "images" ? said.plane_hint : said.latents_hint;
    this.canvas.setAttribute("aria-label", said.latents_alt);
    byId("probe-image").setAttribute("aria-label", said.probe_alt);
    byId("probe-image").hidden = true;
    byId("neighbors").hidden = true;
    this.waiting = this.next = null;
    this.paint();
  }

  placeOf(event) {
    const area = this.canvas.getBoundingClientRect();
    const at = (value) => Math.max(-1, Math.min(1, value)) * this.reach;
    return [at((2 * (event.clientX - area.left)) / area.width - 1), at(1 - (2 * (event.clientY - area.top)) / area.height)];
  }

  /** Follows a latent, or a place of the plane. */
  choose(x, y) {
    const inside = (value) => Math.max(-this.reach, Math.min(this.reach, value));
    this.latent = [inside(x), inside(y)];
    this.paint();
    if (this.hello?.data === "images") {
      if (this.page.looksBack) this.sayItIsPast();
      this.ask({ kind: "plane", u: this.latent[0], v: this.latent[1] });
    } else if (this.hello?.data === "points") {
      const place = this.onGrid(...this.latent);
      if (place) this.tell(this.latent, place);
      const size = this.hello.latent[1];
      this.ask({ kind: "probe", latent: Array.from({ length: size }, (_, at) => this.latent[at] ?? 0) });
    }
  }

  leave() {
    this.latent = null;
    this.page.mark(null);
    this.paint();
  }

  /** Returns where the frame's grid puts a latent, in 0..1. */
  onGrid(x, y) {
    const grid = this.page.frame?.arrays.grid;
    if (!grid) return null;
    const [rows, columns] = grid.shape;
    const [across, up] = [((x / this.reach + 1) / 2) * (columns - 1), ((y / this.reach + 1) / 2) * (rows - 1)];
    const [column, row] = [Math.min(columns - 2, Math.floor(across)), Math.min(rows - 2, Math.floor(up))];
    const [right, high] = [across - column, up - row];
    const at = (line, place, axis) => grid.data[2 * (line * columns + place) + axis] / FULL;
    return [0, 1].map((axis) => (1 - high) * ((1 - right) * at(row, column, axis) + right * at(row, column + 1, axis))
      + high * ((1 - right) * at(row + 1, column, axis) + right * at(row + 1, column + 1, axis)));
  }

  /** Shows a latent, its fake at a place in 0..1, and what D says of it. */
  tell(latent, place, score = outputAt(this.page.frame, ...place)) {
    const { bounds } = this.hello;
    const fake = place.map((value, axis) => bounds[axis][0] + value * (bounds[axis][1] - bounds[axis][0]));
    const pair = (values) => (values ? `(${values.slice(0, 2).map((value) => value.toFixed(2)).join(",\u00a0")}${values.length > 2 ? ", …" : ""})` : "…");
    byId("probe-text").textContent = words().probe(pair(latent), pair(fake), score === null ? words().unknown : brief(score));
    this.page.mark(place);
  }

  /** Asks the networks; of a frame of the past they know nothing any more, only what it shows. */
  ask(message) {
    if (!this.page.live || this.page.looksBack) return;
    if (this.waiting) this.next = message;
    else {
      this.waiting = message;
      this.page.send(message);
      setTimeout(() => this.waiting === message && this.free(), 3000);
    }
  }

  free() {
    this.waiting = null;
    const message = this.next;
    this.next = null;
    if (message) this.ask(message);
  }

  /** Takes the answer to what was asked. */
  answered(point) {
    const asked = this.waiting;
    this.free();
    if (!asked || this.page.looksBack || !(this.latent || asked.index !== undefined)) return;
    if (this.hello.data === "images") {
      const canvas = byId("probe-image");
      const image = strip(asImages(point.fake));
      canvas.hidden = false;
      const context = canvas.getContext("2d");
      context.imageSmoothingEnabled = false;
      context.drawImage(image, 0, 0, canvas.width, canvas.height);
      if (point.u !== undefined) byId("probe-text").textContent = words().probe_image(point.u.toFixed(2), point.v.toFixed(2), brief(point.score));
    } else if (this.page.marked || this.latent) {
      const { bounds } = this.hello;
      const flat = point.fake.flat(3);
      this.tell(point.latent.flat(), [0, 1].map((axis) => ((flat[axis] ?? 0) - bounds[axis][0]) / (bounds[axis][1] - bounds[axis][0])), point.score ?? null);
    }
  }

  overPicture(event) {
    const frame = this.page.frame;
    if (this.hello?.data !== "points" || !frame?.arrays.fake) return;
    const area = event.currentTarget.getBoundingClientRect();
    const [x, y] = [event.clientX - area.left, event.clientY - area.top];
    const { data } = frame.arrays.fake;
    let [nearest, least] = [-1, NEAR * NEAR];
    for (let start = 0; start < data.length; start += 2) {
      const distance = ((data[start] / FULL) * area.width - x) ** 2 + ((1 - data[start + 1] / FULL) * area.height - y) ** 2;
      if (distance < least) [nearest, least] = [start / 2, distance];
    }
    if (nearest < 0) {
      if (this.page.marked) this.leave();
      return;
    }
    this.tell(null, [data[2 * nearest] / FULL, data[2 * nearest + 1] / FULL]);
    this.ask({ kind: "probe", index: nearest });
  }

  /** Returns where the fakes are in the picture of images; elsewhere there are none that can be chosen. */
  fakePlaces(area) {
    if (this.hello?.data !== "images" || !this.page.live || !this.page.frame) return [];
    return imagePlaces(this.page.frame, this.page.layers, area.width, area.height).filter(({ kind }) => kind === "fake");
  }

  clickPicture(event) {
    const area = event.currentTarget.getBoundingClientRect();
    const [x, y] = [event.clientX - area.left, event.clientY - area.top];
    const hit = this.fakePlaces(area)
      .find((place) => x >= place.x && x < place.x + place.size && y >= place.y && y < place.y + place.size);
    if (hit) this.askForNearest(hit.index);
  }

  /** Chooses a fake by the arrow keys, and asks for the nearest training images by Enter. */
  keyOnPicture(event) {
    const places = this.fakePlaces(event.currentTarget.getBoundingClientRect());
    const [right, up] = KEYS[event.key] ?? [0, 0];
    if (!places.length || (event.key !== "Enter" && !right && !up)) return;
    event.preventDefault();
    const now = this.page.chosen;
    if (event.key === "Enter") {
      if (!event.repeat) this.askForNearest(now ?? 0);
      return;
    }
    const columns = places.filter(({ y }) => y === places[0].y).length;
    const next = now === undefined ? 0 : now + right - up * columns;
    if (!places[next]) return;
    this.page.choose(next);
    byId("probe-text").textContent = words().fake_chosen(next + 1, places.length);
  }

  askForNearest(index) {
    if (this.page.looksBack) {
      this.sayItIsPast();
      return;
    }
    this.page.choose(index);
    this.page.send({ kind: "nearest", index });
  }

  sayItIsPast() {
    byId("probe-text").textContent = words().probe_past;
    byId("probe-image").hidden = byId("neighbors").hidden = true;
  }

  /** Shows the nearest training images of a fake. */
  showNeighbors({ images }) {
    const place = byId("neighbors");
    place.hidden = false;
    place.replaceChildren(element("p", { text: words().neighbors }));
    for (const image of images) {
      const canvas = strip(asImages(image));
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", words().neighbors);
      place.append(canvas);
    }
  }

  /** Paints the plane of latents. */
  paint() {
    const { context, width, height } = sharp(this.canvas);
    const colors = palette();
    context.clearRect(0, 0, width, height);
    context.strokeStyle = colors.line;
    context.lineWidth = 1;
    for (let step = 0; step <= 8; step += 1) {
      context.strokeStyle = step === 4 ? colors.muted : colors.line;
      context.strokeRect(-5, Math.round((height * step) / 8) + 0.5, width + 10, 0);
      context.strokeRect(Math.round((width * step) / 8) + 0.5, -5, 0, height + 10);
    }
    if (!this.latent) return;
    const [x, y] = this.latent.map((value) => value / this.reach);
    context.beginPath();
    context.arc(((x + 1) / 2) * width, ((1 - y) / 2) * height, 6, 0, 2 * Math.PI);
    context.fillStyle = colors.grid;
    context.fill();
    context.lineWidth = 2;
    context.strokeStyle = colors.ink;
    context.stroke();
  }
}
