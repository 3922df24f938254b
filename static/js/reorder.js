// Lets a list be put into another order by dragging; the buttons beside each entry do the same.

const list = document.querySelector("[data-reorder]");
const words = document.querySelector("[data-reorder-words]");
let held = null;
let before = "";

const order = () => [...list.children].map((entry) => entry.dataset.reorderId).join(",");

async function save() {
  if (order() === before) return;
  const body = new FormData();
  body.set("csrf_token", list.querySelector("[name=csrf_token]").value);
  body.set("order", order());
  const response = await fetch(list.dataset.reorder, { method: "POST", body }).catch(() => null);
  if (response?.ok) location.reload();
  else words.textContent = "The new order could not be saved. Reload this page and try again.";
}

for (const entry of list.children) {
  entry.draggable = true;
  entry.addEventListener("dragstart", (event) => {
    held = entry;
    before = order();
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", entry.dataset.reorderId);
    entry.classList.add("question--held");
  });
  entry.addEventListener("dragend", () => {
    entry.classList.remove("question--held");
    held = null;
    save();
  });
  entry.addEventListener("dragover", (event) => {
    if (held === null || held === entry) return;
    event.preventDefault();
    const { top, height } = entry.getBoundingClientRect();
    entry[event.clientY < top + height / 2 ? "before" : "after"](held);
  });
}
list.addEventListener("dragover", (event) => event.preventDefault());
list.addEventListener("drop", (event) => event.preventDefault());
