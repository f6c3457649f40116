"""One look for all figures: styles that can be told apart, on white and inverted."""

from itertools import combinations

import matplotlib as mpl
import pytest

from optimlab import catalog, plots


def luminance(color: str) -> float:
    channels = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in mpl.colors.to_rgb(color)]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), channels, strict=True))


def contrast(one: str, other: str) -> float:
    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


def inverted(color: str) -> str:
    return mpl.colors.to_hex([1 - c for c in mpl.colors.to_rgb(color)])


def test_no_two_names_share_color_and_dash():
    for one, other in combinations(plots.STYLE, 2):
        assert plots.STYLE[one] != plots.STYLE[other], (one, other)


def test_every_optimizer_of_the_package_has_a_style():
    for name, rule in catalog.RULES.items():
        if "w" in rule.carried:
            assert plots.style(name)


@pytest.mark.parametrize("name", plots.STYLE)
def test_a_curve_stands_out_on_white_and_inverted_on_a_dark_page(name):
    color = plots.STYLE[name]["color"]
    assert contrast(color, "#ffffff") >= 3
    assert contrast(inverted(color), "#14181e") >= 3


def test_text_is_legible_on_white_and_inverted_on_a_dark_page():
    assert contrast(plots.GRAY, "#ffffff") >= 4.5
    assert contrast(inverted(plots.GRAY), "#14181e") >= 4.5


def test_an_unknown_name_is_refused_with_the_nearest_known_one():
    with pytest.raises(ValueError, match="did you mean 'nesterov'"):
        plots.style("nestrov")


def test_changing_a_returned_style_does_not_change_the_course():
    plots.style("adam")["color"] = "pink"
    assert plots.style("adam")["color"] != "pink"


def test_figures_have_no_background_of_their_own():
    with mpl.rc_context():
        plots.use()
        assert mpl.rcParams["figure.facecolor"] == mpl.rcParams["savefig.facecolor"] == "none"


def test_a_raw_average_is_dashed_and_a_corrected_one_solid_as_in_the_widgets():
    assert plots.style("raw average")["linestyle"] == plots.DASHED
    assert plots.style("corrected average")["linestyle"] == plots.SOLID
