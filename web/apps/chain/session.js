/**
 * One opened link: from its capability to a chain on the page that follows the server.
 *
 * @import { Capability } from "/sdk/format/capability.js"
 * @import { Item } from "/sdk/chains/reader.js"
 * @import { LiveState } from "/sdk/chains/live.js"
 */

import {
  ChainReader,
  Keyring,
  Live,
  Pins,
  Server,
  WrongCapability,
  checkSupport,
  formatRead,
  parseCapability,
  toHex,
} from "/sdk/cairn.js";
import { Attachments } from "./attachments.js";
import { byId, element } from "./element.js";
import { EntriesView } from "./entries_view.js";
import { showFailure } from "./failures.js";
import { showConnection, showState } from "./state_view.js";

/** A link that is being read. `open` begins, `close` ends; between them it changes the page. */
export class Session {
  #server = new Server();
  #attachments = new Attachments(this.#server);
  #entries = new EntriesView(this.#attachments);
  /** @type {ChainReader | null} */
  #reader = null;
  /** @type {Live | null} */
  #live = null;
  #isClosed = false;

  /** @param {{ onRetry: () => void, onWeaker: (link: string) => void }} events onWeaker: the link that is to be kept */
  constructor(events) {
    this.events = events;
  }

  /** @param {string} link the fragment, without # */
  async open(link) {
    this.#showProgress(0, 0);
    try {
      await checkSupport();
      await this.#openChain(await parseCapability(link));
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Ends, and leaves what is on the page. */
  close() {
    this.#isClosed = true;
    this.#live?.stop();
    this.#attachments.close();
  }

  /** @param {Capability} capability */
  async #openChain(capability) {
    if (capability.type === "block") throw new WrongCapability("this capability is for one block, not for a chain");
    const keyring = await Keyring.of(capability);
    if (capability.type === "write") await this.#weaken(keyring);
    const reader = new ChainReader(this.#server, keyring, new Pins());
    this.#reader = reader;
    const items = await reader.catchUp({ onProgress: (verified, total) => this.#showProgress(verified, total) });
    if (this.#isClosed) return;
    this.#entries.fill(items);
    this.#showChain();
    if (capability.type === "write") await this.#weaken(keyring);
    this.#follow(reader);
  }

  /** Keeps only the right to read in the address bar. @param {Keyring} keyring */
  async #weaken(keyring) {
    const keyEpoch = this.#reader?.state?.keyEpoch ?? 0;
    const readKey = await keyring.keyOf(keyEpoch);
    if (!readKey || this.#isClosed) return;
    this.events.onWeaker(await formatRead({ type: "read", chainId: keyring.chainId, keyEpoch, readKey }));
    this.#notice("That link could also write. The address bar now holds only the right to read: share it from there.");
  }

  /** @param {ChainReader} reader */
  #follow(reader) {
    this.#live = new Live(reader, {
      onItems: (items) => this.#arrived(items),
      onState: (state) => this.#connected(state),
      onFailure: (error) => this.#fail(error),
    });
    this.#live.start();
  }

  /** @param {Item[]} items */
  #arrived(items) {
    this.#entries.arrive(items);
    this.#showChain();
  }

  /** @param {LiveState} state */
  #connected(state) {
    if (!this.#isClosed) showConnection(state);
  }

  #showChain() {
    const state = this.#reader?.state;
    if (!state) return;
    byId("loading").hidden = true;
    byId("chain").hidden = false;
    document.title = `Chain ${toHex(state.chainId).slice(0, 8)} – Cairn`;
    this.#showState(false);
  }

  /** @param {boolean} isRefused */
  #showState(isRefused) {
    const state = this.#reader?.state;
    const { count, missingCount } = this.#entries;
    if (state) showState(state, { count, missingCount, isRefused });
  }

  /** @param {number} verified @param {number} total */
  #showProgress(verified, total) {
    if (this.#isClosed) return;
    byId("loading").hidden = false;
    byId("loading-text").textContent = total ? `Verified ${verified} of ${total} entries…` : "Opening…";
    const bar = /** @type {HTMLProgressElement} */ (byId("loading-bar"));
    bar.max = Math.max(total, 1);
    if (total) bar.value = verified;
    else bar.removeAttribute("value");
  }

  /** @param {string} words */
  #notice(words) {
    byId("notices").replaceChildren(element("p", { class: "notice", role: "status" }, words));
  }

  /** @param {unknown} error */
  #fail(error) {
    if (this.#isClosed) return;
    byId("loading").hidden = true;
    showConnection(this.#reader?.state ? "stopped" : null);
    this.#showState(true);
    showFailure(byId("failure"), error, { shown: this.#entries.count, onRetry: this.events.onRetry });
  }
}
