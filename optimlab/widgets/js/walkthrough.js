// A worked example: its steps, its formula with numbers, a chart, and the notes' printed figures.

import { choice, h, id, oncePerFrame, slider, toggle, write } from "./dom.js";
import { number } from "./format.js";
import { lines } from "./lines.js";
import { formula } from "./math.js";
import { compile, compileFeeds, trace } from "./run.js";
import { judgedTable, MARKS, scrolling, verdictTag } from "./verdicts.js";

const WHOLE_TABLE = 40; // longer runs show the rows around the current step
const PACE = 900; // milliseconds per step while playing

export function walkthrough({ model, el, spec }) {
  const heading = id("title");
  const root = h("section", { class: "ol", "aria-labelledby": heading });
  root.append(h("p", { class: "ol-title", id: heading }, spec.title), h("p", { class: "ol-source" }, spec.source));
  if (spec.judged.length) root.append(tally(spec.counts));
  const runs = Object.fromEntries(spec.runs.map((run) => [run.name, run]));
  const stop = spec.runs.length ? live({ model, root, spec, runs }) : () => {};
  if (spec.judged.length) root.append(judged(spec));
  el.replaceChildren(root);
  return stop;
}

function tally(counts) {
  const words = Object.entries(counts).filter(([, count]) => count);
  return h(
    "p",
    { class: "ol-tally" },
    "Printed figures: ",
    words.map(([verdict, count]) => verdictTag(verdict, `${verdict}: ${count}`)),
  );
}

function judged(spec) {
  const title = `The ${spec.judged.length} printed figures, judged`;
  const { table, show } = judgedTable();
  const odd = spec.judged.filter(({ verdict }) => verdict !== "agrees");
  const mixed = odd.length > 0 && odd.length < spec.judged.length;
  const only = toggle({
    label: `Only the ${odd.length} that do not simply agree`,
    change: (on) => show(on ? odd : spec.judged),
  });
  only.show(mixed);
  show(mixed ? odd : spec.judged);
  return h(
    "details",
    { class: "ol-details", open: !spec.runs.length },
    h("summary", {}, title),
    mixed ? only.element : null,
    scrolling(title, table),
  );
}

function live({ model, root, spec, runs }) {
  const controls = h("div", { class: "ol-controls" });
  const formulaBox = h("div", { class: "ol-scroll", role: "region", tabindex: 0, "aria-label": "Formula of this step" });
  const notice = h("p", { class: "ol-notice", role: "status" });
  const tableBox = scrolling("Every step", h("table", { class: "ol-steps" }));
  const parts = {};

  const set = (name, value) => {
    model.set(name, value);
    model.save_changes();
  };
  const clamp = (t) => Math.min(Math.max(t, 0), parts.steps);
  const goto = (t) => set("step", clamp(t));
  // The run before may have had more steps than this one.
  const walk = (by) => goto(clamp(model.get("step")) + by);
  const figure = lines({ height: 210, pick: (at) => goto(Math.round(at) - parts.offset) });

  // Step slider with its buttons.
  const back = h("button", { type: "button", "aria-label": "Previous step", click: () => walk(-1) }, "◀");
  const next = h("button", { type: "button", "aria-label": "Next step", click: () => walk(1) }, "▶");
  const play = h("button", { type: "button", class: "ol-play", click: () => (timer ? pause() : start()) }, "Play");
  let timer = null;
  function start() {
    if (model.get("step") >= parts.steps) goto(0);
    write(play, "Pause");
    timer = setInterval(() => {
      const t = model.get("step");
      goto(t + 1);
      if (t + 1 >= parts.steps) pause();
    }, PACE);
  }
  function pause() {
    clearInterval(timer);
    timer = null;
    write(play, "Play");
  }

  const several = spec.runs.length > 1;
  const runChoice = choice({
    label: "Run",
    options: spec.runs.map((run) => [run.name, run.label]),
    change: (name) => {
      model.set("hyper", { ...runs[name].hyper });
      set("run", name);
    },
  });
  const printedToggle = toggle({ label: "Show the notes’ figures", change: (on) => set("show_printed", on) });
  const reset = h(
    "button",
    { type: "button", click: () => set("hyper", { ...parts.run.hyper }) },
    spec.judged.length ? "Back to the notes’ values" : "Reset",
  );

  /** Build what depends on the run: its sliders, formula and chart choices. */
  function build() {
    const run = runs[model.get("run")];
    parts.run = run;
    parts.rule = compile(run.javascript);
    parts.feeds = compileFeeds(run.feeds, [...Object.keys(run.carried), ...Object.keys(run.hyper)]);
    parts.steps = run.steps;
    const steps = Array.from({ length: parts.steps + 1 }, (_, t) => t);
    // An example may begin in the middle: its first step need not be number 1.
    parts.offset = run.first - 1;
    const named = (t) => `${t + parts.offset} of ${parts.steps + parts.offset}`;
    parts.step = slider({ label: "Step t", values: steps, text: named, change: goto });
    parts.step.element.append(h("span", { class: "ol-buttons" }, back, play, next));
    parts.step.element.classList.add("ol-wide");
    parts.sliders = Object.entries(run.sliders).map(([name, { label, values }]) => [
      name,
      slider({
        label,
        values,
        text: (value) => number(value),
        change: (value) => set("hyper", { ...model.get("hyper"), [name]: value }),
      }),
    ]);
    parts.formula = formula(run.formula);
    parts.chart = run.charts[0][0];
    parts.choice = choice({
      label: "Chart",
      options: run.charts.map(([name]) => [name, name]),
      change: (name) => {
        parts.chart = name;
        draw();
      },
    });
    const focused = controls.getRootNode().activeElement;
    controls.replaceChildren(
      ...[
        several && runChoice.element,
        parts.step.element,
        ...parts.sliders.map(([, control]) => control.element),
        run.charts.length > 1 && parts.choice.element,
        spec.judged.some(({ cell }) => cell) && printedToggle.element,
        Object.keys(run.sliders).length && reset,
      ].filter(Boolean),
    );
    if (controls.contains(focused)) focused.focus({ preventScroll: true }); // what is put in again loses the focus
    formulaBox.replaceChildren(parts.formula.element);
    table();
  }

  /** Lay out the table's rows once; `draw` fills in the numbers. */
  function table() {
    const { run } = parts;
    const head = run.columns.map(({ math }) => {
      const cell = h("th", { scope: "col" });
      cell.innerHTML = math;
      return cell;
    });
    parts.body = h("tbody");
    parts.rows = [];
    const count = Math.min(parts.steps, WHOLE_TABLE) + 1;
    for (let i = 0; i < count; i++) {
      const label = h("th", { scope: "row" });
      const cells = run.columns.map(() => h("td", { class: "ol-number" }, h("span"), h("span", { class: "ol-printed" })));
      const row = h("tr", { click: () => goto(parts.first + i) }, label, cells);
      parts.rows.push({ row, label, cells });
      parts.body.append(row);
    }
    tableBox.firstChild.replaceChildren(
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "step t"), head)),
      parts.body,
    );
  }

  function draw() {
    if (parts.run?.name !== model.get("run")) build();
    const { run, steps } = parts;
    const hyper = model.get("hyper");
    const t = clamp(model.get("step"));
    const showPrinted = model.get("show_printed");
    const own = Object.keys(run.hyper).some((name) => run.hyper[name] !== hyper[name]);
    const rows = trace(parts.rule, run.carried, run.inputs, hyper, steps, parts.feeds);

    runChoice.show(run.name);
    parts.step.show(t);
    for (const [name, control] of parts.sliders) control.show(hyper[name]);
    parts.choice.show(parts.chart);
    printedToggle.show(showPrinted);
    back.disabled = t === 0;
    next.disabled = t === steps;
    reset.disabled = !own;

    parts.formula.show(t, rows[t - 1], { ...hyper, ...rows[t], t });
    const names = run.charts.find(([name]) => name === parts.chart)[1];
    const shown = names.map((name) => run.columns.find((column) => column.name === name));
    const at = rows.map((_, i) => i + parts.offset);
    figure.draw({
      label: `Line chart of ${shown.map(({ label }) => label).join(", ")}; the numbers are in the table`,
      x: { whole: true },
      y: { zero: true },
      marks: [{ x: at[t] }],
      series: [
        ...shown.map(({ name, label, tone }) => ({
          name: label,
          tone,
          dots: name in run.inputs,
          x: at,
          y: rows.map((row) => row[name]),
        })),
        ...shown.map(({ name, tone }) => ({ tone, dots: 4.5, x: [at[t]], y: [rows[t][name]] })),
      ],
    });

    parts.first = steps <= WHOLE_TABLE ? 0 : Math.min(Math.max(t - WHOLE_TABLE / 2, 0), steps - WHOLE_TABLE);
    parts.rows.forEach(({ row, label, cells }, i) => {
      const at = parts.first + i;
      write(label, String(at + parts.offset));
      if (at === t) row.setAttribute("aria-current", "step");
      else row.removeAttribute("aria-current");
      run.columns.forEach(({ name }, column) => {
        const value = rows[at][name];
        const [ours, theirs] = cells[column].children;
        write(ours, value === undefined ? "" : number(value));
        cells[column].dataset.value = value ?? "";
        notes(theirs, showPrinted ? (run.printed[`${at} ${name}`] ?? []) : [], own);
      });
    });
    write(notice, noticeText(run, showPrinted, own));
    beside?.show(run, hyper, t);
  }

  const beside = several ? sideBySide(spec.runs) : null;
  const soon = oncePerFrame(draw);
  const traits = ["run", "hyper", "step", "show_printed"];
  for (const name of traits) model.on(`change:${name}`, soon);
  root.append(controls, formulaBox, figure.element, notice, tableBox);
  if (beside) root.append(beside.element);
  draw();
  return () => {
    pause();
    for (const name of traits) model.off(`change:${name}`, soon);
  };
}

/** What each run makes of its main quantity, step by step; other runs share the values that they began with. */
function sideBySide(runs) {
  const made = runs.map((run) => ({
    run,
    rule: compile(run.javascript),
    feeds: compileFeeds(run.feeds, [...Object.keys(run.carried), ...Object.keys(run.hyper)]),
  }));
  const longest = Math.max(...runs.map((run) => run.last));
  const first = Math.min(...runs.map((run) => run.first)) - 1;
  const body = h("tbody");
  const rows = Array.from({ length: longest - first + 1 }, (_, i) => {
    const cells = runs.map(() => h("td", { class: "ol-number" }));
    body.append(h("tr", {}, h("th", { scope: "row" }, String(first + i)), cells));
    return cells;
  });
  const head = runs.map((run) => h("th", { scope: "col", class: "ol-number" }, run.name, h("br"), run.main.label));
  const table = h("table", { class: "ol-side-by-side" }, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "step t"), head)), body);
  const element = h("details", { class: "ol-details" }, h("summary", {}, "All runs side by side"), scrolling("All runs side by side", table));

  function show(current, hyper, t) {
    made.forEach(({ run, rule, feeds }, column) => {
      const own = { ...run.hyper };
      for (const name in own) if (run === current || own[name] === current.hyper[name]) own[name] = hyper[name];
      const values = trace(rule, run.carried, run.inputs, own, run.steps, feeds);
      rows.forEach((cells, i) => {
        const value = values[first + i - run.first + 1]?.[run.main.name];
        write(cells[column], value === undefined ? "" : number(value));
        cells[column].dataset.value = value ?? "";
      });
    });
    const at = t + current.first - 1 - first;
    rows.forEach((cells, i) => cells[0].parentNode.classList.toggle("ol-current", i === at));
  }
  return { element, show };
}

/** Put the notes' figures for one cell under ours. */
function notes(place, figures, stale) {
  const key = JSON.stringify([figures, stale]);
  if (place.dataset.key === key) return;
  place.dataset.key = key;
  place.replaceChildren(
    ...figures.map(({ printed, verdict, why }) =>
      h(
        "span",
        { class: stale ? "ol-stale" : `ol-verdict ol-${verdict}`, title: why ?? "" },
        stale ? printed : `${MARKS[verdict]} ${printed}`,
        stale ? null : h("span", { class: "ol-hidden" }, ` in the notes, ${verdict}`),
      ),
    ),
  );
}

function noticeText(run, showPrinted, own) {
  if (!showPrinted) return "";
  if (!Object.keys(run.printed).length) return "The notes print no figure of this run step by step.";
  if (!own) return "Under our numbers stand the notes’ figures, with the verdict.";
  const values = Object.entries(run.hyper).map(([name, value]) => `${run.sliders[name].label} = ${number(value)}`);
  return `The notes’ figures belong to ${values.join(", ")}; they are not judged against other values.`;
}
