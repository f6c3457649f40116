// One multiple-choice item. The answer is kept in this browser only.

import { h, id } from "./dom.js";

const KEY = (question) => `optimlab:quiz:${question}`;

/** The browser's memory may be switched off; then the item simply forgets. */
const memory = {
  get(key) {
    try {
      return localStorage.getItem(key);
    } catch {
      return null;
    }
  },
  set(key, value) {
    try {
      localStorage.setItem(key, value);
    } catch {
      /* nothing to do */
    }
  },
};

export function quiz({ model, el, spec }) {
  const { label, question, options } = spec;
  const group = id("quiz");
  const check = h("button", { type: "submit" }, "Check");
  const again = h("button", { type: "button", hidden: true, click: forget }, "Try again");
  const answer = h("div", { class: "ol-answer", role: "status" });
  // Another choice takes the verdict on the old one away.
  const change = () => answer.replaceChildren();
  const inputs = options.map((_, i) => h("input", { type: "radio", name: group, value: i, required: true, change }));
  const form = h(
    "form",
    { class: "ol ol-quiz", submit: judge },
    h(
      "fieldset",
      {},
      h("legend", {}, h("span", { class: "ol-label" }, label), question),
      options.map(({ text }, i) => h("label", { class: "ol-option" }, inputs[i], h("span", {}, text))),
    ),
    h("div", { class: "ol-buttons" }, check, again),
    answer,
  );

  function judge(event) {
    event.preventDefault();
    const chosen = inputs.findIndex((input) => input.checked);
    if (chosen < 0) return;
    memory.set(KEY(question), options[chosen].text);
    model.set("answer", options[chosen].text);
    model.save_changes();
    draw(); // also where the answer is the one that was checked before
  }

  function forget() {
    memory.set(KEY(question), "");
    for (const input of inputs) input.checked = false;
    model.set("answer", "");
    model.save_changes();
    inputs[0].focus();
  }

  function draw() {
    const chosen = options.findIndex(({ text }) => text === model.get("answer"));
    again.hidden = chosen < 0;
    if (chosen < 0) {
      answer.replaceChildren();
      return;
    }
    inputs[chosen].checked = true;
    const { right, why } = options[chosen];
    const others = options.filter((_, i) => i !== chosen);
    answer.replaceChildren(
      h("p", { class: right ? "ol-verdict ol-agrees" : "ol-verdict ol-wrong" }, right ? "✓ Right." : "✗ Not so."),
      h("p", {}, why),
      h(
        "details",
        {},
        h("summary", {}, "The other answers"),
        h(
          "ul",
          {},
          others.map((option) => h("li", {}, h("b", {}, option.text), `${option.right ? " (right)" : ""}: ${option.why}`)),
        ),
      ),
    );
  }

  model.on("change:answer", draw);
  el.replaceChildren(form);
  const kept = memory.get(KEY(question));
  if (kept && !model.get("answer") && options.some(({ text }) => text === kept)) {
    model.set("answer", kept);
    model.save_changes();
  }
  draw();
  return () => model.off("change:answer", draw);
}
