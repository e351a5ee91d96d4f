{{ believed('mmm_response_draw') }}
