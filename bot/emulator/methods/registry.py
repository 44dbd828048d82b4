"""Every method there is."""

from bot.emulator.methods import (
    Method,
    apps,
    bookmarks,
    chat,
    conversation_members,
    conversation_settings,
    conversations,
    files,
    oauth,
    openid,
    pins,
    reactions,
    users,
    views,
)

METHODS: dict[str, Method] = {
    **apps.METHODS,
    **bookmarks.METHODS,
    **chat.METHODS,
    **conversation_members.METHODS,
    **conversation_settings.METHODS,
    **conversations.METHODS,
    **files.METHODS,
    **oauth.METHODS,
    **openid.METHODS,
    **pins.METHODS,
    **reactions.METHODS,
    **users.METHODS,
    **views.METHODS,
}
