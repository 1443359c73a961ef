"""From an artifact to an installation: fetch, verify, unpack, commit; and the way back."""
