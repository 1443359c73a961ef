"""Reading hostile archives and writing what they hold: imported by workers, so kept light."""
