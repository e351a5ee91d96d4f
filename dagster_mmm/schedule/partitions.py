"""The tags of runs."""

# Of which model a run is, which week is its last, and when it was asked for.
MODEL_TAG, WEEK_TAG, ASKED_TAG = "mmm/model", "mmm/as_of", "mmm/asked_at"
# Dagster's own tag on every run of a partition, whoever launched it.
PARTITION_TAG = "dagster/partition"
