{{ every_publication('mmm_response_draw') }}
