// Uploaden & Inlezen: uploading with progress, keys, selecting. The page also works without this file.
"use strict";
(() => {
  const form = document.getElementById("upload");
  const input = form.querySelector("input[type=file]");
  const told = form.dataset;
  const panel = document.getElementById("uploads");
  const dropping = document.getElementById("dropping");
  const waiting = [];
  const AT_ONCE = 2;
  let running = 0;
  let failed = 0;

  // --- Uploading: one request per file, so that each has its own progress and its own answer ----------
  function add(files) {
    panel.hidden = false;
    for (const file of files) {
      const row = document.getElementById("upload-row").content.firstElementChild.cloneNode(true);
      row.querySelector(".upload-name").textContent = file.name;
      row.querySelector(".progress").setAttribute("aria-label", file.name);
      state(row, told.waiting);
      panel.querySelector("ul").append(row);
      // The web server would hang up on one that no request may hold, and no sentence would come back.
      if (file.size <= told.mostBytes) waiting.push({ file, row });
      else { failed += 1; state(row, told.tooLarge, "upload-failed"); }
    }
    next();
  }

  function state(row, text, kind) {
    row.querySelector(".upload-state").textContent = text;
    if (kind) row.classList.add(kind);
  }

  function next() {
    while (running < AT_ONCE && waiting.length) send(waiting.shift());
    if (!running && !waiting.length) finish();
  }

  function send({ file, row }) {
    const data = new FormData();
    data.append("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
    data.append("files", file, file.name);
    const request = new XMLHttpRequest();
    running += 1;
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "application/json");
    request.upload.addEventListener("progress", (event) => {
      const percent = event.lengthComputable ? Math.round((100 * event.loaded) / event.total) : 0;
      row.querySelector(".progress").value = percent;
      state(row, percent < 100 ? `${percent}%` : told.checking);
    });
    request.addEventListener("loadend", () => { running -= 1; answer(request, file, row); next(); });
    request.send(data);
  }

  function answer(request, file, row) {
    let result = null;
    try { [result] = JSON.parse(request.responseText).results; } catch { /* no answer of ours */ }
    if (result && result.url) {
      state(row, result.text, "upload-done");
      const link = document.createElement("a");
      link.href = result.url;
      link.textContent = result.filename;
      row.querySelector(".upload-name").replaceChildren(link);
    } else {
      failed += 1;
      const reasons = { 401: told.signedOut, 403: told.refused };
      state(row, result ? result.text : reasons[request.status] ?? told.broken, "upload-failed");
      if (!result || result.again) offerAgain(file, row);
    }
  }

  // The file is still here: nobody has to find it once more.
  function offerAgain(file, row) {
    const again = document.createElement("button");
    again.type = "button";
    again.className = "btn btn-small";
    again.textContent = told.again;
    again.setAttribute("aria-label", `${told.again}: ${file.name}`);
    again.addEventListener("click", () => {
      again.remove();
      row.classList.remove("upload-failed");
      row.querySelector(".progress").value = 0;
      state(row, told.waiting);
      waiting.push({ file, row });
      next();
    });
    row.append(again);
  }

  function finish() {
    say(failed ? told.someFailed : told.allDone);
    failed = 0;
    if (!panel.querySelector(".upload-done")) return;
    // The panel stays: it says which files were not accepted, and why.
    const list = document.getElementById("inbox-list");
    const asked = list
      ? htmx.ajax("GET", told.list + location.search, { target: list, source: list })
      : htmx.ajax("GET", told.list, { target: "#content", source: "#content", select: "#content", swap: "outerHTML" });
    asked.catch(() => {}); // asked again by requests.js
  }

  input.addEventListener("change", () => { add(input.files); input.value = ""; });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-upload-open]")) { event.preventDefault(); input.click(); }
    if (event.target.closest("[data-uploads-close]")) { panel.hidden = true; panel.querySelector("ul").replaceChildren(); }
  });

  // --- Dropping files anywhere ------------------------------------------------------------------------
  const holdsFiles = (event) => [...(event.dataTransfer?.types || [])].includes("Files");
  let depth = 0;
  addEventListener("dragenter", (event) => { if (holdsFiles(event)) { depth += 1; dropping.hidden = false; } });
  addEventListener("dragleave", (event) => { if (holdsFiles(event)) { depth -= 1; dropping.hidden = depth <= 0; } });
  addEventListener("dragover", (event) => { if (holdsFiles(event)) event.preventDefault(); });
  addEventListener("drop", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    depth = 0;
    dropping.hidden = true;
    add(event.dataTransfer.files);
  });
  addEventListener("beforeunload", (event) => { if (running) event.preventDefault(); });

  // --- The row that is open: marked when it is asked for, so that keys act on the row that is seen ------
  const rows = () => [...document.querySelectorAll("[data-row]")];
  const current = () => document.querySelector("[data-row][aria-current]");
  const itemOf = (id) => document.querySelector(`[data-row][data-id="${id}"]`)?.closest(".row-item");
  let wanted = null; // the address of the document that is on its way
  function markOpen() {
    const open = wanted ?? document.querySelector(".doc")?.dataset.address;
    for (const row of rows()) {
      if (row.pathname === open) row.setAttribute("aria-current", "true");
      else row.removeAttribute("aria-current");
    }
  }
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (!event.target.matches("[data-row]")) return;
    wanted = event.target.pathname;
    markOpen();
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.successful || event.target.pathname !== wanted) return;
    wanted = null;
    markOpen();
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    const shown = document.querySelector(".doc");
    if (shown?.dataset.address === wanted) wanted = null; // another may have been asked for meanwhile
    markOpen();
    countSelected();
    if (event.target.id !== "reading" || !shown) return;
    const item = itemOf(shown.dataset.id);
    if (item) item.dataset.state = shown.dataset.state;
    event.target.scrollTop = 0;
    say(shown.dataset.name);
    if (matchMedia("(max-width: 900px)").matches) { scrollTo(0, 0); event.target.focus({ preventScroll: true }); }
  });

  // --- Done, and back again: the row goes when the server says so, the next document comes at once -------
  function work(row) {
    const { done, reopen } = document.getElementById("inbox-list")?.dataset ?? {};
    if (!done) return;
    const item = row.closest(".row-item");
    if (item.dataset.going) return;
    item.dataset.going = item.dataset.state === "done" ? "seen" : "done";
    document.querySelectorAll("#toasts [data-undo-seconds]").forEach((undo) => undo.closest(".toast").remove());
    const address = item.dataset.going === "done" ? done : reopen;
    htmx.ajax("POST", address, { source: item, values: { ids: row.dataset.id }, swap: "none" }).catch(() => {});
    const all = rows().filter((one) => one === row || !one.closest(".row-item").dataset.going);
    const at = all.indexOf(row);
    const next = all[at + 1] ?? all[at - 1];
    if (next) open(next);
  }
  document.addEventListener("htmx:afterRequest", (event) => {
    const item = event.target;
    if (!item.matches?.(".row-item[data-going]")) return;
    const state = item.dataset.going;
    delete item.dataset.going;
    if (!event.detail.successful) return;
    const { state: shown } = document.getElementById("rows").dataset;
    item.dataset.state = state;
    const row = item.querySelector("[data-row]");
    if (row === current() && !wanted) showAgain(row); // no other was left
    if (shown !== "all" && (shown === "done") !== (state === "done")) item.remove();
    countSelected();
  });
  function showAgain(row) {
    const reading = document.getElementById("reading");
    htmx.ajax("GET", row.getAttribute("hx-get"), { source: reading, target: reading }).catch(() => {});
  }
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-state-form]")) return;
    const row = itemOf(event.target.elements.ids.value)?.querySelector("[data-row]");
    if (!row) return;
    event.preventDefault();
    work(row);
  });

  // --- A note that was typed and not added waits at its document ---------------------------------------
  const unsent = new Map(); // id of a document → text
  const docOf = (elt) => elt.closest(".doc")?.dataset.id;
  document.addEventListener("input", ({ target }) => {
    if (target.id !== "id_note") return;
    if (target.value.trim()) unsent.set(docOf(target), target.value);
    else unsent.delete(docOf(target));
  });
  document.addEventListener("htmx:beforeOnLoad", ({ target, detail }) => {
    if (target.matches?.(".notes-form") && detail.xhr.status === 200) unsent.delete(docOf(target));
  });
  document.addEventListener("htmx:afterSettle", () => {
    const field = document.getElementById("id_note");
    const text = field && unsent.get(docOf(field));
    if (!text || field.value) return;
    field.value = text;
    field.closest("details").open = true;
  });
  addEventListener("beforeunload", (event) => { if (unsent.size) event.preventDefault(); });

  // A drawing that did not come is asked for again: the server has others to draw first.
  const AGAIN_AFTER = [2, 5, 10, 20, 40, 60]; // seconds
  document.addEventListener("error", (event) => {
    const image = event.target;
    if (!image.matches?.(".thumb img, img.sheet")) return;
    image.classList.add("not-drawn");
    const pause = AGAIN_AFTER[image.dataset.failures ?? 0];
    image.dataset.failures = Number(image.dataset.failures ?? 0) + 1;
    if (!pause) return;
    image.loading = "eager"; // a lazy one that is hidden would never be asked for
    setTimeout(() => { image.src = image.getAttribute("src"); }, pause * 1000);
  }, true);
  document.addEventListener("load", (event) => {
    if (event.target.matches?.(".not-drawn")) event.target.classList.remove("not-drawn");
  }, true);

  // --- Selecting --------------------------------------------------------------------------------------
  function countSelected() {
    const bulk = document.getElementById("bulk");
    if (!bulk) return;
    const all = [...document.querySelectorAll(".row-check")];
    if (bulk.querySelector("[data-found]")?.checked) for (const box of all) box.checked = true; // older ones come in
    const chosen = all.filter((box) => box.checked).length;
    const box = bulk.querySelector("[data-select-all]");
    const words = bulk.querySelector("[data-selected]");
    words.dataset.none ??= words.textContent;
    box.checked = chosen > 0 && chosen === all.length;
    box.indeterminate = chosen > 0 && chosen < all.length;
    offerFound(bulk, box.checked && !box.indeterminate && document.getElementById("older") !== null);
    words.textContent = chosen === 0 ? words.dataset.none : chosen === 1 ? bulk.dataset.one : bulk.dataset.many.replace("#", chosen.toLocaleString(document.documentElement.lang));
  }
  // Below what is shown there may be more of what the filter finds.
  function offerFound(bulk, wanted) {
    const found = bulk.querySelector("#found");
    if (!found) return;
    if (!wanted) { found.replaceChildren(); delete found.dataset.asked; return; }
    if (found.dataset.asked) return;
    found.dataset.asked = "yes";
    htmx.ajax("GET", found.dataset.address, { source: found, target: found }).catch(() => {});
  }
  document.addEventListener("change", (event) => {
    const found = document.querySelector("[data-found]");
    if (found && event.target.matches(".row-check:not(:checked), [data-select-all]:not(:checked)")) found.checked = false;
    if (event.target.matches("[data-found]")) say(event.target.closest("label").innerText);
    if (event.target.matches("[data-select-all]")) document.querySelectorAll(".row-check").forEach((box) => { box.checked = event.target.checked; });
    if (event.target.matches("[data-select-all], .row-check")) countSelected();
    if (event.target.matches("[data-shortcuts-on]")) localStorage.setItem("shortcuts", event.target.checked ? "on" : "off");
  });

  // --- Keys: single letters can be switched off (WCAG 2.1.4) ------------------------------------------
  const shortcuts = document.querySelector(".shortcuts");
  const keysOn = () => localStorage.getItem("shortcuts") !== "off";
  if (shortcuts) { shortcuts.hidden = false; shortcuts.querySelector("[data-shortcuts-on]").checked = keysOn(); }

  function open(row) {
    row.focus();
    row.scrollIntoView({ block: "nearest" });
    row.click();
  }

  function step(by) {
    const all = rows();
    const at = all.indexOf(current());
    const row = all[Math.min(Math.max(at + by, 0), all.length - 1)];
    if (row && row !== all[at]) open(row);
  }

  const keys = {
    j: () => step(1),
    k: () => step(-1),
    e: () => { if (current()) work(current()); else document.querySelector("[data-state-form]")?.requestSubmit(); },
    z: () => document.querySelector("#toasts [data-undo-seconds] button")?.click(),
    x: () => current()?.closest(".row-item").querySelector(".row-check")?.click(),
    "/": () => document.querySelector("[data-search]")?.focus(),
    u: () => input.click(),
  };
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable], dialog");
    if (typing || event.ctrlKey || event.metaKey || event.altKey || !keysOn() || !keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
})();
