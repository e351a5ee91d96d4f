"""From the weekly mart to the panel: what is wrong with the input, and what was repaired in it.

The mart says what it found and judges nothing. Here every week of every series either enters the
fit, is left out with a recorded reason, or stops the job with a message that names the place and
the remedy.
"""

from dagster_mmm.model_input.judging import InputError as InputError
from dagster_mmm.model_input.judging import ModelInput as ModelInput
from dagster_mmm.model_input.judging import build_panel as build_panel
from dagster_mmm.model_input.judging import input_advice as input_advice
from dagster_mmm.model_input.judging import judge_input as judge_input
from dagster_mmm.model_input.restatement import fingerprint as fingerprint
from dagster_mmm.model_input.restatement import mark_restated as mark_restated
