"""Verdicts on a fit: the gate that blocks a publication, and the advice beside it."""
