// The estimate below the form, asked for a moment after each change.
import * as api from "./api.js";
import { bytes, counted, joined, seconds, short } from "./format.js";

const PAUSE_MS = 300;
const element = (id) => document.getElementById(id);

function videoText(plan) {
  return joined([
    plan.size,
    `${counted(plan.num_frames, "frame")} at ${short(plan.fps)} fps (${short(plan.seconds)} s)`,
    plan.draft && `draft ${plan.draft.size}`,
    counted(plan.steps, "step"),
  ]);
}

function timeText({ time }) {
  return time ? `about ${seconds(time.total_seconds)}` : "not known before a first video of this size";
}

function queueText({ queue }) {
  if (queue.jobs === 0) return "none, it starts at once";
  const wait = queue.seconds === null ? "" : ` (about ${seconds(queue.seconds)})`;
  return `${counted(queue.jobs, "job")} before it${wait}`;
}

// The device's, unless it is the host's that is short.
function memoryText({ memory }) {
  const host = memory.host_bytes > memory.host_budget_bytes;
  const needed = host
    ? `${bytes(memory.host_bytes)} of ${bytes(memory.host_budget_bytes)}`
    : `${bytes(memory.peak_bytes)} of ${bytes(memory.budget_bytes)}`;
  return memory.fits ? needed : `${needed}: does not fit`;
}

function rows(plan) {
  return [["Video", videoText(plan)], ["Time", timeText(plan)], ["Queue", queueText(plan)], ["Memory", memoryText(plan)]];
}

function show(plan) {
  const parts = rows(plan).map(([name, text]) => {
    const row = document.createElement("div");
    const term = document.createElement("dt");
    const value = document.createElement("dd");
    term.textContent = name;
    value.textContent = text;
    row.append(term, value);
    return row;
  });
  element("plan-rows").replaceChildren(...parts);
}

function showFailure(message) {
  element("plan-error").textContent = message ?? "";
  element("plan-error").hidden = !message;
  if (message) element("plan-rows").replaceChildren();
}

export class Planner {
  // fields() gives what to plan; it may throw an error of a field. onPlan(plan) hears each answer.
  constructor(fields, onPlan) {
    this.fields = fields;
    this.onPlan = onPlan;
    this.timer = 0;
    this.call = new AbortController();
  }

  update() {
    clearTimeout(this.timer);
    element("plan").setAttribute("aria-busy", "true");
    this.timer = setTimeout(() => this.ask(), PAUSE_MS);
  }

  // An answer to an earlier question must not replace that to a later one.
  async ask() {
    this.call.abort();
    const call = new AbortController();
    this.call = call;
    try {
      const plan = await api.plan(this.fields(), call.signal);
      if (call.signal.aborted) return;
      show(plan);
      showFailure(null);
      this.onPlan(plan);
    } catch (error) {
      if (call.signal.aborted) return;
      showFailure(error.message);
      if (error.status === 503) this.timer = setTimeout(() => this.ask(), 1000 * (error.retryAfter ?? 2));
    }
    element("plan").setAttribute("aria-busy", "false");
  }
}
