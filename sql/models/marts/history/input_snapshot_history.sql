{{ believed('mmm_input_snapshot') }}
