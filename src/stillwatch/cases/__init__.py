"""Cases: labels, campaigns, queue, custody, audit. ``CaseStore.open(settings)`` is the door (cases/store.py)."""
