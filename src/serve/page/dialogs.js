// The three dialogs. <dialog> keeps the focus inside, closes on Escape and gives the focus back.
import { counted, joined, short } from "./format.js";

const element = (id) => document.getElementById(id);

// Resolves when the dialog closes, to the value of the button.
function shown(dialog) {
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true });
  });
}

// The key, or null where the dialog was closed.
export async function askKey(reason) {
  const input = element("key");
  input.value = "";
  element("key-text").textContent = joined([reason]) + (reason ? " " : "") +
    "This server asks for a key. It is kept until this tab is closed.";
  const answer = await shown(element("key-dialog"));
  const key = input.value.trim();
  input.value = "";
  return answer === "yes" && key ? key : null;
}

export async function confirmed({ title, text, yes }) {
  element("confirm-title").textContent = title;
  element("confirm-text").textContent = text;
  element("confirm-yes").textContent = yes;
  return (await shown(element("confirm"))) === "yes";
}

export function facts(video) {
  return joined([
    video.size,
    video.num_frames && counted(video.num_frames, "frame"),
    video.seconds && `${short(video.seconds)} s`,
    video.seed !== null && `seed ${video.seed}`,
  ]);
}

// `url` is a promise: with a key the whole clip is fetched first.
export async function play(video, url) {
  const player = element("player-video");
  element("player-title").textContent = video.prompt;
  element("player-facts").textContent = "Loading …";
  const closed = shown(element("player"));
  closed.then(() => {
    player.pause();
    player.removeAttribute("src");
    player.load();
  });
  try {
    player.src = await url;
    element("player-facts").textContent = facts(video);
    await player.play();
  } catch (error) {
    // A browser may refuse to start by itself; closing ends play() too.
    if (error.name !== "NotAllowedError" && error.name !== "AbortError")
      element("player-facts").textContent = `The clip cannot be played: ${error.message}`;
  }
}
