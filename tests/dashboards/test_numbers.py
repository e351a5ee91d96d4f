"""Numbers as they are written, in any unit."""

import pytest

from dashboards.numbers import change, written


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1_234_567.8, "1,234,568"),
        (1234.5, "1,234"),
        (183.27, "183"),
        (18.273, "18.3"),
        (1.5733, "1.57"),
        (0.5, "0.500"),
        (0.000412, "0.000412"),
        (-0.0412, "-0.0412"),
        (4.2e-9, "4.2e-09"),
        (3.21e15, "3.21e+15"),
        (0.0, "0"),
        (float("nan"), ""),
        (None, ""),
    ],
)
def test_a_number_is_written_by_its_own_size(value: float, expected: str) -> None:
    assert written(value) == expected


def test_a_change_bears_its_sign() -> None:
    assert [written(v, is_signed=True) for v in (1234.0, -0.25, 0.0)] == ["+1,234", "-0.250", "+0"]


def test_rounding_is_no_change() -> None:
    assert change(0.1 + 0.2, 0.3) == 0.0 != (0.1 + 0.2) - 0.3
    assert change(1e-6, 3e-6) == pytest.approx(2e-6)
    assert change(0.0, 0.0) == 0.0
