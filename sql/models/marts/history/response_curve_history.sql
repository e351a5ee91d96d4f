{{ believed('mmm_response_curve') }}
