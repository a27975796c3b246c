"""Triage: what should I look at next?"""

from stillwatch.ui import navigation, queue_facts, triage_view

navigation.inside_app()
table = queue_facts.queue()
triage_view.header(table)
triage_view.queue(table)
