"""What may be wrong on this machine, why it matters, and what mends it."""
