"""Stillwatch: page settings, who is asking, navigation. Start it with ``stillwatch serve``."""

from stillwatch.ui import frame, kit, navigation, person, session, state

navigation.configure()
kit.stylesheet()
page = navigation.open_pages()
state.load()
person.notices()
kit.problems(state.problems())
frame.run(page)
session.freeze_after_warm_up(page.title)
