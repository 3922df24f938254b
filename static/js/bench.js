// Lets one name be dragged onto another of the same round: the page then shows what a swap costs.

const NAME = "[data-swap]";
let dragged;

const nameOf = (event) => event.target.closest?.(NAME);
const fits = (name) => name && dragged && name !== dragged;

function swap(one, other) {
  const address = new URL(one.dataset.swap, location.href);
  address.searchParams.set("other", other.dataset.person);
  location.assign(address);
}

for (const name of document.querySelectorAll(NAME)) name.draggable = true;

document.addEventListener("dragstart", (event) => {
  dragged = nameOf(event);
  if (dragged) event.dataTransfer.setData("text/plain", dragged.textContent.trim());
});
document.addEventListener("dragover", (event) => {
  const name = nameOf(event);
  if (!fits(name)) return;
  event.preventDefault();
  name.classList.add("bench__name--over");
});
document.addEventListener("dragleave", (event) => nameOf(event)?.classList.remove("bench__name--over"));
document.addEventListener("dragend", () => {
  dragged = undefined;
});
document.addEventListener("drop", (event) => {
  const name = nameOf(event);
  if (!fits(name)) return;
  event.preventDefault();
  swap(dragged, name);
});
