{{ published('mmm_component') }}
