"""What `zonecast diff` is made of: its sides, the comparison, and how it is shown."""
