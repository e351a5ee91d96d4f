{{ believed('mmm_contribution') }}
