"""account"""

from stillwatch.ui import kit, navigation, person, session

info = navigation.PAGES["account"]
with kit.header(info.title, symbol=info.icon.removeprefix(":material/").removesuffix(":")):
    person.menu()
session.current_run()
