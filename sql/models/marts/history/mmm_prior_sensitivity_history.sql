{{ every_publication('mmm_prior_sensitivity') }}
