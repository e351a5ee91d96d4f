{{ published('mmm_experiment_value') }}
