"""Where Go comes from: sources behind one protocol, tried in configured order."""
