// Addresses of videos end after some minutes. When one has, the page is asked for new ones and
// the video goes on at the same second.

const TRIES = 3;
const PAUSE = 2_000;
const triesOf = new WeakMap(); // since it last played

const players = (page) => [...page.querySelectorAll("[data-player]")];

async function renew(video) {
  const tries = triesOf.get(video) ?? 0;
  if (tries >= TRIES) {
    say(video, true);
    return;
  }
  triesOf.set(video, tries + 1);
  const second = video.currentTime;
  const wasPlaying = !video.paused;
  await new Promise((resolve) => setTimeout(resolve, tries * PAUSE));
  try {
    takeAddresses(video, await freshTwin(video));
  } catch {
    say(video, true);
    return;
  }
  say(video, false);
  video.addEventListener(
    "loadedmetadata",
    () => {
      video.currentTime = second;
      if (wasPlaying) video.play().catch(() => {}); // the browser may want a finger first
    },
    { once: true },
  );
  video.load();
}

// Returns the same video as a newly loaded copy of this page has it.
async function freshTwin(video) {
  const response = await fetch(location.href);
  if (!response.ok) throw new Error(`the page answered ${response.status}`);
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const twin = players(page)[players(document).indexOf(video)];
  if (!twin) throw new Error("the video is not there any more");
  return twin;
}

function takeAddresses(video, twin) {
  const fresh = twin.querySelectorAll("source");
  for (const [index, source] of video.querySelectorAll("source").entries()) {
    source.src = fresh[index].src;
  }
  video.poster = twin.poster;
  const track = video.querySelector("track");
  if (track) track.src = twin.querySelector("track")?.src ?? "";
}

function say(video, isGone) {
  const words = video.parentElement.querySelector("[data-player-words]");
  words.textContent = isGone ? words.dataset.playerWords : "";
}

// A source also fails when another one fits the screen better: only the last one counts.
function isOut(target, video) {
  return target === video || target === video.querySelector("source:last-of-type");
}

// Errors of media do not bubble, so they are caught on their way down.
document.addEventListener(
  "error",
  (event) => {
    const video = event.target instanceof Element && event.target.closest("[data-player]");
    if (video && isOut(event.target, video)) renew(video);
  },
  true,
);

document.addEventListener("playing", ({ target }) => triesOf.delete(target), true);

for (const video of players(document)) {
  if (video.networkState === HTMLMediaElement.NETWORK_NO_SOURCE) renew(video);
}
