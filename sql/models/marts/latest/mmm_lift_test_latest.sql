{{ published('mmm_lift_test') }}
