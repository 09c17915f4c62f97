// What a reader does with a page: sort and filter its tables, copy commands, look at samples closely.
// Everything is there without it; it adds buttons, and moves nothing that it did not add.
(() => {
  "use strict";

  const make = (tag, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };

  const said = make("p", { className: "said", role: "status" });
  document.body.append(said);
  const say = (words) => { said.textContent = words; };

  // -- tables: a click on a head sorts, up, down, and as it was ------------------------------------

  function sortable(table) {
    const heads = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
    if (table.tHead.rows.length > 1) return;  // heads in two lines have no column of their own
    const body = table.tBodies[0];
    const given = [...body.rows];
    heads.forEach((head, column) => {
      const button = make("button", { type: "button", className: "sort" }, ...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const next = { ascending: "descending", descending: "none" }[head.ariaSort] ?? "ascending";
        for (const other of heads) other.removeAttribute("aria-sort");
        if (next !== "none") head.ariaSort = next;
        const sign = next === "descending" ? -1 : 1;
        const rows = given.filter((row) => !row.classList.contains("reference"));
        if (next !== "none") rows.sort((left, right) => compare(left, right, column, sign));
        body.append(...rows, ...given.filter((row) => row.classList.contains("reference")));
        say(next === "none" ? "Sorted as written" : `Sorted by ${button.textContent}, ${next}`);
      });
    });
  }

  // Rows without a value stay at the end, whichever way a column is sorted.
  function compare(left, right, column, sign) {
    const [first, second] = [left, right].map((row) => valueOf(cellOf(row, column)));
    if (first === null || second === null) return (first === null) - (second === null);
    if (typeof first === "number" && typeof second === "number") return sign * (first - second);
    return sign * String(first).localeCompare(String(second), "en", { numeric: true });
  }

  // A cell that spans several columns has the value of none of them.
  function cellOf(row, column) {
    let begin = 0;
    for (const cell of row.cells) {
      if (column < begin + cell.colSpan) return cell.colSpan === 1 ? cell : null;
      begin += cell.colSpan;
    }
    return null;
  }

  function valueOf(cell) {
    if (!cell) return null;
    if (cell.dataset.value !== undefined) return Number(cell.dataset.value);
    const text = cell.textContent.trim();
    if (!text || text === "–") return null;
    return cell.classList.contains("number") ? numberOf(cell) : text;
  }

  // A figure may have "<" before it, k or M after it, and notes below it, which are no part of it.
  function numberOf(cell) {
    const bare = cell.cloneNode(true);
    bare.querySelectorAll("small").forEach((note) => note.remove());
    const text = bare.textContent.replaceAll(",", "").replace("−", "-");
    const found = /(<?)\s*(-?\d*\.?\d+(?:e[+-]?\d+)?)\s*([kM]\b)?/.exec(text);
    if (!found) return null;
    const number = Number(found[2]) * ({ k: 1e3, M: 1e6 }[found[3]] ?? 1);
    return found[1] ? number - Math.abs(number) / 1000 : number;
  }

  // -- a field that filters a table, and the samples of the same chapter ---------------------------

  const FEW = 6;  // a shorter table is seen at a glance

  function filterable(table) {
    const rows = [...table.tBodies[0].rows].filter((row) => row.dataset.variant);
    if (rows.length < FEW) return;
    const chapter = table.closest("section") ?? document;
    const figures = [...chapter.querySelectorAll("figure[data-variant]")];
    const count = make("span", { className: "count" });
    const field = make("input", { type: "search", placeholder: "r1, -ema", spellcheck: false });
    const label = make("label", { className: "filter" }, "Filter variants ", field, " ", count);
    table.closest(".scroll").before(label);
    field.addEventListener("input", () => {
      const words = field.value.toLowerCase().split(/[\s,]+/).filter(Boolean);
      const shown = (name) => words.every((word) =>
        word.startsWith("-") ? word === "-" || !name.includes(word.slice(1)) : name.includes(word));
      for (const row of rows) row.hidden = !shown(row.dataset.variant.toLowerCase());
      for (const figure of figures) figure.hidden = !shown(figure.dataset.variant.toLowerCase());
      const left = rows.filter((row) => !row.hidden).length;
      count.textContent = words.length ? `${left} of ${rows.length}` : "";
    });
  }

  // -- commands to copy ----------------------------------------------------------------------------

  function copied(text, button) {
    // A page that was opened as a file may not write to the clipboard without asking.
    const selected = () => {
      const area = make("textarea", { value: text });
      document.body.append(area);
      area.select();
      const done = document.execCommand("copy");
      area.remove();
      return done;
    };
    const written = navigator.clipboard ? navigator.clipboard.writeText(text) : Promise.reject();
    written.catch(() => selected() || Promise.reject()).then(
      () => { button.textContent = "copied"; say(`Copied: ${text}`); },
      () => { prompt("Copy this command:", text); },
    ).finally(() => setTimeout(() => { button.textContent = "copy command"; }, 1500));
  }

  for (const row of document.querySelectorAll("tr[data-command]")) {
    const button = make("button", { type: "button", className: "copy" }, "copy command");
    button.title = row.dataset.command;
    button.addEventListener("click", () => copied(row.dataset.command, button));
    row.cells[0].append(button);
  }

  // -- samples, as large as the window -------------------------------------------------------------

  const figures = [...document.querySelectorAll("figure > img")];
  if (figures.length) {
    const large = make("img", { alt: "" });
    const title = make("p");
    const button = (words, step) => {
      const made = make("button", { type: "button" }, words);
      made.addEventListener("click", () => (step ? show(at + step) : dialog.close()));
      return made;
    };
    const dialog = make("dialog", { className: "zoom" }, large, title,
      make("div", {}, button("← earlier", -1), button("later →", 1), button("close", 0)));
    dialog.setAttribute("aria-label", "Samples");
    document.body.append(dialog);
    let at = 0;

    function show(index) {
      const open = figures.filter((image) => image.checkVisibility?.() ?? true);
      const shown = open.length ? open : figures;
      at = (index + shown.length) % shown.length;
      large.src = shown[at].src;
      large.alt = title.textContent = shown[at].alt;
      // Whole multiples keep pixels square.
      const room = Math.min(innerWidth * 0.94 / shown[at].naturalWidth,
        (innerHeight - 130) / shown[at].naturalHeight);
      large.style.width = `${shown[at].naturalWidth * (room >= 1 ? Math.floor(room) : room)}px`;
      if (!dialog.open) dialog.showModal();
    }

    for (const image of figures) {
      const opener = make("button", { type: "button", className: "enlarge" });
      opener.setAttribute("aria-label", `Enlarge: ${image.alt}`);
      image.before(opener);
      opener.append(image);
      opener.addEventListener("click", () =>
        show(figures.filter((other) => other.checkVisibility?.() ?? true).indexOf(image)));
    }
    dialog.addEventListener("keydown", (event) => {
      if (event.key === "ArrowLeft") show(at - 1);
      if (event.key === "ArrowRight") show(at + 1);
    });
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  }

  // -- samples along training: a slider, and a button that moves it ---------------------------------

  const A_FRAME = 600;  // milliseconds

  function playable(strips) {
    const runs = [...strips.querySelectorAll("figure")].map((figure) => ({
      frames: figure.querySelector(".frames"),
      image: figure.querySelector("img"),
      words: figure.querySelector(".times"),
      label: figure.querySelector(".frames").getAttribute("aria-label"),
      times: figure.dataset.kimg.split(" ").map(Number),
    }));
    const times = [...new Set(runs.flatMap((run) => run.times))].sort((left, right) => left - right);
    const shown = (kimg) => kimg.toLocaleString("en", { maximumSignificantDigits: 3 });
    const slider = make("input", { type: "range", min: 0, max: times.length - 1, step: 1 });
    const output = make("output");
    const play = make("button", { type: "button" }, "play");
    const player = make("div", { className: "player" },
      play, make("label", {}, "after", slider), output);
    strips.before(player);
    strips.classList.add("played");
    for (const run of runs) {  // its frames fit: there is nothing to scroll
      run.frames.removeAttribute("tabindex");
      run.frames.removeAttribute("role");
      run.frames.removeAttribute("aria-label");
    }

    function show(place) {
      const now = times[place];
      slider.value = place;
      output.textContent = `${shown(now)} kimg`;
      slider.setAttribute("aria-valuetext", `${shown(now)} thousand images`);
      for (const run of runs) {
        // A run that ended early stays at its end, one that has drawn nothing yet at its beginning.
        const frame = Math.max(0, run.times.findLastIndex((kimg) => kimg <= now));
        run.frames.style.setProperty("--at", frame);
        run.words.textContent = shown(run.times[frame]);
        run.image.alt = `${run.label}, after ${shown(run.times[frame])} thousand images`;
      }
    }

    let timer = 0;
    function stop() {
      clearInterval(timer);
      timer = 0;
      play.textContent = "play";
    }
    play.addEventListener("click", () => {
      if (timer) return stop();
      play.textContent = "pause";
      show(Number(slider.value) < times.length - 1 ? Number(slider.value) : 0);
      timer = setInterval(() => {
        show(Number(slider.value) + 1);
        if (Number(slider.value) === times.length - 1) stop();
      }, A_FRAME);
    });
    slider.addEventListener("input", () => { stop(); show(Number(slider.value)); });
    show(times.length - 1);
  }

  for (const strips of document.querySelectorAll(".strips")) playable(strips);
  for (const table of document.querySelectorAll("table")) sortable(table);
  for (const table of document.querySelectorAll("table.explore")) filterable(table);
})();
