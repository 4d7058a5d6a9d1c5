/**
 * Who is there, and where: the states of an `Awareness` of y-protocols as messages that nobody keeps.
 *
 * Everyone says one's own state when it changes, at most a few times a second, and again every few seconds: who has come
 * meanwhile, or missed it, learns it so. `Awareness` itself forgets who was not heard for 30 seconds. In a space a state
 * belongs to the member who said it first, and its `user` bears the member's id and name, whatever it says.
 *
 * @import { Member, Source } from "./source.js"
 *
 * @typedef {object} AwarenessLike an `Awareness` of y-protocols
 * @property {number} clientID
 * @property {Map<number, any>} states
 * @property {Map<number, { clock: number }>} meta
 * @property {() => any} getLocalState
 * @property {(state: any) => void} setLocalState
 * @property {(event: any, listener: (...given: any[]) => void) => void} on
 * @property {(event: any, listener: (...given: any[]) => void) => void} off
 * @typedef {object} AwarenessProtocol what is needed of `y-protocols/awareness`
 * @property {(awareness: any, clients: number[], states?: Map<number, any>) => Uint8Array} encodeAwarenessUpdate
 * @property {(awareness: any, update: Uint8Array, origin: any) => void} applyAwarenessUpdate
 * @property {(awareness: any, clients: number[], origin: any) => void} removeAwarenessStates
 */

const SAY_MS = 120;
const AGAIN_MS_MIN = 250;
const AGAIN_MS_MAX = 8_000;

/** The presence of one document. */
export class Presence {
  /** @type {Map<number, Member | null>} who said the state of a client first */
  #speakers = new Map();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #sayTimer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #againTimer;
  #againMs = AGAIN_MS_MIN;
  /** @type {(() => void)[]} */
  #stops = [];

  /** @param {Source} source @param {AwarenessLike} awareness @param {AwarenessProtocol} protocol */
  constructor(source, awareness, protocol) {
    this.source = source;
    this.awareness = awareness;
    this.protocol = protocol;
  }

  start() {
    this.awareness.on("update", this.#changed);
    this.#stops.push(this.source.hear((value, member) => this.#heard(value, member)));
    this.#stops.push(this.source.status.subscribe((status) => status === "online" && this.#beginAgain()));
  }

  /** Ends it: others no longer see this one, nor this one others. */
  async stop() {
    this.awareness.off("update", this.#changed);
    clearTimeout(this.#sayTimer);
    clearTimeout(this.#againTimer);
    for (const stop of this.#stops.splice(0)) stop();
    this.#drop([...this.#speakers.keys()]);
    await this.leave();
  }

  /** Says good-bye. @returns {Promise<void>} */
  leave() {
    return this.#say(null);
  }

  /** @param {Member[]} members who are none any more */
  forget(members) {
    const gone = new Set(members.map(({ id }) => id));
    this.#drop([...this.#speakers].filter(([, member]) => gone.has(member?.id ?? "")).map(([client]) => client));
  }

  /** @param {number[]} clients */
  #drop(clients) {
    this.protocol.removeAwarenessStates(this.awareness, clients, this);
    for (const client of clients) this.#speakers.delete(client);
  }

  /** Who is new to this one may not know this one either. */
  #changed = (/** @type {{ added: number[], updated: number[], removed: number[] }} */ { added, updated, removed }) => {
    for (const client of removed) this.#speakers.delete(client);
    if (added.length > 0 || [...updated, ...removed].includes(this.awareness.clientID)) this.#saySoon();
  };

  #saySoon() {
    this.#sayTimer ??= setTimeout(() => {
      this.#sayTimer = undefined;
      void this.#say(this.awareness.getLocalState());
    }, SAY_MS);
  }

  #beginAgain() {
    this.#againMs = AGAIN_MS_MIN;
    clearTimeout(this.#againTimer);
    this.#sayAgain();
  }

  #sayAgain() {
    this.#saySoon();
    this.#againTimer = setTimeout(() => this.#sayAgain(), this.#againMs);
    this.#againMs = Math.min(2 * this.#againMs, AGAIN_MS_MAX);
  }

  /** Nobody waits for it, and what is lost is said again. @param {any} state null: this one is going */
  async #say(state) {
    const { clientID: client, meta } = this.awareness;
    if (!this.source.canWrite) return;
    const clock = (meta.get(client)?.clock ?? 0) + (state ? 0 : 1);
    await this.source.say({ presence: { client, clock, state } }).catch(() => {});
  }

  /** @param {any} value @param {Member | null} member */
  #heard(value, member) {
    const { client, clock, state } = Object(Object(value).presence);
    if (!isCount(client) || !isCount(clock) || client === this.awareness.clientID) return;
    const speaker = this.#speakers.get(client);
    if (speaker && speaker.id !== member?.id) return;
    this.#speakers.set(client, member);
    const user = member && { ...Object(state?.user), id: member.id, name: member.name };
    const named = state && user ? { ...state, user } : (state ?? null);
    const heard = { meta: new Map([[client, { clock }]]), states: new Map([[client, named]]) };
    const update = this.protocol.encodeAwarenessUpdate(heard, [client], heard.states);
    this.protocol.applyAwarenessUpdate(this.awareness, update, this);
  }
}

/** @param {unknown} value @returns {value is number} */
function isCount(value) {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
