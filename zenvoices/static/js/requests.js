// What becomes of a request that fails. One that nobody made by hand (a row that follows its fetch, a page being
// drawn, older rows while scrolling) is asked again until it is answered. One that somebody made says that it failed.
"use strict";
(() => {
  const PAUSES = [1, 2, 4, 8, 15, 30]; // seconds; from then on the last one
  const SAID_AFTER = 3; // failures: a single one heals before anybody has read about it
  const LONGEST = 20_000; // ms; a line that died under a request says nothing by itself
  const PASSING = [0, 408, 425, 429]; // as every 5xx; 0 is no answer at all
  const waiting = new Map(); // element → how often its request failed, and how to ask again

  const begun = new WeakMap(); // request → its turn
  let turns = 0;
  const failedAt = { read: 0, change: 0 }; // the turn of the last that somebody made and that failed; 0 when it works since

  const byItself = ({ verb, triggeringEvent: by }) => verb === "get" && (!by || by.type === "intersect");

  // A number in the bar: no page is left for it, and nobody waits for it.
  const isQuiet = (elt) => elt.matches("[data-quiet]");

  function failed(event) {
    const { requestConfig, xhr } = event.detail;
    const passing = xhr.status >= 500 || PASSING.includes(xhr.status);
    if (isQuiet(requestConfig.elt) && !passing) return;
    if (!byItself(requestConfig)) { failedAt[kindOf(requestConfig)] = turns += 1; warn(passing ? words.failed : words.refused); }
    else if (passing) askAgain(event.detail, event.type === "htmx:timeout");
    else { forget(requestConfig.elt); placeOf(requestConfig.elt).replaceChildren(note("request-gone")); }
  }

  function askAgain({ requestConfig: { elt, verb, path }, target, select, etc }, hung) {
    const one = waiting.get(elt) ?? { failures: 0 };
    waiting.set(elt, one);
    one.failures += 1;
    one.ask = () => {
      clearTimeout(one.timer);
      if (!elt.isConnected) waiting.delete(elt);
      // Its events tell what becomes of it; the promise is of no use.
      else htmx.ajax(verb, path, { source: elt, target, select, swap: etc.swapOverride }).catch(() => {});
    };
    const pause = PAUSES[Math.min(one.failures, PAUSES.length) - 1];
    one.timer = setTimeout(one.ask, pause * (750 + 500 * Math.random())); // not every browser at the same moment
    if ((hung || one.failures >= SAID_AFTER) && !elt.matches(".stale") && !isQuiet(elt)) {
      elt.classList.add("stale");
      placeOf(elt).append(note("request-lost"));
    }
  }

  const kindOf = ({ verb }) => (verb === "get" ? "read" : "change");

  // One that was under way when another failed proves nothing, and reading nothing about a change.
  function works(kind, turn) {
    for (const one of kind === "change" ? ["read", "change"] : ["read"]) if (turn > failedAt[one]) failedAt[one] = 0;
    if (!failedAt.read && !failedAt.change) takeBack(words.failed);
  }

  const placeOf = (elt) => elt.querySelector("[data-said]") ?? elt;

  function note(kind) {
    const made = document.getElementById(kind).content.firstElementChild.cloneNode(true);
    say(made.querySelector("span").textContent);
    return made;
  }

  function forget(elt) {
    clearTimeout(waiting.get(elt)?.timer);
    waiting.delete(elt);
    elt.classList.remove("stale");
    elt.querySelector(".request-lost")?.remove();
  }

  const askAll = () => { for (const one of [...waiting.values()]) one.ask(); };

  document.addEventListener("htmx:configRequest", (event) => {
    if (!byItself(event.detail)) return;
    event.detail.timeout ||= LONGEST;
    // A page that lies open is no use of it: the session goes on towards its end.
    if (!event.detail.triggeringEvent) event.detail.headers["X-Asked-By-Itself"] = "yes";
  });
  document.addEventListener("htmx:beforeOnLoad", (event) => {
    if (event.detail.xhr.status === 401 && isQuiet(event.detail.elt)) event.preventDefault();
  });
  for (const name of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) document.addEventListener(name, failed);
  document.addEventListener("htmx:beforeRequest", (event) => { begun.set(event.detail.xhr, turns += 1); });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (!event.detail.successful) return;
    const { requestConfig, xhr } = event.detail;
    forget(requestConfig.elt);
    if (!byItself(requestConfig)) works(kindOf(requestConfig), begun.get(xhr));
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-ask-now]");
    if (!button) return;
    work(button);
    for (const [elt, one] of [...waiting]) if (elt.contains(button)) one.ask();
  });
  addEventListener("online", askAll);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) askAll(); });
})();
