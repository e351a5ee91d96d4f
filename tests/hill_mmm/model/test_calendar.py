import numpy as np
import pytest
from holidays import list_supported_countries

from hill_mmm._model.calendar import event_columns, holiday_columns, holiday_names
from hill_mmm.panel import Weeks
from hill_mmm.spec import years_without_holidays


def weeks_from(first: str, weeks: int) -> Weeks:
    return np.datetime64(first) + np.timedelta64(7, "D") * np.arange(weeks)


def weeks_with(name: str, country: str, weeks: Weeks) -> dict[str, float]:
    """The weeks in which the holiday has days, and how many."""
    (days,) = holiday_columns(weeks, country, [name]).T
    return {str(weeks[week]): days[week] for week in np.flatnonzero(days)}


# Mondays from 2 January 2023 to 23 December 2024.
TWO_YEARS = weeks_from("2023-01-02", 104)


@pytest.mark.parametrize(
    ("country", "name", "mondays"),
    [
        # Thursday 23 November 2023 and 28 November 2024.
        ("US", "Thanksgiving Day", {"2023-11-20", "2024-11-25"}),
        # Monday 25 December 2023, Wednesday 25 December 2024.
        ("US", "Christmas Day", {"2023-12-25", "2024-12-23"}),
        # 10 April 2023 and 1 April 2024.
        ("DE", "Easter Monday", {"2023-04-10", "2024-04-01"}),
    ],
)
def test_holiday_stands_in_its_week(country: str, name: str, mondays: set[str]) -> None:
    assert weeks_with(name, country, TWO_YEARS) == dict.fromkeys(mondays, 1.0)


def test_names_are_the_countrys_public_holidays_sorted() -> None:
    assert holiday_names(TWO_YEARS, "DE") == (
        "Ascension Day",
        "Christmas Day",
        "Easter Monday",
        "German Unity Day",
        "Good Friday",
        "Labor Day",
        "Pentecost Monday",
        "Second Day of Christmas",
    )


def test_names_do_not_depend_on_the_machines_language(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGUAGE", "de")
    assert "Easter Monday" in holiday_names(TWO_YEARS, "DE")


def test_two_years_of_weeks_keep_what_falls_in_two_of_them() -> None:
    """New Year's Day 2023 was in the week before the first."""
    assert "New Year's Day" not in holiday_names(TWO_YEARS, "DE")
    assert "New Year's Day" in holiday_names(weeks_from("2022-12-26", 104), "DE")


def test_fewer_weeks_keep_what_falls_in_one() -> None:
    assert "New Year's Day" in holiday_names(TWO_YEARS[:103], "DE")
    assert "New Year's Day" not in holiday_names(TWO_YEARS[:52], "DE")


def test_a_country_without_holidays_in_one_of_the_years_is_refused() -> None:
    assert "New Year's Day" in holiday_names(weeks_from("2018-01-01", 104), "UA")
    with pytest.raises(ValueError, match="no public holiday of UA is known in 2023, 2024; leave"):
        holiday_names(weeks_from("2022-01-03", 130), "UA")


def test_monday_belongs_to_another_week_where_weeks_start_on_sunday() -> None:
    """Easter Sunday 9 April 2023 starts a week of its own, of which Monday is the second day."""
    sundays = weeks_from("2023-01-01", 104)
    mondays = weeks_from("2023-01-02", 104)
    tuesdays = weeks_from("2023-01-03", 104)
    easter = {"2023-04-10": 1.0, "2024-04-01": 1.0}
    assert weeks_with("Easter Monday", "DE", mondays) == easter
    assert weeks_with("Easter Monday", "DE", sundays) == {"2023-04-09": 1.0, "2024-03-31": 1.0}
    assert weeks_with("Easter Monday", "DE", tuesdays) == {"2023-04-04": 1.0, "2024-03-26": 1.0}


def test_week_over_the_turn_of_the_year_has_the_holidays_of_both() -> None:
    """Monday 29 December 2025 to 4 January 2026, and the week before it."""
    weeks = weeks_from("2025-12-22", 2)
    days = holiday_columns(weeks, "DE", ["New Year's Day", "Christmas Day"])
    np.testing.assert_array_equal(days, [[0.0, 1.0], [1.0, 0.0]])


def test_observed_day_counts_for_the_holiday() -> None:
    """Sunday 1 January 2023 was observed on Monday, Saturday 25 December 2021 on Friday."""
    sunday = weeks_from("2023-01-01", 1)
    assert weeks_with("New Year's Day", "US", sunday) == {"2023-01-01": 2.0}
    mondays = weeks_from("2022-12-26", 2)
    assert weeks_with("New Year's Day", "US", mondays) == {"2022-12-26": 1.0, "2023-01-02": 1.0}
    assert weeks_with("Christmas Day", "US", weeks_from("2021-12-20", 1)) == {"2021-12-20": 2.0}


def test_day_of_two_holidays_counts_for_both() -> None:
    """Ascension was on 1 May in 2008."""
    days = holiday_columns(weeks_from("2008-04-28", 1), "DE", ["Ascension Day", "Labor Day"])
    np.testing.assert_array_equal(days, [[1.0, 1.0]])


def test_holiday_of_several_days_counts_each() -> None:
    """Eid al-Fitr 2024 in Turkey: Wednesday 10 to Friday 12 April."""
    assert weeks_with("Eid al-Fitr", "TR", weeks_from("2024-04-08", 1)) == {"2024-04-08": 3.0}


def test_no_country_has_a_variant_of_a_holiday_as_another() -> None:
    ends = ("observed)", "estimated)", "substitute day)", "(in lieu)", "(additional holiday)")
    starts = ("Day off for", "Day off (", "Alternative holiday")
    weeks = weeks_from("2018-01-01", 521)
    assert not {
        (country, name)
        for country in list_supported_countries(include_aliases=False)
        if not years_without_holidays(country, range(2018, 2028))
        for name in holiday_names(weeks, country)
        if name.endswith(ends) or name.startswith(starts)
    }


def test_later_weeks_get_the_training_weeks_columns() -> None:
    names = holiday_names(TWO_YEARS, "DE")
    later = holiday_columns(weeks_from("2025-01-06", 4), "DE", names)
    assert later.shape == (4, len(names))
    assert not later.any()


def test_events_count_their_days_in_the_order_given() -> None:
    """Sunday 15 January ends the first week, Monday the 16th begins the second."""
    sale = ["2023-01-15", "2023-01-16", "2023-01-18", "2023-01-16"]
    days = event_columns(weeks_from("2023-01-09", 3), {"sale": sale, "fair": ["2023-01-28"]})
    np.testing.assert_array_equal(days, [[1.0, 0.0], [2.0, 0.0], [0.0, 1.0]])


def test_events_outside_the_weeks_and_none_at_all() -> None:
    weeks = weeks_from("2023-01-09", 3)
    around = {"sale": ["2023-01-08", "2023-01-30"], "fair": []}
    np.testing.assert_array_equal(event_columns(weeks, around), np.zeros((3, 2)))
    assert event_columns(weeks, {}).shape == (3, 0)


def test_days_add_up_whatever_day_the_week_starts_on() -> None:
    """Ten years from March to March, when there is no holiday in the United States."""
    names = holiday_names(TWO_YEARS, "US")
    first = np.datetime64("2014-03-10")
    firsts = first + np.timedelta64(1, "D") * np.arange(7)
    totals = [holiday_columns(weeks_from(str(day), 521), "US", names).sum(axis=0) for day in firsts]
    np.testing.assert_array_equal(totals, np.tile(totals[0], (7, 1)))
    assert (totals[0] > 0).all()
