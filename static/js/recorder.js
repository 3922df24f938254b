// Records somebody in the browser: countdown, pause, a limit that stops by itself, a look at it
// before it goes. What is recorded is kept on the device second by second until it has arrived.
import * as devices from "./recorder/devices.js";
import { listen } from "./recorder/meter.js";
import * as takes from "./recorder/takes.js";

const SLICE = 1_000; // Safari gives empty pieces for less
const COUNT_FROM = 3;
const LAST_SECONDS = 10;
const LOOK_EVERY = 200;
const BITS = { videoBitsPerSecond: 2_000_000, audioBitsPerSecond: 128_000 };
const WORDS_PER_SECOND = 2.3;

class Recorder {
  constructor(root) {
    this.root = root;
    this.kind = root.dataset.recorder;
    this.owner = root.dataset.recorderOwner;
    this.limit = Number(root.dataset.recorderSeconds);
    this.way = root.closest("details");
    this.recorded = 0;
    for (const [name, act] of Object.entries({
      on: () => this.turnOn(),
      start: () => this.countDown(),
      cancel: () => this.turnOn(),
      pause: () => this.pause(),
      resume: () => this.resume(),
      stop: () => this.stop(),
      again: () => this.turnOn(),
      send: () => this.send(),
    })) {
      this.part(name).addEventListener("click", act);
    }
    for (const name of ["camera", "microphone"]) {
      this.part(name)?.addEventListener("change", () => this.turnOn());
    }
    this.part("notes").addEventListener("input", () => this.showNotes());
    this.part("notes").value = sessionStorage.getItem(this.notesKey) ?? "";
    this.way.addEventListener("toggle", () => (this.way.open ? this.opened() : this.closed()));
    this.showNotes();
    this.show("off");
    root.hidden = false;
  }

  get notesKey() {
    return `asyncnet-notes-${this.owner}`;
  }

  get toReview() {
    const look = this.kind === "video" ? "Look at it" : "Listen to it";
    return `${look}, then send it or record it again.`;
  }

  part(name) {
    return this.root.querySelector(`[data-recorder-${name}]`);
  }

  // Shows what belongs to a state. Whoever had the focus in what goes is led to the first button
  // that comes, be it one state later.
  show(state, words = "") {
    this.root.dataset.recorderState = state;
    this.leads ||= this.root.contains(document.activeElement);
    for (const element of this.root.querySelectorAll("[data-recorder-in]")) {
      element.hidden = !element.dataset.recorderIn.split(" ").includes(state);
    }
    this.part("words").textContent = words;
    const button = this.root.querySelector(".recorder__buttons button:not([hidden])");
    if (!button) return;
    if (this.leads && !isShown(document.activeElement)) button.focus();
    this.leads = false;
  }

  get state() {
    return this.root.dataset.recorderState;
  }

  opened() {
    if (this.state === "off") this.turnOn();
  }

  closed() {
    if (["recording", "paused"].includes(this.state)) this.stop();
    else if (["asking", "ready", "counting"].includes(this.state)) {
      this.turnOff();
      this.show("off");
    }
  }

  async turnOn() {
    this.turnOff();
    this.dropReview();
    this.show("asking", "Your browser may ask you now. Choose “Allow”.");
    try {
      const chosen = { camera: this.part("camera")?.value, microphone: this.part("microphone").value };
      const stream = await devices.open(this.kind, chosen);
      if (this.state !== "asking") {
        stop(stream);
        return;
      }
      this.stream = stream;
    } catch (error) {
      for (const name of ["camera", "microphone"]) this.part(name)?.replaceChildren(); // any will do
      this.show("refused", error.message);
      return;
    }
    const live = this.part("live");
    if (live) live.srcObject = this.stream;
    this.stopListening = listen(this.stream, this.part("meter"), () => this.sayNothingIsHeard());
    for (const track of this.stream.getTracks()) {
      track.addEventListener("ended", () => this.lose(), { once: true });
    }
    this.recorded = 0;
    this.showTime();
    this.show("ready", "Whenever you are ready. Nothing is recorded yet.");
    devices.list(this.part("microphone"), "audioinput", this.stream.getAudioTracks()[0]);
    if (live) devices.list(this.part("camera"), "videoinput", this.stream.getVideoTracks()[0]);
  }

  turnOff() {
    clearTimeout(this.counting);
    clearInterval(this.looking);
    this.stopListening?.();
    this.stopListening = undefined;
    if (this.stream) stop(this.stream);
    this.stream = undefined;
    this.awake?.then((lock) => lock?.release());
    this.awake = undefined;
  }

  countDown(left = COUNT_FROM) {
    if (left === COUNT_FROM) {
      this.show("counting", `Recording starts in ${COUNT_FROM} seconds.`);
      this.part("stage").scrollIntoView({ block: "start" });
    }
    this.part("count").textContent = left;
    this.counting = setTimeout(() => (left > 1 ? this.countDown(left - 1) : this.record()), 1_000);
  }

  record() {
    const type = devices.typeFor(this.kind);
    const recording = new MediaRecorder(this.stream, { ...BITS, ...(type && { mimeType: type }) });
    this.pieces = [];
    this.writing = takes.begin(this.owner, this.kind, recording.mimeType || type);
    recording.addEventListener("dataavailable", ({ data }) => this.keep(data));
    recording.addEventListener("stop", () => this.finish(recording.mimeType || type));
    recording.start(SLICE);
    this.recording = recording;
    this.resumedAt = performance.now();
    this.looking = setInterval(() => this.look(), LOOK_EVERY);
    this.show("recording", "Recording.");
    this.awake = navigator.wakeLock?.request("screen").catch(() => {});
  }

  // Pieces are written one after another, each as it comes; memory holds them as well.
  keep(data) {
    if (data.size === 0) return;
    this.pieces.push(data);
    this.writing = this.writing.then((take) => takes.add(take, data).then(() => take));
    this.writing.catch(() =>
      this.say("This browser keeps no copy while you record. Send it before you close the page."),
    );
  }

  get seconds() {
    const running = this.state === "recording" ? performance.now() - this.resumedAt : 0;
    return (this.recorded + running) / 1_000;
  }

  look() {
    this.showTime();
    const left = this.limit - this.seconds;
    if (left <= LAST_SECONDS && !this.warned) {
      this.warned = true;
      this.say(`${LAST_SECONDS} seconds left.`);
    }
    if (left <= 0) this.stop();
  }

  showTime() {
    const seconds = Math.min(this.seconds, this.limit);
    this.part("clock").textContent = clock(seconds);
    this.part("time").value = seconds;
    const notes = this.part("prompter");
    const count = notes.textContent.split(/\s+/).length;
    if (!matchMedia("(prefers-reduced-motion: reduce)").matches) {
      const share = Math.min(1, (seconds * WORDS_PER_SECOND) / count);
      notes.scrollTop = share * (notes.scrollHeight - notes.clientHeight);
    }
  }

  pause() {
    this.recording.pause();
    this.recorded += performance.now() - this.resumedAt;
    this.show("paused", "Paused. Nothing is recorded until you go on.");
  }

  resume() {
    this.recording.resume();
    this.resumedAt = performance.now();
    this.show("recording", "Recording again.");
  }

  stop() {
    if (!["recording", "paused"].includes(this.state)) return;
    if (this.state === "recording") this.recorded += performance.now() - this.resumedAt;
    this.warned = false;
    this.show("finishing");
    if (this.recording.state !== "inactive") this.recording.stop();
  }

  // The camera or the microphone was taken away; what was recorded until then stays.
  lose() {
    if (["ready", "counting"].includes(this.state)) {
      this.turnOff();
      this.show("refused", "Camera or microphone went away. Connect it, then try again.");
    }
    this.stop();
  }

  async finish(type) {
    const recorded = this.recorded;
    this.turnOff();
    await this.writing.catch(() => {});
    if (this.pieces.length === 0) {
      this.show("refused", "Nothing was recorded. Check camera and microphone, then try again.");
      return;
    }
    const length = clock(recorded / 1_000);
    this.review(takes.whole(this.pieces, type), `You recorded ${length}. ${this.toReview}`);
  }

  review(file, words) {
    this.dropReview();
    this.file = file;
    const player = this.part("review");
    player.src = URL.createObjectURL(file);
    player.addEventListener("loadedmetadata", () => measured(player), { once: true });
    this.show("review", words);
  }

  dropReview() {
    const player = this.part("review");
    if (player.src) URL.revokeObjectURL(player.src);
    player.removeAttribute("src");
    player.load();
  }

  // After the page was closed or crashed: shows what is there.
  offer(file) {
    this.review(
      file,
      `The page was closed before this was sent, so we kept it on your device. ${this.toReview}`,
    );
    this.way.open = true;
  }

  send() {
    this.part("review").pause();
    const detail = { file: this.file, kind: this.kind };
    document.dispatchEvent(new CustomEvent("asyncnet:recorded", { detail }));
  }

  // What was recorded has arrived, so the device need not keep it.
  end() {
    this.dropReview();
    this.show("off");
    this.way.open = false;
  }

  sayNothingIsHeard() {
    if (["ready", "recording"].includes(this.state)) {
      this.say("We hear nothing. Is the microphone muted, or is another one in use?");
    }
  }

  say(words) {
    this.part("words").textContent = words;
  }

  showNotes() {
    const words = this.part("notes").value.trim();
    sessionStorage.setItem(this.notesKey, words);
    this.part("prompter").textContent = words;
    this.part("prompter").hidden = !words;
    this.part("prompts").hidden = Boolean(words);
  }
}

function isShown(element) {
  return element !== document.body && element.getClientRects().length > 0;
}

function stop(stream) {
  for (const track of stream.getTracks()) track.stop();
}

// A recording does not say how long it is; a browser finds out when asked for its far end.
function measured(player) {
  if (player.duration !== Infinity) return;
  player.addEventListener("durationchange", () => (player.currentTime = 0), { once: true });
  player.currentTime = Number.MAX_SAFE_INTEGER;
}

function clock(seconds) {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

const recorders = [...document.querySelectorAll("[data-recorder]")].map((root) => new Recorder(root));
const [{ owner }] = recorders;

document.addEventListener("asyncnet:arrived", async () => {
  await takes.forget(owner).catch(() => {});
  for (const recorder of recorders) recorder.end();
});
takes
  .kept(owner)
  .then((take) => take && recorders.find(({ kind }) => kind === take.kind).offer(take.file))
  .catch(() => {}); // a browser that keeps nothing has nothing to offer
