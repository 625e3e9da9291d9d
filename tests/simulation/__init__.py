"""The portal on a simulated clock: its own schedule, leases, fetches and ledger; only time and mailboxes are made up.

    python -m tests.simulation --seed 7 --days 30

- `hub.py`: one clock, and processes that take turns on it; one can be killed at any step of a fetch.
- `disk.py`: what was not flushed is lost with the power.
- `world.py`: mailboxes in which mail arrives, is read, moved, renumbered, put back from a backup.
- `session.py`: what a server gives of them, cut off, refused, throttled, in part; and what was met in a session.
- `portal.py`: the schedulers and workers of one portal, and a person who mends what it asks to be mended.
- `promises.py`: what must hold whatever happens.
- `wrong.py`: wrong ways to fetch, with which a promise must break.
"""
