// The form as fields of the API and back.
import { draftSizes, proposedSizes } from "./sizes.js";

const NUMBERS = ["num_frames", "fps", "seed", "num_inference_steps", "guidance_scale", "flow_shift", "draft_steps"];
const TEXTS = ["negative_prompt", "sampler"];
const CUSTOM = "custom";

const form = document.getElementById("form");
const element = (id) => document.getElementById(id);

function option(value, text) {
  const made = document.createElement("option");
  made.value = value;
  made.textContent = text;
  return made;
}

// A chosen value that is not among the options becomes one.
function fillSelect(select, options, chosen) {
  const known = options.some(([value]) => value === chosen);
  const wanted = known || !chosen ? options : [...options, [chosen, chosen]];
  const shown = [...select.options].map(({ value, text }) => [value, text]);
  if (String(shown) !== String(wanted))
    select.replaceChildren(...wanted.map(([value, text]) => option(value, text)));
  select.value = chosen ?? "";
}

export class FieldError extends Error {
  constructor(field, message) {
    super(message);
    this.param = field;
  }
}

// A number input has no value when its text is not a number: that is an error, not an absent value.
function numberOf(name) {
  const input = form.elements[name];
  if (input.validity.badInput) throw new FieldError(name, "This is not a number.");
  return input.value === "" ? null : Number(input.value);
}

export class Form {
  constructor(source, onChange) {
    this.source = source;
    this.model = null;
    this.strength = null;  // the slider always has a value: null until somebody has chosen it
    form.addEventListener("input", (event) => {
      clearError(event.target);
      if (event.target.name === "strength") this.strength = Number(event.target.value);
      this.adapt();
      if (event.target.name !== "prompt") onChange();
    });
    form.addEventListener("reset", () => setTimeout(() => {
      source.clear();
      this.strength = null;
      clearErrors();
      if (this.model) this.showDefaults();
      onChange();
    }));
    element("prompt").addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
    });
  }

  setModel(model) {
    this.model = model;
    this.showLoras();
    this.showDefaults();
  }

  // Defaults are shown as placeholders, because an empty field means the model's own value.
  showDefaults() {
    const { defaults, limits, image_to_video: takesImages } = this.model;
    for (const name of ["num_frames", "fps", "num_inference_steps", "guidance_scale"]) {
      form.elements[name].placeholder = defaults[name];
    }
    form.elements.num_frames.max = limits.max_frames;
    form.elements.num_inference_steps.max = limits.max_steps;
    form.elements.prompt.maxLength = limits.max_prompt_characters;
    form.elements.input_reference.accept = `${takesImages ? "image/png,image/jpeg,image/webp," : ""}video/*`;
    element("source-label").textContent = `Start from ${takesImages ? "an image or a video" : "a video"}`;
    const sizes = proposedSizes(defaults.size, limits.max_pixels).map((size) => [size, size]);
    const automatic = ["", takesImages ? "automatic" : defaults.size];
    fillSelect(element("size-choice"), [automatic, ...sizes.slice(1), [CUSTOM, "another size …"]], "");
    this.adapt();
  }

  showLoras() {
    element("loras").hidden = this.model.loras.length === 0;
    const rows = this.model.loras.map((name) => {
      const label = document.createElement("label");
      const scale = document.createElement("input");
      Object.assign(scale, { type: "number", step: "any", placeholder: "off", name: "lora", className: "scale" });
      scale.dataset.lora = name;
      label.append(scale, ` ${name}`);
      return label;
    });
    element("loras").replaceChildren(element("loras").querySelector("legend"), ...rows);
  }

  // Fields that depend on others appear and disappear.
  adapt() {
    if (!this.model) return;
    const draft = element("draft");
    const { defaults } = this.model;
    const drafts = draftSizes(this.size() ?? defaults.size).map((size) => [size, size]);
    fillSelect(draft, [["", defaults.draft ? `the model's (${defaults.draft})` : "no"],
      ...(defaults.draft ? [["none", "no"]] : []), ...drafts], draft.value);
    const drafted = draft.value === "" ? Boolean(defaults.draft) : draft.value !== "none";
    const refines = drafted || this.source.kind() === "video";
    element("custom-size").hidden = element("size-choice").value !== CUSTOM;
    element("draft-steps-field").hidden = !drafted;
    element("strength-field").hidden = !refines;
    element("strength-hint").hidden = !refines;
    this.showStrength(this.strength);
  }

  showStrength(value) {
    if (value !== null) form.elements.strength.value = value;
    element("strength-value").textContent = value === null ? "" : value.toFixed(2);
  }

  // What the estimate says of values that were not given.
  showPlan({ strength }) {
    if (this.strength === null) this.showStrength(strength);
  }

  // null: the model's, or the image's.
  size() {
    const choice = element("size-choice").value;
    return (choice === CUSTOM ? element("size").value.trim() : choice) || null;
  }

  loras() {
    return [...element("loras").querySelectorAll("input")].filter((input) => input.value !== "")
      .map((input) => ({ name: input.dataset.lora, scale: Number(input.value) }));
  }

  // What was given, without prompt and source. Hidden fields are not part of it.
  fields() {
    const fields = {};
    if (this.size()) fields.size = this.size();
    for (const name of NUMBERS) {
      const value = numberOf(name);
      if (value !== null && !form.elements[name].closest("[hidden]")) fields[name] = value;
    }
    for (const name of TEXTS) {
      const value = form.elements[name].value.trim();
      if (value) fields[name] = value;
    }
    if (form.elements.draft.value) fields.draft = form.elements.draft.value;
    if (this.strength !== null && !element("strength-field").hidden) fields.strength = this.strength;
    if (this.loras().length > 0) fields.loras = this.loras();
    return fields;
  }

  prompt() {
    const prompt = form.elements.prompt.value.trim();
    if (!prompt) throw new FieldError("prompt", "Write what the video shows.");
    return prompt;
  }

  // The reverse of fields(): the settings of an earlier video.
  fill(prompt, settings) {
    form.elements.prompt.value = prompt;
    for (const name of [...NUMBERS, ...TEXTS]) form.elements[name].value = settings[name] ?? "";
    this.strength = settings.strength ?? null;
    this.setSize(settings.size ?? "");
    fillSelect(element("draft"), [], settings.draft ?? "");
    for (const input of element("loras").querySelectorAll("input")) {
      input.value = settings.loras?.find(({ name }) => name === input.dataset.lora)?.scale ?? "";
    }
    clearErrors();
    this.adapt();
  }

  setSize(size) {
    const choice = element("size-choice");
    const known = [...choice.options].some((known_option) => known_option.value === size);
    choice.value = known ? size : CUSTOM;
    element("size").value = known ? "" : size;
  }
}

// --- errors of fields ---

function errorOf(input) {
  return document.getElementById(`${input.id}-error`);
}

function clearError(input) {
  errorOf(input)?.remove();
  input.removeAttribute?.("aria-errormessage");
  input.removeAttribute?.("aria-invalid");
}

export function clearErrors() {
  [...form.elements].forEach(clearError);
  element("form-error").hidden = true;
}

// Below the field that the error names, else below the form.
export function showError(error) {
  const named = error.param && form.elements[error.param];
  const input = error.param === "size" && named.closest("[hidden]") ? element("size-choice") : named;
  if (!input?.closest || input.closest("[hidden]")) {
    element("form-error").textContent = error.message;
    element("form-error").hidden = false;
    return;
  }
  clearError(input);
  const text = document.createElement("p");
  Object.assign(text, { id: `${input.id}-error`, className: "error", textContent: error.message });
  input.setAttribute("aria-invalid", "true");
  input.setAttribute("aria-errormessage", text.id);
  input.closest(".field").append(text);
  input.closest("details")?.setAttribute("open", "");
  return input;
}
