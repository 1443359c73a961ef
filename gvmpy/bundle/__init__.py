"""Offline kits: toolchains with all that proves them, in one directory."""
