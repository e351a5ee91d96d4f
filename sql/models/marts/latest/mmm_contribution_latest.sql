{{ published('mmm_contribution') }}
