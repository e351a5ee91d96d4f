{{ every_publication('mmm_component') }}
