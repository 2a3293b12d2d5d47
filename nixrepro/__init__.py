"""nixrepro: training runs in a closure pinned from glibc to the wheels, recorded and explained."""

__version__ = "0.1.0"
