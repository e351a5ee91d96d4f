"""A model's fits, and the rows that a run writes: what the job does between input and warehouse.

JAX, pandas and pictures are imported when a name is first used: loading the definitions does
without them.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
