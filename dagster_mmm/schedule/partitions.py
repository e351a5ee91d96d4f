"""The models as Dagster sees them: partitions that come and go with settings and data."""

import warnings

import dagster as dg

# A check of one model is what lets it fail alone; Dagster, which is pinned, calls that a preview.
warnings.filterwarnings("ignore", "Specifying a partitions_def on an AssetCheckSpec")

MODELS = dg.DynamicPartitionsDefinition(name="model")
# Tags of a run: of which model it is, which week is its last, and when it was asked for.
MODEL_TAG, WEEK_TAG, ASKED_TAG = "mmm/model", "mmm/as_of", "mmm/asked_at"
# Dagster's own tag on every run of a partition, whoever launched it.
PARTITION_TAG = "dagster/partition"
