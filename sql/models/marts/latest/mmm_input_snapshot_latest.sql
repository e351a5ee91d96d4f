{{ published('mmm_input_snapshot') }}
