"use strict";
// Elements, scales, axes and markers. Every text is set as text, never as markup.
const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";

// Append an HTML element.
function put(parent, name, attributes = {}, text) {
  return append(parent, document.createElement(name), attributes, text);
}

// Append an SVG element.
function draw(parent, name, attributes = {}, text) {
  return append(parent, document.createElementNS(SVG, name), attributes, text);
}

function append(parent, element, attributes, text) {
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  parent.append(element);
  return element;
}

function fill(select, pairs, chosen) {
  select.replaceChildren();
  for (const [value, text] of pairs) put(select, "option", { value }, text);
  if (pairs.some(([value]) => String(value) === String(chosen))) select.value = chosen;
}

const formatted = (value, digits = 3) =>
  value === null || value === undefined ? "\u2013" : value.toFixed(digits).replace("-", "\u2212");

function scale(low, high, from, to, log = false) {
  const at = log ? Math.log10 : (x) => x;
  const span = at(high) - at(low) || 1;
  return (x) => from + ((at(x) - at(low)) / span) * (to - from);
}

function ticks(low, high, most) {
  const span = high - low || 1;
  const raw = span / most;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((f) => f * power).find((s) => span / s <= most);
  const found = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-6; i += 1) found.push(i * step);
  return { found, digits: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) };
}

function logTicks(low, high) {
  const all = [[1], [1, 3], [1, 2, 5], [1, 1.5, 2, 3, 4, 5, 6, 8]];
  for (const steps of all) {
    const found = [];
    for (let e = Math.floor(Math.log10(low)); e <= Math.log10(high); e += 1)
      for (const s of steps) if (s * 10 ** e >= low * 0.999 && s * 10 ** e <= high * 1.001) found.push(s * 10 ** e);
    if (found.length >= 3 || steps === all.at(-1)) return found;
  }
  return [];
}

// Axes, scales and grid of a plot. `x` and `y` have low, high and label; `x` may have log, and at:
// the values of its ticks.
function frame(parent, { width, height, left, bottom = 42, top = 8, right = 12, x, y, label }) {
  const svg = draw(parent, "svg", {
    class: "plot", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label,
  });
  const sx = scale(x.low, x.high, left, width - right, x.log);
  const sy = y && scale(y.low, y.high, height - bottom, top);
  const base = height - bottom;
  if (y) {
    const { found, digits } = ticks(y.low, y.high, 5);
    for (const value of found) {
      draw(svg, "path", { class: "grid", d: `M${left} ${sy(value)}H${width - right}` });
      draw(svg, "text", { class: "soft", x: left - 6, y: sy(value) + 4, "text-anchor": "end" }, formatted(value, digits));
    }
    if (y.label) draw(svg, "text", {
      class: "soft", x: 12, y: (top + base) / 2, "text-anchor": "middle",
      transform: `rotate(-90 12 ${(top + base) / 2})`,
    }, y.label);
  }
  const xTicks = x.log ? { found: logTicks(x.low, x.high) } : ticks(x.low, x.high, x.most || 6);
  for (const value of x.at || xTicks.found) {
    draw(svg, "path", { class: x.grid ? "grid" : "axis", d: x.grid ? `M${sx(value)} ${top}V${base}` : `M${sx(value)} ${base}v5` });
    const text = x.texts?.[value] ?? (x.at || x.log ? String(+value.toPrecision(3)) : formatted(value, xTicks.digits));
    draw(svg, "text", { class: "soft", x: sx(value), y: base + 18, "text-anchor": "middle" }, text);
  }
  draw(svg, "path", { class: "axis", d: `M${left} ${base}H${width - right}` });
  draw(svg, "text", { class: "soft", x: (left + width - right) / 2, y: base + 36, "text-anchor": "middle" }, x.label);
  return { svg, sx, sy, base, left, right: width - right, top };
}

const SHAPES = {
  circle: (r) => `M${-r} 0a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0z`,
  square: (r) => `M${-r} ${-r}h${2 * r}v${2 * r}h${-2 * r}z`,
  triangle: (r) => `M0 ${-1.2 * r}L${1.15 * r} ${r}H${-1.15 * r}z`,
  diamond: (r) => `M0 ${-1.3 * r}L${1.3 * r} 0L0 ${1.3 * r}L${-1.3 * r} 0z`,
  cross: (r) => `M${-r} ${-r * 0.4}h${r * 0.6}v${-r * 0.6}h${r * 0.8}v${r * 0.6}h${r * 0.6}v${r * 0.8}h${-r * 0.6}v${r * 0.6}h${-r * 0.8}v${-r * 0.6}h${-r * 0.6}z`,
};

function mark(parent, method, x, y, r, kind = "dot") {
  const shape = SHAPES[data.methods[method].marker];
  return draw(parent, "path", { class: kind, d: shape(r), transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})` });
}

const widthOf = (node, most = 1100) => Math.max(250, Math.min(most, node.clientWidth || 340));
const clamp = (value, low, high) => Math.max(low ?? -Infinity, Math.min(high ?? Infinity, value));
