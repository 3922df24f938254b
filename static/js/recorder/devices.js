// Opens the camera and the microphone, and says in a sentence why they do not open.

const PICTURE = {
  width: { ideal: 1280 },
  height: { ideal: 720 },
  frameRate: { ideal: 30 },
  facingMode: "user",
};
const SOUND = { echoCancellation: true, noiseSuppression: true };
const TYPES = {
  video: ["video/webm;codecs=vp9,opus", "video/webm;codecs=vp8,opus", "video/webm", "video/mp4"],
  audio: ["audio/webm;codecs=opus", "audio/webm", "audio/mp4"],
};
const NAMES = { video: "camera or microphone", audio: "microphone" };

// Returns the stream. Rejects with an Error whose message is for the person.
export async function open(kind, { camera = "", microphone = "" } = {}) {
  if (!navigator.mediaDevices || !window.MediaRecorder) throw new Error(unable(kind));
  const wanted = {
    audio: { ...SOUND, ...exactly(microphone) },
    video: kind === "video" && { ...PICTURE, ...exactly(camera) },
  };
  try {
    return await navigator.mediaDevices.getUserMedia(wanted);
  } catch (error) {
    throw new Error(why(error, kind), { cause: error });
  }
}

// Returns the first type of recording that this browser can make; the server measures the rest.
export function typeFor(kind) {
  return TYPES[kind].find((type) => MediaRecorder.isTypeSupported(type)) ?? "";
}

// Fills a select with the devices of one sort, the one in use chosen.
export async function list(select, sort, track) {
  const devices = (await navigator.mediaDevices.enumerateDevices()).filter(
    ({ kind, deviceId }) => kind === sort && deviceId,
  );
  select.replaceChildren(
    ...devices.map(({ label, deviceId }, index) => new Option(label || `${index + 1}`, deviceId)),
  );
  select.value = track?.getSettings().deviceId ?? select.value;
}

function exactly(deviceId) {
  return deviceId ? { deviceId: { exact: deviceId }, facingMode: undefined } : {};
}

function unable(kind) {
  return window.isSecureContext
    ? "This browser cannot record. Choose another way, or open this page in another browser."
    : `A browser lets only secure addresses (https) use the ${NAMES[kind]}. Choose another way.`;
}

function why({ name }, kind) {
  const what = NAMES[kind];
  const said = {
    NotAllowedError: `This page may not use your ${what} yet. Allow it beside the address of this page, then try again; or choose another way.`,
    NotFoundError: `We find no ${what} on this device. Connect one and try again, or choose another way.`,
    OverconstrainedError: `That ${what} is not there any more. Try again with another one.`,
    NotReadableError: `Another program is using your ${what}. Close it there and try again, or choose another way.`,
  };
  return said[name] ?? `Your ${what} did not start. Try again, or choose another way.`;
}
