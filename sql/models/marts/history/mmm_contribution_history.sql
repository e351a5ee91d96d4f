{{ every_publication('mmm_contribution') }}
