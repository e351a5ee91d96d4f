{{ believed('mmm_model_fit') }}
