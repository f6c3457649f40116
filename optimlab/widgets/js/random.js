// Chance that is the same as in optimlab/widgets/_random.py, number by number. It says what each function does.

/** A generator of whole numbers of 32 bits: mulberry32. */
export function integers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 15), z | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return (z ^ (z >>> 14)) >>> 0;
  };
}

export function uniform(seed, count) {
  const next = integers(seed);
  return Float64Array.from({ length: count }, () => next() / 2 ** 32);
}

export function normal(seed, count) {
  const draws = uniform(seed, 2 * count);
  const one = (_, i) => Math.sqrt(-2 * Math.log(1 - draws[2 * i])) * Math.cos(2 * Math.PI * draws[2 * i + 1]);
  return Float64Array.from({ length: count }, one);
}

/** The rows one after the other: `count` batches of `size` sample numbers each. */
export function picks(seed, samples, size, count, replace = false) {
  const next = integers(seed);
  const below = (n) => Math.floor((next() / 2 ** 32) * n);
  const found = new Uint32Array(count * size);
  if (replace) return found.map(() => below(samples));
  const deck = new Uint32Array(samples);
  for (let at = 0; at < found.length; at++) {
    const i = at % size;
    if (i === 0) deck.forEach((_, k) => (deck[k] = k));
    const j = i + below(samples - i);
    found[at] = deck[j];
    deck[j] = deck[i];
  }
  return found;
}
