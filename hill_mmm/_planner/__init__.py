"""The budget planner: where the money of the weeks to come brings most, by the posterior."""
