// Talking to the box: errors are problem details (RFC 9457) and come out as ApiError.

export class ApiError extends Error {
  constructor(problem, status) {
    super(problem.hint ? `${problem.detail} (${problem.hint})` : problem.detail);
    this.problem = problem;
    this.status = status;
  }
}

export async function call(method, path, body) {
  const options = { method, headers: {}, credentials: "same-origin" };
  if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new ApiError({ detail: "the box does not answer; check the connection to it" }, 0);
  }
  return unpack(answer.status, await answer.text());
}

export function unpack(status, text) {
  let value = null;
  try {
    value = text ? JSON.parse(text) : null;
  } catch {
    value = null;
  }
  if (status === 401) location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
  if (status >= 400 || status === 0) throw new ApiError(value ?? { detail: `the box answered ${status}` }, status);
  return value;
}

export async function fragment(path) {
  const answer = await fetch(path, { credentials: "same-origin" });
  if (!answer.ok) throw new ApiError({ detail: `the box answered ${answer.status}` }, answer.status);
  const template = document.createElement("template");
  template.innerHTML = await answer.text();
  return template.content.firstElementChild;
}

// Elements without innerHTML: text is text.
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

export function toast(text, { bad = false, href = null, seconds = 8 } = {}) {
  const close = make("button", { type: "button", class: "plain little", "aria-label": "Close this message" }, "Close");
  const message = href ? make("a", { href }, text) : make("span", {}, text);
  const box = make("div", { class: bad ? "toast bad" : "toast" }, message, close);
  close.addEventListener("click", () => box.remove());
  document.getElementById("toasts").append(box);
  setTimeout(() => box.remove(), seconds * 1000);
}

export async function busy(button, work) {
  button.disabled = true;
  button.setAttribute("aria-busy", "true");
  try {
    return await work();
  } finally {
    button.disabled = false;
    button.removeAttribute("aria-busy");
  }
}

// Errors at their field: an element with data-error-for="contacts" takes contacts, contacts.0, body.contacts...
export function showErrors(form, error) {
  clearErrors(form);
  const rows = error.problem?.errors?.length ? error.problem.errors : [{ field: "", message: error.message }];
  let first = null;
  for (const { field, message } of rows) {
    const name = field.replace(/^body\.?/, "").split(".")[0];
    const place = form.querySelector(`[data-error-for="${CSS.escape(name)}"]`) ?? form.querySelector('[data-error-for=""]');
    place.textContent += (place.textContent ? " " : "") + (place.dataset.errorFor === name ? message : `${name} ${message}`.trim());
    const input = form.elements[name];
    if (input instanceof HTMLElement) {
      input.setAttribute("aria-invalid", "true");
      first ??= input;
    }
    first ??= place;
  }
  if (first && !first.matches("input, select, textarea")) first.tabIndex = -1;
  first?.focus();
  first?.scrollIntoView({ block: "center" });
}

export function clearErrors(form) {
  for (const place of form.querySelectorAll("[data-error-for]")) place.textContent = "";
  for (const input of form.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
}
