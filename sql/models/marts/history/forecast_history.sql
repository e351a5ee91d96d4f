{{ believed('mmm_forecast') }}
