// The section "Cells": its form, and all data of one record.
const groupOf = (cell) => data.groups[cell.group];
const cellState = { key: "" };

// Position of a cell: indices of its group, row and column, and the keys of that column.
function findCell(key) {
  const group = data.cells[key].group;
  for (const [line, { cells }] of data.groups[group].lines.entries())
    for (const [column, keys] of cells.entries()) if (keys.includes(key)) return { group, line, column, keys };
  return null;
}

function fillForm(position, key) {
  const group = data.groups[position.group];
  fill(byId("cell-group"), data.groups.map((item, i) => [i, item.name]), position.group);
  fill(byId("cell-line"), group.lines.map((line, i) => [i, line.title]).filter(([i]) => group.lines[i].cells.some((keys) => keys.length)), position.line);
  fill(byId("cell-count"), group.counts.map((count, i) => [i, group.labels[count]]).filter(([i]) => group.lines[position.line].cells[i].length), position.column);
  fill(byId("cell-seed"), position.keys.map((item) => [item, String(data.cells[item].seed)]), key);
}

// The cell that the four fields name, or the nearest cell with a record.
function keyFromFields(changed) {
  const lines = data.groups[Number(byId("cell-group").value)].lines;
  if (changed === "cell-seed") return byId("cell-seed").value;
  const hasCells = (line) => line && line.cells.some((keys) => keys.length);
  let line = changed === "cell-group" ? null : lines[Number(byId("cell-line").value)];
  if (changed === "cell-group") {
    const title = byId("cell-line").selectedOptions[0]?.textContent;
    line = lines.find((item) => item.title === title && hasCells(item)) || lines.find(hasCells);
  }
  const column = Number(byId("cell-count").value);
  const keys = changed !== "cell-group" && line.cells[column]?.length ? line.cells[column] : line.cells.find((found) => found.length);
  const seed = data.cells[cellState.key]?.seed;
  return keys.find((key) => data.cells[key].seed === seed) || keys[0];
}

function showCell(key) {
  const position = Object.hasOwn(data.cells, key) && findCell(key);
  if (!position) return false;
  cellState.key = key;
  fillForm(position, key);
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
  const line = groupOf(cell).lines[findCell(cellState.key).line];
  put(body, "h3", {}, `${line.title}, ${cell.minority} minority images, seed ${cell.seed} \u2013 ${groupOf(cell).name}`);
  if (cell.status !== "ok") put(body, "p", { class: "warn" }, `${data.words[cell.status]}: ${cell.reason || "no reason was recorded"}`);
  if (cell.brief) {
    scoresPanel(put(body, "div", { class: "panels" }), cell);
    put(body, "p", { class: "soft" }, `The rest of this cell is not in the page, to keep it small; its key is ${cell.key}.`);
    return;
  }
  if (!cell.intact) put(body, "p", { class: "warn" }, "The checksum is wrong: the record was edited or is damaged.");
  for (const note of cell.notes) put(body, "p", {}, `Note: ${note}`);
  if (cell.skipped) put(body, "p", {}, `${cell.skipped} images were left out: copies of test images, or undecodable.`);
  const panels = put(body, "div", { class: "panels" });
  confusionPanel(panels, cell);
  classesPanel(panels, cell);
  scoresPanel(panels, cell);
  pairsPanel(panels, "Training", trainingPairs(cell, line));
  curvePanels(body, cell, line.method);
  misclassifiedPanel(body, cell);
  for (const picture of cell.pictures) picturePanel(body, picture);
  put(body, "h4", {}, "End of the log");
  if (cell.log) put(body, "pre", { tabindex: 0 }, cell.log);
  else put(body, "p", { class: "soft" }, "There is no log: the training printed nothing, or the file is not beside the record.");
  detailsPanel(body, "Settings", data.settings[cell.settings]);
  detailsPanel(body, "Environment", data.environments[cell.environment]);
}

const className = (cell, label) => data.classes[cell.group][label] ?? (label === 0 ? "majority" : data.groups.length && label === 1 ? "minority" : `minority ${label}`);

function confusionPanel(box, cell) {
  const panel = put(box, "div", cell.confusion?.length > 3 ? { class: "broad" } : {});
  put(panel, "h4", {}, "Confusion matrix of the test images");
  if (!cell.confusion) {
    put(panel, "p", { class: "soft" }, `None: ${cell.no_outputs}.`);
    return;
  }
  const table = put(put(panel, "div", { class: "wide" }), "table", { class: "confusion" });
  const head = put(put(table, "thead"), "tr");
  put(head, "th", { scope: "col" }, "true \\ predicted");
  cell.confusion.forEach((_, label) => put(head, "th", { scope: "col", class: "r" }, className(cell, label)));
  const body = put(table, "tbody");
  cell.confusion.forEach((row, label) => {
    const tr = put(body, "tr");
    put(tr, "th", { scope: "row" }, className(cell, label));
    row.forEach((count, predicted) => put(tr, "td", { class: predicted === label ? "r hit" : "r" }, String(count)));
  });
}

// Recall, precision and F1 of each class, and means over classes with many, medium and few images.
function classesPanel(box, cell) {
  if (!cell.confusion) return;
  const panel = put(box, "div", cell.confusion.length > 3 ? { class: "broad" } : {});
  put(panel, "h4", {}, "Classes");
  const table = put(put(panel, "div", { class: "wide" }), "table", { class: "confusion" });
  const head = put(put(table, "thead"), "tr");
  for (const title of ["class", "training", "test", "recall", "precision", "F1"]) put(head, "th", { scope: "col", class: title === "class" ? "" : "r" }, title);
  const body = put(table, "tbody");
  const row = (title, values) => {
    const tr = put(body, "tr");
    put(tr, "th", { scope: "row" }, title);
    for (const value of values) put(tr, "td", { class: "r" }, value);
  };
  const scores = cell.confusion.map((line, label) => {
    const test = line.reduce((sum, n) => sum + n, 0);
    const called = cell.confusion.reduce((sum, other) => sum + other[label], 0);
    const hit = line[label];
    return { test, recall: test ? hit / test : 0, precision: called ? hit / called : 0, f1: test + called ? (2 * hit) / (test + called) : 0 };
  });
  const shown = (score) => ["recall", "precision", "f1"].map((name) => formatted(score[name], 3));
  const mean = (labels) => Object.fromEntries(["recall", "precision", "f1"].map((name) => [name, labels.reduce((sum, label) => sum + scores[label][name], 0) / labels.length]));
  scores.forEach((score, label) => row(className(cell, label), [String(cell.train[label] ?? ""), String(score.test), ...shown(score)]));
  const limits = { many: ">100", medium: "20\u2013100", few: "<20" };
  for (const [name, labels] of Object.entries(cell.shots)) row(`${name} shots (${labels.length})`, [limits[name], "", ...shown(mean(labels))]);
  row("mean (macro)", ["", "", ...shown(mean(scores.map((_, label) => label)))]);
}

function scoresPanel(box, cell) {
  const names = Object.keys(cell.scores);
  if (names.length) pairsPanel(box, "Scores", names.map((name) => [name, formatted(cell.scores[name], 4)]));
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
  pairList(panel, pairs);
}

function detailsPanel(box, title, values) {
  const details = put(box, "details");
  put(details, "summary", {}, title);
  pairList(details, Object.entries(values));
}

function pairList(box, pairs) {
  const list = put(box, "dl", { class: "pairs" });
  for (const [name, value] of pairs) {
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
    ].map((plot) => [plot[0], "h4", (figure) => drawCurve(figure, method, ...plot)]));
  });
}

function drawCurve(figure, method, title, x, y, points, kind) {
  const width = widthOf(figure, 360);
  const at = frame(figure, { width, height: Math.min(280, width * 0.85), left: 52, x: { low: 0, high: 1, label: clip(x, 40), most: 5 }, y: { low: 0, high: 1, label: clip(y, 32) }, label: title });
  if (kind !== "steps") draw(at.svg, "path", { class: "trivial", d: `M${at.sx(0)} ${at.sy(0)}L${at.sx(1)} ${at.sy(1)}` });
  const g = draw(at.svg, "g", { class: `m${method} strong` });
  const pixel = ([a, b]) => `${at.sx(a).toFixed(1)} ${at.sy(b).toFixed(1)}`;
  if (kind === "line") draw(g, "path", { class: "line", d: `M${points.map(pixel).join("L")}` });
  // Average precision sums steps of recall at the precision of their right end.
  if (kind === "steps") draw(g, "path", { class: "line", d: `M${at.sx(0)} ${at.sy(points[0][1])}${points.map(([a, b]) => `V${at.sy(b).toFixed(1)}H${at.sx(a).toFixed(1)}`).join("")}` });
  if (kind !== "bins") return;
  const most = Math.max(...points.map((point) => point[2]));
  draw(g, "path", { class: "line", d: `M${points.map(pixel).join("L")}`, "stroke-dasharray": "2 3" });
  for (const point of points) {
    const dot = draw(g, "circle", { class: "bin", cx: at.sx(point[0]), cy: at.sy(point[1]), r: (3 + 7 * Math.sqrt(point[2] / most)).toFixed(1) });
    draw(dot, "title", {}, `${point[2]} images: mean probability ${formatted(point[0])}, share ${formatted(point[1])}`);
  }
  put(figure, "figcaption", {}, "A larger circle has more test images; on the dashed line probabilities are calibrated.");
}

function misclassifiedPanel(body, cell) {
  if (cell.wrong_count === undefined) return;
  put(body, "h4", {}, `Misclassified test images: ${cell.wrong_count}`);
  if (!cell.wrong) {
    put(body, "p", { class: "soft" }, `Not shown: ${cell.no_images}.`);
    return;
  }
  if (cell.wrong.length < cell.wrong_count) put(body, "p", { class: "soft" }, cell.wrong.length ? `The ${cell.wrong.length} most confident of them, from each class.` : "Not shown, to keep the page small.");
  const list = put(body, "ul", { class: "gallery" });
  for (const [row, truth, predicted, confidence] of cell.wrong) {
    const item = put(list, "li");
    const text = `${className(cell, truth)}, predicted ${className(cell, predicted)} (${formatted(confidence, 2)})`;
    const name = data.names[cell.group][row] ?? `test image ${row}`;
    const picture = data.images[cell.group][row];
    if (picture) put(item, "img", { src: picture, alt: name, width: 96, height: 96 });
    item.append(text);
    put(item, "code", {}, name);
  }
}

function picturePanel(body, picture) {
  put(body, "h4", {}, { samples: "Sample translations", losses: "Losses of the generators" }[picture.name.split("-")[0]] || picture.name);
  if (picture.data) put(body, "img", { class: "made", src: picture.data, alt: picture.name });
  else put(body, "p", { class: "soft" }, `Not shown: ${picture.file} ${picture.reason}.`);
}
