(() => {
  "use strict";
  const { panels, data } = JSON.parse(document.getElementById("charts").textContent);

  // The expression interpreter (ast) needs no eval, which the page's own policy forbids.
  const options = { renderer: "svg", actions: false, ast: true };

  function draw(place) {
    const panel = panels[place.dataset.chart];
    if (!panel || place.dataset.drawn) return;
    place.dataset.drawn = "yes";
    const name = panel.data;
    const spec = { ...panel.spec, datasets: { ...panel.spec.datasets, [name]: data[name] } };
    spec.autosize = { type: "fit-x", contains: "padding" };
    vegaEmbed(place, spec, { ...options, mode: "vega-lite" }).catch((error) => {
      place.textContent = "This chart cannot be drawn: " + error.message;
      console.error(error);
    });
  }

  function drawVisible(root) {
    for (const place of root.querySelectorAll(".chart")) {
      // Inside a closed <details> a chart has no width to fit into: it waits to be opened.
      if (!place.closest("details:not([open])")) draw(place);
    }
  }

  for (const details of document.querySelectorAll("details")) {
    details.addEventListener("toggle", () => details.open && drawVisible(details));
  }
  addEventListener("beforeprint", () => drawVisible(document));
  drawVisible(document);
})();
