{{ believed('mmm_parameter_summary') }}
