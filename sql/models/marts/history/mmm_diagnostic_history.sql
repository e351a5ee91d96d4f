{{ every_publication('mmm_diagnostic') }}
