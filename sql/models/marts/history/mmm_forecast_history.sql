{{ every_publication('mmm_forecast') }}
