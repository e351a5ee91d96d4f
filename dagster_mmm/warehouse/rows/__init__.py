"""Rows into tables and out of queries, as each database does it best.

The drivers, pandas and Arrow are imported when a name is first used: loading the definitions does
without them.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
