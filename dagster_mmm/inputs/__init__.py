"""From the raw tables to the panel: what is wrong with the input, and what was repaired in it.

The mart says what it found and judges nothing. Here every week of every series either enters the
fit, is left out with a recorded reason, or stops the job with a message that names the place and
the remedy.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
