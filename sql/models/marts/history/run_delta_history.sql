{{ believed('mmm_run_delta') }}
