"""The store: LMDB environments in the state directory, and who may write them.

`zones` holds contents, journal and history and is written by the publisher and the pullers;
`control` holds timers, peers and what has expired and is written by the controller.
"""
