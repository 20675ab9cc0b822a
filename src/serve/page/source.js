// What a video starts from: a file that is chosen or dropped, or a finished video.
import { bytes } from "./format.js";

const element = (id) => document.getElementById(id);

function mediaView(url, isVideo) {
  const view = document.createElement(isVideo ? "video" : "img");
  view.src = url;
  const moves = !matchMedia("(prefers-reduced-motion: reduce)").matches;
  if (isVideo) Object.assign(view, { muted: true, loop: true, autoplay: moves, playsInline: true });
  else view.alt = "";
  return view;
}

export class Source {
  constructor(onChange) {
    this.onChange = onChange;
    this.file = null;
    this.video = null;  // {id, size} of a finished video
    this.url = null;
    this.listen();
  }

  listen() {
    const input = element("input_reference");
    const drop = element("drop");
    input.addEventListener("change", () => this.setFile(input.files[0] ?? null));
    element("source-remove").addEventListener("click", () => {
      this.clear();
      input.focus();
    });
    // On the whole page: a browser would open a file that is dropped beside the box.
    document.addEventListener("dragover", (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
    document.addEventListener("dragleave", () => drop.classList.remove("over"));
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      drop.classList.remove("over");
      if (event.dataTransfer.files.length > 0) this.setFile(event.dataTransfer.files[0]);
    });
  }

  // "image", "video" or null.
  kind() {
    if (this.video) return "video";
    if (!this.file) return null;
    return this.file.type.startsWith("image/") ? "image" : "video";
  }

  // The fields that name it in a plan and in a submission.
  planFields() {
    if (this.video) return { source_video: this.video.id };
    return this.file ? { input: this.kind() } : {};
  }

  submitFields() {
    return this.video ? { source_video: this.video.id } : {};
  }

  setFile(file) {
    this.reset();
    this.file = file;
    if (file) {
      this.url = URL.createObjectURL(file);
      this.show(`${file.name}, ${bytes(file.size)}`, mediaView(this.url, this.kind() === "video"));
    }
    this.onChange();
  }

  // `picture` is a promise of the thumbnail's address.
  setVideo(video, picture) {
    this.reset();
    this.video = video;
    const view = mediaView("", false);
    picture.then((url) => { view.src = url; }, () => {});
    this.show(`The video “${video.prompt}”`, view);
    this.onChange();
  }

  clear() {
    this.reset();
    this.onChange();
  }

  reset() {
    if (this.url) URL.revokeObjectURL(this.url);
    Object.assign(this, { file: null, video: null, url: null });
    element("input_reference").value = "";
    element("source").hidden = true;
    element("drop").hidden = false;
    element("source-view").replaceChildren();
  }

  show(name, view) {
    element("source-name").textContent = name;
    element("source-view").replaceChildren(view);
    element("source").hidden = false;
    element("drop").hidden = true;
  }
}
