"""What `zonecast hook` is made of: each of git's hooks, and the judgement that they share."""
