{{ every_publication('mmm_parameter_summary') }}
