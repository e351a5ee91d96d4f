{{ published('mmm_adstock_decay') }}
