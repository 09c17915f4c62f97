// SPDX-License-Identifier: MIT
// The recipe as a form: some settings change the run at once, the others begin another one.

import { element } from "./dom.js";
import { words } from "./language.js";

const RUNNING = [
  "recipe.generator_optimizer.learning_rate", "recipe.discriminator_optimizer.learning_rate",
  "recipe.generator_steps", "recipe.discriminator_steps",
];
const BETAS = ["recipe.generator_optimizer.betas", "recipe.discriminator_optimizer.betas"];
const NUMBERS = ["recipe.kimg", "recipe.batch_size", "recipe.latent_dim"];
const OPTIONS = { "recipe.prior": ["normal", "uniform"], "recipe.schedule": ["constant", "linear", "cosine"] };

const valueAt = (table, key) => key.split(".").reduce((inner, name) => inner?.[name], table);

export class SettingsForm {
  constructor(form, send) {
    this.form = form;
    this.send = send;
    this.fields = element("div");
    // The button stays when the form is built again, so that it keeps the focus.
    this.button = element("button", { class: "main", type: "submit", name: "restart" });
    form.replaceChildren(this.fields, this.button);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      setTimeout(() => this.startAgain()); // what was chosen in the field that was left for the button comes first
    });
  }

  /** Shows the settings of a run; `hello` says what there is to choose. */
  begin(hello) {
    this.hello = hello;
    this.resolved = hello.resolved;
    this.recipe = hello.recipe;
    this.tricks = [...hello.recipe.tricks];
    this.changed = {};
    this.build();
  }

  /** Says everything in the chosen language; what has been changed and not been sent stays. */
  say() {
    if (this.hello) this.build();
  }

  /** Takes back what the lab has not taken. */
  takeBack() {
    if (this.hello) this.update(this.resolved, this.recipe);
  }

  /** Takes note of settings that have changed while the run goes on, or that a fork has taken back. */
  update(resolved, recipe) {
    const before = this.allShown();
    this.resolved = resolved;
    this.recipe = recipe;
    this.tricks = recipe.tricks;
    for (const key of this.hello.changeable.filter((name) => name in this.changed)) {
      if (key in recipe.set) this.changed[key] = recipe.set[key];
      else delete this.changed[key];
    }
    if (this.allShown() !== before) this.build(); // a list that is open would close
  }

  /** Returns everything that the form shows, as text. */
  allShown() {
    const keys = ["loss", "model", "dataset", "seed", ...RUNNING, ...NUMBERS, ...BETAS, ...Object.keys(OPTIONS)];
    return JSON.stringify([keys.map((key) => this.value(key)), this.tricks, this.resolved.parameters, this.changed]);
  }

  build() {
    const { activeElement } = document;
    const held = this.fields.contains(activeElement) ? activeElement : null;
    const said = words();
    const { choices } = this.hello;
    const running = element("fieldset", {}, element("legend", { text: said.group_running }));
    running.append(this.choice("loss", said.loss, choices.losses, choices.summaries?.losses));
    for (const key of RUNNING) running.append(this.number(key));
    running.append(this.trickList(choices));
    const restart = element("fieldset", {}, element("legend", { text: said.group_restart }));
    restart.append(this.choice("model", said.model, choices.models, choices.summaries?.models));
    restart.append(this.choice("dataset", said.dataset, choices.datasets, choices.summaries?.datasets));
    restart.append(this.number("seed", said.seed));
    for (const key of NUMBERS) restart.append(this.number(key));
    for (const key of BETAS) if (valueAt(this.resolved, key)) restart.append(this.number(key));
    for (const [key, names] of Object.entries(OPTIONS)) restart.append(this.choice(key, said.fields[key], names));
    for (const [name, value] of Object.entries(this.resolved.parameters ?? {})) restart.append(this.parameter(`model.${name}`, value));
    this.button.textContent = said.restart;
    this.button.classList.toggle("waiting", Object.keys(this.changed).some((key) => !this.hello.changeable.includes(key)));
    const typed = held && isHalfTyped(held) ? held.value : null;
    if (held) held.settled = held.value; // it goes, and is not to be taken as it goes
    this.restart = restart;
    this.fields.replaceChildren(running, restart);
    if (held) this.holdAgain(held.name, typed);
  }

  /** Puts the focus back into a field that was built again, with what was being typed there. */
  holdAgain(name, typed) {
    const { elements } = this.form;
    const place = elements[name] ?? elements["add-trick"]; // the trick is gone
    place.focus({ preventScroll: true });
    if (typed === null || place.name !== name) return;
    place.value = typed;
    if (this.restart.contains(place)) place.dispatchEvent(new Event("change"));
  }

  value(key) {
    if (key in this.changed) return this.changed[key];
    return valueAt(this.resolved, key);
  }

  shown(key) {
    return BETAS.includes(key) ? this.value(key)[0] : this.value(key);
  }

  field(key, label, input, note) {
    input.name = key;
    const take = () => this.change(key, input);
    if (this.hello.changeable.includes(key)) whenSettled(input, take);
    else input.addEventListener("change", () => {
      input.settled = input.value;
      take();
    });
    input.settled = input.value;
    return element("label", { class: "field" }, element("span", { text: label }), input, note);
  }

  number(key, label = words().fields[key]) {
    const shown = this.shown(key);
    const input = element("input", { type: typeof shown === "number" ? "number" : "text", step: "any", value: shown ?? "", inputmode: "decimal" });
    return this.field(key, label, input);
  }

  /** Returns the field of a parameter of the model. */
  parameter(key, value) {
    const shown = this.changed[key] ?? value ?? "";
    const looks = typeof value === "boolean" ? { type: "checkbox", checked: shown } : { type: "text", value: shown };
    return this.field(key, key, element("input", looks));
  }

  choice(key, label, names, summaries) {
    const now = this.value(key);
    const all = now === undefined || names.includes(now) ? names : [now, ...names];
    const select = element("select", {}, ...all.map((name) => element("option", { value: name, text: name === "own-points" ? words().own_points : name, selected: name === now })));
    const note = summaries ? element("small", { text: summaries[now] ?? "" }) : null;
    if (note) select.addEventListener("change", () => (note.textContent = summaries[select.value] ?? ""));
    return this.field(key, label, select, note);
  }

  trickList(choices) {
    const said = words();
    const add = element("select", { name: "add-trick", "aria-label": said.add_trick }, element("option", { value: "", text: said.add_trick }),
      ...choices.tricks.filter((name) => !this.tricks.some((text) => text.split(":")[0] === name))
        .map((name) => element("option", { value: name, text: name, title: choices.summaries?.tricks?.[name] })));
    whenSettled(add, () => this.setTricks([...this.tricks, add.value]));
    const rows = this.tricks.map((text, place) => {
      const input = element("input", { type: "text", name: `trick-${place}`, value: text, "aria-label": text, title: choices.summaries?.tricks?.[text.split(":")[0]] });
      whenSettled(input, () => this.setTricks(this.tricks.with(place, input.value.trim())));
      const remove = element("button", { type: "button", name: `remove-${place}`, class: "quiet", text: "×", "aria-label": said.remove(text), onclick: () => this.setTricks(this.tricks.filter((_, at) => at !== place)) });
      return element("div", { class: "trick-row" }, input, remove);
    });
    return element("div", { class: "field tricks" }, element("span", { text: said.tricks }), ...rows, add);
  }

  setTricks(tricks) {
    this.tricks = tricks;
    this.build();
    this.send({ kind: "set", key: "tricks", value: tricks });
  }

  change(key, input) {
    let value = { number: input.valueAsNumber, checkbox: input.checked }[input.type] ?? input.value;
    if (input.type === "number" && !Number.isFinite(value)) {
      input.value = this.shown(key);
      return;
    }
    if (BETAS.includes(key)) value = [value, valueAt(this.resolved, key)[1]];
    if (this.hello.changeable.includes(key)) this.send({ kind: "set", key, value });
    else this.button.classList.add("waiting");
    this.changed[key] = value;
  }

  /** Begins another run: the recipe as it is now, with what has been changed here. */
  startAgain() {
    const { model = this.resolved.model, dataset = this.resolved.dataset, seed = this.resolved.seed, ...settings } = this.changed;
    const other = model !== this.resolved.model || dataset !== this.resolved.dataset;
    const set = { ...(other ? {} : this.recipe.set), ...settings };
    this.send({ kind: "start", recipe: { model, dataset, seed, tricks: this.tricks, set } });
  }
}

/**
 * Calls `take` when the value of a field is settled. With the keyboard every arrow would change the run: there a value is
 * settled by Enter, or when the field is left, and Escape takes it back.
 */
function whenSettled(input, take) {
  let byKey = false;
  const settle = () => {
    if (!input.isConnected || input.value === input.settled) return;
    input.settled = input.value;
    take();
    input.settled = input.value;
  };
  input.settled = input.value;
  input.addEventListener("pointerdown", () => (byKey = false));
  input.addEventListener("keydown", (event) => {
    byKey = event.key !== " "; // which opens a list, where one chooses before anything changes
    if (event.key === "Escape") input.value = input.settled;
    if (event.key !== "Enter" || (input.tagName === "SELECT" && input.value === input.settled)) return;
    event.preventDefault(); // Enter would begin another run
    settle();
  });
  input.addEventListener("change", () => byKey || settle());
  input.addEventListener("blur", () => whenReleased(settle));
}

let pressed = false;
const waiting = [];
addEventListener("pointerdown", () => (pressed = true), true);
for (const ends of ["pointerup", "pointercancel"]) {
  addEventListener(ends, () => {
    pressed = false;
    for (const act of waiting.splice(0)) setTimeout(act);
  }, true);
}

/**
 * Acts when the focus is where it goes, and the pointer that has moved it there is released: a form that changes its
 * height in between moves away the button that is being pressed.
 */
function whenReleased(act) {
  if (pressed) waiting.push(act);
  else setTimeout(act);
}

function isHalfTyped(field) {
  return field.matches("select, input:not([type=checkbox])") && field.value !== field.settled;
}
