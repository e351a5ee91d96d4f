{{ published('mmm_model_fit') }}
