"""Layer 1: takes requests. The HTTP API, the sites, live updates."""
