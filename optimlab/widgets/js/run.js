// Run a rule in the browser: the translated function, step by step.

/** Turn the text of a translated rule into a function. */
export const compile = (source) => new Function(`return ${source}`)();

/** Turn what feeds each step, as arithmetic text in these names, into functions. */
export const compileFeeds = (feeds, names) =>
  Object.fromEntries(
    Object.entries(feeds).map(([input, texts]) => [
      input,
      texts.map((text) => new Function(`{ ${names.join(", ")} }`, `return ${text};`)),
    ]),
  );

const shortest = (inputs) => Math.min(...Object.values(inputs).map((list) => list.length));

/**
 * Make the steps of a run and keep every quantity of every one.
 *
 * @param rule    the compiled function
 * @param carried starting values of what one step hands to the next
 * @param inputs  a list of values for every input, one entry per step
 * @param hyper   hyper-parameters
 * @param steps   how many
 * @param feeds   functions that give inputs of a step where they depend on where the run stands, if any
 * @returns one object per step; index 0 is the start
 */
export function trace(rule, carried, inputs, hyper, steps = shortest(inputs), feeds = {}) {
  const names = Object.keys(inputs);
  const rows = [{ ...carried }];
  let now = carried;
  for (let t = 1; t <= steps; t++) {
    const fed = {};
    for (const name of names) fed[name] = (feeds[name] ? feeds[name][t - 1]({ ...hyper, ...now }) : inputs[name][t - 1]);
    const row = { ...now, ...fed, ...rule({ ...hyper, ...fed, ...now, t }) };
    rows.push(row);
    now = {};
    for (const name in carried) now[name] = row[name];
  }
  return rows;
}
