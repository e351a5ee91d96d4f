"""The models as Dagster sees them: partitions that come and go with settings and data."""

import dagster as dg

MODELS = dg.DynamicPartitionsDefinition(name="model")
# Tags of a run: of which model it is, which week is its last, and when it was asked for.
MODEL_TAG, WEEK_TAG, ASKED_TAG = "mmm/model", "mmm/as_of", "mmm/asked_at"
# Dagster's own tag on every run of a partition, whoever launched it.
PARTITION_TAG = "dagster/partition"
