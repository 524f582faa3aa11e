// One cell: which one, and all that its record holds.
const groupOf = (cell) => data.groups[cell.group];
const cellState = { key: "" };

function whereIs(key) {
  const group = data.cells[key].group;
  for (const [line, { cells }] of data.groups[group].lines.entries())
    for (const [column, keys] of cells.entries()) if (keys.includes(key)) return { group, line, column, keys };
  return null;
}

function choices(place, key) {
  const group = data.groups[place.group];
  fill(byId("cell-group"), data.groups.map((one, i) => [i, one.name]), place.group);
  fill(byId("cell-line"), group.lines.map((line, i) => [i, line.title]).filter(([i]) => group.lines[i].cells.some((keys) => keys.length)), place.line);
  fill(byId("cell-count"), group.counts.map((count, i) => [i, String(count)]).filter(([i]) => group.lines[place.line].cells[i].length), place.column);
  fill(byId("cell-seed"), place.keys.map((one) => [one, String(data.cells[one].seed)]), key);
}

// The cell that the four fields name, or the nearest one that was run.
function keyFromFields(changed) {
  const lines = data.groups[Number(byId("cell-group").value)].lines;
  if (changed === "cell-seed") return byId("cell-seed").value;
  const some = (line) => line && line.cells.some((keys) => keys.length);
  let line = changed === "cell-group" ? null : lines[Number(byId("cell-line").value)];
  if (changed === "cell-group") {
    const title = byId("cell-line").selectedOptions[0]?.textContent;
    line = lines.find((one) => one.title === title && some(one)) || lines.find(some);
  }
  const column = Number(byId("cell-count").value);
  const keys = changed !== "cell-group" && line.cells[column]?.length ? line.cells[column] : line.cells.find((one) => one.length);
  const seed = data.cells[cellState.key]?.seed;
  return keys.find((key) => data.cells[key].seed === seed) || keys[0];
}

function showCell(key) {
  const place = Object.hasOwn(data.cells, key) && whereIs(key);
  if (!place) return false;
  cellState.key = key;
  choices(place, key);
  drawCell();
  return true;
}

function drawCell() {
  const cell = data.cells[cellState.key];
  const body = byId("cell-body");
  body.replaceChildren();
  if (!cell) {
    put(body, "p", {}, "There is no record.");
    return;
  }
  const place = whereIs(cellState.key);
  const line = groupOf(cell).lines[place.line];
  put(body, "h3", {}, `${line.title}, ${cell.minority} minority images, seed ${cell.seed} \u2013 ${groupOf(cell).name}`);
  if (cell.status !== "ok") put(body, "p", { class: "warn" }, `${data.words[cell.status]}: ${cell.reason || "no reason was kept"}`);
  if (!cell.intact) put(body, "p", { class: "warn" }, "The checksum is wrong: the record was edited by hand or is damaged.");
  for (const note of cell.notes) put(body, "p", {}, `Note: ${note}`);
  if (cell.skipped) put(body, "p", {}, `${cell.skipped} images were left out: copies of test images, or undecodable.`);
  const panels = put(body, "div", { class: "panels" });
  confusionPanel(panels, cell);
  scoresPanel(panels, cell);
  pairsPanel(panels, "Training", trainingPairs(cell, line));
  curvePanels(body, cell, line.method);
  wrongPanel(body, cell);
  for (const one of cell.pictures) picturePanel(body, one);
  put(body, "h4", {}, "End of its log");
  if (cell.log) put(body, "pre", { tabindex: 0 }, cell.log);
  else put(body, "p", { class: "soft" }, "There is none: the training said nothing, or the log is not beside the record.");
  more(body, "Settings", data.settings[cell.settings]);
  more(body, "Environment", data.environments[cell.environment]);
}

const className = (cell, label) => data.classes[cell.group][label] ?? (label === 0 ? "majority" : data.groups.length && label === 1 ? "minority" : `minority ${label}`);

function confusionPanel(box, cell) {
  const panel = put(box, "div");
  put(panel, "h4", {}, "Confusion on the test images");
  if (!cell.confusion) {
    put(panel, "p", { class: "soft" }, `None: ${cell.no_outputs}.`);
    return;
  }
  const table = put(put(panel, "div", { class: "wide" }), "table", { class: "confusion" });
  const head = put(put(table, "thead"), "tr");
  put(head, "th", { scope: "col" }, "true \\ called");
  cell.confusion.forEach((_, label) => put(head, "th", { scope: "col", class: "r" }, className(cell, label)));
  const body = put(table, "tbody");
  cell.confusion.forEach((row, label) => {
    const tr = put(body, "tr");
    put(tr, "th", { scope: "row" }, className(cell, label));
    row.forEach((count, called) => put(tr, "td", { class: called === label ? "r hit" : "r" }, String(count)));
  });
}

function scoresPanel(box, cell) {
  const names = Object.keys(cell.scores);
  if (names.length) pairsPanel(box, "Scores", names.map((name) => [name, shown(cell.scores[name], 4)]));
}

function trainingPairs(cell, line) {
  const pairs = [["training images", cell.train.join(" + ")], ["sampled as", cell.sampled.map((n) => +n.toPrecision(4)).join(" + ")], ["test images", cell.test.join(" + ")]];
  const units = { prepare: "prepare (s)", fit: "fit (s)", predict: "predict (s)", peak_mb: "peak (MB)", peak_gpu_mb: "peak on the card (MB)" };
  for (const [name, value] of Object.entries(cell.cost)) pairs.push([units[name] ?? name.replaceAll("_", " "), value === null ? "" : String(+value.toPrecision(4))]);
  if (cell.shared) pairs.push(["training shared with", cell.shared]);
  for (const [part, version] of Object.entries(cell.versions)) pairs.push([`part ${part}`, `version ${version}`]);
  return [...pairs, ["started", cell.started], ["commit", cell.commit], ["key", cell.key]].filter(([, value]) => value);
}

function pairsPanel(box, title, pairs) {
  const panel = put(box, "div");
  put(panel, "h4", {}, title);
  const list = put(panel, "dl", { class: "pairs" });
  for (const [name, value] of pairs) {
    put(list, "dt", {}, name);
    put(list, "dd", {}, value);
  }
}

function more(box, title, plain) {
  const details = put(box, "details");
  put(details, "summary", {}, title);
  const list = put(details, "dl", { class: "pairs" });
  for (const [name, value] of Object.entries(plain)) {
    put(list, "dt", {}, name);
    put(list, "dd", {}, value);
  }
}

function curvePanels(body, cell, method) {
  if (!cell.curves) return;
  cell.curves.forEach((curves, i) => {
    const name = className(cell, i + 1);
    const box = put(body, "div", { class: "panels" });
    drawInto(box, [
      ["Reliability", `mean probability of ${name}`, `share of ${name}`, curves.reliability, "bins"],
      ["ROC", "false positive rate", "true positive rate", curves.roc, "line"],
      ["Precision and recall", "recall", "precision", curves.pr, "steps"],
    ].map((one) => [one[0], "h4", (figure) => curve(figure, method, ...one)]));
  });
}

function curve(figure, method, title, x, y, points, kind) {
  const width = widthOf(figure, 360);
  const at = frame(figure, { width, height: Math.min(280, width * 0.85), left: 52, x: { low: 0, high: 1, label: clip(x, 40), most: 5 }, y: { low: 0, high: 1, label: clip(y, 32) }, label: title });
  if (kind !== "steps") draw(at.svg, "path", { class: "trivial", d: `M${at.sx(0)} ${at.sy(0)}L${at.sx(1)} ${at.sy(1)}` });
  const g = draw(at.svg, "g", { class: `m${method} strong` });
  const spot = ([a, b]) => `${at.sx(a).toFixed(1)} ${at.sy(b).toFixed(1)}`;
  if (kind === "line") draw(g, "path", { class: "line", d: `M${points.map(spot).join("L")}` });
  // Average precision goes from one recall to the next at the precision of the latter.
  if (kind === "steps") draw(g, "path", { class: "line", d: `M${at.sx(0)} ${at.sy(points[0][1])}${points.map(([a, b]) => `V${at.sy(b).toFixed(1)}H${at.sx(a).toFixed(1)}`).join("")}` });
  if (kind !== "bins") return;
  const most = Math.max(...points.map((point) => point[2]));
  draw(g, "path", { class: "line", d: `M${points.map(spot).join("L")}`, "stroke-dasharray": "2 3" });
  for (const point of points) {
    const dot = draw(g, "circle", { class: "bin", cx: at.sx(point[0]), cy: at.sy(point[1]), r: (3 + 7 * Math.sqrt(point[2] / most)).toFixed(1) });
    draw(dot, "title", {}, `${point[2]} images: mean probability ${shown(point[0])}, share ${shown(point[1])}`);
  }
  put(figure, "figcaption", {}, "The larger a ring, the more test images; on the dashed line probabilities are right.");
}

function wrongPanel(body, cell) {
  if (cell.wrong_count === undefined) return;
  put(body, "h4", {}, `Test images it got wrong: ${cell.wrong_count}`);
  if (!cell.wrong) {
    put(body, "p", { class: "soft" }, `Not shown: ${cell.no_images}.`);
    return;
  }
  if (cell.wrong.length < cell.wrong_count) put(body, "p", { class: "soft" }, cell.wrong.length ? `${cell.wrong.length} of them, the surest mistakes of each class.` : "Not shown: there was no room left in the page.");
  const list = put(body, "ul", { class: "gallery" });
  for (const [row, truth, called, sure] of cell.wrong) {
    const item = put(list, "li");
    const text = `a ${className(cell, truth)}, called ${className(cell, called)} (${shown(sure, 2)})`;
    put(item, "img", { src: data.images[cell.group][row], alt: `test image ${row}`, width: 96, height: 96 });
    item.append(text);
  }
}

function picturePanel(body, one) {
  put(body, "h4", {}, { samples: "Sample translations", losses: "Losses of the generators" }[one.name.split("-")[0]] || one.name);
  if (one.data) put(body, "img", { class: "made", src: one.data, alt: one.name });
  else put(body, "p", { class: "soft" }, `Not shown: ${one.file} ${one.reason}.`);
}
