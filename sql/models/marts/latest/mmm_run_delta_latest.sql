{{ published('mmm_run_delta') }}
