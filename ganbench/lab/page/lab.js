// SPDX-License-Identifier: MIT
// The page of the lab: what comes from the source is shown, what the reader does is sent.

import { Charts } from "./charts.js";
import { byId, calm, element, refill, sharp } from "./dom.js";
import { IMAGE_LAYERS, SEQUENCE_LAYERS, paintImages, paintSequences } from "./examples.js";
import { chooseLanguage, languageName, sayWords, words } from "./language.js";
import { ModelGraph } from "./model_graph.js";
import { OwnPoints } from "./own_points.js";
import { POINT_LAYERS, paintPoints } from "./points.js";
import { Probe } from "./probe.js";
import { SettingsForm } from "./settings.js";
import { Clip, copy, keepInAddress, recipeInAddress, savePng, saveSvg } from "./sharing.js";
import { ShownFrames } from "./shown_frames.js";
import { RecordedSource, SocketSource } from "./source.js";
import { whenThemeChanges } from "./theme.js";
import { Transport } from "./transport.js";

const LAYERS = { points: POINT_LAYERS, images: IMAGE_LAYERS, sequence: SEQUENCE_LAYERS };
const CHART_PAUSE = 120;
const NOTHING_TOLD = { sentences: [], tricks: [] };

class LabPage {
  constructor() {
    this.frames = new ShownFrames(this);
    this.events = [];
    this.told = { a: NOTHING_TOLD, b: null };
    this.layers = { ...POINT_LAYERS };
    this.chartsPainted = 0;
    this.failing = new Set();
    const recording = byId("recording");
    this.live = recording === null;
    document.body.classList.toggle("recorded", !this.live);
    this.charts = new Charts(byId("charts"));
    this.graph = new ModelGraph(byId("graph"));
    this.probe = new Probe(this);
    this.transport = new Transport(this);
    this.settings = new SettingsForm(byId("settings"), (message) => this.send(message));
    this.own = new OwnPoints((message) => this.send(message), (text) => this.complain(text));
    this.connectControls();
    this.say();
    const calls = {
      heard: (message) => this.hear(message),
      seen: (frame) => this.frames.see(frame),
      remember: (frames) => frames.forEach((frame) => this.frames.histories[frame.side ?? "a"].add(frame)),
      connected: () => this.calmDown(),
      lost: (ever) => this.complain(ever ? words().lost : words().no_lab),
    };
    this.source = this.live ? new SocketSource(calls) : new RecordedSource(calls, recording.textContent);
  }

  get frame() {
    return this.frames.shown.a;
  }

  /** Whether the reader looks at a frame of the past. */
  get looksBack() {
    return this.frames.looksBack;
  }

  get playing() {
    return this.transport.state.state === "playing";
  }

  get twoSides() {
    return document.body.classList.contains("two-sides");
  }

  get layerNames() {
    return Object.keys(this.layers);
  }

  send(message) {
    if (["reset", "start", "data", "fork", "step"].includes(message.kind)) this.frames.showPresent();
    this.source.send(message);
    this.schedule();
  }

  // -- what is heard -------------------------------------------------------------------------

  hear(message) {
    const side = message.side ?? "a";
    const acts = {
      hello: () => this.begin(message),
      side: () => (message.off ? this.showOneSide() : this.beginSide(message)),
      state: () => this.takeState(message),
      event: () => this.takeEvent(message),
      recipe: () => this.takeRecipe(message),
      cut: () => this.cut(message.frame),
      diagnosis: () => this.takeDiagnosis(side, message),
      past: () => this.takePast(side, message.rows),
      sought: () => this.frames.takeFound(message),
      error: () => this.takeError(message),
      saved: () => (byId("share-status").textContent = words().saved(message.folder)),
      code: () => this.takeCode(message),
      point: () => this.probe.answered(message),
      neighbors: () => this.probe.showNeighbors(message),
    };
    acts[message.kind]?.();
  }

  begin(hello) {
    const wanted = this.live && !this.hello ? recipeInAddress() : null;
    const first = !this.hello;
    const sameKind = this.hello?.data === hello.data;
    this.hello = hello;
    this.frames.begin();
    this.events = [];
    this.code = hello;
    this.told = { a: NOTHING_TOLD, b: hello.sides === 2 ? (this.told.b ?? NOTHING_TOLD) : null };
    if (!sameKind) this.layers = { ...LAYERS[hello.data] };
    this.calmDown();
    if (this.live) this.settings.begin(hello);
    if (hello.sides !== 2) this.showOneSide();
    this.showRun();
    if (wanted && wanted.trim() !== hello.toml.trim()) this.send({ kind: "start", toml: wanted });
    else if (this.live) keepInAddress(hello.toml);
    this.greets = first && this.live;
  }

  /** Shows everything that depends on the run, in the chosen language. */
  showRun() {
    const { hello } = this;
    byId("run-title").textContent = titleOf(hello.recipe) + (this.live ? "" : ` · ${words().recorded}`);
    this.showLayers();
    this.charts.begin(hello.modes);
    this.graph.begin(hello.graph);
    this.probe.begin(hello);
    this.showLessons();
    this.showCode();
    const none = element("option", { value: "", text: words().no_tricks });
    const chosen = byId("side-tricks").value;
    byId("side-tricks").replaceChildren(none, ...(hello.choices?.tricks ?? []).map((name) => element("option", { value: name, text: name, selected: name === chosen })));
    byId("svg").hidden = hello.data !== "points";
    byId("clip").hidden = !Clip.possible;
    this.diagnose();
    this.schedule();
  }

  beginSide(hello) {
    this.frames.forget("b");
    byId("side-b").hidden = byId("side-a-title").hidden = byId("side-off").hidden = false;
    document.body.classList.add("two-sides");
    byId("side-a-title").textContent = titleOf(this.hello?.recipe ?? hello.recipe);
    byId("side-b-title").textContent = titleOf(hello.recipe);
    this.takeDiagnosis("b", NOTHING_TOLD);
    this.schedule();
  }

  showOneSide() {
    byId("side-b").hidden = byId("side-a-title").hidden = byId("side-off").hidden = true;
    document.body.classList.remove("two-sides");
    this.frames.forget("b");
    this.told.b = null;
    if (this.hello) this.diagnose();
  }

  takeState(state) {
    this.transport.tell(state);
    this.frames.newest = Math.max(0, state.frames - 1);
    byId("waiting").hidden = state.state !== "starting" || this.frame !== null;
    if (state.state === "failed") this.sayItFailed();
    if (state.state === "ended" && this.lastState !== "ended") this.complain(words().reasons[state.reason] ?? (state.reason || words().ended));
    this.lastState = state.state;
    if (this.greets && state.state === "paused") {
      this.greets = false;
      if (state.frames <= 1 && !calm()) this.send({ kind: "play" });
    }
    this.schedule();
  }

  takeError({ message, hint }) {
    this.error = { message, hint };
    this.settings.takeBack();
    this.complainOfRun([message, hint].filter(Boolean).join(" "));
  }

  /** Says why training failed, with the hint of the error that was told before. */
  sayItFailed() {
    const { reason } = this.transport.state;
    const hint = this.error?.message === reason ? this.error.hint : "";
    this.complainOfRun([words().failed(reason), hint].filter(Boolean).join(" "));
  }

  /** Complains, and offers to begin again where the run has failed. */
  complainOfRun(text) {
    if (!this.transport.failed) this.complain(text);
    else this.complain(text, words().begin_again, () => this.send({ kind: "reset" }));
  }

  takeEvent(event) {
    this.events = [...this.events, event];
    this.takeRecipe(event);
  }

  /** Takes what is trained from here on. */
  takeRecipe({ recipe = this.hello.recipe, resolved = this.hello.resolved, graph }) {
    this.hello = { ...this.hello, recipe, resolved, graph: graph ?? this.hello.graph };
    byId("run-title").textContent = titleOf(recipe);
    if (this.live) this.settings.update(resolved, recipe);
    if (graph) this.graph.begin(graph);
    this.diagnose();
    this.schedule();
  }

  /** Forgets all from a frame on, which a fork comes to again. */
  cut(frame) {
    this.frames.cutFrom(frame);
    this.events = this.events.filter((event) => event.frame < frame);
    this.chartsPainted = 0;
    this.schedule();
  }

  takeCode(code) {
    this.code = code;
    if (this.live) keepInAddress(code.toml);
    this.showCode();
  }

  showCode() {
    byId("code").hidden = true; // what was copied may be of another run
    byId("share-status").textContent = "";
    byId("exact-note").textContent = this.code?.exact === false ? words().not_exact : words().exact;
  }

  /** Takes the numbers of frames that were before this page came. */
  takePast(side, rows) {
    for (const row of rows) this.frames.histories[side].addRow(row);
    this.chartsPainted = 0;
    this.schedule();
  }

  takeDiagnosis(side, told) {
    this.told[side] = told;
    this.diagnose();
  }

  /** Says what goes well and wrong, of each side under its name where there are two. */
  diagnose() {
    const { tricks } = this.told.a;
    const said = words();
    const groups = ["a", "b"].filter((side) => this.told[side]).map((side) => ({
      title: this.told.b ? byId(`side-${side}-title`).textContent : "",
      lines: this.told[side].sentences.length ? this.told[side].sentences : [said.no_diagnosis],
    }));
    const offered = this.live ? tricks.filter((name) => !this.settings.tricks?.some((text) => text.split(":")[0] === name)) : [];
    const key = JSON.stringify([groups, offered]);
    if (key === this.diagnosed) return; // a screen reader hears only what is new
    this.diagnosed = key;
    refill(byId("diagnosis"), ...groups.flatMap(({ title, lines }) => [
      ...(title ? [element("h3", { text: title })] : []), ...lines.map((text) => element("p", { text }))]),
      element("div", { class: "row" }, ...offered.slice(0, 6).map((name) => element("button", {
        text: said.try_trick(name), title: this.hello?.choices?.summaries?.tricks?.[name], onclick: () => this.settings.setTricks([...this.settings.tricks, name]),
      }))));
  }

  complain(text, act, does) {
    byId("banner").hidden = false;
    byId("banner-text").textContent = text;
    byId("banner-act").hidden = !act;
    byId("banner-act").textContent = act ?? "";
    byId("banner-act").onclick = does ?? null;
  }

  calmDown() {
    byId("banner").hidden = true;
  }

  // -- what is seen --------------------------------------------------------------------------

  schedule() {
    if (this.scheduled) return;
    this.scheduled = true;
    requestAnimationFrame(() => {
      this.scheduled = false;
      this.paint();
    });
  }

  paint() {
    this.frames.showWaiting();
    if (!this.frame || !this.hello) return;
    byId("waiting").hidden = true;
    for (const side of ["a", "b"]) if (this.frames.shown[side]) this.attempt(`picture ${side}`, () => this.paintSide(side));
    this.attempt("caption", () => this.paintCaption());
    this.attempt("time line", () => this.transport.place(this.frame, this.frames.newest, this.looksBack, this.events));
    this.paintCharts();
  }

  /** Lets a part of the page paint. If it fails, this is reported once, and the other parts go on. */
  attempt(part, paint) {
    try {
      paint();
      this.failing.delete(part);
    } catch (error) {
      if (!this.failing.has(part)) reportError(error);
      this.failing.add(part);
    }
  }

  paintCaption() {
    const caption = this.frame.caption ?? "";
    byId("caption").hidden = !caption && !this.transport.state.slow;
    const said = words().captions;
    const text = said[caption] ?? caption;
    if (byId("caption").textContent !== text) byId("caption").textContent = text;
    byId("caption").className = this.frame.turn ? `turn-${this.frame.turn}` : "";
  }

  paintSide(side) {
    const canvas = byId(`picture-${side}`);
    const frame = this.frames.shown[side];
    const said = words();
    const settings = {
      layers: this.layers, bounds: this.hello.bounds, history: this.frames.histories[side],
      marked: side === "a" ? this.marked : null, chosen: this.chosen, names: said.layer_names,
    };
    const paints = { points: paintPoints, images: paintImages, sequence: paintSequences };
    paints[this.hello.data](sharp(canvas), frame, settings);
    const { modes } = frame.numbers ?? {};
    const numbers = Number.isFinite(modes ?? NaN) && this.hello.modes ? said.modes_say(Math.round(modes), this.hello.modes) : "";
    const count = (kind) => frame.arrays[kind]?.shape[0] ?? frame[kind === "fake" ? "text" : "real_text"]?.length ?? 0;
    const label = said.picture_says(count("real"), count("fake"), numbers);
    if (canvas.getAttribute("aria-label") !== label) canvas.setAttribute("aria-label", label);
  }

  /** Paints the curves, less often than the picture. */
  paintCharts() {
    const wait = this.chartsPainted + CHART_PAUSE - performance.now();
    if (wait > 0) {
      this.chartTimer ??= setTimeout(() => {
        this.chartTimer = null;
        this.schedule();
      }, wait);
      return;
    }
    this.chartsPainted = performance.now();
    const { shown, histories: { a, b } } = this.frames;
    const histories = shown.b ? [a, b] : [a];
    this.attempt("charts", () => this.charts.paint(histories, this.frame.frame, this.events));
    this.attempt("graph", () => this.graph.paint(a.rows, this.frame.frame, this.frame.turn));
  }

  mark(place) {
    if (!this.marked && !place) return;
    this.marked = place;
    this.schedule();
  }

  choose(index) {
    this.chosen = index;
    this.schedule();
  }

  // -- layers, lessons and the other controls ------------------------------------------------

  showLayers() {
    const said = words();
    const legend = element("legend", { text: said.layers });
    byId("layers").replaceChildren(legend, ...this.layerNames.map((name) => element("label", { class: `layer layer-${name}` },
      element("input", { type: "checkbox", checked: this.layers[name], "data-layer": name, onchange: ({ target }) => this.toggleLayer(name, target.checked) }),
      element("span", { text: said.layer_names[name] }))));
    const keys = this.hello.data === "points"
      ? [["real", said.real], ["fake", said.fake], ["arrow", said.arrow], ["heat-real", said.heat_real], ["heat-fake", said.heat_fake]]
      : [["real", said.real], ["fake", said.fake]];
    byId("legend").replaceChildren(...keys.map(([name, text]) => element("span", { class: `swatch ${name}`, text })));
  }

  toggleLayer(name, on = !this.layers[name]) {
    this.layers[name] = on;
    const box = document.querySelector(`[data-layer="${name}"]`);
    if (box) box.checked = on;
    this.schedule();
  }

  showLessons() {
    const lessons = this.hello.choices?.lessons ?? [];
    const now = canonical(this.hello.recipe);
    const current = lessons.find(({ recipe }) => recipe && canonical(recipe) === now);
    refill(byId("lesson-cards"), ...lessons.map((lesson, place) => element("button", {
      class: "card", "aria-pressed": String(lesson === current), onclick: () => this.send({ kind: "start", lesson: lesson.name }),
    }, element("span", { class: "count", text: String(place + 1) }), lessonWords(lesson).title)));
    byId("lesson-text").hidden = !current;
    if (!current) return;
    byId("lesson-text").textContent = lessonWords(current).text;
    for (const name of current.points_to ?? []) {
      if (name in this.layers) this.toggleLayer(name, true);
      const boxes = name === "boxes" ? ".box-generator, .box-discriminator" : `[data-chart="${name}"], .box-${name}`;
      for (const place of document.querySelectorAll(boxes)) place.classList.add("pointed");
    }
  }

  connectControls() {
    const press = (name, act) => byId(name).addEventListener("click", act);
    press("banner-close", () => this.calmDown());
    press("copy-command", () => this.code && copy(this.code.command));
    press("copy-python", () => this.code && copy(this.code.python));
    press("copy-toml", () => this.code && copy(this.code.toml));
    press("copy-link", () => copy(location.href));
    press("save", () => {
      byId("share-status").textContent = "";
      this.send({ kind: "save", name: byId("save-name").value.trim() });
    });
    press("png", () => savePng(byId("picture-a"), this.fileName()));
    press("svg", () => this.frame && saveSvg(this.frame, { layers: this.layers, bounds: this.hello.bounds, history: this.frames.histories.a }, this.fileName()));
    press("clip", () => this.toggleClip());
    press("side-on", () => {
      const chosen = byId("side-tricks").value;
      this.send({ kind: "side", tricks: chosen ? [chosen] : [] });
    });
    press("side-off", () => {
      this.send({ kind: "side", off: true });
      this.showOneSide();
    });
    byId("language").value = languageName();
    byId("language").addEventListener("change", ({ target }) => {
      chooseLanguage(target.value);
      this.say();
    });
    addEventListener("hashchange", () => {
      const toml = recipeInAddress();
      if (toml && toml.trim() !== this.code?.toml.trim()) this.send({ kind: "start", toml });
    });
    whenThemeChanges(() => this.repaint());
    new ResizeObserver(() => this.repaint()).observe(byId("picture-a"));
  }

  repaint() {
    this.chartsPainted = 0;
    this.probe.paint();
    this.own.paint();
    this.schedule();
  }

  say() {
    sayWords();
    this.transport.say();
    this.own.paint();
    this.settings.say();
    this.diagnosed = null;
    if (this.hello) this.showRun();
  }

  toggleClip() {
    const on = !this.clip;
    byId("clip").setAttribute("aria-pressed", String(on));
    byId("clip").textContent = on ? words().clip_stop : words().clip;
    if (on) {
      this.clip = new Clip();
      this.clip.start(byId("picture-a"), this.fileName());
    } else {
      this.clip.stop();
      this.clip = null;
    }
  }

  fileName() {
    const { model, dataset, seed } = this.hello.recipe;
    return `${model}-${dataset}-seed${seed}-iteration${this.frame?.iteration ?? 0}`;
  }
}

/** Returns what a run is called. */
function titleOf({ model, tricks, dataset, seed }) {
  return `${[model, ...tricks].join(" + ")} · ${dataset} · seed ${seed}`;
}

/** Returns a lesson's title and text in the chosen language. */
function lessonWords(lesson) {
  return words().lesson_texts?.[lesson.name] ?? lesson;
}

/** Returns values as text in which keys are in order. */
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  return `{${Object.keys(value).sort().map((key) => `${key}:${canonical(value[key])}`).join()}}`;
}

new LabPage();
