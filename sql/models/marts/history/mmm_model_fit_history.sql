{{ every_publication('mmm_model_fit') }}
