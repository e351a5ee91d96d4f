{{ published('mmm_prior_sensitivity') }}
