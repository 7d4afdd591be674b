// Contacts and friends of a person, in the enrolment and in the edit form.

import { call, make } from "./api.js";

// `host` names the channels in data-channels, one a line: value|label|example.
export function contactRows(host, contacts = []) {
  const channels = host.dataset.channels.split("\n").map((line) => line.split("|"));
  const example = (value) => channels.find(([known]) => known === value)[2];
  const rows = make("div", { class: "stack" });
  const add = make("button", { type: "button", class: "little", onclick: () => append({ channel: channels[0][0], address: "" }).focus() }, "Add a contact");
  host.append(rows, add);

  function append({ channel, address }) {
    const input = make("input", { value: address, "aria-label": "Number, address or token", autocomplete: "off", placeholder: example(channel), maxlength: 400 });
    const select = make("select", { "aria-label": "How", onchange: () => { input.placeholder = example(select.value); } },
      ...channels.map(([value, text]) => make("option", { value, selected: value === channel }, text)));
    const row = make("div", { class: "contact" }, select, input,
      make("button", { type: "button", class: "cross", "aria-label": "Remove this contact", onclick: () => { row.remove(); add.focus(); } }, "×"));
    rows.append(row);
    return input;
  }
  contacts.forEach(append);

  return () => [...rows.children].map((row) => ({ channel: row.children[0].value, address: row.children[1].value.trim() })).filter((c) => c.address);
}

// Chooses people by name: `friends` to begin with, never `self`. `changed` is called with the ids after each change.
export function friendPicker(host, friends = [], self = null, changed = () => {}, title = "Friends") {
  const chosen = new Map(friends.map((f) => [f.id, f.name ?? "somebody not on this box"]));
  const chips = make("div", { class: "chips", role: "list", "aria-label": title });
  const input = make("input", { type: "search", placeholder: "Search by name", "aria-label": `Search people to add: ${title}`, autocomplete: "off" });
  const options = make("div", { class: "options", hidden: true });
  host.replaceChildren(chips, input, options);
  let timer = 0;

  function show() {
    chips.replaceChildren(...[...chosen].map(([id, name]) => make("span", { class: "chip", role: "listitem" }, name,
      make("button", { type: "button", "aria-label": `Remove ${name}`, onclick: () => { chosen.delete(id); show(); changed([...chosen.keys()]); input.focus(); } }, "×"))));
    chips.hidden = !chosen.size;
  }

  async function search() {
    const text = input.value.trim();
    options.hidden = !text;
    if (!text) return;
    try {
      const { items } = await call("GET", `/users?limit=8&search=${encodeURIComponent(text)}`);
      const found = items.filter((p) => p.id !== self && !chosen.has(p.id));
      options.replaceChildren(...(found.length ? found.map(option) : [make("p", { class: "quiet" }, "Nobody else of this name is enrolled.")]));
    } catch (error) {
      options.replaceChildren(make("p", { class: "error" }, error.message));
    }
  }

  function option(person) {
    return make("button", { type: "button", onclick: () => {
      chosen.set(person.id, person.name);
      input.value = "";
      options.hidden = true;
      show();
      changed([...chosen.keys()]);
      input.focus();
    } }, `${person.name} `, make("span", { class: "quiet small" }, person.role));
  }

  input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(search, 200); });
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter") event.preventDefault();
    if (event.key === "Escape") options.hidden = true;
    if (event.key === "ArrowDown") options.querySelector("button")?.focus();
  });
  show();
  return () => [...chosen.keys()];
}
