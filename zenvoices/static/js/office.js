// The overview of an office: one tick for all rows of the page.
"use strict";

function offerAll() {
  document.querySelectorAll("[data-js-only]").forEach((part) => { part.hidden = false; });
}

document.addEventListener("change", (event) => {
  if (!event.target.matches("[data-all]")) return;
  const { form, checked } = event.target;
  form.querySelectorAll(`input[name="${event.target.dataset.all}"]`).forEach((box) => { box.checked = checked; });
});
document.addEventListener("htmx:afterSettle", offerAll);
offerAll();
