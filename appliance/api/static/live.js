// Live cameras. Pictures and boxes are fetched only for what is on the screen of a page somebody looks at.

import { call } from "./api.js";
import { on } from "./frame.js";

const SVG = "http://www.w3.org/2000/svg";
const TRACKS_MS = 300;
const STILL_MS = 1000;
// Browsers allow six connections to a host; a moving picture holds one for as long as it runs.
const MOVING = 3;

const tiles = [...document.querySelectorAll("[data-camera]")].map((element) => ({
  element, id: element.dataset.camera, img: element.querySelector("img"), svg: element.querySelector(".overlay"),
  away: element.querySelector(".away"), pill: element.querySelector(".pill"), seen: false, mode: "off", timer: 0, stale: 0, at: null,
}));

function wanted(tile) {
  if (document.hidden || !tile.seen || tile.element.dataset.state !== "live") return "off";
  const big = document.querySelector(".camera.big");
  if (big) return big === tile.element ? "moving" : "still";
  const visible = tiles.filter((t) => t.seen && t.element.dataset.state === "live");
  return visible.indexOf(tile) < MOVING ? "moving" : "still";
}

function arrange() {
  for (const tile of tiles) {
    const mode = wanted(tile);
    if (mode === tile.mode) continue;
    clearTimeout(tile.timer);
    tile.mode = mode;
    if (mode === "off") {
      tile.img.removeAttribute("src");
      tile.svg.replaceChildren();
    } else {
      if (mode === "moving") tile.img.src = `/cameras/${tile.id}/live?${Date.now()}`;
      else still(tile);
      follow(tile);
    }
  }
}

function still(tile) {
  if (tile.mode !== "still") return;
  tile.img.src = `/cameras/${tile.id}/snapshot.jpg?${Date.now()}`;
  setTimeout(() => still(tile), STILL_MS);
}

async function follow(tile) {
  if (tile.mode === "off") return;
  try {
    const seen = await call("GET", `/cameras/${tile.id}/tracks`);
    tile.stale = seen.at === tile.at ? tile.stale + 1 : 0;
    tile.at = seen.at;
    draw(tile, tile.stale > 6 ? [] : seen.tracks, seen.width, seen.height);
  } catch {
    draw(tile, [], 0, 0);
  }
  clearTimeout(tile.timer);
  if (tile.mode !== "off") tile.timer = setTimeout(() => follow(tile), TRACKS_MS);
}

const WORDS = { known: "", review: "similar to somebody", unknown: "unknown", open: "looking", none: "" };

function draw(tile, tracks, width, height) {
  const marks = [];
  if (width && height) {
    tile.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const scale = Math.max(width / (tile.svg.clientWidth || width), height / (tile.svg.clientHeight || height));
    for (const track of tracks) marks.push(mark(track, width, height, scale));
  }
  tile.svg.replaceChildren(...marks);
  const names = tracks.map((t) => t.name).filter(Boolean);
  tile.svg.setAttribute("aria-label", `${tracks.length} ${tracks.length === 1 ? "person" : "people"} in the picture${names.length ? `: ${names.join(", ")}` : ""}`);
}

function shape(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

function mark(track, width, height, scale) {
  const [x, y, w, h] = [track.box[0] * width, track.box[1] * height, track.box[2] * width, track.box[3] * height];
  const group = shape("g", { class: track.status });
  group.append(shape("rect", { class: "box", x, y, width: w, height: h, rx: 4 * scale }));
  const words = track.name ?? WORDS[track.status] ?? "";
  if (words) {
    const label = shape("g", { transform: `translate(${Math.max(0, x)} ${Math.max(22 * scale, y)}) scale(${scale})` });
    const plate = shape("rect", { class: "plate", x: 0, y: -22, width: 0, height: 20, rx: 5 });
    label.append(plate);
    const text = shape("text", { x: 6, y: -7 });
    text.textContent = words;
    label.append(text);
    group.append(label);
    requestAnimationFrame(() => plate.setAttribute("width", text.getComputedTextLength() + 12));
  }
  return group;
}

async function states() {
  try {
    const { items } = await call("GET", "/cameras");
    for (const tile of tiles) {
      const camera = items.find((c) => c.id === tile.id);
      if (!camera) continue;
      const back = tile.element.dataset.state !== "live" && camera.state === "live";
      tile.element.dataset.state = camera.state;
      tile.pill.className = `pill ${camera.state}`;
      tile.pill.textContent = camera.state;
      tile.away.hidden = camera.state === "live";
      tile.away.querySelector("p").textContent = camera.reason || "waiting for the first picture";
      if (back) tile.mode = "off";
    }
  } catch {
    // The bar says that the box does not answer.
  }
  arrange();
}

const watcher = new IntersectionObserver((entries) => {
  for (const entry of entries) tiles.find((t) => t.element === entry.target).seen = entry.isIntersecting;
  arrange();
});

for (const tile of tiles) {
  watcher.observe(tile.element);
  tile.img.addEventListener("error", () => {
    if (tile.mode !== "moving") return;
    tile.mode = "off";
    setTimeout(arrange, 3000);
  });
  tile.element.querySelector("[data-enlarge]").addEventListener("click", (event) => {
    const grown = tile.element.classList.contains("big");
    document.querySelector(".camera.big")?.classList.remove("big");
    tile.element.classList.toggle("big", !grown);
    for (const t of tiles) {
      const big = t.element.classList.contains("big");
      t.element.querySelector("[data-enlarge]").setAttribute("aria-pressed", big);
      t.element.querySelector("[data-enlarge]").textContent = big ? "Smaller" : "Larger";
    }
    arrange();
    event.currentTarget.scrollIntoView({ block: "nearest" });
  });
}
document.addEventListener("visibilitychange", arrange);
on("camera", states);
on("resync", states);
setInterval(() => document.hidden || states(), 10_000);
