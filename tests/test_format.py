"""How numbers are written, in Python and in the browser."""

from __future__ import annotations

import math
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimlab.format import number, table

SOURCE = Path(__file__).resolve().parents[1] / "optimlab" / "widgets" / "js" / "format.js"

WRITTEN = {
    0.0: "0",
    1.0: "1",
    -1.0: "-1",
    0.1: "0.1",
    100.0: "100",
    0.30000000000000004: "0.3",
    1234.5678: "1234.57",
    123456789.0: "123457000",
    99999.96: "100000",
    99999.94: "99999.9",
    9.9999996: "10",
    -9.9999996: "-10",
    9.999994: "9.99999",
    0.99999996: "1",
    999999.5: "1000000",
    1000.125: "1000.13",  # exactly halfway: away from zero, in every language
    -1000.125: "-1000.13",
    1000.375: "1000.38",
    100000.5: "100001",
    0.00001: "0.00001",
    0.0000123456789: "0.0000123457",
    0.00000999999: "9.99999e-06",
    0.000009999999: "0.00001",  # rounds up to the threshold
    1e-8: "1e-08",
    -2.5e-7: "-2.5e-07",
    3e-300: "3e-300",
    5e-324: "4.94066e-324",
    999999499.0: "999999000",
    999999999.0: "1e+09",
    1e9: "1e+09",
    1.5e12: "1.5e+12",
    1.7976931348623157e308: "1.79769e+308",
    math.inf: "inf",
    -math.inf: "-inf",
    math.nan: "nan",
}
finite = st.floats(allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize("x", WRITTEN)
def test_a_number_is_written_by_the_rule(x):
    assert number(x) == WRITTEN[x]


def test_zero_has_no_sign():
    assert number(-0.0) == "0"


def test_the_count_of_digits_can_be_chosen():
    assert [number(2 / 3, digits) for digits in (1, 2, 4, 12)] == ["0.7", "0.67", "0.6667", "0.666666666667"]
    assert number(95.0, 1) == "100"
    assert number(np.float32(0.5), 3) == "0.5"
    assert number(7, 1) == "7"


@given(finite, st.integers(1, 12))
def test_reading_it_back_is_within_half_a_unit_of_the_last_digit(x, digits):
    back, exact = Decimal(number(x, digits)), Decimal(x)
    if x == 0:
        assert back == 0
    else:
        assert abs(back - exact) <= Decimal(5).scaleb(exact.adjusted() - digits)


@given(finite)
def test_a_number_ends_in_no_spare_zero_and_zero_has_no_sign(x):
    text = number(x).split("e")[0]
    assert "." not in text or text[-1] not in "0."
    assert text != "-0"


@given(finite)
def test_writing_twice_changes_nothing(x):
    assert number(float(number(x))) == number(x) or math.isinf(float(number(x)))


@given(finite)
def test_the_sign_of_a_number_is_a_minus_in_front(x):
    assert number(-abs(x)) == ("-" + number(abs(x)) if x else "0")


@pytest.fixture(scope="module")
def engine(browser):
    """Return an empty page, to evaluate JavaScript in."""
    page = browser.new_page()
    yield page
    page.close()


def test_the_browser_writes_numbers_by_the_same_rule(engine):
    rng = np.random.default_rng(0)
    values = [x for x in WRITTEN if math.isfinite(x)]
    values += (rng.standard_normal(3000) * 10.0 ** rng.integers(-320, 308, 3000)).tolist()
    values += (rng.standard_normal(3000) * 10.0 ** rng.integers(-8, 12, 3000)).tolist()
    values += (rng.integers(-(2**31), 2**31, 3000) / 8).tolist()  # many exactly halfway
    values += (rng.integers(-(2**20), 2**20, 3000) / 2**10).tolist()
    for digits in (3, 6):
        written = engine.evaluate(
            """async ([source, values, digits]) => {
                const { number } = await import("data:text/javascript," + encodeURIComponent(source));
                return [...values, NaN, Infinity, -Infinity, -0].map((x) => number(x, digits));
            }""",
            [SOURCE.read_text(), values, digits],
        )
        assert written == [number(x, digits) for x in [*values, math.nan, math.inf, -math.inf, -0.0]]


def test_the_ticks_of_an_axis_are_a_few_characters(engine):
    written = {0: "0", 0.25: "0.25", -0.0025: "-0.0025", 12: "12", 9999: "9999", 0.001: "0.001", 5e-4: "5e-4"}
    written |= {1e5: "1e5", -1.5e5: "-1.5e5", 8e6: "8e6", 1e-12: "1e-12"}
    shown = engine.evaluate(
        """async ([source, values]) => {
            const { short } = await import("data:text/javascript," + encodeURIComponent(source));
            return values.map(short);
        }""",
        [SOURCE.read_text(), list(written)],
    )
    assert shown == list(written.values())


def test_a_table_sets_numbers_to_the_right_and_words_to_the_left():
    text = table(["t", "name", "x"], [[1, "a", 0.5], [10, "longer", None], [3, "b", -1 / 3]])
    assert text.splitlines() == [
        " t  name            x",
        "--  ------  ---------",
        " 1  a             0.5",
        "10  longer",
        " 3  b       -0.333333",
    ]


def test_a_table_without_rows_is_its_header():
    assert table(["t", "w"], []).splitlines() == ["t  w", "-  -"]


def test_the_digits_of_a_table_can_be_chosen():
    assert table(["x"], [[1 / 3]], digits=2).splitlines()[-1] == "0.33"
