"""From primaries to the store: `schedule` decides when, `members` follows catalogs, `pullers` gives
the jobs to `puller` processes, which `fetch`, verify and write."""
