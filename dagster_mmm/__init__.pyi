from .component import MmmComponent as MmmComponent
from .defs.build import build_definitions as build_definitions
