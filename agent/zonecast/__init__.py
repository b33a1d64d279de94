"""zonecast: DNS zones from a git repository, checked, served and transferred."""

__version__ = "0.1.0.dev0"
