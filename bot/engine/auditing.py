"""What an audit is made of, for the playbook that runs one."""

from bot.domain.audits import Audited, Remark, Subject, judge
from bot.domain.audits.modules import verified_sums
from bot.ports import Wanted

__all__ = ["Audited", "Remark", "Subject", "Wanted", "judge", "verified_sums"]
