"""A bill of materials for an installed toolchain: what it consists of, and what proved it."""
