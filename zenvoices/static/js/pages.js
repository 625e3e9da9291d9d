// Photographs of one paper: taken one after the other, put in order, sent as one. The form also works without this file.
"use strict";
(() => {
  const form = document.getElementById("photos");
  const input = document.getElementById("id_photos");
  const list = document.getElementById("photo-list");
  const said = document.getElementById("photos-said");
  const told = form.dataset;
  const photos = new Map(); // row: file
  let sending = false;
  input.required = false; // a camera gives one at a time, and each replaces the one before

  input.addEventListener("change", take);
  if (input.files.length) take(); // chosen before this file came (early-photos.js)

  function take() {
    for (const file of input.files) if (photos.size < Number(told.most)) add(file);
    input.value = "";
    number();
  }

  function add(file) {
    const row = document.getElementById("photo").content.firstElementChild.cloneNode(true);
    const image = row.querySelector("img");
    image.src = URL.createObjectURL(file);
    image.addEventListener("load", () => URL.revokeObjectURL(image.src), { once: true });
    photos.set(row, file);
    list.append(row);
  }

  function number() {
    [...list.children].forEach((row, at) => {
      const name = told.page.replace("#", at + 1);
      row.querySelector("span").textContent = name;
      for (const [button, word] of [["-1", told.up], ["1", told.down], ["0", told.away]]) {
        row.querySelector(`[data-move="${button}"]`).setAttribute("aria-label", `${word}: ${name}`);
        row.querySelector(`[data-move="${button}"]`).title = word;
      }
      row.querySelector('[data-move="-1"]').disabled = at === 0;
      row.querySelector('[data-move="1"]').disabled = at === list.children.length - 1;
    });
  }

  list.addEventListener("click", (event) => {
    const button = event.target.closest("[data-move]");
    if (!button || sending) return;
    const row = button.closest("li");
    if (button.dataset.move === "-1") row.previousElementSibling.before(row);
    else if (button.dataset.move === "1") row.nextElementSibling.after(row);
    else { photos.delete(row); row.remove(); }
    number();
    if (row.isConnected) button.focus();
  });

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (sending) return;
    if (!photos.size) { input.click(); return; }
    send();
  });

  function send() {
    const data = new FormData();
    data.append("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
    for (const row of list.children) data.append("photos", photos.get(row), photos.get(row).name);
    const request = new XMLHttpRequest();
    sending = true;
    said.textContent = told.sending;
    request.open("POST", location.pathname);
    request.setRequestHeader("Accept", "application/json");
    request.addEventListener("loadend", () => { sending = false; answer(request); });
    request.send(data);
  }

  // What failed stays: the button sends the same photographs again.
  function answer(request) {
    let result = null;
    try { [result] = JSON.parse(request.responseText).results; } catch { /* no answer of ours */ }
    if (result && result.url) { photos.clear(); location.assign(result.url); return; }
    const reasons = { 401: told.signedOut, 403: told.refused };
    said.textContent = result ? `${result.filename}: ${result.text}` : reasons[request.status] ?? told.broken;
  }

  addEventListener("beforeunload", (event) => { if (photos.size) event.preventDefault(); });
})();
