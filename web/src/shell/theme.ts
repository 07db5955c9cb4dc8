// Light or dark: as the system is, unless the viewer chose. The choice is kept in this browser.

export type Choice = "system" | "light" | "dark";

const KEY = "pingmesh-theme";

export function chosen(): Choice {
  try {
    const value = localStorage.getItem(KEY);
    return value === "light" || value === "dark" ? value : "system";
  } catch {
    return "system"; // storage is forbidden
  }
}

const system = matchMedia("(prefers-color-scheme: dark)");

export function apply(choice: Choice): void {
  document.documentElement.dataset["theme"] = choice === "system" ? (system.matches ? "dark" : "light") : choice;
}

export function choose(choice: Choice): void {
  apply(choice);
  try {
    if (choice === "system") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, choice);
  } catch {
    // It lasts as long as the page.
  }
}

export function onSystemChange(watcher: () => void): void {
  system.addEventListener("change", watcher);
}
