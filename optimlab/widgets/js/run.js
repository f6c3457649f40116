// Run a rule in the browser: the translated function, step by step.

/** Turn the text of a translated rule into a function. */
export const compile = (source) => new Function(`return ${source}`)();

/**
 * Make the steps of a run and keep every quantity of every one.
 *
 * @param rule    the compiled function
 * @param carried starting values of what one step hands to the next
 * @param inputs  a list of values for every input, one entry per step
 * @param hyper   hyper-parameters
 * @returns one object per step; index 0 is the start
 */
export function trace(rule, carried, inputs, hyper) {
  const names = Object.keys(inputs);
  const steps = Math.min(...names.map((name) => inputs[name].length));
  const rows = [{ ...carried }];
  let now = carried;
  for (let t = 1; t <= steps; t++) {
    const fed = {};
    for (const name of names) fed[name] = inputs[name][t - 1];
    const row = { ...now, ...fed, ...rule({ ...hyper, ...fed, ...now, t }) };
    rows.push(row);
    now = {};
    for (const name in carried) now[name] = row[name];
  }
  return rows;
}
