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
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.startAgain();
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

  /** Takes note of settings that have changed while the run goes on, or that a fork has taken back. */
  update(resolved, recipe) {
    this.resolved = resolved;
    this.recipe = recipe;
    this.tricks = recipe.tricks;
    for (const key of this.hello.changeable.filter((name) => name in this.changed)) {
      if (key in recipe.set) this.changed[key] = recipe.set[key];
      else delete this.changed[key];
    }
    const active = document.activeElement;
    if (!this.form.contains(active) || active.tagName === "BUTTON") this.build();
  }

  build() {
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
    for (const [name, value] of Object.entries(this.resolved.parameters ?? {})) restart.append(this.text(`model.${name}`, value));
    this.button = element("button", { class: "main", type: "submit", text: said.restart });
    this.form.replaceChildren(running, restart, this.button);
  }

  value(key) {
    if (key in this.changed) return this.changed[key];
    return valueAt(this.resolved, key);
  }

  field(key, label, input, note) {
    input.name = key;
    input.addEventListener("change", () => this.change(key, input));
    return element("label", { class: "field" }, element("span", { text: label }), input, note);
  }

  number(key, label = words().fields[key]) {
    const value = this.value(key);
    const shown = BETAS.includes(key) ? value[0] : value;
    const input = element("input", { type: typeof shown === "number" ? "number" : "text", step: "any", value: shown ?? "", inputmode: "decimal" });
    return this.field(key, label, input);
  }

  text(key, value) {
    return this.field(key, key, element("input", { type: "text", value: this.changed[key] ?? value ?? "" }));
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
    const add = element("select", { "aria-label": said.add_trick }, element("option", { value: "", text: said.add_trick }),
      ...choices.tricks.filter((name) => !this.tricks.some((text) => text.split(":")[0] === name))
        .map((name) => element("option", { value: name, text: name, title: choices.summaries?.tricks?.[name] })));
    add.addEventListener("change", () => add.value && this.setTricks([...this.tricks, add.value]));
    const rows = this.tricks.map((text, place) => {
      const input = element("input", { type: "text", value: text, "aria-label": text, title: choices.summaries?.tricks?.[text.split(":")[0]] });
      input.addEventListener("change", () => this.setTricks(this.tricks.with(place, input.value.trim())));
      const remove = element("button", { type: "button", class: "quiet", text: "×", "aria-label": said.remove(text), onclick: () => this.setTricks(this.tricks.filter((_, at) => at !== place)) });
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
    let value = input.type === "number" ? input.valueAsNumber : input.value;
    if (input.type === "number" && !Number.isFinite(value)) return;
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
