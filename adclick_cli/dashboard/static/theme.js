// Light, dark, or as the system says.

import { $, say } from "./dom.js";

const ORDER = ["auto", "light", "dark"];

export function startTheme(onChange) {
  const button = $("theme");
  const apply = (name) => {
    if (name === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = name;
    say(button, `Theme: ${name}`);
    onChange();
  };
  let chosen = ORDER.includes(localStorage.getItem("theme")) ? localStorage.getItem("theme") : "auto";
  button.addEventListener("click", () => {
    chosen = ORDER[(ORDER.indexOf(chosen) + 1) % ORDER.length];
    localStorage.setItem("theme", chosen);
    apply(chosen);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", onChange);
  apply(chosen);
}

export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
