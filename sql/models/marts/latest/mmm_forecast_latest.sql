{{ published('mmm_forecast') }}
