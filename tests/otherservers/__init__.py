"""Real mail servers other than the Dovecot of `make test`: `make servers` (docs/other-servers.md)."""
