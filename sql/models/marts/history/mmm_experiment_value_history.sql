{{ every_publication('mmm_experiment_value') }}
