/**
 * Small pictures of photos and films, made in the browser, to be kept with them: `log.putFile(file, { preview: await previewOf(file) })`.
 */
/**
 * A small picture of a file.
 *
 * @param {Blob} file
 * @param {number} [pixels] of its shorter side
 * @returns {Promise<Blob | undefined>} undefined: it is no picture or film, or none that this browser can show
 */
export declare function previewOf(file: Blob, pixels?: number): Promise<Blob | undefined>;
