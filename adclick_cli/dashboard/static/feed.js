// The stream of pictures. Each is whole, so a lost connection loses nothing: the next picture says it all.

const SILENCE_MS = 15000;
const RETRY_MS = 2000;

export class Feed {
  #source = null;
  #timer = 0;
  #query = "";

  constructor(onPicture, onLost) {
    this.onPicture = onPicture;
    this.onLost = onLost;
    // A page that nobody sees asks for nothing: browsers allow six streams to a server over all of their tabs.
    document.addEventListener("visibilitychange", () => (document.hidden ? this.close() : this.#open()));
  }

  ask(query) {
    this.#query = query;
    if (!document.hidden) this.#open();
  }

  close() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }

  #open() {
    this.close();
    const source = new EventSource(`api/events?${this.#query}`);
    this.#source = source;
    source.addEventListener("picture", (event) => {
      this.#expect(SILENCE_MS);
      this.onPicture(JSON.parse(event.data));
    });
    source.addEventListener("error", () => {
      this.onLost();
      this.#expect(RETRY_MS);
    });
    this.#expect(SILENCE_MS);
  }

  // Begin anew unless something comes in time.
  #expect(ms) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.onLost();
      this.#open();
    }, ms);
  }
}
