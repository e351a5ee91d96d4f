"""From the raw tables to the panel: what is wrong with the input, and what was repaired in it.

The mart says what it found and judges nothing. Here every week of every series either enters the
fit, is left out with a recorded reason, or stops the job with a message that names the place and
the remedy.
"""

from dagster_mmm.inputs.files import load_csv as load_csv
from dagster_mmm.inputs.judging import InputError as InputError
from dagster_mmm.inputs.judging import ModelInput as ModelInput
from dagster_mmm.inputs.judging import build_panel as build_panel
from dagster_mmm.inputs.judging import input_advice as input_advice
from dagster_mmm.inputs.judging import judge_input as judge_input
from dagster_mmm.inputs.readable import ReadableInputs as ReadableInputs
from dagster_mmm.inputs.readable import load_files as load_files
from dagster_mmm.inputs.readable import readable_inputs as readable_inputs
from dagster_mmm.inputs.restatement import fingerprint as fingerprint
from dagster_mmm.inputs.restatement import mark_restated as mark_restated
from dagster_mmm.inputs.tables import RawTable as RawTable
from dagster_mmm.inputs.tables import check_table as check_table
from dagster_mmm.inputs.tables import find_table as find_table
