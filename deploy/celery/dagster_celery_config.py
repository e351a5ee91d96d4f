"""Settings of the Celery workers, which `dagster_celery.app` imports by this module's name.

Start one a machine, with this folder on the PYTHONPATH and a process for every two cores:

    celery -A dagster_celery.app worker --queues dagster --concurrency 4
"""

import os

broker_url = os.environ["CELERY_BROKER_URL"]
result_backend = os.environ["CELERY_RESULT_BACKEND"]
broker_connection_retry_on_startup = True

task_default_queue = "dagster"
# A worker holds the run that it works on, and no other: fits take minutes.
worker_prefetch_multiplier = 1
# Compiled programs stay with the process; what it has leaked goes with it.
worker_max_tasks_per_child = 200
# The launcher asks for the state of a run for as long as it may last.
result_expires = 86400
