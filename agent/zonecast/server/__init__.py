"""Sockets and processes: the controller, the workers and what they say to each other."""
