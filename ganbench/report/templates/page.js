(() => {
  "use strict";

  // What is long is kept as gzip in base64, so that a page is one small file.
  async function unpacked(id) {
    const packed = atob(document.getElementById(id).textContent);
    const bytes = Uint8Array.from(packed, (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).text();
  }

  async function loadVega() {
    const script = document.createElement("script");
    script.textContent = await unpacked("vega");
    document.head.append(script);
  }

  // Of columns that share a number of rows: [{name: value, ...}, ...], without empty values.
  function rowsOf(columns) {
    const names = Object.keys(columns);
    const count = names.length ? columns[names[0]].length : 0;
    return Array.from({ length: count }, (_, index) => {
      const present = names.filter((name) => columns[name][index] !== null);
      return Object.fromEntries(present.map((name) => [name, columns[name][index]]));
    });
  }

  // The expression interpreter (ast) needs no eval, which the page's own policy forbids.
  const ERRORS = 1;  // a single seed has no interval, which Vega would warn of
  const options = { renderer: "svg", actions: false, ast: true, logLevel: ERRORS };
  const loaded = Promise.all([unpacked("charts").then(JSON.parse), loadVega()]);

  async function draw(place) {
    if (place.dataset.drawn) return;
    place.dataset.drawn = "yes";
    const group = place.closest(".charts");
    try {
      const [{ panels, data }] = await loaded;
      group.classList.add("drawn");  // from here on it has a width to fit into
      const { spec, data: name } = panels[place.dataset.chart];
      const datasets = { ...spec.datasets, [name]: rowsOf(data[name]) };
      const autosize = { type: "fit-x", contains: "padding" };
      await vegaEmbed(place, { ...spec, datasets, autosize }, { ...options, mode: "vega-lite" });
    } catch (error) {
      group.classList.remove("drawn");  // its still picture says the same
      console.error(error);
    }
  }

  // One after the other, so that the page can be read and scrolled while they are drawn.
  const waiting = [];
  let drawing = false;

  function next() {
    drawing = waiting.length > 0;
    if (drawing) draw(waiting.shift()).then(() => setTimeout(next));
  }

  function drawVisible(root) {
    // Inside a closed <details> a chart has no width to fit into: it waits to be opened.
    const charts = [...root.querySelectorAll(".chart")];
    waiting.push(...charts.filter((place) => !place.closest("details:not([open])")));
    if (!drawing) next();
  }

  // On paper nothing can be opened; charts are still pictures there.
  let opened = [];
  let printing = false;
  addEventListener("beforeprint", () => {
    printing = true;
    opened = [...document.querySelectorAll("details:not([open])")];
    for (const details of opened) details.open = true;
  });
  addEventListener("afterprint", () => {
    for (const details of opened) details.open = false;
    printing = false;
  });

  for (const details of document.querySelectorAll("details")) {
    details.addEventListener("toggle", () => details.open && !printing && drawVisible(details));
  }
  addEventListener("load", () => drawVisible(document));
})();
