// Sends an intro in parts, straight to where videos are kept, and goes on after a reload, a lost
// line or a sleep. Uppy speaks the protocol of S3; our server signs each request it makes.
import AwsS3 from "@uppy/aws-s3";
import Uppy from "@uppy/core";
import GoldenRetriever from "@uppy/golden-retriever";

const SPEED_OVER = 8_000;
const SIGNATURE_USED_FOR = 500; // half of each second that it is good for, in ms
const LONGEST_PAUSE = 30_000;
const TRIES_WITHOUT_PROGRESS = 12;
const GONE = new Set([404, 410, 412]);
const REFUSED = new Set([400, 409, 413, 429]);

const studio = document.querySelector("[data-upload]");
const part = (name) => document.querySelector(`[data-upload-${name}]`);
const { upload: beginAt, participant, csrf } = studio.dataset;
const partBytes = Number(studio.dataset.partBytes);
const maxBytes = Number(studio.dataset.maxBytes);

const uppy = new Uppy({ id: `intro-${participant}`, autoProceed: false })
  .use(AwsS3, {
    shouldUseMultipart: true,
    getChunkSize: () => partBytes,
    limit: 1,
    signRequest,
  })
  .use(GoldenRetriever, { indexedDB: { maxFileSize: maxBytes, maxTotalSize: 2 * maxBytes } });

let tries = 0;
let furthest = 0;
let samples = [];
let isWaiting = false;
let introId;
let begun; // an intro that the server has opened and that no request has reached storage for yet
let signedParts = {};

// To Uppy the key of a file is the id of its intro; the real key stays between server and storage.
async function signRequest({ method, key, uploadId, partNumber }) {
  if (uploadId) begun = undefined;
  else begun ??= await begin();
  introId = uploadId ? key : begun;
  const step = { method, upload_id: uploadId ?? "", part_number: partNumber ?? "" };
  const signed = method === "PUT" ? await signPart(step) : await sign(step);
  return { ...signed, key: String(introId) };
}

// Parts are signed several at a time; each signature is used once and only while it is good.
async function signPart(step) {
  const isGood = signedParts.uploadId === step.upload_id && performance.now() < signedParts.until;
  if (!isGood || !(step.part_number in signedParts.parts)) {
    const until = performance.now() + SIGNATURE_USED_FOR * Number(studio.dataset.signedSeconds);
    signedParts = { uploadId: step.upload_id, until, ...(await sign(step)) };
  }
  const signed = signedParts.parts[step.part_number];
  delete signedParts.parts[step.part_number];
  return signed;
}

function sign(step) {
  return post(`${beginAt}/${introId}/sign`, step);
}

async function begin() {
  const [file] = uppy.getFiles();
  const { kind } = file.meta;
  const { id } = await post(beginAt, { kind, size: file.size, content_type: file.type ?? "" });
  return id;
}

async function post(address, values = {}) {
  const response = await fetch(address, {
    method: "POST",
    headers: { Accept: "application/json" },
    body: new URLSearchParams({ csrf_token: csrf, ...values }),
  });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) {
    throw Object.assign(new Error(answer.error ?? ""), { status: response.status, ours: true });
  }
  return answer;
}

function choose({ target }) {
  const [data] = target.files;
  if (data) send(data, target.dataset.uploadFile);
  target.value = "";
}

function send(data, kind) {
  if (data.size > maxBytes) {
    say(`This file has ${megabytes(data.size)} MB, more than the ${megabytes(maxBytes)} MB that fit.`);
    return;
  }
  uppy.clear();
  startAfresh();
  uppy.addFile({ name: "intro", type: data.type, data, meta: { kind } });
  uppy.upload();
}

// A file that was under way when the page went is here again, or only its name is.
function goOn() {
  const [file] = uppy.getFiles();
  if (!file) return;
  if (file.isGhost) {
    uppy.clear();
    say("The upload was interrupted and this browser did not keep the file. Please choose it again.");
    return;
  }
  startAfresh();
  say("Going on where the upload stopped.");
  uppy.emit("restore-confirmed");
}

function startAfresh() {
  begun = undefined;
  tries = 0;
  furthest = 0;
  samples = [];
  say("");
  showUnderWay(true);
}

function showProgress(file, { bytesUploaded, bytesTotal }) {
  if (bytesUploaded > furthest) {
    furthest = bytesUploaded;
    tries = 0;
  }
  const flows = bytesUploaded > (samples.at(-1)?.bytesUploaded ?? bytesUploaded);
  if (flows && isWaiting && navigator.onLine) say("");
  const now = performance.now();
  samples = [...samples.filter(({ at }) => now - at < SPEED_OVER), { at: now, bytesUploaded }];
  const percent = Math.floor((100 * bytesUploaded) / bytesTotal);
  part("bar").value = percent;
  part("figures").textContent = [`${percent} %`, ...pace(bytesTotal - bytesUploaded)].join(" · ");
}

// Returns speed and time left in words, as soon as they mean something.
function pace(bytesLeft) {
  const [first, last] = [samples[0], samples.at(-1)];
  const perSecond = (1000 * (last.bytesUploaded - first.bytesUploaded)) / (last.at - first.at);
  if (!(perSecond > 0)) return [];
  const seconds = Math.ceil(bytesLeft / perSecond);
  const left = seconds < 60 ? `${seconds} s left` : `${Math.ceil(seconds / 60)} min left`;
  const speed =
    perSecond < 1e6 ? `${Math.round(perSecond / 1e3)} kB/s` : `${(perSecond / 1e6).toFixed(1)} MB/s`;
  return [speed, left];
}

async function finish() {
  part("bar").value = 100;
  part("figures").textContent = "100 %";
  try {
    await untilItWorks(() => post(`${beginAt}/${introId}/arrived`));
  } catch (error) {
    stop(error.message);
    return;
  }
  arrive();
}

function arrive() {
  stop(studio.dataset.done);
  document.dispatchEvent(new Event("asyncnet:arrived"));
}

async function recover(file, error) {
  if (!uppy.getFile(file.id)) return;
  if (error.ours && REFUSED.has(error.status)) {
    stop(error.message || "This upload was refused. Reload the page and choose the file again.");
    return;
  }
  if (GONE.has(error.status)) {
    if (await hasArrived()) return;
    uppy.setFileState(file.id, { s3Multipart: undefined });
  }
  tries += 1;
  if (tries > TRIES_WITHOUT_PROGRESS) {
    say("The upload does not get through at the moment. Reload the page to go on where it stopped.");
    return;
  }
  samples = [];
  sayWaiting();
  await untilOnline();
  await pause(tries);
  if (uppy.getFile(file.id)) uppy.retryUpload(file.id);
}

// The answer to the last request may have been lost although the file is there.
async function hasArrived() {
  try {
    await post(`${beginAt}/${introId}/arrived`);
  } catch {
    return false;
  }
  arrive();
  return true;
}

async function untilItWorks(request) {
  for (let failures = 1; ; failures += 1) {
    try {
      return await request();
    } catch (error) {
      if (error.ours && error.status < 500) throw error;
      if (failures > TRIES_WITHOUT_PROGRESS) throw error;
      await untilOnline();
      await pause(failures);
    }
  }
}

function untilOnline() {
  if (navigator.onLine) return Promise.resolve();
  return new Promise((resolve) => window.addEventListener("online", resolve, { once: true }));
}

function pause(failures) {
  const longest = Math.min(LONGEST_PAUSE, 1000 * 2 ** (failures - 1));
  return new Promise((resolve) => setTimeout(resolve, longest * (0.5 + Math.random() / 2)));
}

function stop(words) {
  uppy.clear();
  showUnderWay(false);
  say(words);
  document.dispatchEvent(new Event("asyncnet:changed"));
}

// Whoever had the focus in what goes is led to what comes.
function showUnderWay(isUnderWay) {
  const goes = part(isUnderWay ? "ways" : "under-way");
  const hadFocus = goes.contains(document.activeElement);
  part("ways").hidden = isUnderWay;
  part("under-way").hidden = !isUnderWay;
  if (hadFocus) part(isUnderWay ? "cancel" : "words").focus();
  part("bar").value = 0;
  part("figures").textContent = "";
}

function sayWaiting() {
  say("Waiting for the line. The upload goes on by itself.");
  isWaiting = true;
  part("figures").textContent = `${part("bar").value} %`;
}

function say(words) {
  isWaiting = false;
  if (part("words").textContent !== words) part("words").textContent = words;
}

function megabytes(bytes) {
  return Math.round(bytes / 1e6);
}

uppy.on("upload-progress", showProgress);
uppy.on("upload-success", finish);
uppy.on("upload-error", recover);
uppy.on("restored", goOn);
document.addEventListener("asyncnet:recorded", ({ detail }) => send(detail.file, detail.kind));
for (const input of document.querySelectorAll("[data-upload-file]")) {
  input.addEventListener("change", choose);
}
document.addEventListener("asyncnet:settled", () => {
  if (part("words").textContent === studio.dataset.done) say("");
});
window.addEventListener("offline", () => {
  if (!part("under-way").hidden) sayWaiting();
});
part("cancel").addEventListener("click", () => {
  uppy.cancelAll();
  stop("");
});
part("choose").hidden = false;
