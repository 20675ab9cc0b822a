// One card a job, in the queue or in the gallery. Cards are changed in place, so that a button keeps
// the focus while its job goes on.
import * as api from "./api.js";
import { facts } from "./dialogs.js";
import { counted, joined, seconds, when } from "./format.js";
import { is4K, refinedSize, sizeText } from "./sizes.js";

const template = document.getElementById("card-template");

function queuedText({ queue_position: position }) {
  return position === 1 ? "Waiting, next in line" : `Waiting, number ${position ?? "…"} in line`;
}

function stageText({ stage, seconds_left: left, progress }) {
  if (!stage) return "Starting";
  const count = stage.total > 0 ? `${stage.done} of ${stage.total} ${stage.unit}` : "";
  const name = stage.stage.charAt(0).toUpperCase() + stage.stage.slice(1);
  return joined([name, count, `${progress} %`, left !== null && `about ${seconds(left)} left`]);
}

function finishedText({ started_at: start, completed_at: end, expires_at: expires }) {
  const took = end > start ? ` in ${seconds(end - start)}` : "";
  return joined([`Finished ${when(end)}${took}`, expires && `kept until ${when(expires)}`]);
}

function stateText(video) {
  if (video.status === "queued") return queuedText(video);
  if (video.status === "in_progress") return stageText(video);
  if (video.status === "failed") return `Failed: ${video.error?.message ?? "no reason given"}`;
  return finishedText(video);
}

function set(target, property, value) {
  if (target[property] !== value) target[property] = value;
}

function actionsOf(video, maxPixels) {
  const done = video.status === "completed";
  const refined = done ? refinedSize(video.size, maxPixels) : null;
  return {
    play: done && "Play",
    download: done && "Download",
    again: (done || video.status === "failed") && "Make again",
    refine: refined && (is4K(refined) ? "Refine to 4K" : `Refine to ${sizeText(refined)}`),
    remove: done || video.status === "failed" ? "Delete" : "Cancel",
  };
}

export class Card {
  constructor(act) {
    this.root = template.content.firstElementChild.cloneNode(true);
    this.find = (selector) => this.root.querySelector(selector);
    this.root.addEventListener("click", (event) => {
      const button = event.target.closest("[data-action]");
      if (button) act(button.dataset.action, this.video);
    });
  }

  update({ video, preview }, maxPixels) {
    const wasDone = this.video?.status === "completed";
    this.video = video;
    this.root.dataset.status = video.status;
    set(this.find(".prompt"), "textContent", video.prompt);
    set(this.find(".state"), "textContent", stateText(video));
    set(this.find(".facts"), "textContent", facts(video));
    this.updateNotes(video.notes);
    this.updateProgress(video);
    this.updatePreview(video, preview);
    this.updateActions(video, maxPixels);
    if (video.status === "completed" && !wasDone) this.showPicture(video);
  }

  updateProgress(video) {
    const bar = this.find("progress");
    set(bar, "hidden", video.status !== "in_progress");
    set(bar, "value", video.progress);
    bar.setAttribute("aria-label", `Progress of ${video.prompt}`);
  }

  updatePreview(video, preview) {
    const image = this.find(".preview");
    const shown = video.status === "in_progress" && preview;
    if (shown) set(image, "src", preview);
    set(image, "hidden", !shown);
  }

  // What the run said, such as that a source was cropped.
  updateNotes(notes) {
    const list = this.find(".notes ul");
    this.find(".notes").hidden = notes.length === 0;
    if (list.childElementCount === notes.length) return;
    this.find(".notes summary").textContent = counted(notes.length, "note");
    list.replaceChildren(...notes.map((note) => {
      const item = document.createElement("li");
      item.textContent = note;
      return item;
    }));
  }

  // Names for screen readers say which video a button is about.
  updateActions(video, maxPixels) {
    const actions = actionsOf(video, maxPixels);
    for (const button of this.root.querySelectorAll(".actions [data-action]")) {
      const name = actions[button.dataset.action];
      set(button, "hidden", !name);
      if (!name) continue;
      set(button, "textContent", name);
      button.setAttribute("aria-label", `${name}: ${video.prompt}`);
    }
  }

  async showPicture(video) {
    const button = this.find(".picture");
    button.setAttribute("aria-label", `Play: ${video.prompt}`);
    try {
      button.querySelector("img").src = await api.content(video.id, "thumbnail");
      button.hidden = false;
    } catch {
      // The card works without its picture.
    }
  }
}

// A list of cards in the order of `jobs`; moves only those that are out of place.
export class CardList {
  constructor(root, empty, act) {
    Object.assign(this, { root, empty, act, cards: new Map() });
  }

  show(jobs, maxPixels) {
    const ids = new Set(jobs.map((job) => job.video.id));
    for (const [id, card] of this.cards) {
      if (ids.has(id)) continue;
      card.root.remove();
      this.cards.delete(id);
    }
    jobs.forEach((job, i) => {
      const card = this.cards.get(job.video.id) ?? new Card(this.act);
      this.cards.set(job.video.id, card);
      card.update(job, maxPixels);
      if (this.root.children[i] !== card.root) this.root.insertBefore(card.root, this.root.children[i] ?? null);
    });
    this.empty.hidden = jobs.length > 0;
  }
}
