"""`mmm summary` on the published run of the demo, and on one that scores it."""

from datetime import datetime

import numpy as np
import pandas as pd
import sqlalchemy as sa

from dagster_mmm.warehouse.tables import INPUT_SNAPSHOT, RUN
from tests.conftest import Project
from tests.dagster_mmm.cli.conftest import Call, copy_run, printed


def test_a_quarter_asked_for_by_its_days_is_the_published_one(
    published: tuple[Project, str], call: Call
) -> None:
    project, _ = published
    (period,) = project.query(
        "select period from mmm.mmm_channel_summary_latest where period like '%-Q3' "
        "order by period desc limit 1"
    )["period"]
    stored = project.query(
        f"select * from mmm.mmm_channel_summary_latest where period = '{period}' order by channel"
    )
    days = [f"{stored['period_start'][0]:%Y-%m-%d}", f"{stored['period_end'][0]:%Y-%m-%d}"]
    asked = call("summary", "--from", days[0], "--to", days[1])
    assert asked.exit_code == 0, asked.output
    assert asked.stdout.startswith(f"weeks of {days[0]} to {days[1]}\n")
    rows = printed(call("summary", "--from", days[0], "--to", days[1], "--json"))
    found = pd.DataFrame(rows).sort_values("channel").reset_index(drop=True)
    numbers = [name for name in stored.select_dtypes("number") if name in found]
    assert {"spend", "contribution_ci_lo", "incremental_outcome_sd", "roi_ci_hi"} <= set(numbers)
    # The JSON has ten decimals.
    pd.testing.assert_frame_equal(
        found[numbers].astype(float), stored[numbers].astype(float), rtol=1e-7
    )


def test_days_without_a_week_are_refused(published: tuple[Project, str], call: Call) -> None:
    result = call("summary", "--from", "1999-01-01", "--to", "1999-03-31")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "no week lies between 1999-01-01 and 1999-03-31: the weeks go from" in result.stderr


def test_without_a_published_run_there_is_nothing_to_say(project: Project, call: Call) -> None:
    project.warehouse.create_result_tables()
    result = call("summary", "--from", "2025-01-01", "--to", "2025-03-31")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "nothing of demo has been published" in result.stderr


def test_a_score_has_the_weeks_that_came_after_its_fit(
    rerun: tuple[Project, str], call: Call
) -> None:
    project, first = rerun
    copy_run(project, first, "a score", datetime(2031, 1, 1))
    last = project.query("select max(week_start) as w from mmm.mmm_input_snapshot")["w"][0]
    of_score = INPUT_SNAPSHOT.c.run_id == "a score"
    with project.warehouse.begin() as connection:
        connection.execute(
            RUN.update().where(RUN.c.run_id == "a score").values(fit_run_id=first, run_type="score")
        )
        columns = [
            sa.literal(last + pd.Timedelta(days=7), sa.Date) if c.name == "week_start" else c
            for c in INPUT_SNAPSHOT.columns
        ]
        week = sa.select(*columns).where(of_score, INPUT_SNAPSHOT.c.week_start == last)
        connection.execute(INPUT_SNAPSHOT.insert().from_select(INPUT_SNAPSHOT.columns.keys(), week))
    days = [f"{last + pd.Timedelta(days=day):%Y-%m-%d}" for day in (7, 13)]
    words = ["summary", "--from", days[0], "--to", days[1], "--json"]
    rows = pd.DataFrame(printed(call(*words, "--run", "a score")))
    spent = project.query(
        f"select variable, value from mmm.mmm_input_snapshot "
        f"where run_id = 'a score' and role = 'spend' and week_start = '{days[0]}'"
    ).set_index("variable")["value"]
    np.testing.assert_allclose(rows["spend"], spent[rows["channel"]])
    assert call(*words).exit_code == 2
