{{ published('mmm_parameter_summary') }}
