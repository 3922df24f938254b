// Makes the captions page quicker than its plain form: times are taken from the player, a line
// can be heard again, the line that is being said is marked, and the player shows what is written.

const page = document.querySelector("[data-captions]");
const lines = page.querySelector("[data-captions-lines]");
const player = page.querySelector("[data-player]");
const words = page.querySelector("[data-captions-words]");
const preview = player.addTextTrack("captions", "What you are writing");
const NOW = "captions__line--now";

let stopAt = Infinity;

const input = (line, name) => line.querySelector(`input[name$="-${name}"]`);
const all = () => [...lines.querySelectorAll("[data-captions-line]")];

// Returns seconds from 7, 7.5 or 0:07.5, and nothing from what is no time.
function seconds(text) {
  const found = /^(?:(?:(\d{1,2}):)?(\d{1,3}):)?(\d{1,5}(?:[.,]\d{1,3})?)$/.exec(text.trim());
  if (!found) return undefined;
  return (found[1] ?? 0) * 3600 + (found[2] ?? 0) * 60 + Number(found[3].replace(",", "."));
}

function written(at) {
  const tenths = Math.round(at * 10);
  const rest = tenths % 600;
  return `${Math.floor(tenths / 600)}:${String(Math.floor(rest / 10)).padStart(2, "0")}.${rest % 10}`;
}

function cue(line) {
  const start = seconds(input(line, "start").value);
  const end = seconds(input(line, "end").value);
  const text = input(line, "text").value.trim();
  return start < end && text ? { start, end, text } : undefined;
}

// Shows in the player what is written in the page, in place of what was saved.
function show() {
  for (const track of player.textTracks) track.mode = track === preview ? "showing" : "disabled";
  while (preview.cues?.length) preview.removeCue(preview.cues[0]);
  for (const found of all().map(cue)) {
    if (found) preview.addCue(new VTTCue(found.start, found.end, found.text));
  }
}

function follow() {
  if (player.currentTime >= stopAt) {
    stopAt = Infinity;
    player.pause();
  }
  for (const line of all()) {
    const found = cue(line);
    const isNow = found && found.start <= player.currentTime && player.currentTime < found.end;
    line.classList.toggle(NOW, Boolean(isNow));
  }
}

function say(text) {
  words.textContent = text;
}

function take(line, name, label) {
  input(line, name).value = written(player.currentTime);
  say(`${label} ${input(line, name).value}`);
  show();
}

function play(line) {
  const start = seconds(input(line, "start").value);
  if (start === undefined) {
    say("Write first when this line begins.");
    input(line, "start").focus();
    return;
  }
  player.currentTime = start;
  stopAt = seconds(input(line, "end").value) ?? Infinity;
  player.play().catch(() => {}); // the browser may want a finger first
}

function button(label, about, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "button";
  made.textContent = label;
  const more = document.createElement("span");
  more.className = "unseen";
  more.textContent = ` ${about}`;
  made.append(more);
  made.addEventListener("click", act);
  return made;
}

function equip(line, place) {
  const tools = document.createElement("div");
  tools.className = "captions__tools";
  const about = `line ${place + 1}`;
  tools.append(
    button("From now", about, () => take(line, "start", "From")),
    button("Until now", about, () => take(line, "end", "Until")),
    button("Play", about, () => play(line)),
  );
  line.querySelector(".captions__cue").append(tools);
}

function addLine() {
  const place = all().length;
  const line = all().at(-1).cloneNode(true);
  line.querySelector(".captions__tools").remove();
  line.classList.remove(NOW);
  for (const gone of line.querySelectorAll(".field__error")) gone.remove();
  line.querySelector("legend").textContent = `Line ${place + 1}`;
  for (const each of line.querySelectorAll("[id], [for], [name]")) {
    for (const name of ["id", "for", "name", "aria-describedby"]) {
      const value = each.getAttribute(name);
      if (value) each.setAttribute(name, value.replace(/cues-\d+/, `cues-${place}`));
    }
    if (each.tagName === "INPUT") each.value = "";
  }
  lines.append(line);
  equip(line, place);
  input(line, "text").focus();
  more.hidden = all().length >= Number(lines.dataset.most);
}

const more = button("Add a line", "of captions", addLine);
all().forEach(equip);
lines.after(more);
lines.addEventListener("input", show);
player.addEventListener("timeupdate", follow);
player.addEventListener("seeking", follow);
show();
