"""What `pingmesh --output json` prints, for those who compare it with a laboratory's record."""

import datetime


def started_ns(sample):
    """Its start by the time of day. Python's own reading of a time keeps microseconds only."""
    text = sample["time"].removesuffix("Z")
    seconds, _, fraction = text.partition(".")
    whole = datetime.datetime.fromisoformat(seconds).replace(tzinfo=datetime.timezone.utc)
    return int(whole.timestamp()) * 1_000_000_000 + int(fraction.ljust(9, "0") or 0)


def percentile(values, share):
    """The nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
