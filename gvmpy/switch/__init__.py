"""Changing which Go is the default."""
