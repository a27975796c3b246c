"""Account: what does this account do, and who is near it?"""

from stillwatch.errors import UnknownTarget
from stillwatch.ui import account_facts, account_view, navigation, session, state


def show() -> None:
    session.current_run()
    wanted = state.current().account
    if wanted is None:
        account_view.nobody(None, None)
        return
    try:
        account = account_facts.load(wanted)
    except UnknownTarget as e:
        account_view.nobody(wanted, str(e))
        return
    account_view.header(account, session.labels())
    account_view.figures(account)
    account_view.activity(account)
    account_view.sharing(account)
    account_view.habits(account)
    account_view.requests(account)


navigation.inside_app()
show()
