"""Clusters: groups formed in one view and tested in another, their identity over time, their reasons in words."""
