"""What an audit is made of, for the playbook that runs one."""

from bot.domain.audits import Audited, Remark, Subject, judge
from bot.ports import Wanted

__all__ = ["Audited", "Remark", "Subject", "Wanted", "judge"]
