"""One file a source, named as in `sources.order`; each has `open_source(context) -> Source`."""
