// The picture wall: the same images in rows, methods in columns, a map over each.
const wallState = { bare: false };
const WALL_PIXELS = 160;
const NAMED_EVERY = 4;  // rows after which the methods are named again: more do not fit a screen

const walls = () => (data.walls || []).filter((wall) => !wall.left_out);

// Bytes of a text in base64.
const bytesOf = (text) => Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));

// Dark violet to yellow; a small value is transparent, so that the image shows through.
const HEAT = [[20, 11, 80], [140, 30, 130], [235, 105, 55], [252, 235, 110]];
function heat(value) {
  const at = value * (HEAT.length - 1);
  const low = Math.min(HEAT.length - 2, Math.floor(at));
  return [...HEAT[low].map((from, i) => from + (HEAT[low + 1][i] - from) * (at - low)), 255 * Math.min(0.8, 0.15 + value)];
}

function heatCanvas(text, side) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = side;
  const pixels = new ImageData(side, side);
  bytesOf(text).forEach((value, i) => pixels.data.set(heat(value / 255), 4 * i));
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  return canvas;
}

// The edge of a mask: a line wherever a pixel of the object has a neighbour that is none.
function outline(context, row, scale) {
  const bits = bytesOf(row.mask);
  const on = (x, y) => x >= 0 && y >= 0 && x < row.size && y < row.size && (bits[(y * row.size + x) >> 3] >> (7 - ((y * row.size + x) & 7))) & 1;
  context.beginPath();
  for (let y = 0; y < row.size; y += 1)
    for (let x = 0; x < row.size; x += 1) {
      if (!on(x, y)) continue;
      for (const [dx, dy, x0, y0, x1, y1] of [[-1, 0, 0, 0, 0, 1], [1, 0, 1, 0, 1, 1], [0, -1, 0, 0, 1, 0], [0, 1, 0, 1, 1, 1]])
        if (!on(x + dx, y + dy)) {
          context.moveTo((x + x0) * scale, (y + y0) * scale);
          context.lineTo((x + x1) * scale, (y + y1) * scale);
        }
    }
  for (const [style, width] of [["#000", 3.5], ["#fff", 1.5]]) {
    context.strokeStyle = style;
    context.lineWidth = width;
    context.stroke();
  }
}

function paint(canvas, picture, row, map, side) {
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  context.imageSmoothingEnabled = true;
  if (map && !wallState.bare) context.drawImage(heatCanvas(map, side), 0, 0, canvas.width, canvas.height);
  if (row.mask) outline(context, row, canvas.width / row.size);
}

function wallPicture(box, row, map, side, alt) {
  const size = WALL_PIXELS * Math.min(2, window.devicePixelRatio || 1);
  const canvas = put(box, "canvas", { width: size, height: size, role: "img", "aria-label": alt });
  const picture = new Image();
  picture.onload = () => paint(canvas, picture, row, map, side);
  picture.src = row.image;
}

function nameMethods(part, wall) {
  const head = put(part, "tr", { class: "names" });
  put(head, "th", { scope: "col" }, "image");
  wall.titles.forEach((title, i) => put(head, "th", { scope: "col", class: `m${wall.methods[i]}` }, title));
}

function drawWall() {
  const body = byId("wall-body");
  if (!body) return;
  body.replaceChildren();
  const wall = walls()[Number(byId("wall-choice").value)];
  if (!wall) return;
  const table = put(body, "table", { class: "wall", role: "grid", "aria-label": "Maps by method" });
  // As large as the columns leave room for, from 5 to 10 rem.
  table.style.setProperty("--picture", `clamp(5rem, (min(100vw, 74rem) - 4rem) / ${wall.titles.length + 1}, 10rem)`);
  nameMethods(put(table, "thead"), wall);
  const rows = put(table, "tbody");
  wall.rows.forEach((row, i) => {
    if (i && i % NAMED_EVERY === 0) nameMethods(rows, wall);
    const line = put(rows, "tr");
    const name = put(line, "th", { scope: "row" });
    wallPicture(name, { ...row, mask: "" }, "", wall.side, `${row.class}: ${row.name}`);
    put(name, "span", {}, row.class);
    wall.titles.forEach((title, j) => {
      const [map, z, right] = wall.cells[i][j];
      const told = `${title}: ${right ? "right" : "wrong"}, probability of ${row.class} ${formatted(z, 2)}${map ? "" : ", the map is empty"}`;
      const cell = put(line, "td", { tabindex: i + j ? -1 : 0, title: told });
      wallPicture(cell, row, map, wall.side, told);
      put(cell, "span", { class: right ? "" : "wrong" }, `${formatted(z, 2)}${right ? "" : " \u2717"}${map ? "" : " (empty)"}`);
    });
  });
}

// Arrows move from picture to picture; Enter, space or a tap shows the images without maps.
function moveInWall(event) {
  const cell = event.target.closest("td");
  if (!cell) return;
  if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    flipWall();
    return;
  }
  const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
  if (!step) return;
  event.preventDefault();
  const row = cell.parentElement;
  const rows = row.parentElement.rows;
  let place = row.sectionRowIndex + step[0];
  if (step[0] && rows[place]?.className === "names") place += step[0];
  const next = rows[place]?.cells[cell.cellIndex + step[1]];
  if (!next || next.tagName !== "TD") return;
  cell.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
  next.scrollIntoView({ block: "nearest", inline: "nearest" });
}

function flipWall() {
  const focused = document.activeElement?.closest?.("#wall-body td");
  const place = focused && [focused.parentElement.sectionRowIndex, focused.cellIndex];
  wallState.bare = !wallState.bare;
  byId("wall-bare").setAttribute("aria-pressed", wallState.bare);
  drawWall();
  if (!place) return;
  const again = byId("wall-body").querySelector("tbody").rows[place[0]].cells[place[1]];
  for (const cell of byId("wall-body").querySelectorAll("td[tabindex='0']")) cell.tabIndex = -1;
  again.tabIndex = 0;
  again.focus({ preventScroll: true });
}

function startWall() {
  if (!byId("wall-choice")) return;
  const named = (wall) => `${wall.map}, ${wall.count} minority images, seed ${wall.seed}${data.groups.length > 1 ? ` \u2013 ${data.groups[wall.group].name}` : ""}`;
  fill(byId("wall-choice"), walls().map((wall, i) => [i, named(wall)]), 0);
  byId("wall-choice").addEventListener("change", drawWall);
  byId("wall-bare").addEventListener("click", flipWall);
  byId("wall-body").addEventListener("keydown", moveInWall);
  byId("wall-body").addEventListener("click", (event) => { if (event.target.closest("td")) flipWall(); });
  drawWall();
}
