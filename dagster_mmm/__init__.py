"""The weekly job: Dagster assets over a dbt project, for `hill_mmm`'s fits.

`MmmComponent` and `build_definitions` put it into a code location of others; docs/dagster.md shows
how. They are imported when they are first used (`__init__.pyi` lists them).
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
