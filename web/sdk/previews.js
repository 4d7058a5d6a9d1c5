/**
 * Small pictures of photos and films, made in the browser, to be kept with them: `log.putFile(file, { preview: await previewOf(file) })`.
 */

const PIXELS = 360;

/**
 * A small picture of a file.
 *
 * @param {Blob} file
 * @param {number} [pixels] of its shorter side
 * @returns {Promise<Blob | undefined>} undefined: it is no picture or film, or none that this browser can show
 */
export async function previewOf(file, pixels = PIXELS) {
  try {
    if (file.type.startsWith("image/")) return await drawn(await createImageBitmap(file), pixels);
    if (file.type.startsWith("video/")) return await drawn(await firstFrame(file), pixels);
  } catch {
    // damaged, or of a kind that is not known here
  }
  return undefined;
}

/** @param {Blob} film @returns {Promise<ImageBitmap>} */
async function firstFrame(film) {
  const video = Object.assign(document.createElement("video"), { muted: true, preload: "auto" });
  const url = URL.createObjectURL(film);
  try {
    await new Promise((resolve, reject) => Object.assign(video, { onloadeddata: resolve, onerror: reject, src: url }));
    return await createImageBitmap(video);
  } finally {
    video.removeAttribute("src");
    video.load();
    URL.revokeObjectURL(url);
  }
}

/** @param {ImageBitmap} picture @param {number} pixels */
async function drawn(picture, pixels) {
  const scale = Math.min(1, pixels / Math.min(picture.width, picture.height));
  const canvas = new OffscreenCanvas(Math.ceil(picture.width * scale), Math.ceil(picture.height * scale));
  canvas.getContext("2d")?.drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  return canvas.convertToBlob({ type: "image/webp", quality: 0.75 });
}
