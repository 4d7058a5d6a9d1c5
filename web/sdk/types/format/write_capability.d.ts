/**
 * Write capabilities, made and given away: who only reads has no need of it.
 *
 * @import { WriteCapability } from "./capability.js"
 */
import type { WriteCapability } from "./capability.js";
/** A fresh chain's write capability; no server is asked. @param {number} [flags] @returns {WriteCapability} */
export declare function newWriteCapability(flags?: number): WriteCapability;
/** @param {WriteCapability} capability @returns {Promise<string>} */
export declare function formatWrite({ flags, writeSecret }: WriteCapability): Promise<string>;
