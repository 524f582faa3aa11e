// Handlers of the page: choose, sort, filter, and open a cell.
function showBlocks() {
  for (const block of document.querySelectorAll(".block")) {
    const metric = Number(block.dataset.metric) === state.metric;
    const group = state.group === "" || block.dataset.group === undefined || block.dataset.group === state.group;
    block.hidden = !(metric && group);
    for (const row of block.querySelectorAll("tr[data-method]")) row.hidden = !matchesFilter(Number(row.dataset.method));
  }
  const count = data.methods.filter((_, i) => matchesFilter(i)).length;
  byId("shown").textContent = count === data.methods.length ? "" : `${count} of ${data.methods.length} methods`;
  for (const button of document.querySelectorAll(".pick")) button.hidden = !matchesFilter(Number(button.dataset.method));
}

function sortBy(button) {
  const table = button.closest("table");
  const head = button.closest("th");
  const column = Number(button.dataset.column);
  // The first click sorts the best to the top: the largest score, or the smallest where lower is better.
  const first = column === 0 || metricNow().lower ? "ascending" : "descending";
  const other = first === "ascending" ? "descending" : "ascending";
  const next = { none: first, [first]: other, [other]: "none" }[head.getAttribute("aria-sort")];
  for (const cell of table.querySelectorAll("th[aria-sort]")) cell.setAttribute("aria-sort", "none");
  head.setAttribute("aria-sort", next);
  const sign = next === "descending" ? -1 : 1;
  const value = (row) => row.children[column].dataset.sort;
  const compare = (a, b) => {
    if (next === "none") return a.dataset.order - b.dataset.order;
    if (column === 0) return sign * a.children[0].textContent.trim().localeCompare(b.children[0].textContent.trim(), "en");
    if (value(a) === "" || value(b) === "") return (value(a) === "") - (value(b) === "");
    return sign * (Number(value(a)) - Number(value(b)));
  };
  const body = table.tBodies[0];
  body.append(...[...body.rows].sort(compare));
}

function drawAll() {
  showBlocks();
  for (const drawing of drawings) drawing();
}

function pick(methods) {
  state.picked = new Set(methods);
  for (const button of document.querySelectorAll(".pick")) button.setAttribute("aria-pressed", state.picked.has(Number(button.dataset.method)));
  drawScores();
}

function toggle(method) {
  const next = new Set(state.picked);
  if (!next.delete(method)) next.add(method);
  pick(next);
}

function openFromAddress() {
  const key = location.hash.startsWith("#cell-") ? location.hash.slice(6) : "";
  if (key && showCell(key)) {
    byId("cell").scrollIntoView();
    byId("cell-title").focus({ preventScroll: true });
  }
}

function start() {
  for (const svg of document.querySelectorAll("svg[data-key]")) {
    const method = Number(svg.dataset.key);
    const g = draw(svg, "g", { class: "strong" });
    draw(g, "path", { class: "line", d: "M0 6H26", "stroke-dasharray": data.methods[method].dash });
    mark(g, method, 13, 6, 4);
  }
  for (const row of document.querySelectorAll("tr[data-method]")) row.classList.add("own", `m${row.dataset.method}`);
  for (const button of document.querySelectorAll(".pick")) button.addEventListener("click", () => toggle(Number(button.dataset.method)));
  byId("pick-all").addEventListener("click", () => pick(data.methods.map((_, i) => i).filter(matchesFilter)));
  byId("pick-none").addEventListener("click", () => pick([]));
  for (const button of document.querySelectorAll("th button")) button.addEventListener("click", () => sortBy(button));
  byId("reference").value = state.reference;
  const on = (id, event, act) => byId(id).addEventListener(event, () => act(byId(id).value));
  on("metric", "change", (value) => { state.metric = Number(value); drawAll(); });
  on("group", "change", (value) => { state.group = value; drawAll(); });
  on("filter", "input", (value) => { state.filter = value.trim().toLowerCase(); drawAll(); });
  on("reference", "change", (value) => { state.reference = Number(value); drawDifferences(); });
  on("cost-count", "change", (value) => { state.cost = value; drawCost(); });
  for (const id of ["cell-group", "cell-line", "cell-count", "cell-seed"]) byId(id).addEventListener("change", () => {
    const key = keyFromFields(id);
    if (showCell(key)) history.replaceState(null, "", `#cell-${key}`);
  });
  for (const form of document.forms) form.addEventListener("submit", (event) => event.preventDefault());
  state.metric = Number(byId("metric").value);
  pick(data.methods.length <= 4 ? data.methods.map((_, i) => i) : [0, state.reference]);
  drawAll();
  startWall();
  const firstKey = data.groups.flatMap((group) => group.lines.flatMap((line) => line.cells.flat()))[0];
  if (firstKey !== undefined) showCell(firstKey);
  window.addEventListener("hashchange", openFromAddress);
  openFromAddress();
  // Print the content of all details.
  let closed = [];
  window.addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    for (const details of closed) details.open = true;
  });
  window.addEventListener("afterprint", () => { for (const details of closed) details.open = false; });
  let [width, waiting] = [window.innerWidth, 0];
  window.addEventListener("resize", () => {
    if (window.innerWidth === width) return;
    width = window.innerWidth;
    clearTimeout(waiting);
    waiting = setTimeout(() => { drawAll(); drawCell(); }, 150);
  });
}

start();
