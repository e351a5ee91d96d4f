"""The settings file: what one model reads, fits, judges and when.

One YAML file, checked as a whole: every mistake is listed at once, with its key, what was found and
what is allowed. It holds no secrets; those come from the environment.
"""

from dagster_mmm.settings.errors import SettingsError as SettingsError
from dagster_mmm.settings.loading import check_columns as check_columns
from dagster_mmm.settings.loading import check_report_columns as check_report_columns
from dagster_mmm.settings.loading import load_settings as load_settings
from dagster_mmm.settings.schema import Settings as Settings
