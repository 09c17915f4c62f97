// SPDX-License-Identifier: MIT
// The page's words in the chosen language.

import { english } from "./words.js";
import { chinese } from "./words_zh.js";

const LANGUAGES = { en: english, zh: chinese };
let chosen = remembered() ?? (navigator.language.startsWith("zh") ? "zh" : "en");

function remembered() {
  try {
    const name = localStorage.getItem("ganbench-lab-language");
    return name in LANGUAGES ? name : null;
  } catch {
    return null; // a page that may store nothing
  }
}

export const languageName = () => chosen;

/** Returns the words. What is missing in a language is said in English. */
export const words = () => ({ ...english, ...LANGUAGES[chosen] });

export function chooseLanguage(name) {
  chosen = name;
  try {
    localStorage.setItem("ganbench-lab-language", name);
  } catch {
    // it is forgotten with the page
  }
}

/** Fills the elements that name a word, their labels and their titles. */
export function sayWords() {
  document.documentElement.lang = chosen === "zh" ? "zh-CN" : "en";
  const said = words();
  for (const item of document.querySelectorAll("[data-word]")) item.textContent = said[item.dataset.word];
  for (const item of document.querySelectorAll("[data-title]")) item.title = said[item.dataset.title];
  for (const item of document.querySelectorAll("[data-label]")) item.setAttribute("aria-label", said[item.dataset.label]);
}
