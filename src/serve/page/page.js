// The page: connects the form, the estimate, the queue and the gallery.
import * as api from "./api.js";
import { CardList } from "./cards.js";
import { askKey, confirmed, play } from "./dialogs.js";
import { clearErrors, Form, showError } from "./form.js";
import { isActive, Jobs } from "./jobs.js";
import { Planner } from "./plan.js";
import { refinedSize, sizeText } from "./sizes.js";
import { Source } from "./source.js";

const RETRY_MS = 2000;
const KEY_EVENT = "t3-key";
const element = (id) => document.getElementById(id);

const source = new Source(() => {
  if (!form.model) return;
  form.adapt();
  planner.update();
});
const form = new Form(source, () => planner.update());
const planner = new Planner(() => ({ ...form.fields(), ...source.planFields() }), (plan) => form.showPlan(plan));
const jobs = new Jobs({ onChange: showJobs, onEnd: announceEnd, onContact: showContact });
const queue = new CardList(element("queue"), element("queue-empty"), act);
const gallery = new CardList(element("gallery"), element("gallery-empty"), act);

function announce(text) {
  element("status").textContent = text;
}

function announceEnd(video) {
  announce(video.status === "completed" ? `The video is finished: ${video.prompt}` : `A video failed: ${video.prompt}`);
}

function showContact(error) {
  element("banner").textContent = error ? `No answer from the server (${error.message}). Trying again …` : "";
  element("banner").hidden = !error;
  element("change-key").hidden = !api.hasKey() && error?.status !== 401;
}

// Resolves when a new key has been given with the button.
function newKey() {
  return new Promise((resolve) => { document.addEventListener(KEY_EVENT, resolve, { once: true }); });
}

async function changeKey() {
  if (await api.replaceKey("")) document.dispatchEvent(new Event(KEY_EVENT));
}

// For a tab in the background.
function showTitle() {
  const [first] = jobs.active();
  document.title = first?.video.status === "in_progress" ? `${first.video.progress} % - t3video` : "t3video";
}

let waiting = 0;

function showJobs() {
  if (!form.model) return;
  if (jobs.active().length !== waiting) planner.update();
  waiting = jobs.active().length;
  showTitle();
  const { max_pixels: maxPixels } = form.model.limits;
  queue.show(jobs.active(), maxPixels);
  gallery.show(jobs.all().filter((job) => !isActive(job.video)), maxPixels);
  element("older").hidden = !jobs.hasOlder;
}

// --- what cards do ---

async function download(video) {
  const link = document.createElement("a");
  link.href = await api.content(video.id, "video");
  link.download = `${video.id}.mp4`;
  link.click();
}

function toForm(message) {
  planner.update();
  element("prompt").focus();
  announce(message);
}

// The same seed: the same video, until something is changed.
function makeAgain(video) {
  const uploaded = video.input && !video.remixed_from_video_id;
  const settings = { ...video.settings, seed: video.seed ?? "" };
  if (settings.seconds) settings.num_frames = video.num_frames;  // the form has frames
  form.fill(video.prompt, settings);
  source.clear();
  if (video.remixed_from_video_id) setSource(video.remixed_from_video_id);
  toForm(uploaded ? `The form has its settings. Choose its ${video.input} again.` : "The form has its settings.");
  if (uploaded) showError({ param: "input_reference", message: `Choose its ${video.input} again.` });
}

async function setSource(id) {
  try {
    source.setVideo(await api.video(id), api.content(id, "thumbnail"));
  } catch (error) {
    showError({ message: `The video that it was made from is gone: ${error.message}` });
  }
}

function refine(video) {
  const { defaults, limits } = form.model;
  const size = sizeText(refinedSize(video.size, limits.max_pixels));
  const draft = defaults.draft ? "none" : "";  // the video takes its place
  form.fill(video.prompt, { size, draft, num_frames: video.num_frames, fps: video.fps });
  source.setVideo(video, api.content(video.id, "thumbnail"));
  toForm("The form refines this video. Check the estimate, then submit.");
}

async function remove(video) {
  const active = isActive(video);
  const question = active
    ? { title: "Cancel this video?", text: video.prompt, yes: "Cancel the video" }
    : { title: "Delete this video?", text: video.prompt, yes: "Delete the video" };
  if (!await confirmed(question)) return;
  await jobs.remove(video.id);
  announce(active ? "Cancelled." : "Deleted.");
  element(active ? "queue-heading" : "gallery-heading").focus();
}

async function act(action, video) {
  const actions = {
    download, remove, refine, again: makeAgain, play: () => play(video, api.content(video.id, "video")),
  };
  try {
    await actions[action](video);
  } catch (error) {
    announce("");
    element("banner").textContent = error.message;
    element("banner").hidden = false;
  }
}

// --- submitting ---

function showProgress(part) {
  element("upload").hidden = part === null;
  if (part !== null) element("upload").value = part;
}

function refusal(error) {
  const wait = error.retryAfter ? ` Try again in ${error.retryAfter} s.` : "";
  return { param: error.param, message: error.message + wait };
}

async function submit() {
  clearErrors();
  const button = element("submit");
  // Not `disabled`: that would take the focus away.
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  try {
    const fields = { prompt: form.prompt(), ...form.fields(), ...source.submitFields() };
    jobs.add(await api.submit(fields, source.file, showProgress));
    announce("The video is in the queue.");
  } catch (error) {
    showError(refusal(error))?.focus();
  }
  showProgress(null);
  button.removeAttribute("aria-disabled");
}

// --- start ---

// A server that has just started does not know its model's defaults yet.
async function loadModel() {
  for (;;) {
    try {
      const [model] = (await api.models()).data;
      element("model").textContent = model.defaults ? `Model ${model.id}` : `Model ${model.id}, starting …`;
      showContact(null);
      if (model.defaults) return model;
    } catch (error) {
      showContact(error);
      if (error.status === 401) await newKey();
    }
    await new Promise((resolve) => { setTimeout(resolve, RETRY_MS); });
  }
}

async function start() {
  api.onKeyWanted(askKey);
  element("change-key").addEventListener("click", changeKey);
  element("older").addEventListener("click", () => jobs.loadOlder());
  element("form").addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  form.setModel(await loadModel());
  document.addEventListener(KEY_EVENT, () => jobs.refresh());
  planner.update();
  await jobs.start();
}

start();
