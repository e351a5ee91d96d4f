{{ every_publication('mmm_run_delta_cause') }}
