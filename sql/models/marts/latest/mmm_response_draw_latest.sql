{{ published('mmm_response_draw') }}
