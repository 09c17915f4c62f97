// SPDX-License-Identifier: MIT
// Play, pause, steps, speed and the time line, by mouse and keyboard.

import { byId, element } from "./dom.js";
import { words } from "./language.js";

const RATES = [null, 1, 5, 20, 100, 500];
const FACTORS = [0.25, 0.5, 1, 2, 4];
const REPEATED = [",", "."]; // the keys that may be held; another that is held would queue a step for each repeat

export class Transport {
  /** `page` has `send`, `live`, `frames` (a `ShownFrames`), `frame`, `layerNames`, `toggleLayer(name)`, `sayItFailed()`. */
  constructor(page) {
    this.page = page;
    this.state = { state: "starting", slow: false, frames: 0 };
    const press = (name, act) => byId(name).addEventListener("click", act);
    press("play", () => this.playOrPause());
    press("step", () => this.step("both"));
    press("step-discriminator", () => this.step("discriminator"));
    press("step-generator", () => this.step("generator"));
    press("slow", () => this.toggleSlow());
    press("reset", () => page.send({ kind: "reset" }));
    press("fork", () => this.fork());
    press("now", () => page.frames.goBack());
    const time = byId("time");
    time.addEventListener("pointerdown", () => (this.drags = true));
    for (const ends of ["pointerup", "keydown"]) time.addEventListener(ends, () => (this.drags = false));
    time.addEventListener("input", () => this.seek(Number(time.value)));
    byId("speed").addEventListener("change", ({ target }) => this.setSpeed(target.value));
    document.addEventListener("keydown", (event) => this.key(event));
  }

  say() {
    const said = words();
    const now = byId("speed").value;
    const options = this.page.live
      ? RATES.map((rate) => [rate ?? "", rate === null ? said.fastest : said.updates_per_second(rate)])
      : FACTORS.map((factor) => [factor, said.frames_faster(factor)]);
    byId("speed").replaceChildren(...options.map(([value, text]) => element("option", { value, text })));
    byId("speed").value = now || (this.page.live ? "" : "1");
    byId("keys").replaceChildren(...said.key_list.flatMap(([key, meaning]) => [element("dt", { text: key }), element("dd", { text: meaning })]));
    this.tell(this.state);
  }

  /** Takes the state that the lab tells. */
  tell(state) {
    this.state = state;
    const playing = state.state === "playing";
    document.body.classList.toggle("playing", playing);
    byId("play-word").textContent = playing ? words().pause : words().play;
    byId("play").disabled = state.state === "starting";
    byId("slow").setAttribute("aria-pressed", String(Boolean(state.slow)));
    if (this.page.live && document.activeElement !== byId("speed")) this.showSpeed();
  }

  showSpeed() {
    const rate = this.state.speed ?? "";
    const known = [...byId("speed").options].some(({ value }) => value === String(rate));
    if (!known) byId("speed").append(element("option", { value: rate, text: words().updates_per_second(rate) }));
    byId("speed").value = String(rate);
  }

  get failed() {
    return this.state.state === "failed";
  }

  /** Lets a run that has failed stand, and says so; any other may go on. */
  letGoOn(act) {
    if (this.failed) this.page.sayItFailed();
    else act();
  }

  /** Goes to a frame; a key on the time line goes on to the next frame that is kept. */
  seek(frame) {
    const direction = this.drags ? 0 : Math.sign(frame - (this.page.frame?.frame ?? 0));
    this.page.frames.seek(frame, direction);
  }

  playOrPause() {
    if (this.state.state === "playing") this.page.send({ kind: "pause" });
    else this.goOn({ kind: "play" });
  }

  step(turn) {
    this.goOn({ kind: "step", turn });
  }

  /** Goes on from the present. */
  goOn(message) {
    this.letGoOn(() => {
      this.page.frames.goBack();
      this.page.send(message);
    });
  }

  toggleSlow() {
    this.letGoOn(() => this.page.send({ kind: "slow", on: !this.state.slow }));
  }

  fork() {
    if (!byId("past").hidden) this.page.send({ kind: "fork", frame: this.page.frame.frame });
  }

  setSpeed(value) {
    if (!this.page.live) this.page.send({ kind: "speed", factor: Number(value) });
    else this.letGoOn(() => this.page.send({ kind: "speed", updates_per_second: value === "" ? null : Number(value) }));
    if (this.failed) this.showSpeed(); // which has not changed
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { tagName, type } = event.target;
    const typing = (tagName === "INPUT" && type !== "checkbox" && type !== "range") || tagName === "SELECT" || tagName === "TEXTAREA";
    if (typing || (event.key === " " && (tagName === "BUTTON" || type === "checkbox" || tagName === "SUMMARY"))) return;
    const live = (act) => () => this.page.live && act();
    const acts = {
      " ": () => this.playOrPause(),
      n: () => this.step("both"),
      d: live(() => this.step("discriminator")),
      g: live(() => this.step("generator")),
      m: live(() => this.toggleSlow()),
      r: live(() => this.page.send({ kind: "reset" })),
      f: live(() => this.fork()),
      ",": () => this.page.frames.seekBy(-1),
      ".": () => this.page.frames.seekBy(1),
    };
    const layer = this.page.layerNames[Number(event.key) - 1];
    const act = acts[event.key.toLowerCase()] ?? (layer && (() => this.page.toggleLayer(layer)));
    if (!act) return;
    event.preventDefault();
    if (!event.repeat || REPEATED.includes(event.key)) act();
  }

  /** Shows where on the time line the picture is. */
  place(frame, newest, lookingBack, events) {
    const time = byId("time");
    time.max = Math.max(1, newest);
    time.value = frame.frame;
    const text = words().clock(frame.iteration.toLocaleString("en-US"), frame.kimg.toFixed(1));
    byId("clock").textContent = text;
    time.setAttribute("aria-valuetext", text);
    byId("past").hidden = !lookingBack;
    const place = byId("events");
    if (this.events !== events) {
      this.events = events;
      place.replaceChildren(...events.map((event) => element("button", { title: event.what, "aria-label": event.what, onclick: () => this.page.frames.seek(event.frame) })));
    }
    events.forEach((event, at) => {
      place.children[at].style.left = `${(100 * event.frame) / Math.max(1, newest)}%`;
    });
  }
}
