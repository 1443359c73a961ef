"""Why bytes may be believed: digests, the checksum database, receipts."""
