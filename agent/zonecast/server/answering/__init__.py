"""The workers that answer: datagrams in batches, streams by connection, one responder for both."""
