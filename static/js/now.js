// Keeps the part of a page that follows the event's clock up to date, and counts down by the
// server's clock. It asks every few seconds; the server answers 304 when nothing has changed.

const EVERY = 5_000;
const SLOWEST = 20_000;
const SPREAD_AT_THE_END = 1_500;

let timer;
let ticking;
let failures = 0;
let offset = 0;
let bestTrip = Infinity;
let ended = false;

const part = () => document.querySelector("[data-now]");
const serverNow = () => Date.now() + offset;

async function look() {
  clearTimeout(timer);
  if (ended || document.hidden) return;
  const asked = Date.now();
  try {
    const response = await fetch(part().dataset.now, {
      headers: { "If-None-Match": `W/"${part().dataset.nowTag}"` },
      cache: "no-store",
    });
    measure(response.headers.get("X-Server-Time"), asked, Date.now());
    if (response.status === 200 && !response.redirected) show(await response.text());
    // the link has ended, or the page was closed here: what it shows stays, and nobody asks again
    ended = [404, 410].includes(response.status);
    failures = response.ok || response.status === 304 ? 0 : failures + 1;
  } catch {
    failures += 1;
  }
  sayOffline({ hidden: failures < 2 && navigator.onLine });
  plan();
}

function sayOffline({ hidden = false } = {}) {
  for (const words of document.querySelectorAll("[data-now-offline]")) words.hidden = hidden;
}

// The shortest trip tells the server's clock best; a phone that slept measures anew.
function measure(header, asked, answered) {
  const trip = answered - asked;
  if (!header || trip > bestTrip) return;
  bestTrip = trip;
  offset = Number(header) - (asked + answered) / 2;
}

function show(html) {
  const fresh = new DOMParser().parseFromString(html, "text/html").querySelector("[data-now]");
  const shown = part();
  if (!fresh || fresh.dataset.nowTag === shown.dataset.nowTag) return;
  const held = shown.contains(document.activeElement) && place(document.activeElement);
  const before = spoken(shown);
  const put = document.importNode(fresh, true);
  shown.replaceWith(put);
  if (held) takeBack(held, put);
  if (spoken(put) !== before) {
    const status = document.querySelector("[data-now-status]");
    if (status) status.textContent = spoken(put);
  }
  tick();
}

// Who stands on a button or link stands on the same one afterwards, else at the top of the part.
function place(element) {
  const words = element.textContent.trim();
  return (other) => other.tagName === element.tagName && other.textContent.trim() === words;
}

function takeBack(isSame, put) {
  const same = [...put.querySelectorAll("a, button")].find(isSame) ?? put;
  if (same === put) put.tabIndex = -1;
  same.focus({ preventScroll: true });
}

const spoken = (shown) => shown.querySelector("[data-now-words]")?.dataset.nowWords ?? "";

function plan() {
  clearTimeout(timer);
  if (ended) return;
  const pause = Math.min(EVERY * 2 ** Math.max(0, failures - 1), SLOWEST);
  let wait = pause * (0.9 + Math.random() * 0.1);
  const left = Math.min(...ends().map((element) => Number(element.dataset.nowEnds) - serverNow()));
  if (left > 0 && left < wait) wait = left + Math.random() * SPREAD_AT_THE_END;
  timer = setTimeout(look, wait);
}

const ends = () => [...document.querySelectorAll("[data-now-ends]:not([data-now-ends='0'])")];

function tick() {
  clearTimeout(ticking);
  for (const element of ends()) {
    const seconds = Math.max(0, Math.ceil((Number(element.dataset.nowEnds) - serverNow()) / 1000));
    element.hidden = seconds >= 24 * 3600;
    element.textContent = written(seconds);
  }
  if (!document.hidden) ticking = setTimeout(tick, 1000 - (serverNow() % 1000));
}

function written(seconds) {
  const two = (number) => String(number).padStart(2, "0");
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}:${two(seconds % 60)}`;
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`;
}

function wake() {
  if (document.hidden) return;
  bestTrip = Infinity;
  failures = 0;
  tick();
  look();
}

if (part()) {
  offset = Number(document.querySelector("[data-now-server]").dataset.nowServer) - Date.now();
  document.addEventListener("visibilitychange", wake);
  window.addEventListener("offline", sayOffline);
  window.addEventListener("online", wake);
  window.addEventListener("pageshow", (event) => event.persisted && wake());
  tick();
  plan();
}
