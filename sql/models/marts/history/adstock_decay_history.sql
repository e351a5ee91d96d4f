{{ believed('mmm_adstock_decay') }}
