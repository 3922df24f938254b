// Small comforts on top of pages that work without them.

const SENDING_SHOWN_FOR = 10_000;
const COPIED_SHOWN_FOR = 2_000;
const BOXES_SHOWN = 2;

function fillInZones() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!zone) return;
  for (const input of document.querySelectorAll("[data-detect-zone]")) {
    if (input.value) continue;
    input.value = zone;
    if (input.value === zone) input.dispatchEvent(new Event("change", { bubbles: true }));
  }
}

// Before somebody has told their zone the server knows only the host's; the browser knows theirs.
function showOwnClocks() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const shape = { weekday: "long", day: "numeric", month: "long", hour: "2-digit", minute: "2-digit" };
  for (const place of document.querySelectorAll("[data-own-clock]")) {
    if (!zone || zone === place.dataset.hostZone) continue;
    const at = new Date(place.dataset.ownClock);
    const city = zone.slice(zone.lastIndexOf("/") + 1).replaceAll("_", " ");
    place.textContent = `On your clock that is ${at.toLocaleString("en-GB", shape)} ${city} time.`;
    place.hidden = false;
  }
}

// The server keeps doubles out by itself; this only tells an impatient finger that it was heard.
function sendOnce(event) {
  const form = event.target;
  const button = event.submitter;
  if (event.defaultPrevented || form.method !== "post" || !button) return;
  if (button.hasAttribute("aria-disabled")) {
    event.preventDefault();
    return;
  }
  const words = [...button.childNodes];
  const again = () => {
    button.removeAttribute("aria-disabled");
    button.replaceChildren(...words);
  };
  button.setAttribute("aria-disabled", "true");
  button.replaceChildren("Sending…");
  window.addEventListener("pageshow", again, { once: true });
  setTimeout(again, SENDING_SHOWN_FOR);
}

function offerCopying() {
  if (!navigator.clipboard) return;
  for (const button of document.querySelectorAll("[data-copy]")) {
    const input = button.parentElement.querySelector("input");
    const words = [...button.childNodes];
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(input.value);
      button.replaceChildren("Copied");
      setTimeout(() => button.replaceChildren(...words), COPIED_SHOWN_FOR);
    });
  }
}

// Of a few short answers only the written ones and one more are shown; the next one comes while
// somebody writes into the last.
function growBoxes() {
  for (const boxes of document.querySelectorAll(".boxes")) {
    const inputs = [...boxes.querySelectorAll("input")];
    const show = () => {
      const written = inputs.findLastIndex((input) => input.value.trim() !== "") + 1;
      inputs.forEach((input, place) => (input.hidden = place > Math.max(written, BOXES_SHOWN - 1)));
    };
    boxes.addEventListener("input", show);
    show();
  }
}

showOwnClocks();
fillInZones();
offerCopying();
growBoxes();
document.addEventListener("submit", sendOnce);
