{{ every_publication('mmm_adstock_decay') }}
