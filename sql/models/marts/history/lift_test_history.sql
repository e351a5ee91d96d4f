{{ believed('mmm_lift_test') }}
