{{ every_publication('mmm_accuracy') }}
