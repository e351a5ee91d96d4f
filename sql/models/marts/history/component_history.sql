{{ believed('mmm_component') }}
