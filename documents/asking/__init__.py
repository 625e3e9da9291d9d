"""Asking a client for documents: a link by which somebody without an account uploads them."""
