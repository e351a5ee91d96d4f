{{ believed('mmm_run_delta_cause') }}
