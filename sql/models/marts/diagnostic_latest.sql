{{ published('mmm_diagnostic') }}
