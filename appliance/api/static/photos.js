// Choosing photos: previews before they leave, what the box said of each afterwards, and the upload with its progress.

import { make, unpack } from "./api.js";

export function photoChooser(host, max) {
  const input = host.querySelector("input[type=file]");
  const drop = host.querySelector(".drop");
  const grid = host.querySelector(".photos");
  const error = host.querySelector("[data-error-for=photos]");
  let photos = [];

  function add(files) {
    const images = [...files].filter((f) => f.type.startsWith("image/"));
    error.textContent = images.length < files.length ? "Only images can be used here." : "";
    if (photos.length + images.length > max) error.textContent = `At most ${max} photos; the rest were left out.`;
    photos.push(...images.slice(0, max - photos.length).map((file) => ({ file, url: URL.createObjectURL(file), refusal: null })));
    show();
  }

  function show() {
    grid.replaceChildren(...photos.map((photo, index) => make("figure", { class: photo.refusal ? "refused" : photo.fine ? "fine" : "" },
      make("img", { src: photo.url, alt: `Photo ${index + 1}: ${photo.file.name}` }),
      make("figcaption", { class: photo.refusal ? "error" : "small quiet" }, photo.refusal ? words(photo.refusal) : photo.fine ? "This one is good" : photo.file.name),
      make("button", { type: "button", class: "little", "aria-label": `Remove photo ${index + 1}`, onclick: () => {
        URL.revokeObjectURL(photo.url);
        photos.splice(index, 1);
        show();
        input.focus();
      } }, "Remove"))));
  }

  input.addEventListener("change", () => { add(input.files); input.value = ""; });
  for (const type of ["dragover", "dragleave", "drop"]) {
    drop.addEventListener(type, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", type === "dragover");
      if (type === "drop") add(event.dataTransfer.files);
    });
  }

  return {
    files: () => photos.map((p) => p.file),
    judge(refused) {
      photos.forEach((photo, index) => {
        photo.refusal = refused.find((r) => r.index === index) ?? null;
        photo.fine = !photo.refusal;
      });
      show();
      grid.querySelector(".refused")?.scrollIntoView({ block: "center" });
    },
    clear() {
      photos.forEach((p) => URL.revokeObjectURL(p.url));
      photos = [];
      show();
    },
  };
}

function words(refusal) {
  const sentence = refusal.reason[0].toUpperCase() + refusal.reason.slice(1);
  return refusal.looks_like ? `${sentence}: ${refusal.looks_like.name}` : sentence;
}

export function upload(path, data, bar) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", path);
    bar.hidden = false;
    bar.removeAttribute("value");
    request.upload.addEventListener("progress", (event) => {
      // Once all is sent the box still looks at the faces: no percentage is known for that.
      if (event.loaded < event.total) bar.value = event.loaded / event.total;
      else bar.removeAttribute("value");
    });
    request.addEventListener("loadend", () => {
      bar.hidden = true;
      try {
        resolve(unpack(request.status, request.responseText));
      } catch (error) {
        if (error.status === 0) error.message = "the box does not answer; nothing was stored";
        reject(error);
      }
    });
    request.send(data);
  });
}

// After a refusal: why at each photo, and what can be done about it where that makes sense.
export function explain(form, chooser, error, total) {
  const refused = error.problem?.refused ?? [];
  if (refused.length) {
    chooser.judge(refused);
    error.message = `${refused.length} of ${total} ${total === 1 ? "photo" : "photos"} cannot be used: the reason is given at each.`;
  }
  form.querySelector("[data-way=accept_partial]").hidden = !(refused.length && refused.length < total);
  form.querySelector("[data-way=allow_lookalike]").hidden = !refused.some((r) => r.code === "looks_like_enrolled");
}
