"""The raw tables as the settings describe them: loaded, found, and their rows looked at."""

from dagster_mmm.raw_input.files import load_csv as load_csv
from dagster_mmm.raw_input.inputs import ReadableInputs as ReadableInputs
from dagster_mmm.raw_input.inputs import load_files as load_files
from dagster_mmm.raw_input.inputs import readable_inputs as readable_inputs
from dagster_mmm.raw_input.tables import RawTable as RawTable
from dagster_mmm.raw_input.tables import check_table as check_table
from dagster_mmm.raw_input.tables import find_table as find_table
