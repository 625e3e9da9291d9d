// What pages need beyond HTML. Every page also works without this file.
"use strict";

document.documentElement.classList.add("js");

const words = document.body.dataset;
const live = document.getElementById("live");

function say(text) {
  live.textContent = "";
  setTimeout(() => { live.textContent = text; }, 50);
}

// --- Toasts: quiet successes leave by themselves, everything else waits for the reader --------------
function startToast(toast) {
  if (toast.dataset.started) return;
  toast.dataset.started = "yes";
  const undo = toast.querySelector("[data-undo-seconds]");
  if (undo) countDown(toast, undo, Number(undo.dataset.undoSeconds));
  else if (toast.matches(".toast-success, .toast-info")) leaveUnlessRead(toast, 8000);
}

function leaveUnlessRead(toast, after) {
  setTimeout(() => {
    if (toast.matches(":hover, :focus-within")) leaveUnlessRead(toast, 2000);
    else toast.remove();
  }, after);
}

function countDown(toast, undo, seconds) {
  const counter = undo.querySelector("[data-undo-left]");
  const tick = () => {
    if (!toast.isConnected) return;
    if (seconds <= 0) { toast.remove(); return; }
    if (counter) counter.textContent = seconds;
    seconds -= 1;
    setTimeout(tick, 1000);
  };
  tick();
}

function warn(text) {
  const toast = document.getElementById("toast-error").content.firstElementChild.cloneNode(true);
  toast.querySelector(".grow").textContent = text;
  takeBack(text);
  document.getElementById("toasts").append(toast);
  return toast;
}

function takeBack(text) {
  document.querySelectorAll("#toasts .toast-error .grow").forEach((said) => {
    if (said.textContent === text) said.closest(".toast").remove();
  });
}

document.addEventListener("allauth.error", (event) => { event.preventDefault(); warn(words.passkeyFailed); });

function startToasts() {
  document.querySelectorAll(".toast").forEach(startToast);
}

// --- Dialogs ---------------------------------------------------------------------------------------
function openDialog(event, opener) {
  const dialog = document.getElementById(opener.dataset.dialogOpen);
  if (!dialog || !dialog.showModal) return;
  event.preventDefault();
  // One dialog for many rows is about the link that opens it.
  if (opener.dataset.title) {
    dialog.querySelector("h2").textContent = opener.dataset.title;
    dialog.querySelector("form").action = opener.href;
  }
  dialog.showModal();
}

// --- Copying ---------------------------------------------------------------------------------------
async function copy(button) {
  const source = button.dataset.copy || document.getElementById(button.dataset.copyFrom).textContent.trim();
  try {
    await navigator.clipboard.writeText(source);
    say(words.copied);
    showCopied(button);
  } catch {
    const text = document.getElementById(button.dataset.copyFrom);
    if (text) getSelection().selectAllChildren(text);
  }
}

function showCopied(button) {
  button.parentElement.querySelector(".copied")?.remove();
  const word = document.createElement("span");
  word.className = "copied";
  word.textContent = words.copied;
  word.setAttribute("aria-hidden", "true"); // said already
  button.before(word);
  setTimeout(() => word.remove(), 2000);
}

function reveal(button) {
  const field = document.getElementById(button.getAttribute("aria-controls"));
  const shown = field.type === "password";
  field.type = shown ? "text" : "password";
  button.setAttribute("aria-pressed", String(shown));
}

document.addEventListener("click", (event) => {
  const at = (selector) => event.target.closest(selector);
  document.querySelectorAll("details.menu[open]").forEach((menu) => {
    if (!menu.contains(event.target)) menu.open = false;
  });
  if (at("[data-toast-close]")) at(".toast").remove();
  else if (at("[data-dialog-open]")) openDialog(event, at("[data-dialog-open]"));
  else if (at("[data-dialog-close]")) { event.preventDefault(); at("dialog").close(); }
  else if (at("[data-copy], [data-copy-from]")) copy(at("[data-copy], [data-copy-from]"));
  else if (at("[data-reveal]")) reveal(at("[data-reveal]"));
  else if (event.target.matches("dialog")) event.target.close();
});

// --- Menus close with Escape and return the focus; the switcher filters while typing ---------------
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const open = document.querySelector("details.menu[open]");
  if (!open) return;
  open.open = false;
  open.querySelector("summary").focus();
});

document.addEventListener("toggle", (event) => {
  const menu = event.target;
  if (!menu.matches || !menu.matches("details.menu") || !menu.open) return;
  document.querySelectorAll("details.menu[open]").forEach((other) => { if (other !== menu) other.open = false; });
  const filter = menu.querySelector("[data-filter]");
  if (filter && "asks" in filter.dataset) { filter.focus(); filter.select(); }
  else if (filter) { filter.value = ""; narrow(filter); filter.focus(); }
}, true);

function narrow(filter) {
  const wanted = filter.value.trim().toLowerCase();
  const box = document.getElementById(filter.dataset.filter);
  let found = 0;
  box.querySelectorAll("[data-name]").forEach((row) => {
    row.hidden = !row.dataset.name.toLowerCase().includes(wanted);
    found += row.hidden ? 0 : 1;
  });
  box.querySelectorAll("[data-group]").forEach((group) => {
    group.hidden = !group.querySelector("[data-name]:not([hidden])");
  });
  const none = box.querySelector("[data-none]");
  if (none) none.hidden = found > 0;
}

document.addEventListener("input", (event) => {
  if (event.target.matches("[data-filter]:not([data-asks])")) narrow(event.target);
});

// Of a list that the server finds, Enter waits for what was typed last.
function takeFirst(filter) {
  const box = document.getElementById(filter.dataset.filter);
  const foundBy = box.querySelector("[data-found-by]");
  filter.entered = "asks" in filter.dataset && foundBy.dataset.foundBy !== filter.value.trim();
  if (!filter.entered) box.querySelector("[data-name]:not([hidden]) a")?.click();
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !event.target.matches("[data-filter]")) return;
  event.preventDefault();
  takeFirst(event.target);
});
document.addEventListener("htmx:afterSettle", (event) => {
  const filter = document.querySelector(`[data-asks][data-filter="${event.target.id}"]`);
  if (filter?.entered) takeFirst(filter);
});

// --- A double click is one press: the second would undo twice, or act on what came in between --------
document.addEventListener("click", (event) => {
  const button = event.detail > 1 && event.target.closest("button:not([type=button]), a.btn");
  if (!button) return;
  event.preventDefault();
  event.stopImmediatePropagation();
}, true);

// --- Forms: the pressed button says that it is at work ---------------------------------------------
function rest(button) {
  button.disabled = false;
  button.removeAttribute("aria-busy");
  if (button.dataset.label) button.querySelector("[data-busy-word], span")?.replaceChildren(button.dataset.label);
}

function work(button) {
  if (!button.matches(".btn") || button.hasAttribute("data-no-busy")) return;
  button.setAttribute("aria-busy", "true");
  const label = button.querySelector("[data-busy-word], span");
  if (label) { button.dataset.label = label.textContent; label.textContent = button.dataset.busy || words.busy; }
  say(button.dataset.busy || words.busy);
  // Disabling at once would leave the button's own name and value out of the form.
  setTimeout(() => { button.disabled = true; }, 0);
}

document.addEventListener("submit", (event) => {
  if (event.defaultPrevented || event.target.method === "dialog" || !event.submitter) return;
  work(event.submitter);
});
document.addEventListener("htmx:afterRequest", (event) => {
  event.target.querySelectorAll?.('.btn[aria-busy="true"]').forEach(rest);
});
document.addEventListener("htmx:afterSettle", startToasts);
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submit-on-change]")) event.target.form.requestSubmit();
  event.target.form?.classList.add("changed");
});
window.addEventListener("pageshow", (event) => {
  if (event.persisted) document.querySelectorAll('.btn[aria-busy="true"]').forEach(rest);
});

// --- A changed form is not lost without a word -------------------------------------------------------
// Of the page, not of the form: an answer that shows the form again (a check, a mistake) has saved nothing.
let unsaved = false;
const alter = ({ target }) => { if (target.type !== "search" && target.form?.hasAttribute("data-keeps")) unsaved = true; };
const leaveOnPurpose = () => { unsaved = false; };
document.addEventListener("input", alter);
document.addEventListener("change", alter);
document.addEventListener("click", (event) => { if (event.target.closest("[data-keeps] .form-actions a")) leaveOnPurpose(); });
document.addEventListener("submit", (event) => {
  if (event.target.hasAttribute("data-keeps") && !event.target.hasAttribute("hx-post")) leaveOnPurpose();
});
document.addEventListener("htmx:beforeOnLoad", (event) => {
  if (["HX-Redirect", "HX-Refresh"].some((name) => event.detail.xhr.getResponseHeader(name))) leaveOnPurpose();
});
addEventListener("beforeunload", (event) => { if (unsaved) event.preventDefault(); });

// --- Signed out, or in again, in another tab: what was typed here is not lost -------------------------
const LOOK_AGAIN_AFTER = 60_000; // ms
let signedInAt = Date.now();
const looking = new WeakSet();
const looked = new WeakSet();

// Signing in makes every page that lay open a stranger: its forms get the word that the next request needs.
async function isSignedIn(headers) {
  if (!words.person) return true;
  let session;
  try {
    session = await (await fetch(words.session, { headers, cache: "no-store" })).json();
  } catch { return true; } // the request itself tells that nothing answers
  if (session.person !== words.person) return false;
  signedInAt = Date.now();
  document.querySelectorAll("input[name=csrfmiddlewaretoken]").forEach((field) => { field.value = session.token; });
  document.body.setAttribute("hx-headers", JSON.stringify({ "X-CSRFToken": session.token }));
  takeBack(words.signedOut);
  return true;
}

function sayThatSignedOut() {
  const link = document.createElement("a"); // this page, which asks who is there
  Object.assign(link, { href: location.href, target: "_blank", textContent: words.signIn });
  warn(words.signedOut).querySelector(".grow").after(link);
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  signedInAt = 0;
  isSignedIn({ "X-Asked-By-Itself": "yes" });
});
document.addEventListener("submit", async (event) => {
  const { target: form, submitter } = event;
  if (!form.hasAttribute("data-keeps") || looked.delete(form) || Date.now() - signedInAt < LOOK_AGAIN_AFTER) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  if (looking.has(form)) return;
  looking.add(form);
  const still = await isSignedIn({});
  looking.delete(form);
  if (!still) { sayThatSignedOut(); return; }
  looked.add(form);
  form.requestSubmit(submitter);
}, true);

startToasts();
document.querySelector(".error-summary")?.focus();
// What is shown once came as the answer to a form: a reload would ask for another one.
if (document.querySelector("[data-said-once]")) history.replaceState(null, "", location.href);
