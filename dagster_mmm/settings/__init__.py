"""The settings file: what each model reads, fits, judges and when.

One YAML file for one model or many: every mistake is listed at once, with its key, what was found
and what is allowed. It holds no secrets; those come from the environment.
"""

from dagster_mmm.settings.dbt_vars import built_by as built_by
from dagster_mmm.settings.dbt_vars import dbt_vars as dbt_vars
from dagster_mmm.settings.dbt_vars import reading as reading
from dagster_mmm.settings.errors import SettingsError as SettingsError
from dagster_mmm.settings.loading import check_columns as check_columns
from dagster_mmm.settings.loading import check_report_columns as check_report_columns
from dagster_mmm.settings.loading import load_models as load_models
from dagster_mmm.settings.loading import load_settings as load_settings
from dagster_mmm.settings.models import Models as Models
from dagster_mmm.settings.models import invalid_key_reason as invalid_key_reason
from dagster_mmm.settings.models import read_models as read_models
from dagster_mmm.settings.money import MONEY_CHARACTERS as MONEY_CHARACTERS
from dagster_mmm.settings.money import money_signs as money_signs
from dagster_mmm.settings.schema import Settings as Settings
from dagster_mmm.settings.sections import narrowed as narrowed
from dagster_mmm.settings.spelling import as_read as as_read
from dagster_mmm.settings.spelling import folded as folded
