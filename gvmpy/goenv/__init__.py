"""Go's own settings, read as the go command reads them."""
