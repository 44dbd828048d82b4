"""files.*: an upload in three steps, and what became of it."""

from bot.emulator.accepted import accepted_blocks
from bot.emulator.arguments import Arguments
from bot.emulator.box import Box
from bot.emulator.channels import Channel
from bot.emulator.errors import SlackError, missing_argument
from bot.emulator.files import StoredFile
from bot.emulator.messages import Json
from bot.emulator.methods import Method
from bot.emulator.methods.needs import needs


def get_upload_url(box: Box, args: Arguments) -> Json:
    """Start an upload: where to send how many bytes."""
    name = args.required("filename")
    length = args.number("length", 0)
    if length <= 0:
        raise SlackError("invalid_arguments", ["must be greater than 0 [json-pointer:/length]"])
    file = StoredFile(
        id=box.ids.next("F"),
        name=name,
        title=name,
        user=box.workspace.bot.id,
        created=int(box.clock.now()),
        base_url=box.settings.base_url,
        size=length,
        alt_text=args.text("alt_txt"),
    )
    box.workspace.files[file.id] = file
    return {"upload_url": f"{box.settings.base_url}/upload/{file.id}", "file_id": file.id}


def complete_upload(box: Box, args: Arguments) -> Json:
    """Finish uploads; a while after the answer they are shared in a channel or thread, as one message."""
    entries = args.structure("files")
    if not isinstance(entries, list) or not entries:
        raise missing_argument("files")
    files = [_uploaded(box, entry) for entry in entries]
    channels = [_channel(box, channel) for channel in [*args.names("channel_id"), *args.names("channels")]]
    blocks = accepted_blocks(args.structure("blocks", "invalid_blocks_format"), box.ids)

    def share() -> None:
        for channel in channels:
            _share(box, channel, files, blocks, args)

    box.later(box.settings.file_processing_s, share)
    return {"files": [file.payload() for file in files]}


def _share(box: Box, channel: Channel, files: list[StoredFile], blocks: list[Json], args: Arguments) -> None:
    for file in files:
        file.shared_in.append(channel.id)
    box.workspace.post(
        channel,
        box.workspace.bot.id,
        args.text("initial_comment"),
        blocks=blocks,
        files=files,
        subtype="file_share",
        thread_ts=args.text("thread_ts"),
        bot_id=box.workspace.bot.bot_id,
        app_id=box.settings.app_id,
    )


def info(box: Box, args: Arguments) -> Json:
    """Describe a file."""
    return {"file": box.workspace.file(args.required("file")).payload(), "comments": [], "response_metadata": {}}


def _uploaded(box: Box, entry: Json) -> StoredFile:
    file = box.workspace.file(str(entry.get("id", "")))
    if file.content is None:
        raise SlackError("file_not_found", [f"no bytes were uploaded for {file.id}"])
    file.title = str(entry.get("title") or file.name)
    return file


def _channel(box: Box, channel_id: str) -> Channel:
    channel = box.workspace.channel(channel_id)
    if channel.is_archived:
        raise SlackError("is_archived")
    if box.workspace.bot.id not in channel.members:
        raise SlackError("not_in_channel")
    return channel


METHODS = {
    "files.getUploadURLExternal": Method(get_upload_url, needs("files:write"), takes_json=False),
    "files.completeUploadExternal": Method(complete_upload, needs("files:write")),
    "files.info": Method(info, needs("files:read"), takes_json=False),
}
