// One person: edit, more photos, erase.

import { busy, call, clearErrors, make, showErrors, toast } from "./api.js";
import { localTimes, on } from "./frame.js";
import { explain, photoChooser, upload } from "./photos.js";
import { contactRows, friendPicker } from "./picker.js";

const root = document.getElementById("person");
const id = root.dataset.person;
const said = sessionStorage.getItem("said");
if (said) {
  sessionStorage.removeItem("said");
  toast(said);
}

function afterwards(text) {
  sessionStorage.setItem("said", text);
  location.reload();
}

// The revision comes with the values shown, so that a change made meanwhile by somebody else is noticed.
function setUpEdit(form) {
  const person = JSON.parse(form.dataset.state);
  const contacts = contactRows(document.getElementById("contacts"), person.contacts);
  const friends = friendPicker(document.getElementById("friends"), person.friends, id);
  const before = person.friends.map((f) => f.id);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    clearErrors(form);
    const after = friends();
    const body = {
      revision: person.revision, name: form.elements.name.value, role: form.elements.role.value, contacts: contacts(),
      friends: { add: after.filter((f) => !before.includes(f)), remove: before.filter((f) => !after.includes(f)) },
    };
    try {
      await busy(form.querySelector(".primary"), () => call("PUT", `/users/${id}`, body));
      afterwards("Saved.");
    } catch (error) {
      if (error.status === 409) error.message = "Somebody else changed this person meanwhile. Load the page again and repeat your change.";
      showErrors(form, error);
    }
  });
}

function setUpPhotos(form) {
  const chooser = photoChooser(form, Number(form.dataset.max));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    clearErrors(form);
    const files = chooser.files();
    if (!files.length) return showErrors(form, { problem: { errors: [{ field: "photos", message: "Choose at least one photo." }] } });
    const data = new FormData();
    for (const way of ["accept_partial", "allow_lookalike"]) if (form.elements[way].checked) data.append(way, "true");
    for (const file of files) data.append("photos", file);
    try {
      const changed = await busy(form.querySelector(".primary"), () => upload(`/users/${id}/photos`, data, form.querySelector("progress")));
      afterwards(["The photos were added.", ...changed.warnings].join(" "));
    } catch (error) {
      explain(form, chooser, error, files.length);
      showErrors(form, error);
    }
  });
}

async function erase(button) {
  const progress = document.getElementById("erasure");
  try {
    await busy(button, () => call("DELETE", `/users/${id}`));
  } catch (error) {
    toast(error.message, { bad: true });
    return;
  }
  document.getElementById("erase-dialog").close();
  document.getElementById("when-there").hidden = true;
  progress.hidden = false;
  progress.focus();
  const look = async () => {
    const view = await call("GET", `/users/${id}/erasure`);
    const steps = [["Asked for", view.requested_at], ["Erased on this box: face, name, friends", view.erased_here_at],
      ["Confirmed by the cloud, for all other boxes", view.cloud_confirmed_at]];
    progress.querySelector("ul").replaceChildren(...steps.map(([what, at]) => make("li", { class: at ? "light good" : "light warn" },
      make("span", {}, `${what}: `, at ? make("time", { datetime: at }, at) : "waiting"))));
    localTimes(progress);
    return Boolean(view.cloud_confirmed_at);
  };
  if (!await look()) {
    on("sync", look);
    const timer = setInterval(async () => { if (await look()) clearInterval(timer); }, 5000);
  }
}

const edit = document.getElementById("edit");
if (edit) setUpEdit(edit);
const photos = document.getElementById("more-photos");
if (photos) setUpPhotos(photos);
const dialog = document.getElementById("erase-dialog");
document.getElementById("erase-open")?.addEventListener("click", () => dialog.showModal());
document.getElementById("erase-close")?.addEventListener("click", () => dialog.close());
document.getElementById("erase")?.addEventListener("click", (event) => erase(event.currentTarget));
for (const button of document.querySelectorAll("[data-remove-template]")) {
  button.addEventListener("click", async () => {
    try {
      await busy(button, () => call("PUT", `/users/${id}`, { templates: { remove: [button.dataset.removeTemplate] } }));
      afterwards("The template was removed.");
    } catch (error) {
      toast(error.message, { bad: true });
    }
  });
}
