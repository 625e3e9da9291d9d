// In the head, before there is a field: until pages.js is there, what was taken before stays in it. Sent either way.
"use strict";
(() => {
  const kept = new DataTransfer();

  document.addEventListener("change", ({ target }) => {
    if (target.id !== "id_photos" || !target.required) return; // no longer required: pages.js keeps them now
    for (const file of target.files) kept.items.add(file);
    target.files = kept.files;
  }, true);
})();
