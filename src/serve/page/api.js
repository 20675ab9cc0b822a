// The HTTP API: requests, keys and errors. Addresses are relative, so that a proxy may serve the page
// under a path.

const KEY_NAME = "t3-api-key";

let askForKey = async () => null;

// `ask` is called when the server wants a key, with why; it resolves to the key.
export function onKeyWanted(ask) {
  askForKey = ask;
}

export function hasKey() {
  return sessionStorage.getItem(KEY_NAME) !== null;
}

export async function replaceKey(reason) {
  const key = await askForKey(reason);
  if (key) sessionStorage.setItem(KEY_NAME, key);
  return Boolean(key);
}

export class ApiError extends Error {
  constructor(status, { message, param, code }, retryAfter) {
    super(message);
    this.status = status;
    this.param = param ?? null;
    this.code = code ?? null;
    this.retryAfter = retryAfter;
  }
}

function address(path) {
  return new URL(`v1/${path}`, document.baseURI);
}

function headers() {
  return hasKey() ? { Authorization: `Bearer ${sessionStorage.getItem(KEY_NAME)}` } : {};
}

// A proxy in between may answer with something else than the API's JSON.
function errorOf(status, text, retryAfter) {
  let error = null;
  try {
    ({ error } = JSON.parse(text));
  } catch {
    // not JSON: the status has to do
  }
  return new ApiError(status, error ?? { message: `The server answered ${status}.` }, Number(retryAfter) || null);
}

// One question for a key, however many requests are refused at the same time.
let asking = null;
function keyAfterRefusal() {
  const reason = hasKey() ? "The server does not accept this key." : "";
  asking ??= replaceKey(reason).finally(() => { asking = null; });
  return asking;
}

async function request(path, options = {}) {
  const used = sessionStorage.getItem(KEY_NAME);
  const response = await fetch(address(path), { ...options, headers: { ...headers(), ...options.headers } });
  if (response.ok) return response;
  if (response.status === 401) {
    const replaced = sessionStorage.getItem(KEY_NAME) !== used;
    if (replaced || await keyAfterRefusal()) return request(path, options);
  }
  throw errorOf(response.status, await response.text(), response.headers.get("Retry-After"));
}

async function json(path, options) {
  return (await request(path, options)).json();
}

function posted(fields, signal) {
  return {
    method: "POST", signal, body: JSON.stringify(fields), headers: { "Content-Type": "application/json" },
  };
}

export const models = () => json("models");
export const video = (id) => json(`videos/${id}`);
export const remove = (id) => json(`videos/${id}`, { method: "DELETE" });
export const plan = (fields, signal) => json("videos/plan", posted(fields, signal));
export const events = (id, signal) => request(`videos/${id}/events`, { signal });

export function list(limit, after) {
  return json(`videos?limit=${limit}${after ? `&after=${after}` : ""}`);
}

function multipart(fields, file) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    form.append(name, typeof value === "object" ? JSON.stringify(value) : String(value));
  }
  form.append("input_reference", file);
  return form;
}

// fetch() does not report how much of a body has been sent, so uploads use XMLHttpRequest.
function upload(fields, file, onProgress) {
  return new Promise((resolve, reject) => {
    const call = new XMLHttpRequest();
    call.open("POST", address("videos"));
    for (const [name, value] of Object.entries(headers())) call.setRequestHeader(name, value);
    call.upload.onprogress = (event) => onProgress(event.loaded / event.total);
    call.onload = () => {
      if (call.status === 200) resolve(JSON.parse(call.responseText));
      else reject(errorOf(call.status, call.responseText, call.getResponseHeader("Retry-After")));
    };
    call.onerror = () => reject(new Error("The upload was interrupted."));
    call.send(multipart(fields, file));
  });
}

export async function submit(fields, file, onProgress) {
  if (!file) return json("videos", posted(fields));
  try {
    return await upload(fields, file, onProgress);
  } catch (error) {
    if (error.status === 401 && await keyAfterRefusal()) return submit(fields, file, onProgress);
    throw error;
  }
}

// An address for <img>, <video> and downloads. They cannot send a key: with one, the content is
// fetched and kept in memory until forget().
const blobs = new Map();

export async function content(id, variant) {
  const path = `videos/${id}/content?variant=${variant}`;
  if (!hasKey()) return address(path).href;
  if (!blobs.has(path)) {
    const blob = await (await request(path)).blob();
    blobs.set(path, URL.createObjectURL(blob));
  }
  return blobs.get(path);
}

export function forget(id) {
  for (const [path, url] of blobs) {
    if (!path.startsWith(`videos/${id}/`)) continue;
    URL.revokeObjectURL(url);
    blobs.delete(path);
  }
}
