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

/** One list of `size` sample numbers for each of `count` batches. */
export function picks(seed, samples, size, count, replace = false) {
  const next = integers(seed);
  const below = (n) => Math.floor((next() / 2 ** 32) * n);
  return Array.from({ length: count }, () => {
    if (replace) return Array.from({ length: size }, () => below(samples));
    const deck = Array.from({ length: samples }, (_, i) => i);
    for (let i = 0; i < size; i++) {
      const j = i + below(samples - i);
      [deck[i], deck[j]] = [deck[j], deck[i]];
    }
    return deck.slice(0, size);
  });
}
