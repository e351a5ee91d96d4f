{{ every_publication('mmm_run_delta') }}
