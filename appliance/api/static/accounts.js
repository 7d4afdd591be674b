// Accounts of people and tokens of programs.

import { busy, call, clearErrors, showErrors } from "./api.js";

const account = document.getElementById("account");
const token = document.getElementById("token");

account.addEventListener("submit", async (event) => {
  event.preventDefault();
  clearErrors(account);
  const { name, password, role } = account.elements;
  try {
    await busy(account.querySelector(".primary"), () => call("POST", "/accounts", { name: name.value, password: password.value, role: role.value }));
    location.reload();
  } catch (error) {
    showErrors(account, error);
  }
});

token.addEventListener("submit", async (event) => {
  event.preventDefault();
  clearErrors(token);
  const { name, role } = token.elements;
  try {
    const made = await busy(token.querySelector(".primary"), () => call("POST", "/tokens", { name: name.value, role: role.value }));
    const shown = document.getElementById("token-made");
    shown.hidden = false;
    shown.querySelector("code").textContent = made.token;
    token.reset();
    shown.focus();
  } catch (error) {
    showErrors(token, error);
  }
});
