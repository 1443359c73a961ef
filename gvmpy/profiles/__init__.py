"""Settings profiles: named sets of Go settings, what they are bound to, and making one hold."""
