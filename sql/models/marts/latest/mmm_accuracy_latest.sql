{{ published('mmm_accuracy') }}
