"""The lab: a real Go service, `checkout`, whose faults are switched on one by one.

It stands alone: it imports nothing of FirstFive and is started as a process, `python -m bot.lab serve`.
"""
