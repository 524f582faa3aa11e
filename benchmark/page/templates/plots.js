// The plots of all records: scores by count, paired differences, cost.
const state = { metric: 0, group: "", filter: "", picked: new Set(), reference: data.reference, cost: "" };

const metricNow = () => data.metrics[state.metric];
const groupsNow = () => data.groups.map((group, i) => [group, i]).filter(([, i]) => state.group === "" || Number(state.group) === i);
const matchesFilter = (method) => data.methods[method].title.toLowerCase().includes(state.filter);
const linesOf = (group) => group.lines.filter((line) => matchesFilter(line.method));

// Ends of an axis: the values with a margin, or with `whole` the full range of the metric if the
// values fill more than 0.3 of it.
function scoreRange(values, whole) {
  if (!values.length) return [0, 1];
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const [least, most] = metricNow().range;
  if (whole && least !== null && most !== null && high - low > 0.3 * (most - least)) return [least, most];
  const room = (high - low) * 0.15 || 0.05;
  return [clamp(low - room, least, null), clamp(high + room, null, most)];
}

// Create all figures of a grid before drawing, since only then is their width known.
function drawInto(box, plots) {
  const figures = plots.map(([title, level]) => {
    const figure = put(box, "figure");
    put(figure, level, {}, title);
    return figure;
  });
  plots.forEach(([, , drawPlot], i) => drawPlot(figures[i]));
}

function drawScores() {
  const box = byId("score-plots");
  box.replaceChildren();
  drawInto(box, groupsNow().map(([group]) => [group.name, "h3", (figure) => scorePlot(figure, group)]));
}

function scorePlot(figure, group) {
  const metric = metricNow();
  const trivial = group.trivial[metric.name];
  const means = group.lines.flatMap((line) => line.scores[metric.name]).filter(Boolean).map((entry) => entry[0]);
  const [low, high] = scoreRange(trivial === null ? means : [...means, trivial], true);
  const counts = group.counts;
  const log = counts.length > 2 && counts[0] > 0 && counts.at(-1) / counts[0] > 5;
  const room = counts.length > 1 ? 1.06 : 1.5;
  const x = log ? { low: counts[0] / room, high: counts.at(-1) * room }
    : { low: counts[0] - (counts.at(-1) - counts[0] || counts[0] || 1) * 0.05, high: counts.at(-1) + (counts.at(-1) - counts[0] || counts[0] || 1) * 0.05 };
  const at = frame(figure, {
    width: widthOf(figure, 620), height: 300, left: 54,
    x: { ...x, log, at: counts, texts: group.labels, label: "minority training images" },
    y: { low, high, label: metric.title + (metric.lower ? " (lower is better)" : "") },
    label: `${metric.title} by minority count on ${group.name}; the tables have the numbers`,
  });
  if (trivial !== null) draw(at.svg, "path", { class: "trivial", d: `M${at.left} ${at.sy(trivial)}H${at.right}` });
  const order = linesOf(group).sort((a, b) => state.picked.has(a.method) - state.picked.has(b.method));
  for (const line of order) if (state.picked.has(line.method)) band(at, line, group, low, high);
  for (const line of order) scoreLine(at, line, group);
}

const scoredPoints = (line, group) => line.scores[metricNow().name]
  .map((entry, i) => entry && [group.counts[i], ...entry]).filter(Boolean);

function band(at, line, group, low, high) {
  const edge = (value) => at.sy(clamp(value, low, high)).toFixed(1);
  const points = scoredPoints(line, group).filter((point) => point[2] !== null);
  if (!points.length) return;
  const g = draw(at.svg, "g", { class: `m${line.method}` });
  if (points.length === 1) {
    const [count, , from, to] = points[0];
    draw(g, "path", { class: "range", d: `M${at.sx(count)} ${edge(from)}V${edge(to)}` });
    return;
  }
  const over = points.map(([count, , , to]) => `${at.sx(count).toFixed(1)} ${edge(to)}`);
  const under = points.map(([count, , from]) => `${at.sx(count).toFixed(1)} ${edge(from)}`).reverse();
  draw(g, "path", { class: "band", d: `M${[...over, ...under].join("L")}z` });
}

function scoreLine(at, line, group) {
  const method = data.methods[line.method];
  const strong = state.picked.has(line.method) ? " strong" : "";
  const g = draw(at.svg, "g", { class: `m${line.method}${strong}` });
  const points = scoredPoints(line, group);
  const path = points.map(([count, mean]) => `${at.sx(count).toFixed(1)} ${at.sy(mean).toFixed(1)}`);
  if (path.length > 1) draw(g, "path", { class: "line", d: `M${path.join("L")}`, "stroke-dasharray": method.dash });
  for (const [count, mean, from, to, n, of] of points) {
    const dot = mark(g, line.method, at.sx(count), at.sy(mean), strong ? 4.5 : 3.5);
    const text = from === null ? formatted(mean) : `${formatted(mean)} [${formatted(from)}, ${formatted(to)}]`;
    draw(dot, "title", {}, `${line.title}, ${count} minority images: ${text} (${n} of ${of} seeds)`);
  }
}

function drawDifferences() {
  const box = byId("difference-plots");
  box.replaceChildren();
  for (const [group, index] of groupsNow()) {
    const own = data.differences[index * data.metrics.length + state.metric]
      .filter((match) => match.methods[0] === state.reference && matchesFilter(match.methods[1]));
    const part = put(box, "section", { "aria-label": group.name });
    put(part, "h3", {}, group.name);
    const counts = [...new Set(own.flatMap((match) => match.cells.map((cell) => cell.count)))].sort((a, b) => a - b);
    const pairs = counts.map((count) => [count, own.map((match) => [match.methods[1], match.cells.find((cell) => cell.count === count)])
      .filter(([, cell]) => cell && cell.values)]).filter(([, rows]) => rows.length);
    if (!pairs.length) {
      put(part, "p", {}, `No seed has scores of both ${data.methods[state.reference].title} and another method.`);
      continue;
    }
    const all = pairs.flatMap(([, rows]) => rows.flatMap(([, cell]) => [...cell.values, ...cell.ends])).filter(Number.isFinite);
    const reach = Math.max(0.02, ...all.map(Math.abs)) * 1.08;
    const grid = put(part, "div", { class: "plots" });
    drawInto(grid, pairs.map(([count, rows]) => [`${group.labels[count] ?? count} minority images`, "h4", (figure) => differencePlot(figure, group, count, rows, reach)]));
    const words = put(part, "details", { class: "notes" });
    put(words, "summary", {}, "In words");
    const list = put(words, "ul");
    for (const [count, rows] of pairs) for (const [, cell] of rows) put(list, "li", {}, `${group.labels[count] ?? count} minority images: ${cell.text}`);
  }
}

function differencePlot(figure, group, count, rows, reach) {
  const [step, top] = [22, 22];
  const height = top + rows.length * step + 46;
  const first = data.methods[state.reference].title;
  const longest = Math.max(...rows.map(([method]) => data.methods[method].title.length));
  const at = frame(figure, {
    width: widthOf(figure, 620), height, top, left: clamp(longest * 7 + 14, 60, 150),
    x: { low: -reach, high: reach, label: `difference in ${metricNow().title}`, most: 5, grid: true },
    label: `${first} against each other method with ${count} minority images of ${group.name}; the words below have the numbers`,
  });
  draw(at.svg, "path", { class: "zero", d: `M${at.sx(0)} ${top}V${at.base}` });
  draw(at.svg, "text", { class: "soft", x: at.sx(0) - 6, y: 14, "text-anchor": "end" }, "\u2190 other better");
  draw(at.svg, "text", { class: "soft", x: at.sx(0) + 6, y: 14 }, `${clip(first, 12)} better \u2192`);
  rows.forEach(([method, cell], i) => {
    const y = top + (i + 0.5) * step;
    const name = draw(at.svg, "text", { x: at.left - 8, y: y + 4, "text-anchor": "end" }, clip(data.methods[method].title, 20));
    draw(name, "title", {}, cell.text);
    const g = draw(at.svg, "g", { class: `m${method} point` });
    const [from, to] = cell.ends.map((end) => at.sx(clamp(end, -reach, reach)));
    draw(g, "path", { class: cell.interval ? "bar" : "range", d: `M${from} ${y}H${to}` });
    for (const value of cell.values) draw(g, "circle", { class: "seed", cx: at.sx(value), cy: y, r: 2.5 });
    draw(mark(g, method, at.sx(cell.mean), y, 5), "title", {}, cell.text);
  });
}

const clip = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}\u2026` : text);

function drawCost() {
  const box = byId("cost-plots");
  box.replaceChildren();
  const counts = [...new Set(groupsNow().flatMap(([group]) => group.counts))].sort((a, b) => a - b);
  fill(byId("cost-count"), [["", "smallest of each data set"], ...counts.map((count) => [count, String(count)])], state.cost);
  const plots = groupsNow().map(([group]) => [group, state.cost === "" ? 0 : group.counts.indexOf(Number(state.cost))])
    .filter(([, column]) => column >= 0);
  drawInto(box, plots.map(([group, column]) => [`${group.name}, ${group.labels[group.counts[column]]} minority images`, "h3", (figure) => costPlot(figure, group, column)]));
  if (!box.children.length) put(box, "p", {}, "No data set shown was run at this count.");
}

function costPlot(figure, group, column) {
  const metric = metricNow();
  const points = linesOf(group).map((line) => [line, line.seconds[column], line.scores[metric.name][column]])
    .filter(([, spent, entry]) => spent > 0 && entry);
  if (!points.length) {
    put(figure, "p", {}, "No method has both a time and a score.");
    return;
  }
  const spent = points.map(([, seconds]) => seconds);
  const [low, high] = scoreRange(points.map(([, , entry]) => entry[0]), false);
  const at = frame(figure, {
    width: widthOf(figure, 620), height: 300, left: 54, right: 74,
    x: { low: Math.min(...spent) / 1.3, high: Math.max(...spent) * 1.3, log: true, label: "seconds a cell" },
    y: { low, high, label: metric.title + (metric.lower ? " (lower is better)" : "") },
    label: `${metric.title} against seconds on ${group.name}`,
  });
  const taken = [];
  for (const [line, seconds, entry] of points) {
    const [x, y] = [at.sx(seconds), at.sy(entry[0])];
    const g = draw(at.svg, "g", { class: `m${line.method} point` });
    draw(mark(g, line.method, x, y, 5), "title", {}, `${line.title}: ${+seconds.toPrecision(3)} s, ${formatted(entry[0])}`);
    taken.push([x - 5, y - 5, x + 5, y + 5]);
  }
  for (const [line, seconds, entry] of points) label(at, clip(line.title, 16), at.sx(seconds), at.sy(entry[0]), taken);
}

// Place a label beside its point where it covers no other; leave it out if there is no room.
function label(at, text, x, y, taken) {
  const element = draw(at.svg, "text", {}, text);
  const width = element.getComputedTextLength();
  const sides = [[8, 4], [-8 - width, 4], [-width / 2, -9], [-width / 2, 18]];
  const corners = [[8, -8], [8, 16], [-8 - width, -8], [-8 - width, 16]];
  for (const [dx, dy] of [...sides, ...corners]) {
    const box = [x + dx, y + dy - 10, x + dx + width, y + dy + 2];
    const clash = taken.some((o) => box[0] < o[2] && o[0] < box[2] && box[1] < o[3] && o[1] < box[3]);
    if (clash || box[0] < at.left || box[2] > at.right + 74 || box[1] < 0 || box[3] > at.base) continue;
    element.setAttribute("x", x + dx);
    element.setAttribute("y", y + dy);
    taken.push(box);
    return;
  }
  element.remove();
}

// What is drawn of all records, anew whenever the selection changes.
const drawings = [drawScores, drawDifferences, drawCost];
