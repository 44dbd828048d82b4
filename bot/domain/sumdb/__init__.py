"""Go's checksum database, checked by our own code: signed notes, the tree of records and its proofs, h1 hashes."""
