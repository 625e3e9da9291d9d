// Kanalen: tabs, fields that come and go, suggestions while typing, and spoken results. Pages work without it.
"use strict";

// --- Tabs (without script both parts stand below each other) ----------------------------------------
function startTabs() {
  const list = document.querySelector("[data-tabs]");
  if (!list || list.getAttribute("role")) return;
  list.setAttribute("role", "tablist");
  const tabs = [...list.querySelectorAll(".tab")];
  tabs.forEach((tab) => {
    const panel = document.querySelector(tab.hash);
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-controls", panel.id);
    panel.setAttribute("role", "tabpanel");
    panel.setAttribute("aria-labelledby", tab.id);
    tab.addEventListener("click", (event) => { event.preventDefault(); openTab(tab.hash.slice(1)); });
    tab.addEventListener("keydown", (event) => moveTab(event, tabs, tab));
  });
  openTab(document.getElementById("channel-editor").dataset.openTab);
}

function openTab(name) {
  document.querySelectorAll('[role="tab"]').forEach((tab) => {
    const open = tab.hash === `#${name}`;
    tab.setAttribute("aria-selected", String(open));
    tab.tabIndex = open ? 0 : -1;
    document.querySelector(tab.hash).hidden = !open;
  });
}

function moveTab(event, tabs, tab) {
  const steps = { ArrowRight: 1, ArrowLeft: -1 };
  const at = tabs.indexOf(tab);
  let next = null;
  if (event.key in steps) next = tabs[(at + steps[event.key] + tabs.length) % tabs.length];
  else if (event.key === "Home") next = tabs[0];
  else if (event.key === "End") next = tabs[tabs.length - 1];
  else if (event.key === " ") next = tab;
  if (!next) return;
  event.preventDefault();
  openTab(next.hash.slice(1));
  next.focus();
}

// A link in the error summary, or an address with a #, may point into the closed part.
function reach(target) {
  const panel = target.closest('[role="tabpanel"]');
  if (panel) openTab(panel.id);
  for (let folded = target.closest("details"); folded; folded = folded.parentElement.closest("details")) folded.open = true;
  if (target.matches("input, select")) target.focus();
  else target.scrollIntoView();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest('a[href^="#"]');
  const target = link && document.getElementById(link.hash.slice(1));
  if (!target || link.getAttribute("role") === "tab") return;
  if (target.matches("input, select")) event.preventDefault();
  reach(target);
});

// --- Ports as protocol and security ask (which fields there are is the stylesheet's) ----------------
const table = JSON.parse(document.getElementById("presets")?.textContent || "null");
const field = (name) => document.getElementById(`id_${name}`);
let untouchedPort = "";

function followProtocol() {
  const protocol = field("protocol");
  if (!protocol) return;
  const port = field("port");
  const usual = String(table.ports[`${protocol.value} ${field("security").value}`]);
  if (!port.value || port.value === untouchedPort) port.value = usual;
  if (port.value === usual) untouchedPort = usual;
}

// --- Suggestions of known providers -----------------------------------------------------------------
const isIn = (host, endings) => endings.some((ending) => host === ending || host.endsWith(`.${ending}`));

function known(text) {
  const typed = text.trim().toLowerCase();
  if (typed.includes("@")) return known_domain(typed.split("@").pop());
  return table.presets.find((preset) => isIn(typed, preset.hosts) || typed === preset.provider.toLowerCase());
}

function known_domain(domain) {
  if (table.microsoft.domains.includes(domain)) return "microsoft";
  return table.presets.find((preset) => preset.domains.includes(domain));
}

function suggest() {
  const box = document.getElementById("suggestion");
  if (!box || !table) return;
  const host = field("host").value.trim().toLowerCase();
  const preset = isIn(host, table.microsoft.hosts) ? "microsoft" : known(host) || known(field("username").value);
  const pop = field("protocol").value === "pop3";
  const server = preset && preset !== "microsoft" && ofDomain(pop ? preset.pop3 : preset.imap);
  if (!preset || (server && server === host)) { box.hidden = true; box.dataset.shown = ""; return; }
  const shown = preset === "microsoft" ? preset : `${preset.provider} ${server}`;
  if (box.dataset.shown === shown) return;
  box.dataset.shown = shown;
  box.hidden = false;
  box.replaceChildren(...suggestion(box, preset, server));
}

// A provider that gives each customer a server of its own names it after the domain of the address.
function ofDomain(server) {
  const domain = field("username").value.trim().toLowerCase().split("@")[1];
  return server.replace("{domain}", domain || "…");
}

function suggestion(box, preset, server) {
  const text = document.createElement("span");
  text.className = "grow";
  if (preset === "microsoft") { text.textContent = box.dataset.microsoft; return [text, chooseEntra(box)]; }
  if (preset.unreachable) { text.textContent = `${preset.provider}: ${box.dataset.unreachable}`; return [text]; }
  if (!server) { text.textContent = `${preset.provider}: ${box.dataset.none}`; return [text]; }
  const port = table.ports[`${field("protocol").value} tls`];
  text.textContent = `${preset.provider}: ${server}, ${box.dataset.port} ${port}, SSL/TLS${asks(box, preset)}`;
  if (server.includes("…")) return [text];
  const use = document.createElement("button");
  use.type = "button";
  use.className = "btn btn-small";
  use.textContent = box.dataset.use;
  use.addEventListener("click", () => {
    field("host").value = server;
    field("security").value = "tls";
    field("port").value = port;
    untouchedPort = String(port);
    box.hidden = true;
    field("host").focus();
    if (preset.help_topic) document.getElementById(`help-${preset.help_topic}`).open = true;
  });
  return [text, use];
}

function asks(box, preset) {
  const off = preset.switched_off && box.dataset.off;
  return [off, box.dataset[preset.password]].filter(Boolean).map((sentence) => `. ${sentence}`).join("");
}

function chooseEntra(box) {
  const choose = document.createElement("button");
  choose.type = "button";
  choose.className = "btn btn-small";
  choose.textContent = "Entra OAuth2";
  choose.addEventListener("click", () => {
    field("auth").value = "entra";
    box.hidden = true;
    field("auth").focus();
  });
  return choose;
}

// --- What an IT administrator opens, from what stands in the form -------------------------------------
function buildAdminConsent() {
  const link = document.getElementById("entra-admin");
  const [tenant, client] = [field("tenant_id"), field("client_id")].map((each) => each?.value.trim() || "");
  if (!link || !client) return;
  const redirect = document.getElementById("entra-redirect").textContent.trim();
  const query = new URLSearchParams({ client_id: client, redirect_uri: redirect });
  link.textContent = `${link.dataset.build}/${encodeURIComponent(tenant || "organizations")}/adminconsent?${query}`;
  document.getElementById("entra-admin-empty").hidden = true;
}

document.addEventListener("change", (event) => {
  if (event.target.matches("#id_protocol, #id_security")) { followProtocol(); suggest(); }
});
document.addEventListener("input", (event) => {
  if (event.target.matches("#id_username, #id_host")) suggest();
  if (event.target.matches("#id_tenant_id, #id_client_id")) buildAdminConsent();
});

// --- A check takes seconds: the pressed button says so, and the answer gets the focus -----------------
function checking(button) {
  button.setAttribute("aria-busy", "true");
  const label = button.querySelector("span");
  if (button.matches(".btn")) { button.dataset.label = label.textContent; label.textContent = button.dataset.checking; }
  else button.classList.add("turning");
  say(button.dataset.checking);
}

// Its buttons rest for its own requests alone: the answer to another one would never wake them.
const buttonsOfTheForm = () => document.querySelectorAll("#channel-form .form-actions button");

document.addEventListener("htmx:beforeRequest", (event) => {
  const button = event.detail.requestConfig?.triggeringEvent?.submitter;
  if (button?.dataset.checking) checking(button);
  else if (button?.matches(".icon-btn")) button.classList.add("turning");
  if (button?.form?.id === "channel-form") buttonsOfTheForm().forEach((one) => { one.disabled = true; });
});
document.addEventListener("submit", (event) => {
  if (!event.defaultPrevented && event.submitter?.matches(".icon-btn[data-checking]")) checking(event.submitter);
});
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.successful || event.detail.xhr?.status === 422) return;
  const button = event.detail.requestConfig.triggeringEvent?.submitter;
  button?.classList.remove("turning");
  if (button?.form?.id === "channel-form" || event.detail.elt.matches("#checking")) {
    buttonsOfTheForm().forEach((one) => { one.disabled = false; });
  }
});

function ask() {
  const question = document.querySelector("dialog[data-modal][open]");
  if (!question) return;
  question.close();
  question.showModal();
  history.replaceState(null, "", location.pathname); // asked once: a reload is no second question
}

// A key is read here and typed for the person: it never travels or lies anywhere as a file.
function readFiles() {
  for (const place of document.querySelectorAll("[data-reads-file]")) {
    place.hidden = false;
    place.querySelector("input").onchange = async ({ target }) => {
      document.getElementById(place.dataset.readsFile).value = await target.files[0]?.text() ?? "";
    };
  }
}

function begin() {
  readFiles();
  startTabs();
  untouchedPort = table && field("protocol") ? String(table.ports[`${field("protocol").value} ${field("security").value}`]) : "";
  if (table) { followProtocol(); suggest(); }
}

document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.elt?.matches?.("#checking")) return; // still going on: whoever reads or types is left alone
  if (document.getElementById("channel-editor")) {
    begin();
    (document.querySelector(".error-summary") || document.getElementById("check"))?.focus();
  }
  const row = event.detail.elt?.closest?.("tr") || event.target.closest?.("tr");
  if (row?.hasAttribute("data-say")) say(row.querySelector("[data-said]").textContent.replace(/\s+/g, " ").trim());
});

begin();
ask();
const wanted = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
if (wanted && document.getElementById("channel-editor")?.contains(wanted)) reach(wanted);
