{{ published('mmm_response_curve') }}
