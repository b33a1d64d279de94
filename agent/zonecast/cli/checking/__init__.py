"""What `zonecast check` is made of: what it reads and remembers, and how it shows findings."""
