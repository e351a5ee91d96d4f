{{ every_publication('mmm_lift_test') }}
