"""A zone as a value: names, RRsets, changesets, checks and the gate. Pure: nothing here does IO."""
