// Small helpers for the cloud's pages. Every request goes to the same REST interface that programs use.
"use strict";

function say(text, bad) {
  const line = document.getElementById("said");
  line.textContent = text;
  line.className = text ? (bad ? "card alarm bad" : "card good") : "";
  if (text) line.scrollIntoView({block: "nearest"});
}

async function ask(method, path, body) {
  const options = {method, headers: {}};
  if (body instanceof FormData) options.body = body;
  else if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers["Content-Type"] = "application/json";
  }
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw {detail: "the server does not answer; check the connection and try again"};
  }
  if (answer.status === 401) location.assign("/login?next=" + encodeURIComponent(location.pathname));
  const text = await answer.text();
  const content = text ? JSON.parse(text) : null;
  if (!answer.ok) throw content;
  return content;
}

async function during(element, work) {
  const buttons = element.querySelectorAll("button");
  buttons.forEach((button) => { button.disabled = true; });
  try {
    await work();
  } catch (problem) {
    if (problem instanceof Error) throw problem;
    say(problem.detail + (problem.hint ? " – " + problem.hint : ""), true);
    showRefused(element, problem.refused || []);
  } finally {
    buttons.forEach((button) => { button.disabled = false; });
  }
}

function showRefused(form, refused) {
  const figures = form.querySelectorAll(".photos figure");
  figures.forEach((figure) => { figure.className = ""; figure.querySelector("figcaption").textContent = ""; });
  for (const one of refused) {
    const figure = figures[one.index];
    if (!figure) continue;
    figure.className = "refused";
    const like = one.looks_like ? " (" + one.looks_like.name + ")" : "";
    figure.querySelector("figcaption").textContent = one.reason + like;
  }
}

function addContact(list, contact) {
  const row = document.getElementById("contact-row").content.cloneNode(true);
  if (contact) {
    row.querySelector("select").value = contact.channel;
    row.querySelector("input").value = contact.address;
  }
  row.querySelector("button").addEventListener("click", (event) => event.target.closest(".contact").remove());
  list.append(row);
}

function contactsOf(list) {
  return [...list.querySelectorAll(".contact")].map((row) => ({
    channel: row.querySelector("select").value, address: row.querySelector("input").value.trim(),
  })).filter((contact) => contact.address);
}

for (const list of document.querySelectorAll("[data-contacts]")) {
  JSON.parse(list.dataset.contacts).forEach((contact) => addContact(list, contact));
  list.parentElement.querySelector("[data-add]")?.addEventListener("click", () => addContact(list));
}

const photos = document.querySelector("input[type=file][name=photos]");
photos?.addEventListener("change", () => {
  const shown = photos.form.querySelector(".photos");
  shown.replaceChildren(...[...photos.files].map((file) => {
    const figure = document.createElement("figure");
    const picture = document.createElement("img");
    picture.src = URL.createObjectURL(file);
    picture.alt = file.name;
    picture.onload = () => URL.revokeObjectURL(picture.src);
    figure.append(picture, Object.assign(document.createElement("figcaption"), {className: "small bad"}));
    return figure;
  }));
});

for (const field of document.querySelectorAll("[data-search]")) {
  const choice = document.getElementById(field.dataset.search);
  field.addEventListener("input", async () => {
    const text = field.value.trim();
    if (!text) return;
    const found = await ask("GET", "/users?limit=20&search=" + encodeURIComponent(text));
    if (field.value.trim() !== text) return;  // an older answer came late
    choice.replaceChildren(...found.items.filter((person) => person.id !== choice.form.dataset.id)
      .map((person) => new Option(person.name, person.id)));
    if (!choice.options.length) choice.add(new Option("Nobody with that name", ""));
  });
  field.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
}

const ACTIONS = {
  async enrol(form) {
    const sent = new FormData(form);
    sent.set("contacts", JSON.stringify(contactsOf(form.querySelector("[data-contacts]"))));
    const consent = {given_by: sent.get("given_by"), basis: sent.get("basis")};
    if (sent.get("guardian")) consent.guardian = sent.get("guardian");
    for (const name of ["given_by", "basis", "guardian", "agreed"]) sent.delete(name);
    sent.set("consent", JSON.stringify(consent));
    if (sent.has("accept_partial")) sent.set("accept_partial", "true");
    const made = await ask("POST", "/users/register", sent);
    location.assign("/ui/people/" + made.id);
  },
  async photos(form) {
    const sent = new FormData(form);
    if (sent.has("accept_partial")) sent.set("accept_partial", "true");
    await ask("POST", "/users/" + form.dataset.id + "/photos", sent);
    location.reload();
  },
  async person(form) {
    await ask("PUT", "/users/" + form.dataset.id, {
      revision: Number(form.dataset.revision), name: form.elements.name.value, role: form.elements.role.value,
      contacts: contactsOf(form.querySelector("[data-contacts]")),
    });
    location.reload();
  },
  async befriend(form) {
    await ask("PUT", "/users/" + form.dataset.id, {friends: {add: [form.elements.friend.value]}});
    location.reload();
  },
  async unfriend(form) {
    await ask("PUT", "/users/" + form.dataset.id, {friends: {remove: [form.dataset.friend]}});
    location.reload();
  },
  async erase(form) {
    if (form.elements.name.value !== form.dataset.name) throw {detail: "the name does not match: nobody was erased"};
    await ask("DELETE", "/users/" + form.dataset.id);
    location.assign("/ui/people/" + form.dataset.id + "/erasure");
  },
  async act(form, button) {
    const sent = {action: button.value, note: form.elements.note ? form.elements.note.value : ""};
    await ask("PATCH", "/incidents/" + form.dataset.id, sent);
    location.reload();
  },
  async release(form, button) {
    await ask(button.value === "withdraw" ? "DELETE" : "POST", "/incidents/" + form.dataset.id + "/release?organisation=" + form.dataset.organisation);
    location.reload();
  },
  async contacts(form) {
    await ask("PUT", "/site/contacts", {
      security: contactsOf(document.getElementById("security")), police: contactsOf(document.getElementById("police")),
      revision: form.dataset.revision,
    });
    location.reload();
  },
  async code(form) {
    const made = await ask("POST", "/boxes/claim-codes");
    form.querySelector("output").textContent = made.code;
  },
  async revoke(form) {
    if (!confirm("Shut out box " + form.dataset.id + "? Nothing it sends is taken from then on.")) return;
    await ask("POST", "/boxes/" + form.dataset.id + "/revoke");
    location.reload();
  },
};

document.addEventListener("submit", (event) => {
  const form = event.target;
  const action = ACTIONS[form.dataset.do];
  if (!action) return;
  event.preventDefault();
  say("");
  during(form, () => action(form, event.submitter));
});
