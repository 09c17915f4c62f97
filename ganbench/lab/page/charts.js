// SPDX-License-Identifier: MIT
// The numbers over training, as small curves.

import { brief, element, sharp } from "./dom.js";
import { words } from "./language.js";
import { palette } from "./theme.js";

const PAD = { left: 4, right: 4, top: 6, bottom: 6 };

/** Returns what each chart shows: its series, and the range of its axis. */
function chartList(said, modes) {
  return [
    { name: "losses", title: said.losses, series: [["discriminator_loss", "real", said.discriminator_loss], ["generator_loss", "fake", said.generator_loss]] },
    { name: "modes", title: said.modes, series: [["modes", "ink"]], low: 0, high: modes, unit: modes ? said.of_modes(modes) : "" },
    { name: "high_quality", title: said.high_quality, series: [["high_quality", "ink"]], low: 0, high: 1, percent: true },
    { name: "js", title: said.js, series: [["js", "ink"]], floor: "js_floor", low: 0, high: Math.LN2, unit: said.nats },
    { name: "reverse_kl", title: said.reverse_kl, series: [["reverse_kl", "ink"]], floor: "reverse_kl_floor", low: 0, unit: said.nats },
  ];
}

export class Charts {
  constructor(place) {
    this.place = place;
  }

  /** Begins with the charts of a run. */
  begin(modes) {
    this.charts = chartList(words(), modes);
    this.place.replaceChildren();
    for (const chart of this.charts) {
      chart.canvas = element("canvas", { role: "img" });
      chart.value = element("span", { class: "value" });
      chart.figure = element("figure", { "data-chart": chart.name, hidden: true },
        element("figcaption", {}, element("span", { text: chart.title }), chart.value), chart.canvas);
      if (chart.series.length > 1) chart.figure.append(element("p", { class: "key" },
        ...chart.series.map(([, color, label]) => element("span", { class: `swatch ${color}`, text: label }))));
      if (chart.floor) chart.figure.append(element("p", { class: "key" }, element("span", { class: "swatch floor", text: words().floor })));
      this.place.append(chart.figure);
    }
  }

  /** Paints the curves of the sides, with a cursor at a frame, and the frames of events. */
  paint(histories, frame, events) {
    for (const chart of this.charts ?? []) {
      const keys = chart.series.map(([key]) => key);
      const known = histories.some(({ rows }) => rows.some(({ numbers }) => keys.some((key) => Number.isFinite(numbers?.[key] ?? NaN))));
      chart.figure.hidden = !known;
      if (known) paintChart(chart, histories, frame, events);
    }
  }
}

function valuesOf(rows, key) {
  return rows.map(({ iteration, numbers }) => [iteration, numbers?.[key] ?? NaN]).filter(([, value]) => Number.isFinite(value));
}

function paintChart(chart, histories, frame, events) {
  const colors = palette();
  const { context, width, height } = sharp(chart.canvas);
  context.clearRect(0, 0, width, height);
  const curves = [];
  histories.forEach(({ rows }, side) => {
    for (const [key, color] of chart.series) curves.push({ key, color, side, values: valuesOf(rows, key) });
  });
  const floors = chart.floor ? valuesOf(histories[0].rows, chart.floor) : [];
  const all = [...curves.flatMap(({ values }) => values), ...floors];
  const end = Math.max(1, ...histories.map(({ rows }) => rows.at(-1)?.iteration ?? 0));
  const levels = all.map(([, value]) => value).sort((a, b) => a - b);
  const inner = (share) => levels[Math.floor(share * (levels.length - 1))];
  let [low, high] = [chart.low ?? inner(0.005), chart.high ?? 1.05 * inner(0.995)];
  if (!(high > low)) [low, high] = [low - 0.5, low + 0.5];
  const x = (iteration) => PAD.left + ((width - PAD.left - PAD.right) * iteration) / end;
  const y = (value) => height - PAD.bottom - (height - PAD.top - PAD.bottom) * Math.max(-0.05, Math.min(1.05, (value - low) / (high - low)));
  context.strokeStyle = colors.line;
  context.lineWidth = 1;
  for (const level of [0, 0.5, 1]) line(context, [[0, y(low + level * (high - low))], [width, y(low + level * (high - low))]]);
  context.setLineDash([2, 3]);
  for (const { iteration } of events) line(context, [[x(iteration), 0], [x(iteration), height]]);
  if (floors.length) {
    context.strokeStyle = colors.muted;
    line(context, floors.map(([at, value]) => [x(at), y(value)]));
  }
  for (const { color, side, values } of curves) {
    context.strokeStyle = colors[color];
    context.lineWidth = 1.6;
    context.setLineDash(side ? [5, 3] : []);
    context.globalAlpha = side ? 0.75 : 1;
    line(context, thinned(values, 2 * width).map(([at, value]) => [x(at), y(value)]));
  }
  context.globalAlpha = 1;
  context.setLineDash([]);
  const now = histories[0].rows.find((row) => row.frame >= frame) ?? histories[0].rows.at(-1);
  if (now) {
    context.strokeStyle = colors.muted;
    line(context, [[x(now.iteration), 0], [x(now.iteration), height]]);
  }
  say(chart, curves, now, histories);
}

function say(chart, curves, now, histories) {
  const shown = (value) => (chart.percent && Number.isFinite(value) ? `${(100 * value).toFixed(value > 0.1 ? 0 : 1)} %`
    : chart.name === "modes" && Number.isFinite(value) ? String(Math.round(value)) : brief(value));
  const texts = chart.series.map(([key]) => shown(now?.numbers?.[key] ?? NaN));
  const other = histories[1]?.rows.find((row) => row.iteration >= (now?.iteration ?? 0)) ?? histories[1]?.rows.at(-1);
  const others = other && chart.series.length === 1 ? ` | ${shown(other.numbers?.[chart.series[0][0]] ?? NaN)}` : "";
  const unit = texts.includes("–") ? "" : chart.unit ?? "";
  chart.value.textContent = `${texts.join(" / ")}${others} ${unit}`.trim();
  const first = curves[0]?.values[0]?.[1];
  chart.canvas.setAttribute("aria-label", words().chart_says(chart.title, chart.value.textContent, shown(first)));
}

function thinned(values, most) {
  const every = Math.ceil(values.length / most);
  return every <= 1 ? values : values.filter((_, at) => at % every === 0 || at === values.length - 1);
}

export function line(context, places) {
  context.beginPath();
  places.forEach(([x, y], at) => (at ? context.lineTo(x, y) : context.moveTo(x, y)));
  context.stroke();
}

/** Paints a curve without axes over the whole canvas; logarithmic where values span far. */
export function sparkline(canvas, values, color) {
  const { context, width, height } = sharp(canvas);
  context.clearRect(0, 0, width, height);
  const known = thinned(values.filter(Number.isFinite).map((value, at) => [at, value]), width);
  if (known.length < 2) return;
  const levels = known.map(([, value]) => value);
  const [low, high] = [Math.min(...levels), Math.max(...levels)];
  const logarithmic = low > 0 && high / low > 20;
  const scale = (value) => (logarithmic ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low || 1));
  context.strokeStyle = color;
  context.lineWidth = 1.3;
  const last = known.at(-1)[0];
  line(context, known.map(([at, value]) => [1 + ((width - 2) * at) / last, height - 2 - (height - 4) * scale(value)]));
}
