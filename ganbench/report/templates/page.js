(() => {
  "use strict";
  const { panels, data } = JSON.parse(document.getElementById("charts").textContent);

  // The expression interpreter (ast) needs no eval, which the page's own policy forbids.
  const options = { renderer: "svg", actions: false, ast: true };

  function draw(place) {
    const panel = panels[place.dataset.chart];
    if (!panel || place.dataset.drawn) return Promise.resolve();
    place.dataset.drawn = "yes";
    const name = panel.data;
    const spec = { ...panel.spec, datasets: { ...panel.spec.datasets, [name]: data[name] } };
    spec.autosize = { type: "fit-x", contains: "padding" };
    return vegaEmbed(place, spec, { ...options, mode: "vega-lite" }).catch((error) => {
      place.textContent = "This chart cannot be drawn: " + error.message;
      console.error(error);
    });
  }

  // One after the other, so that the page can be read and scrolled while they are drawn.
  const waiting = [];
  let drawing = false;

  function next() {
    drawing = waiting.length > 0;
    if (drawing) draw(waiting.shift()).then(() => setTimeout(next));
  }

  function visible(root) {
    // Inside a closed <details> a chart has no width to fit into: it waits to be opened.
    return [...root.querySelectorAll(".chart")].filter(
      (place) => !place.closest("details:not([open])"),
    );
  }

  function drawVisible(root) {
    waiting.push(...visible(root));
    if (!drawing) next();
  }

  for (const details of document.querySelectorAll("details")) {
    details.addEventListener("toggle", () => details.open && drawVisible(details));
  }
  addEventListener("beforeprint", () => visible(document).forEach(draw));
  addEventListener("load", () => drawVisible(document));
})();
