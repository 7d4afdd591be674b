// Enrolling a person.

import { busy, clearErrors, showErrors } from "./api.js";
import { explain, photoChooser, upload } from "./photos.js";
import { contactRows, friendPicker } from "./picker.js";

const form = document.getElementById("enrol");
const chooser = photoChooser(form, Number(form.dataset.max));
const contacts = contactRows(document.getElementById("contacts"));
const friends = friendPicker(document.getElementById("friends"));
const { basis } = form.elements;

basis.addEventListener("change", () => { document.getElementById("guardian-field").hidden = basis.value !== "guardian-consent"; });

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  clearErrors(form);
  const files = chooser.files();
  const missing = [];
  if (!form.elements.name.value.trim()) missing.push({ field: "name", message: "Enter the person's name." });
  if (!files.length) missing.push({ field: "photos", message: "Choose at least one photo." });
  if (!form.elements.given_by.value.trim()) missing.push({ field: "given_by", message: "Say who agreed." });
  if (!form.elements.agreed.checked) missing.push({ field: "agreed", message: "Without this agreement no face may be kept." });
  if (missing.length) return showErrors(form, { problem: { errors: missing } });

  const consent = { given_by: form.elements.given_by.value, basis: basis.value };
  if (basis.value === "guardian-consent") consent.guardian = form.elements.guardian.value;
  const data = new FormData();
  data.append("name", form.elements.name.value);
  data.append("role", form.elements.role.value);
  data.append("contacts", JSON.stringify(contacts()));
  data.append("friends", JSON.stringify(friends()));
  data.append("consent", JSON.stringify(consent));
  for (const way of ["accept_partial", "allow_lookalike"]) if (form.elements[way].checked) data.append(way, "true");
  for (const file of files) data.append("photos", file);
  try {
    const person = await busy(form.querySelector(".primary"), () => upload("/users/register", data, form.querySelector("progress")));
    sessionStorage.setItem("said", [`${person.name} is enrolled and is recognised from now on.`, ...person.warnings].join(" "));
    location.assign(`/ui/people/${person.id}`);
  } catch (error) {
    explain(form, chooser, error, files.length);
    showErrors(form, error);
  }
});
