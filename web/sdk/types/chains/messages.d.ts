/**
 * Messages of the moment, as those of one log hear them: what nobody keeps, such as where a cursor is. They are said by the
 * writing half of a log (writing.js), and opened by what follows it (live.js).
 *
 * @import { Bytes } from "../format/bytes.js"
 */
import type { Bytes } from "../format/bytes.js";
/** Who listens to a log. */
export declare class Messages {
    #private;
    /** @param {(value: any) => void} listener @returns {() => void} ends it */
    hear(listener: (value: any) => void): () => void;
    /** @param {Bytes} data of a message, opened; what is no JSON is of another application, and passed over */
    came(data: Bytes): void;
}
