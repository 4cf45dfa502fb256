// A queue of decisions from the keyboard. Without it the page works as well: each decision is a form.
//
// The keys act only while a card has the focus (WCAG 2.1.4), so that they are in nobody's way elsewhere on the page. A
// decision is sent and its card put away; the next one is at hand at once, and the last decision can be taken back.
"use strict";

const queue = document.getElementById("queue");
const said = document.getElementById("said");
const search = document.getElementById("search");
const decided = []; // the cards put away, the latest last
const last = document.getElementById("last"); // takes back what was decided on another page
const token = document.querySelector("input[name=csrf]"); // of whoever is signed in

const cards = () => Array.from(queue.querySelectorAll("section.decision:not([hidden])"));

function say(text) {
  said.textContent = text;
}

function focusOn(card) {
  card.focus();
  card.scrollIntoView({ block: "nearest" });
}

function step(from, by) {
  const all = cards();
  const at = all.indexOf(from) + by;
  if (at >= 0 && at < all.length) focusOn(all[at]);
}

async function post(address, fields = new FormData()) {
  // The answer to a decision that counts is a redirect, which is not followed: the page stays as it is.
  const body = new URLSearchParams(fields);
  if (token) body.set("csrf", token.value);
  const answer = await fetch(address, { method: "POST", redirect: "manual", body });
  if (answer.type !== "opaqueredirect") {
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    throw new Error(page.getElementById("line")?.textContent.trim() || "This did not work. Reload the page.");
  }
}

async function decide(card, choice) {
  const form = card.querySelector(`form[data-choice=${choice}]`);
  if (!form) {
    say("This cannot be confirmed here.");
    return;
  }
  if (card.dataset.busy) return;
  card.dataset.busy = "1";
  try {
    await post(form.action, new FormData(form));
    const all = cards();
    const next = all[all.indexOf(card) + 1] || all[all.indexOf(card) - 1];
    card.hidden = true;
    decided.push(card);
    const undo = card.dataset.undo ? " Press u to take it back." : "";
    say(`${form.dataset.done}${undo} ${cards().length} left.`);
    if (next) focusOn(next);
    else said.focus();
  } catch (error) {
    say(error.message);
  } finally {
    delete card.dataset.busy;
  }
}

async function takeBack() {
  const card = decided[decided.length - 1];
  if (!card && last) {
    last.requestSubmit();
    return;
  }
  if (!card || !card.dataset.undo) {
    say("There is nothing to take back here.");
    return;
  }
  try {
    await post(card.dataset.undo);
    decided.pop();
    card.hidden = false;
    say("Taken back: it waits again.");
    focusOn(card);
  } catch (error) {
    say(error.message);
  }
}

const KEYS = {
  j: (card) => step(card, 1),
  k: (card) => step(card, -1),
  Enter: (card) => decide(card, "accept"),
  x: (card) => decide(card, "refuse"),
  c: (card) => card.querySelector("a[data-follow=choose]")?.click(),
  u: takeBack,
  "/": () => search?.focus(),
};

document.getElementById("keys").hidden = false;
function obey(keys) {
  return (event) => {
    const act = keys[event.key];
    if (!act || event.target.tabIndex !== -1 || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act(event.target);
  };
}
queue.addEventListener("keydown", obey(KEYS));
said.addEventListener("keydown", obey({ u: takeBack })); // it has the focus when no card is left
const first = cards()[0];
if (first) focusOn(first);
else last?.querySelector("button").focus();
