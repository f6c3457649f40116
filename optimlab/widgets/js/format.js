// How numbers are written: the same rule as optimlab/format.py.

/** Write a number with a fixed count of significant digits. */
export function number(x, digits = 6) {
  if (Number.isNaN(x)) return "nan";
  if (!Number.isFinite(x)) return x > 0 ? "inf" : "-inf";
  if (x === 0) return "0";
  const [mantissa, exponent] = x.toExponential(digits - 1).split("e");
  const power = Number(exponent);
  if (power >= -5 && power < 9) {
    return trim(Number(`${mantissa}e${exponent}`).toFixed(Math.max(digits - 1 - power, 0)));
  }
  return `${trim(mantissa)}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
}

/** The same for the ticks of an axis: at most a few characters. */
export function short(x) {
  const [mantissa, exponent] = x.toExponential(3).split("e");
  const power = Number(exponent);
  return power >= 5 || power < -3 ? `${trim(mantissa)}e${power}` : number(x, 4);
}

const trim = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);
