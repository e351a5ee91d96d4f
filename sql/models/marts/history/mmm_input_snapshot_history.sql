{{ every_publication('mmm_input_snapshot') }}
