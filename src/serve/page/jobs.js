// The jobs that the page shows: the list is asked for again and again, and jobs that run or run next
// are watched.
import * as api from "./api.js";
import { watch } from "./events.js";

const PAGE = 100;
// A browser opens six connections to a server; streams must leave some for everything else.
const MAX_STREAMS = 2;
const POLL_SOON_MS = 3000;
const POLL_IDLE_MS = 15000;

export const isActive = (video) => video.status === "queued" || video.status === "in_progress";

// The order in which active jobs run: those that run already come first.
export function turn({ video }) {
  return video.status === "in_progress" ? 0 : video.queue_position ?? Infinity;
}

export class Jobs {
  // onChange() after every change, onEnd(video) when a job ends, onContact(error or null) after
  // every list.
  constructor({ onChange, onEnd, onContact }) {
    this.onChange = onChange;
    this.onEnd = onEnd;
    this.onContact = onContact;
    this.jobs = new Map();
    this.removed = new Set();
    this.streams = new Map();
    this.hasOlder = false;
    this.timer = 0;
  }

  start() {
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.refresh();
    });
    return this.refresh();
  }

  // The newest first.
  all() {
    return [...this.jobs.values()].sort((a, b) => b.video.created_at - a.video.created_at || b.order - a.order);
  }

  async refresh() {
    clearTimeout(this.timer);
    let failed = null;
    try {
      this.takeList(await api.list(PAGE));
    } catch (error) {
      failed = error;
    }
    this.onContact(failed);
    // Whoever has closed the dialog for the key is not asked again and again.
    if (failed?.status !== 401) this.schedule(failed !== null || this.active().length > 0);
  }

  schedule(soon) {
    clearTimeout(this.timer);
    const pause = soon ? POLL_SOON_MS : POLL_IDLE_MS;
    if (!document.hidden) this.timer = setTimeout(() => this.refresh(), pause);
  }

  // What is as new as the list and not in it has been removed, in another tab for example.
  takeList({ data, has_more: hasMore }) {
    const ids = new Set(data.map((video) => video.id));
    const oldest = hasMore ? data[data.length - 1].created_at : -Infinity;
    for (const { video } of this.all()) {
      if (!ids.has(video.id) && video.created_at > oldest) this.drop(video.id);
    }
    [...data].reverse().forEach((video) => this.take(video));
    if (this.jobs.size <= data.length) this.hasOlder = hasMore;
    this.changed();
  }

  async loadOlder() {
    const jobs = this.all();
    const page = await api.list(PAGE, jobs[jobs.length - 1].video.id);
    page.data.forEach((video, i) => this.take(video, -this.jobs.size - i));
    this.hasOlder = page.has_more;
    this.changed();
  }

  add(video) {
    this.take(video);
    this.changed();
    this.schedule(true);
  }

  // Replaces what is known of a video.
  take(video, order = this.jobs.size) {
    if (this.removed.has(video.id)) return;
    const job = this.jobs.get(video.id) ?? { order, preview: null };
    const ended = job.video && isActive(job.video) && !isActive(video);
    job.video = video;
    this.jobs.set(video.id, job);
    if (ended) this.onEnd(video);
  }

  async remove(id) {
    this.removed.add(id);
    this.drop(id);
    this.changed();
    try {
      await api.remove(id);
    } catch (error) {
      if (error.status === 404) return;
      this.removed.delete(id);
      this.refresh();
      throw error;
    }
  }

  drop(id) {
    this.jobs.delete(id);
    api.forget(id);
  }

  changed() {
    this.follow();
    this.onChange();
  }

  active() {
    return this.all().filter((job) => isActive(job.video)).sort((a, b) => turn(a) - turn(b));
  }

  // Streams for the first active jobs and for no others.
  follow() {
    const ids = new Set(this.active().slice(0, MAX_STREAMS).map((job) => job.video.id));
    for (const [id, stream] of this.streams) {
      if (ids.has(id)) continue;
      stream.abort();
      this.streams.delete(id);
    }
    for (const id of ids) {
      if (this.streams.has(id)) continue;
      const stream = new AbortController();
      this.streams.set(id, stream);
      watch(id, (event) => this.takeEvent(id, event), stream.signal);
    }
  }

  takeEvent(id, { name, data }) {
    const job = this.jobs.get(id);
    if (!job) return;
    if (name === "video") this.take(data);
    if (name === "progress") Object.assign(job.video, { stage: data, progress: data.progress, seconds_left: data.seconds_left });
    if (name === "preview") job.preview = `data:${data.content_type};base64,${data.data}`;
    if (name === "deleted") this.drop(id);
    this.changed();
    if (name === "video" && !isActive(data)) this.refresh();
  }
}
