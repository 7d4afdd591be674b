// Zones of a camera: drawn with the finger or the mouse, or typed as numbers. Corners are shares of the picture, 0 to 1.

import { busy, call, clearErrors, make, showErrors, toast } from "./api.js";
import { friendPicker } from "./picker.js";

const SVG = "http://www.w3.org/2000/svg";
const form = document.getElementById("zone-form");
const camera = form.dataset.camera;
const svg = document.querySelector(".stage svg");
const select = form.elements.zone;
let zones = [];
let revision = 0;
let chosen = -1;
let dragged = -1;

const clamp = (v) => Math.round(Math.min(1, Math.max(0, v)) * 1000) / 1000;
const current = () => zones[chosen];

function place(event) {
  const area = svg.getBoundingClientRect();
  return [clamp((event.clientX - area.left) / area.width), clamp((event.clientY - area.top) / area.height)];
}

function element(tag, attributes) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

function drawStage() {
  const { width, height } = svg.getBoundingClientRect();
  svg.setAttribute("viewBox", `0 0 ${width || 1} ${height || 1}`);
  svg.replaceChildren(...zones.map((zone, index) => {
    const group = element("g", { class: index === chosen ? "chosen" : "" });
    group.append(element("polygon", { points: zone.polygon.map(([x, y]) => `${x * width},${y * height}`).join(" ") }));
    if (index === chosen) {
      zone.polygon.forEach(([x, y], corner) => group.append(element("circle", { cx: x * width, cy: y * height, r: 9, "data-corner": corner })));
    }
    return group;
  }));
}

function drawForm() {
  const zone = current();
  select.replaceChildren(...zones.map((z, index) => make("option", { value: index, selected: index === chosen }, z.name || "(no name yet)")));
  document.getElementById("zone-fields").hidden = !zone;
  document.getElementById("no-zones").hidden = zones.length > 0;
  select.closest(".field").hidden = zones.length === 0;
  if (!zone) return;
  form.elements.name.value = zone.name;
  form.elements.severity.value = zone.severity;
  form.elements.hazard.checked = zone.hazard;
  form.elements.days.value = zone.closed[0]?.days ?? "mon-sun";
  form.elements.hours.value = zone.closed[0]?.hours ?? "00:00-24:00";
  drawCorners();
  drawAllowed(zone);
}

const names = new Map();

async function drawAllowed(zone) {
  for (const id of zone.allowed.filter((i) => !names.has(i))) {
    names.set(id, await call("GET", `/users/${id}`).then((person) => person.name, () => null));
  }
  if (zone !== current()) return;
  const people = zone.allowed.map((id) => ({ id, name: names.get(id) }));
  friendPicker(document.getElementById("allowed"), people, null, (ids) => { zone.allowed = ids; }, "People who may be there");
}

function drawCorners() {
  const zone = current();
  document.getElementById("corners").replaceChildren(...zone.polygon.map((corner, index) => {
    const number = (axis, label) => make("input", { type: "number", min: 0, max: 1, step: 0.001, value: corner[axis], "aria-label": `${label} of corner ${index + 1}`,
      oninput: (event) => { corner[axis] = clamp(Number(event.target.value)); drawStage(); } });
    return make("div", { class: "corners" }, make("span", { class: "quiet" }, `${index + 1}`), number(0, "Across"), number(1, "Down"),
      make("button", { type: "button", "aria-label": `Remove corner ${index + 1}`, disabled: zone.polygon.length <= 3, class: "cross", onclick: () => {
        zone.polygon.splice(index, 1);
        draw();
        document.getElementById("add-corner").focus();
      } }, "×"));
  }));
}

function draw() {
  drawStage();
  drawForm();
}

// A new corner joins the edge it is nearest to, so that the outline never crosses itself by surprise.
function insertCorner(zone, [x, y]) {
  const cost = zone.polygon.map(([ax, ay], i) => {
    const [bx, by] = zone.polygon[(i + 1) % zone.polygon.length];
    return Math.hypot(x - ax, y - ay) + Math.hypot(x - bx, y - by) - Math.hypot(ax - bx, ay - by);
  });
  const at = cost.indexOf(Math.min(...cost)) + 1;
  zone.polygon.splice(at, 0, [x, y]);
  return at;
}

svg.addEventListener("pointerdown", (event) => {
  const zone = current();
  if (!zone) return;
  const corner = event.target.dataset?.corner;
  dragged = corner === undefined ? insertCorner(zone, place(event)) : Number(corner);
  svg.setPointerCapture(event.pointerId);
  draw();
});
svg.addEventListener("pointermove", (event) => {
  if (dragged < 0 || !current()) return;
  current().polygon[dragged] = place(event);
  drawStage();
});
for (const type of ["pointerup", "pointercancel"]) {
  svg.addEventListener(type, () => {
    if (dragged >= 0) drawCorners();
    dragged = -1;
  });
}

form.addEventListener("input", () => {
  const zone = current();
  if (!zone) return;
  zone.name = form.elements.name.value.trim();
  zone.severity = form.elements.severity.value;
  zone.hazard = form.elements.hazard.checked;
  zone.closed = [{ days: form.elements.days.value.trim(), hours: form.elements.hours.value.trim() }, ...zone.closed.slice(1)];
});
form.elements.name.addEventListener("change", () => { select.options[chosen].textContent = current().name || "(no name yet)"; });
select.addEventListener("change", () => { chosen = Number(select.value); draw(); });
document.getElementById("add-corner").addEventListener("click", () => {
  const [[ax, ay], [bx, by]] = [current().polygon.at(-1), current().polygon[0]];
  current().polygon.push([clamp((ax + bx) / 2), clamp((ay + by) / 2)]);
  draw();
  document.querySelector("#corners > div:last-child input").focus();
});
document.getElementById("add-zone").addEventListener("click", () => {
  let number = zones.length + 1;
  while (zones.some((z) => z.name === `zone-${number}`)) number += 1;
  zones.push({ name: `zone-${number}`, polygon: [[0.3, 0.5], [0.7, 0.5], [0.7, 0.9], [0.3, 0.9]], closed: [{ days: "mon-sun", hours: "00:00-24:00" }], allowed: [], severity: "high", hazard: false });
  chosen = zones.length - 1;
  draw();
  form.elements.name.focus();
});
document.getElementById("remove-zone").addEventListener("click", () => {
  zones.splice(chosen, 1);
  chosen = zones.length - 1;
  draw();
  document.getElementById("add-zone").focus();
});

async function load() {
  const answer = await call("GET", `/cameras/${camera}/zones`);
  revision = answer.revision;
  zones = answer.zones;
  chosen = Math.min(Math.max(chosen, 0), zones.length - 1);
  draw();
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  clearErrors(form);
  try {
    const answer = await busy(form.querySelector(".primary"), () => call("PUT", `/cameras/${camera}/zones`, { revision, zones }));
    revision = answer.revision;
    toast("Saved. The zones count from now on.");
  } catch (error) {
    // body.zones.2.closed.0.hours belongs to the field hours of the third zone.
    const row = error.problem?.errors?.[0];
    const [, , index, ...rest] = row?.field.split(".") ?? [];
    if (zones[index]) {
      chosen = Number(index);
      draw();
      error.problem.errors = [{ field: rest.findLast((p) => !/^\d+$/.test(p)) ?? "", message: row.message }];
    }
    if (error.status === 409) error.message = "Somebody else changed these zones meanwhile. Load the page again.";
    showErrors(form, error);
  }
});

const picture = document.querySelector(".stage img");
picture.addEventListener("load", () => {
  if (picture.naturalWidth) document.querySelector(".stage").style.aspectRatio = `${picture.naturalWidth} / ${picture.naturalHeight}`;
  drawStage();
});
picture.addEventListener("error", () => { document.getElementById("no-picture").hidden = false; });
picture.src = picture.dataset.src;
addEventListener("resize", drawStage);
load().catch((error) => showErrors(form, error));
