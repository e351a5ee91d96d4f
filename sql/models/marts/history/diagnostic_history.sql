{{ believed('mmm_diagnostic') }}
