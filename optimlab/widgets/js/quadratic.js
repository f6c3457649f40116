// Momentum on a quadratic, exactly: optimlab/quadratic.py for single numbers, operation by operation.

const SAME = 1e-14;

/** Sum and product of the two eigenvalues of a step, and the discriminant. */
function parts(lr, beta, curvature, nesterov) {
  const shrunk = 1 - lr * curvature;
  const total = nesterov ? (1 + beta) * shrunk : 1 + beta - lr * curvature;
  const product = nesterov ? beta * shrunk : beta;
  const gap = total * total - 4 * product;
  const scale = total * total + 4 * Math.abs(product);
  return [total, product, Math.abs(gap) <= SAME * scale ? 0 : gap];
}

const size = (total, product, gap) => (gap < 0 ? Math.sqrt(product) : (Math.abs(total) + Math.sqrt(gap)) / 2);

export const rate = (lr, beta, curvature, nesterov) => size(...parts(lr, beta, curvature, nesterov));

/** Both eigenvalues as [real, imaginary]. */
export function roots(lr, beta, curvature, nesterov) {
  const [total, product, gap] = parts(lr, beta, curvature, nesterov);
  if (gap < 0) return [1, -1].map((side) => [total / 2, (side * Math.sqrt(-gap)) / 2]);
  const large = ((total < 0 ? -1 : 1) * (Math.abs(total) + Math.sqrt(gap))) / 2;
  return [[large, 0], [large === 0 ? 0 : product / large, 0]];
}

/** The number of the region in the list of Python's REGIONS. */
export function region(lr, beta, curvature, nesterov) {
  const [total, product, gap] = parts(lr, beta, curvature, nesterov);
  const left = size(total, product, gap);
  if (Math.abs(left - 1) <= SAME) return 4;
  if (left > 1) return 5;
  if (gap === 0) return 1;
  if (gap < 0) return 2;
  return total < 0 ? 3 : 0;
}

export function critical(beta, curvature, nesterov) {
  if (nesterov) return [((1 - beta) / (1 + beta)) ** 2 / curvature, 1 / curvature];
  return [(1 - Math.sqrt(beta)) ** 2 / curvature, (1 + Math.sqrt(beta)) ** 2 / curvature];
}

export const limit = (beta, curvature, nesterov) => (2 * (1 + beta)) / (nesterov ? 1 + 2 * beta : 1) / curvature;

export function best([low, high], nesterov) {
  if (nesterov) {
    const root = Math.sqrt(3 * (high / low) + 1);
    return { lr: 4 / (3 * high + low), beta: (root - 2) / (root + 2), rate: 1 - 2 / root };
  }
  const [narrow, wide] = [Math.sqrt(low), Math.sqrt(high)];
  const left = (wide - narrow) / (wide + narrow);
  return { lr: 4 / ((narrow + wide) * (narrow + wide)), beta: left * left, rate: left };
}

export function bestLr(beta, [low, high], nesterov) {
  if (!nesterov) return (2 * (1 + beta)) / (low + high);
  let [left, right] = [1 / high, 2 / high];
  for (let i = 0; i < 60; i++) {
    const middle = (left + right) / 2;
    if (rate(middle, beta, low, true) > rate(middle, beta, high, true)) left = middle;
    else right = middle;
  }
  return (left + right) / 2;
}

export const steps = (rate, factor = 1000) => (rate < 1 ? Math.log(factor) / -Math.log(rate) : Infinity);
