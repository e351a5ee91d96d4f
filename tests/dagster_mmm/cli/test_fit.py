"""The bar of `mmm fit`, drawn from the observations of a real run."""

import io

import dagster as dg
from rich.console import Console

from dagster_mmm.cli.fit import FitBar

RUN_ID = "3f2a91c0-5d0c-4d5e-9a57-0d6f6b6a8d0e"


@dg.asset
def fit(context: dg.AssetExecutionContext) -> None:
    context.log_event(
        dg.AssetObservation(
            "fit",
            metadata={
                "fitting": "fit on 60 weeks",
                "percent_done": 40,
                "divergences_so_far": 2,
                "seconds_left": 7,
            },
        )
    )


def drawn(is_terminal: bool) -> str:
    written = io.StringIO()
    console = Console(file=written, force_terminal=is_terminal, width=120)
    with dg.DagsterInstance.ephemeral() as instance, FitBar(console) as bar:
        instance.add_event_listener(RUN_ID, bar.listen)
        job = dg.Definitions([fit]).resolve_implicit_global_asset_job_def()
        assert job.execute_in_process(instance=instance, run_id=RUN_ID).success
    return written.getvalue()


def test_the_bar_follows_the_observations_of_the_fit() -> None:
    written = drawn(is_terminal=True)
    assert "fit on 60 weeks" in written
    assert "40 %" in written
    assert "2 divergences, about 7 s left" in written


def test_there_is_no_bar_off_a_terminal() -> None:
    assert drawn(is_terminal=False) == ""
