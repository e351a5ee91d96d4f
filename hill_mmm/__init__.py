"""Hill-mixture marketing mix models: panel in, posterior and tidy estimands out.

What a notebook needs is here. `hill_mmm.spec` and `hill_mmm.panel` say what goes in, without
importing JAX; `hill_mmm.results`, `hill_mmm.checks` and `hill_mmm.plots` make the tables, verdicts
and pictures of a fit. Names are imported when they are first used (`__init__.pyi` lists them).

Example:
    >>> import hill_mmm
    >>> panel, truth = hill_mmm.simulate_national_market(seed=0)
    >>> fit = hill_mmm.fit(panel, hill_mmm.ModelSpec(components=1))
    >>> fit.summary()
"""

from importlib.metadata import version

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__version__ = version("hill-mixture-mmm")
