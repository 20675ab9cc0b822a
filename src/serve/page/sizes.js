// Sizes of videos: what the form proposes, and the size of a refinement.

const LONG_SIDE_4K = 3840;
const COMMON = ["832x480", "1280x720", "1920x1080", "3840x2160"];

// "1280x720" -> {width, height}; null for anything else.
export function parseSize(text) {
  const match = /^(\d+)x(\d+)$/.exec(text ?? "");
  return match && { width: Number(match[1]), height: Number(match[2]) };
}

export function sizeText({ width, height }) {
  return `${width}x${height}`;
}

function even(value) {
  return Math.max(16, 2 * Math.round(value / 2));
}

export function scaled({ width, height }, factor) {
  return { width: even(width * factor), height: even(height * factor) };
}

export function fits({ width, height }, maxPixels) {
  return width * height <= maxPixels;
}

// The model's own size, its multiples, common sizes, and the model's size upright.
export function proposedSizes(modelSize, maxPixels) {
  const own = parseSize(modelSize);
  const upright = { width: own.height, height: own.width };
  const sizes = [own, scaled(own, 1.5), scaled(own, 2), scaled(own, 3), ...COMMON.map(parseSize), upright];
  const texts = sizes.filter((size) => fits(size, maxPixels)).map(sizeText);
  return [...new Set(texts)];
}

// The largest size of the same shape with a long side of at most 3840; null where the video has it.
export function refinedSize(text, maxPixels) {
  const size = parseSize(text);
  if (!size) return null;
  const byPixels = Math.sqrt(maxPixels / (size.width * size.height));
  const factor = Math.min(LONG_SIDE_4K / Math.max(size.width, size.height), byPixels);
  let larger = scaled(size, factor);
  if (!fits(larger, maxPixels)) larger = scaled(size, factor * 0.99);
  return factor > 1.05 ? larger : null;
}

export function is4K({ width, height }) {
  return Math.max(width, height) >= LONG_SIDE_4K;
}

// Sizes for a draft of a video: a half, a third and a quarter of its sides.
export function draftSizes(text) {
  const size = parseSize(text);
  if (!size) return [];
  const drafts = [2, 3, 4].map((divisor) => scaled(size, 1 / divisor));
  return [...new Set(drafts.filter(({ width, height }) => Math.min(width, height) >= 64).map(sizeText))];
}
