/**
 * The browser SDK as an application uses it: does the steps of one case, and tells what it showed.
 *
 * @typedef {{ code: string, message: string, hint: string }} Problem
 * @typedef {{ do: string, text?: string, seq?: number, until?: number, forgets?: boolean, texts?: string[],
 *   sizes?: number[], seed?: number, file?: number, chains?: string[] }} Step
 * @typedef {{ number: number, url: string, capability: string, steps: Step[] }} Case
 * @typedef {[number, string, string | null, string | null, number]} Shown seq, kind, value, problem, missing before it
 * @typedef {{ entries?: Shown[], seq?: number | null, count?: number, missing?: number, value?: string, seqs?: (number | null)[], kept?: number[],
 *   heard?: any[], rows?: any[], members?: string[], removed?: string[],
 *   problem: Problem | null, crash?: string }} Told
 */

const STEP_MS = 600_000; // a machine may be busy
/** What pages show by `status`: the log stays as it was known. */
const OFFLINE = { code: "unavailable", message: "offline", hint: "offline" };
const KEPT = "entry,rotation,snapshot,end".split(",");

/**
 * @param {{ cairn: any, door: any, bytes: any, capability: any, crypto: any, keys: any, doorFormat: any }} sdk its modules
 * @param {Case} asked
 * @returns {Promise<{ number: number, told: Told[] }>}
 */
export async function run(sdk, asked) {
  const client = new Client(sdk, asked);
  const told = [];
  for (const step of asked.steps) told.push(await client.step(step));
  client.close();
  return { number: asked.number, told };
}

/** One device of one case. */
class Client {
  /** @type {any} */
  log = null;
  /** @type {any} a space */
  entered = null;

  /** @param {any} sdk @param {Case} asked */
  constructor(sdk, asked) {
    this.sdk = sdk;
    this.asked = asked;
    this.cairn = sdk.cairn.connect({ url: asked.url, realm: "evil" });
  }

  /** @param {Step} step @returns {Promise<Told>} */
  async step(step) {
    /** @type {Told} */
    const told = { problem: null };
    try {
      const work = /** @type {any} */ (this)[step.do](told, step);
      await Promise.race([work, late(STEP_MS)]);
    } catch (error) {
      if (error instanceof this.sdk.cairn.CairnError) told.problem = problemOf(error);
      else told.crash = String(/** @type {any} */ (error)?.stack ?? error);
    }
    return told;
  }

  async opened() {
    this.log ??= await this.cairn.openLink(this.asked.capability);
    return this.log;
  }

  /** @param {Told} _ @param {Step} step */
  async turn(_, step) {
    await fetch(`${this.asked.url}/${step.do}`, { method: "POST" });
  }

  /** @param {Told} told @param {Step} step */
  honest(told, step) {
    return this.turn(told, step);
  }

  /** @param {Told} _ @param {Step} step */
  async reopen(_, step) {
    const { cache } = await this.cairn.browser.storage();
    this.log.close();
    if (step.forgets) await cache.forget(this.log.keyring.chainId);
    this.log = null;
  }

  /** What is shown in the end counts, also where an error came. @param {Told} told */
  async read(told) {
    const log = await this.opened();
    told.entries = [];
    try {
      for await (const entry of log.entries()) told.entries.push(shown(entry));
      if (this.cairn.status.value === "offline") told.problem = OFFLINE;
    } catch (error) {
      told.entries = this.list();
      throw error;
    }
  }

  list() {
    return this.log.list.filter((/** @type {any} */ { isPending }) => !isPending).map(shown);
  }

  /** @param {Told} told @param {Step} step */
  async follow(told, step) {
    const log = await this.opened();
    await new Promise((resolve) => {
      const isThere = () => this.list().some((/** @type {Shown} */ [seq, kind]) => seq >= (step.until ?? 0) || kind === "end");
      const stop = log.watch(
        () => isThere() && resolve(null),
        (/** @type {any} */ error) => resolve((told.problem = problemOf(error))),
      );
      this.stop = stop;
    });
    this.stop?.();
    told.entries = this.list();
  }

  /** @param {Told} told */
  async hear(told) {
    const log = await this.opened();
    /** @type {any[]} */
    const heard = (told.heard = []);
    await new Promise((resolve) => {
      log.hear((/** @type {any} */ value) => heard.push(value) && value === "over" && resolve(null));
      this.stop = log.watch(
        () => {},
        (/** @type {any} */ error) => resolve((told.problem = problemOf(error))),
      );
    });
    this.stop?.();
  }

  /** @param {Told} told */
  async verify(told) {
    const report = await (await this.opened()).verify();
    told.problem = report.problem && problemOf(report.problem);
    if (report.isGood === Boolean(report.problem)) told.crash = "a report that is good and bad";
    if (report.isGood) Object.assign(told, { seq: report.seq, count: report.entries, missing: report.missing });
  }

  /** @param {Told} told @param {Step} step */
  async add(told, step) {
    told.seq = (await (await this.opened()).add(step.text)).seq;
  }

  /** @param {Told} told @param {Step} step */
  async add_many(told, { texts = [] }) {
    const log = await this.opened();
    const added = await Promise.all(texts.map((text) => log.add(text)));
    told.seqs = added.map(({ seq }) => seq);
  }

  /** Puts all files at once; what fails first is told, and which were said to be kept. @param {Told} told @param {Step} step */
  async put(told, { sizes = [], seed = 0 }) {
    const log = await this.opened();
    const puts = sizes.map((size, at) => log.putFile(new Blob([contentOf(size, at, seed)]), { name: String(at) }));
    const ended = await Promise.allSettled(puts);
    told.kept = ended.flatMap((one, at) => (one.status === "fulfilled" && one.value.seq !== null ? [at] : []));
    for (const one of ended) if (one.status === "rejected") throw one.reason;
  }

  /** What was put, if its entry is there. @param {Told} told @param {Step} step */
  async fetch(told, step) {
    const entry = this.log.list.find((/** @type {any} */ { value }) => value?.name === String(step.file));
    if (!entry) return;
    const file = await this.log.getFile(entry);
    told.value = await this.digest(new Uint8Array(await file.arrayBuffer()));
  }

  /** @param {Told} told @param {Step} step */
  async get(told, step) {
    const entry = this.log.list.find((/** @type {any} */ { seq }) => seq === step.seq);
    const file = await this.log.getFile(entry);
    told.value = await this.digest(new Uint8Array(await file.arrayBuffer()));
  }

  /** What is known in the end counts, also where an error came. @param {Told} told */
  async space(told) {
    try {
      this.entered ??= await this.cairn.openSpace(this.asked.capability);
      await this.entered.catchUp();
      if (this.cairn.status.value === "offline") told.problem = OFFLINE;
    } finally {
      if (this.entered) Object.assign(told, spaceShown(this.entered));
    }
  }

  /** @param {Told} _ @param {Step} step */
  async reopen_space(_, { chains = [] }) {
    const { cache } = await this.cairn.browser.storage();
    this.entered.close();
    this.entered = null;
    for (const id of chains) await cache.forget(this.sdk.bytes.fromHex(id));
  }

  /** @param {Told} told */
  async door(told) {
    const { door, bytes, capability, doorFormat, keys } = this.sdk;
    const opened = await door.Door.of(this.cairn.browser, await capability.parseCapability(this.asked.capability));
    const { root, home } = await opened.behind();
    const { chainId } = await keys.ChainKeys.of(await doorFormat.accountOf(root));
    told.value = `${bytes.toHex(chainId)} ${home}`;
  }

  /** @param {Uint8Array<ArrayBuffer>} data @returns {Promise<string>} */
  async digest(data) {
    return this.sdk.bytes.toHex(await this.sdk.crypto.sha256(data));
  }

  close() {
    this.log?.close();
    this.entered?.close();
    this.cairn.close();
  }
}

/** @param {any} space */
function spaceShown({ list, members, removed }) {
  const ids = (/** @type {any[]} */ people) => people.map(({ id }) => id);
  const rows = list.map((/** @type {any} */ { member, entry, at, value }) => [member.id, entry.seq, at, value]);
  return { rows, members: ids(members), removed: ids(removed) };
}

/** The bytes of a file that is put. @param {number} size @param {number} at @param {number} seed */
function contentOf(size, at, seed) {
  return Uint8Array.from({ length: size }, (_, place) => (7 * place + 31 * at + seed) % 256);
}

/** @param {any} entry @returns {Shown} */
function shown({ seq, kind, value, problem, missingBefore }) {
  if (!KEPT.includes(kind)) throw new Error(`an entry of a kind that does not exist: ${kind}`);
  return [seq, kind, problem ? null : valueOf(value), problem?.code ?? null, missingBefore];
}

/** @param {any} value in the words of world.py */
function valueOf(value) {
  if (typeof value === "string") return `t:${value}`;
  if (value instanceof Uint8Array) return `b:${Array.from(value, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
  return `j:${JSON.stringify(value)}`;
}

/** @param {any} error @returns {Problem} */
function problemOf({ code, message, hint }) {
  return { code, message, hint };
}

/** @param {number} ms @returns {Promise<never>} */
function late(ms) {
  return new Promise((_, reject) => {
    const timer = setTimeout(() => reject(new Error("it does not come to an end")), ms);
    /** @type {any} */ (timer).unref?.();
  });
}
