// On every page: times in the reader's zone, the status bar, and one stream of events for whoever asks.

import { call, toast } from "./api.js";

const listeners = new Map();
let stream = null;
let lostSince = 0;

export function on(topic, listener) {
  listeners.set(topic, [...(listeners.get(topic) ?? []), listener]);
  if (stream) stream.addEventListener(topic, receive);
}

function receive(event) {
  const { id } = JSON.parse(event.data);
  for (const listener of listeners.get(event.type) ?? []) listener(id);
}

// A hidden page listens to nothing: browsers allow six connections to a host, and a guard has more tabs than that.
function connect() {
  if (stream || document.hidden) return;
  stream = new EventSource("/events");
  for (const topic of listeners.keys()) stream.addEventListener(topic, receive);
  stream.addEventListener("hello", () => {
    const again = lostSince > 0;
    lostSince = 0;
    contact(true);
    if (again) for (const listener of listeners.get("resync") ?? []) listener();
  });
  stream.addEventListener("error", () => {
    lostSince ||= Date.now();
    contact(false);
    refreshBar();  // goes to the log-in page when it is not the network that ended the stream
    if (stream?.readyState === EventSource.CLOSED) {
      stream = null;
      setTimeout(connect, 3000);
    }
  });
}

function disconnect() {
  stream?.close();
  stream = null;
  lostSince = Date.now();
}

function contact(there) {
  const light = document.getElementById("contact");
  if (light) light.hidden = there;
  document.documentElement.dataset.events = there ? "on" : "off";
}

export function localTimes(root = document) {
  const today = new Date().toDateString();
  for (const element of root.querySelectorAll("time[datetime]")) {
    const moment = new Date(element.dateTime);
    const day = moment.toDateString() === today ? {} : { day: "numeric", month: "short", year: "numeric" };
    element.textContent = moment.toLocaleString([], { ...day, hour: "2-digit", minute: "2-digit", second: "2-digit" });
    element.title = moment.toLocaleString([], { dateStyle: "full", timeStyle: "long" });
  }
}

async function refreshBar() {
  const bar = document.getElementById("bar");
  if (!bar || document.hidden) return;
  try {
    const status = await call("GET", "/status");
    set("link", status.link.connected ? "good" : "warn", status.link.connected ? "Connected to the cloud"
      : `Works without the cloud: ${status.link.reason || "not connected"}${waiting(status.link.waiting)}`);
    set("vision", status.vision ? "bad" : "good", status.vision ? `Nobody is recognised now: ${status.vision}` : "Recognition works");
    const lost = status.cameras.filter((c) => c.state !== "live");
    set("cams", lost.length ? "warn" : "good", lost.length ? `${lost.length} of ${status.cameras.length} cameras without a picture`
      : `${status.cameras.length} cameras live`);
  } catch (error) {
    if (error.status === 0) contact(false);
  }
}

function set(id, mood, text) {
  const light = document.getElementById(id);
  if (!light || light.textContent === text) return;
  light.className = `light ${mood}`;
  light.textContent = text;
}

function waiting(count) {
  return count ? `; ${count} ${count === 1 ? "message waits" : "messages wait"}` : "";
}

on("sync", refreshBar);
on("camera", refreshBar);
on("resync", refreshBar);
on("incident", announce);
const announced = new Set(JSON.parse(sessionStorage.getItem("announced") ?? "[]"));

// A new incident is heard of on every page, once.
async function announce(id) {
  if (announced.has(id)) return;
  announced.add(id);
  sessionStorage.setItem("announced", JSON.stringify([...announced].slice(-200)));
  try {
    const view = await call("GET", `/incidents/${id}`);
    if (view.state !== "open" || Date.now() - Date.parse(view.incident.at) > 600_000) return;
    toast(`New: ${view.incident.kind} at ${view.incident.location}, ${view.incident.severity}`, { href: `/ui/incidents/${id}`, bad: true, seconds: 20 });
  } catch {
    // Gone or not for this role: nothing to announce.
  }
}

localTimes();
setInterval(refreshBar, 30_000);
if (document.getElementById("bar")) {
  connect();
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) disconnect();
    else {
      connect();
      refreshBar();
    }
  });
  addEventListener("pagehide", disconnect);
}
