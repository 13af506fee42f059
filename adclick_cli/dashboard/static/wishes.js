// What this page wants to see. It stands in the address behind the #, so that a reload or a sent link shows the same.

export const MAX_CURVES = 6;
const DEFAULTS = { windows: "60", top: "12", sort: "impressions", find: "" };

export class Wishes {
  constructor(onChange) {
    this.onChange = onChange;
    this.#read();
    window.addEventListener("hashchange", () => {
      this.#read();
      this.onChange();
    });
  }

  #read() {
    const found = new URLSearchParams(location.hash.slice(1));
    for (const [name, value] of Object.entries(DEFAULTS)) this[name] = found.get(name) ?? value;
    this.picks = found.has("pick") ? found.getAll("pick") : null;
  }

  query() {
    const wanted = new URLSearchParams();
    for (const [name, value] of Object.entries(DEFAULTS)) if (this[name] !== value) wanted.set(name, this[name]);
    for (const name of this.picks ?? []) wanted.append("pick", name);
    return wanted.toString();
  }

  set(changes) {
    Object.assign(this, changes);
    history.replaceState(null, "", `#${this.query()}`);
    this.onChange();
  }

  // Draw a campaign or leave it out; beyond the most curves that can be told apart, the oldest pick goes.
  toggle(name, drawn) {
    const others = drawn.filter((one) => one !== name);
    const picks = others.length === drawn.length ? [...others, name].slice(-MAX_CURVES) : others;
    this.set({ picks: picks.length ? picks : null });
  }
}
