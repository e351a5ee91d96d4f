{{ believed('mmm_experiment_value') }}
