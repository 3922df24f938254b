// Keeps a form while somebody types: in this tab until the server has it, then on the server.
//
// Nothing is lost by a reload, a lost line or an ended session. One save is under way at a time;
// each says which version of the words it is based on, so that the server can put beside what
// another tab has saved meanwhile. Sending in waits for a save, and so for the line.

const AFTER_TYPING = 1_200;
const AT_LEAST_EVERY = 5_000;
const AGAIN_AFTER = [2_000, 4_000, 8_000, 15_000];
const HIDDEN_FIELDS = new Set(["csrf_token", "number", "version", "tab", "draft"]);

const form = document.querySelector("form[data-autosave]");
const url = form.dataset.autosave;
const words = form.querySelector("[data-autosave-words]");
const stored = `asyncnet:${url}`;

let tab = crypto.getRandomValues(new Uint32Array(4)).join("-");
let version = Number(form.dataset.autosaveVersion);
let changedSince = null; // when the oldest letter was typed that no save has taken along
let saving = false;
let sending = null; // the button, once somebody wants to send the form in
let noting = false; // once somebody pressed the button beside the form
let failures = 0;
let timer;

function say(text) {
  if (words.textContent !== text) words.textContent = text;
}

function typed() {
  const fields = {};
  for (const [name, value] of new FormData(form)) {
    if (!HIDDEN_FIELDS.has(name)) (fields[name] ??= []).push(value);
  }
  return fields;
}

function fillIn(fields) {
  for (const input of form.elements) {
    if (!input.name || HIDDEN_FIELDS.has(input.name)) continue;
    const values = fields[input.name] ?? [];
    if (input.type === "checkbox" || input.type === "radio") {
      input.checked = values.includes(input.value);
    } else {
      input.value = values[0] ?? "";
    }
  }
}

function keepInTab() {
  const kept = { tab, version, fields: typed(), sending: sending !== null };
  sessionStorage.setItem(stored, JSON.stringify(kept));
}

function changed() {
  changedSince ??= Date.now();
  keepInTab();
  saveAfter(Math.min(AFTER_TYPING, Math.max(0, changedSince + AT_LEAST_EVERY - Date.now())));
}

function saveAfter(milliseconds) {
  clearTimeout(timer);
  timer = setTimeout(save, milliseconds);
}

async function save({ leaving = false } = {}) {
  clearTimeout(timer);
  if (saving || (changedSince === null && sending === null)) return;
  saving = true;
  changedSince = null;
  try {
    const response = await post(leaving);
    if (response.ok) await saved(await response.json());
    else refused(response.status);
  } catch {
    waitForLine();
  }
  saving = false;
  if (changedSince !== null && failures === 0) saveAfter(AFTER_TYPING);
}

function post(leaving) {
  const body = new FormData(form);
  body.set("tab", tab);
  body.set("draft", version);
  const headers = { Accept: "application/json" };
  return fetch(url, { method: "POST", body, headers, keepalive: leaving });
}

async function saved(kept) {
  version = kept.version;
  failures = 0;
  if (changedSince !== null) {
    keepInTab();
    return;
  }
  sessionStorage.removeItem(stored);
  const clock = new Date().toLocaleTimeString([], {
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23", // as every other time on the page
  });
  say(
    kept.elsewhere > 0
      ? `Saved ${clock}. You typed something else on another device: reload this page to see both.`
      : `Saved ${clock}`,
  );
  if (sending) sendIn();
}

function sendIn() {
  for (const [name, value] of Object.entries({ tab, draft: version })) {
    const input = form.elements[name] ?? form.appendChild(document.createElement("input"));
    Object.assign(input, { type: "hidden", name, value });
  }
  const button = sending;
  form.dataset.autosaved = "";
  sending = null;
  form.requestSubmit(button);
}

function waitForLine() {
  changedSince ??= Date.now();
  const pause = AGAIN_AFTER[Math.min(failures, AGAIN_AFTER.length - 1)];
  failures += 1;
  saveAfter(pause);
  sayWaiting();
}

function sayWaiting() {
  const kept = sending
    ? "Your words are kept here and sent as soon as it is back."
    : "Your words are kept here meanwhile.";
  const pressed = noting ? " What you pressed is noted then." : "";
  say(`Waiting for the line. ${kept}${pressed}`);
}

async function refused(status) {
  if (status === 400 && failures === 0 && (await freshToken())) {
    failures = 1;
    changedSince ??= Date.now();
    saveAfter(0);
  } else if ([400, 403, 404, 410].includes(status)) {
    sending = null;
    changedSince ??= Date.now();
    keepInTab();
    say(
      "This page has ended here. Your words are kept in this tab: open the link in your mail " +
        "again, then come back to this page.",
    );
  } else {
    waitForLine();
  }
}

// The session may have begun anew, in another tab, after this page was made.
async function freshToken() {
  const page = await fetch(location.href, { headers: { Accept: "text/html" } });
  const parsed = new DOMParser().parseFromString(await page.text(), "text/html");
  const token = parsed.querySelector("form[data-autosave] [name=csrf_token]")?.value;
  if (token) form.elements.csrf_token.value = token;
  return Boolean(token);
}

function restore() {
  const kept = JSON.parse(sessionStorage.getItem(stored) ?? "null");
  if (kept === null) return;
  fillIn(kept.fields);
  ({ tab, version } = kept);
  changedSince = Date.now();
  if (kept.sending) sending = form.querySelector(".button--primary");
  say("What you had typed is here again.");
  save();
}

// What another device has saved meanwhile is shown, unless something is being typed here.
async function lookElsewhere() {
  if (document.hidden || saving) return;
  if (changedSince !== null || sending) {
    save();
    return;
  }
  try {
    const response = await fetch(url, { headers: { Accept: "application/json" } });
    if (!response.ok) return;
    const kept = await response.json();
    if (changedSince !== null || kept.version <= version) return;
    version = kept.version;
    if (Object.keys(kept.typed).length === 0) return;
    fillIn(kept.typed);
    say("These are your newest words, from another tab or device.");
  } catch {
    // no line at this moment: the next save says so
  }
}

form.addEventListener("input", changed);
form.addEventListener("submit", (event) => {
  if ("autosaved" in form.dataset) {
    delete form.dataset.autosaved;
    return;
  }
  event.preventDefault();
  sending = event.submitter ?? form.querySelector(".button--primary");
  keepInTab();
  say("Sending…");
  save();
});
window.addEventListener("offline", sayWaiting);
window.addEventListener("online", () => {
  if (changedSince === null && sending === null && !noting) say("The line is back.");
  save();
});

// What the button beside the form says waits for the line, too, and holds up nothing of the form.
const beside = document.querySelector("[data-autosave-beside] form");

async function note() {
  try {
    const body = new FormData(beside);
    const response = await fetch(beside.action, { method: "POST", body, redirect: "manual" });
    noting = false;
    if (response.type !== "opaqueredirect") beside.submit();
    else if (sending === null && !("autosaved" in form.dataset)) location.reload();
  } catch {
    sayWaiting();
    setTimeout(note, AGAIN_AFTER[0]);
  }
}

beside?.addEventListener("submit", (event) => {
  event.preventDefault();
  if (noting) return;
  noting = true;
  note();
});
window.addEventListener("pagehide", () => save({ leaving: true }));
window.addEventListener("pageshow", (event) => event.persisted && lookElsewhere());
document.addEventListener("visibilitychange", () =>
  document.hidden ? save({ leaving: true }) : lookElsewhere(),
);
restore();
