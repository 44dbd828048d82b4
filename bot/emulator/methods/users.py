"""users.* and usergroups.*: people, one by one and by handle."""

from bot.emulator.arguments import Arguments
from bot.emulator.box import Box
from bot.emulator.errors import SlackError
from bot.emulator.messages import Json
from bot.emulator.methods import Method
from bot.emulator.methods.access import page_of
from bot.emulator.methods.needs import needs
from bot.emulator.people import User


def info(box: Box, args: Arguments) -> Json:
    """Describe somebody."""
    return {"user": _payload(box, box.workspace.user(args.required("user")))}


def list_(box: Box, args: Arguments) -> Json:
    """List everybody."""
    page, cursor = page_of([_payload(box, user) for user in box.workspace.users.values()], args)
    return {"members": page, "cache_ts": int(box.clock.now()), **cursor}


def lookup_by_email(box: Box, args: Arguments) -> Json:
    """Find somebody by e-mail address."""
    email = args.required("email").lower()
    for user in box.workspace.users.values():
        if user.email.lower() == email:
            return {"user": _payload(box, user)}
    raise SlackError("users_not_found")


def groups(box: Box, args: Arguments) -> Json:
    """List the user groups, their people on request."""
    found = [group.payload(box.settings.team_id) for group in box.workspace.usergroups.values()]
    if not args.flag("include_users"):
        for group in found:
            del group["users"]
    return {"usergroups": found}


def group_users(box: Box, args: Arguments) -> Json:
    """List the people of a user group."""
    group = box.workspace.usergroups.get(args.required("usergroup"))
    if group is None:
        raise SlackError("no_such_subteam")
    return {"users": list(group.users)}


def _payload(box: Box, user: User) -> Json:
    return user.payload(box.settings.team_id, box.settings.app_id, email=box.may("users:read.email"))


METHODS = {
    "users.info": Method(info, needs("users:read"), takes_json=False),
    "users.list": Method(list_, needs("users:read"), takes_json=False),
    "users.lookupByEmail": Method(lookup_by_email, needs("users:read.email"), takes_json=False),
    "usergroups.list": Method(groups, needs("usergroups:read"), takes_json=False),
    "usergroups.users.list": Method(group_users, needs("usergroups:read"), takes_json=False),
}
