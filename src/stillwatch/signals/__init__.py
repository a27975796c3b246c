"""Signals: measures of one account and account-to-value links, each with its reason and its innocent reading."""
