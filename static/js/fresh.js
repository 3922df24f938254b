// Keeps one part of a page up to date while the server is busy with it, without a reload.

const FIRST_AFTER = 1_500;
const LATER_AFTER = 4_000;
const HURRIED_LOOKS = 10;

let looks = 0;
let timer;

const region = () => document.querySelector("[data-refresh]");

async function look() {
  clearTimeout(timer);
  looks += 1;
  try {
    const response = await fetch(region().dataset.refresh);
    if (response.ok) show(await response.text());
  } catch {
    // no line at this moment: the next look tries again
  }
  plan();
}

function show(html) {
  const fresh = new DOMParser().parseFromString(html, "text/html").querySelector("[data-refresh]");
  const shown = region();
  if (fresh && fresh.dataset.refreshVersion !== shown.dataset.refreshVersion) {
    shown.replaceWith(document.importNode(fresh, true));
    const title = document.querySelector("[data-refresh-title]");
    if (title) title.textContent = fresh.dataset.refreshHeading;
    if (!("refreshWaiting" in fresh.dataset)) document.dispatchEvent(new Event("asyncnet:settled"));
  }
}

function plan() {
  if ("refreshWaiting" in region().dataset) {
    timer = setTimeout(look, looks < HURRIED_LOOKS ? FIRST_AFTER : LATER_AFTER);
  }
}

document.addEventListener("asyncnet:changed", () => {
  looks = 0;
  look();
});
if (region()) plan();
