// Incidents: cards are made by the box; this swaps them when something changes and sends what a guard decides.

import { busy, call, clearErrors, fragment, showErrors, toast } from "./api.js";
import { localTimes, on } from "./frame.js";

const list = document.getElementById("incidents");
const detail = document.getElementById("detail");
const pending = new Map();

// Several events of one incident within a moment are one look.
function refresh(id) {
  clearTimeout(pending.get(id));
  pending.set(id, setTimeout(() => swap(id), 150));
}

async function swap(id) {
  const there = () => document.getElementById(`incident-${id}`);
  if (detail) {
    if (detail.dataset.incident === id) await reloadDetail();
    return;
  }
  if (!there() && list?.dataset.first !== "yes") return;
  let card;
  try {
    card = await fragment(`/ui/incidents/${id}/card`);
  } catch {
    return;
  }
  localTimes(card);
  // Looked up only now: another swap may have put the card in meanwhile.
  const old = there();
  if (old) {
    const focused = old.contains(document.activeElement) ? document.activeElement.dataset.verb ?? "title" : null;
    old.replaceWith(card);
    if (focused) (card.querySelector(`[data-verb="${focused}"]`) ?? card.querySelector("h2 a")).focus();
  } else if (!list.dataset.state || list.dataset.state === card.dataset.state) {
    card.classList.add("fresh");
    const later = [...list.children].find((other) => other.dataset.at <= card.dataset.at);
    list.insertBefore(card, later ?? null);
    document.getElementById("nothing")?.remove();
  }
}

async function reloadDetail() {
  const answer = await fetch(location.href, { credentials: "same-origin" });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("detail");
  const note = detail.querySelector("textarea")?.value;
  const focused = detail.contains(document.activeElement) ? document.activeElement.dataset.verb ?? document.activeElement.id : null;
  detail.replaceChildren(...fresh.childNodes);
  if (note) detail.querySelector("textarea").value = note;
  if (focused) (detail.querySelector(`[data-verb="${focused}"]`) ?? detail.querySelector(`#${CSS.escape(focused)}`) ?? detail.querySelector("h1")).focus();
  localTimes(detail);
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-verb]");
  if (!button) return;
  const { incident, verb } = button.dataset;
  const body = { action: verb };
  const form = button.form;
  if (form) {
    event.preventDefault();
    clearErrors(form);
    body.note = form.elements.note?.value ?? "";
  }
  try {
    await busy(button, () => call("PATCH", `/incidents/${incident}`, body));
    if (form?.elements.note) form.elements.note.value = "";
    await swap(incident);
  } catch (error) {
    if (form) showErrors(form, error);
    else toast(error.message, { bad: true });
  }
});

const dialog = document.getElementById("report");
document.getElementById("report-open")?.addEventListener("click", () => {
  clearErrors(dialog.querySelector("form"));
  dialog.showModal();
});
document.getElementById("report-close")?.addEventListener("click", () => dialog.close());
dialog?.querySelector("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  clearErrors(form);
  const { kind, location: place, severity, description, camera } = form.elements;
  const body = { time: new Date().toISOString(), kind: kind.value, location: place.value, severity: severity.value, description: description.value };
  if (camera?.value) body.camera = camera.value;
  try {
    const view = await busy(form.querySelector(".primary"), () => call("POST", "/incidents", body));
    dialog.close();
    form.reset();
    await swap(view.incident.id);
  } catch (error) {
    showErrors(form, error);
  }
});

if (list || detail) {
  for (const topic of ["incident", "anchor", "delivery"]) on(topic, refresh);
  on("resync", () => location.reload());
}
