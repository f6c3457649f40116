// A decision tree: one question after the other, down to advice; every answer can still be changed.

import "./tree.css";
import { h, id } from "./dom.js";

export function tree({ model, el, spec }) {
  const { title, tree: first } = spec;
  const heading = id("title");
  const list = h("ol", { class: "ol-tree-path", role: "list" });
  const end = h("div", { role: "status" });
  const again = h("button", { type: "button", click: restart }, "Start again");
  const root = h(
    "section",
    { class: "ol ol-tree", "aria-labelledby": heading },
    h("p", { class: "ol-title", id: heading }, title),
    list,
    end,
    again,
  );
  const steps = []; // the questions that are drawn

  function go(path) {
    model.set("path", path);
    model.save_changes();
  }

  function restart() {
    go([]);
    steps[0].inputs[0].focus();
  }

  function ask(node) {
    const group = id("tree");
    const turn = steps.length;
    const inputs = node.answers.map(({ text }) =>
      h("input", { type: "radio", name: group, value: text, change: () => go([...model.get("path").slice(0, turn), text]) }),
    );
    const labels = inputs.map((input) => h("label", { class: "ol-tree-answer" }, input, h("span", {}, input.value)));
    const question = h("fieldset", {}, h("legend", {}, node.question), h("div", { class: "ol-tree-answers" }, labels));
    return { node, inputs, item: h("li", {}, question) };
  }

  function draw() {
    const path = model.get("path");
    const way = [first];
    for (const answer of path) way.push(way.at(-1).answers.find(({ text }) => text === answer).next);
    const advice = typeof way.at(-1) === "string" ? way.pop() : null;

    // What stands already stays, and so does the focus in it.
    let same = 0;
    while (same < steps.length && steps[same].node === way[same]) same++;
    for (const { item } of steps.splice(same)) item.remove();
    for (const node of way.slice(same)) {
      const step = ask(node);
      steps.push(step);
      list.append(step.item);
    }
    steps.forEach(({ inputs }, turn) => inputs.forEach((input) => (input.checked = input.value === path[turn])));

    if (advice) end.replaceChildren(h("div", { class: "ol-tree-advice" }, h("p", { class: "ol-label" }, "Advice"), h("p", {}, advice)));
    else if (path.length) end.replaceChildren(h("span", { class: "ol-hidden" }, `Next question: ${way.at(-1).question}`));
    else end.replaceChildren();
    again.hidden = !path.length;
  }

  model.on("change:path", draw);
  el.replaceChildren(root);
  draw();
  return () => model.off("change:path", draw);
}
