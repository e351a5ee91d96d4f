"""Verdicts on a fit: may it be published, and what should its reader know?"""

from hill_mmm._checks.advice import carry_in_checks as carry_in_checks
from hill_mmm._checks.advice import effect_checks as effect_checks
from hill_mmm._checks.advice import holdout_checks as holdout_checks
from hill_mmm._checks.advice import lift_test_checks as lift_test_checks
from hill_mmm._checks.advice import missing_holdout as missing_holdout
from hill_mmm._checks.advice import mixture_checks as mixture_checks
from hill_mmm._checks.advice import prior_checks as prior_checks
from hill_mmm._checks.advice import score_checks as score_checks
from hill_mmm._checks.advice import sensitivity_checks as sensitivity_checks
from hill_mmm._checks.advice import unseen_checks as unseen_checks
from hill_mmm._checks.advice import warmup_checks as warmup_checks
from hill_mmm._checks.calibration import calibration_checks as calibration_checks
from hill_mmm._checks.conflict import conflict_checks as conflict_checks
from hill_mmm._checks.confounding import confounding_checks as confounding_checks
from hill_mmm._checks.gate import Check as Check
from hill_mmm._checks.gate import additivity_checks as additivity_checks
from hill_mmm._checks.gate import gate as gate
from hill_mmm._checks.history import history_checks as history_checks
from hill_mmm._checks.level import level_checks as level_checks
from hill_mmm._checks.parameter_summary import parameter_summary as parameter_summary
from hill_mmm._checks.residuals import residual_checks as residual_checks
