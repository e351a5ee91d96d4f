"""Estimands of a posterior as tidy tables, each defined here and nowhere else."""
