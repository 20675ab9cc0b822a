// Server-sent events, read with fetch because EventSource cannot send a key.
import * as api from "./api.js";

const MAX_PAUSE_MS = 15000;

// "event: progress\ndata: {...}" -> {name, data}; null for comments.
function parseEvent(block) {
  let name = "message";
  const data = [];
  for (const line of block.split("\n")) {
    if (line.startsWith("event:")) name = line.slice(6).trim();
    if (line.startsWith("data:")) data.push(line.slice(5).trim());
  }
  return data.length === 0 ? null : { name, data: JSON.parse(data.join("\n")) };
}

async function readStream(response, onEvent) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text = (text + value).replaceAll("\r\n", "\n");
    const blocks = text.split("\n\n");
    text = blocks.pop();
    for (const event of blocks.map(parseEvent)) {
      if (event) onEvent(event);
    }
  }
}

const pause = (milliseconds) => new Promise((resolve) => { setTimeout(resolve, milliseconds); });

// Calls onEvent until `signal` aborts or the job is gone, through lost connections.
export async function watch(id, onEvent, signal) {
  for (let wait = 1000; !signal.aborted; wait = Math.min(2 * wait, MAX_PAUSE_MS)) {
    try {
      await readStream(await api.events(id, signal), (event) => {
        wait = 1000;
        onEvent(event);
      });
    } catch (error) {
      if (signal.aborted || error.status === 404) return;
    }
    if (!signal.aborted) await pause(wait);
  }
}
