"""The code location of a project that is this job alone: the settings of the environment."""

import dagster as dg

from dagster_mmm.defs.build import build_definitions
from dagster_mmm.environment import settings_path


# Not `dg.load_from_defs_folder`: it makes a catalogue of Dagster's components at every load, which
# takes as long as all that is ours, and none of them is used.
@dg.definitions
def defs() -> dg.Definitions:
    """All definitions, under the prefix `mmm`; each op of a run in the run's own process."""
    ours = build_definitions(settings_path())
    return dg.Definitions.merge(ours, dg.Definitions(executor=dg.in_process_executor))
