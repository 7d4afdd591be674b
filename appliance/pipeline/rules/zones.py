"""Points in zones, and the hours in which a zone is closed. Pure; for every rule that goes by zones."""

from datetime import datetime

from contract.zone import DAYS, Closed


def inside(point: tuple[float, float], polygon: tuple[tuple[float, float], ...]) -> bool:
    """Return whether a ray from the point crosses the polygon's edges an odd number of times (even-odd rule)."""
    x, y = point
    odd = False
    for (x1, y1), (x2, y2) in zip(polygon, polygon[1:] + polygon[:1], strict=True):
        if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            odd = not odd
    return odd


def _minutes(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])


def _day_is_in(day: int, days: str) -> bool:
    first, _, last = days.partition("-")
    start, end = DAYS.index(first), DAYS.index(last or first)
    return start <= day <= end if start <= end else day >= start or day <= end


def is_closed(closed: tuple[Closed, ...], local: datetime) -> bool:
    """Return whether one of the schedules holds now. Hours past midnight belong to the day on which they began."""
    minute, day = local.hour * 60 + local.minute, local.weekday()
    for schedule in closed:
        start, end = _minutes(schedule.hours[:5]), _minutes(schedule.hours[6:])
        if start < end:
            if start <= minute < end and _day_is_in(day, schedule.days):
                return True
        elif (minute >= start and _day_is_in(day, schedule.days)) or (
                minute < end and _day_is_in((day - 1) % 7, schedule.days)):
            return True
    return False
