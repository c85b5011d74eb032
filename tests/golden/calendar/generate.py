#!/usr/bin/python3
"""Makes vectors.txt: calendars and what their events come to, by python3-dateutil and Python's zoneinfo.

Each case: a line `ical ZONE` or `cron ZONE LINE DURATION_S`; for `ical` the lines of the file, each after a `|`; a
line `range FROM TO` (Unix seconds); then a line `on BEGIN END` for each joined span of events within it; an empty
line. Made with dateutil 2.8.2 and Python 3.11; cron lines are expanded here minute by minute, by crontab(5).
"""
import datetime
import pathlib
import zoneinfo

import dateutil.rrule

UTC = datetime.timezone.utc


def instant(naive, zone):
    return int(naive.replace(tzinfo=zoneinfo.ZoneInfo(zone)).timestamp())


def joined(spans, begin, end):
    out = []
    for a, b in sorted(spans):
        if b <= begin or a >= end or a == b:
            continue
        if out and a <= out[-1][1]:
            out[-1][1] = max(out[-1][1], b)
        else:
            out.append([a, b])
    return out


def stamp(t):
    return t.strftime("%Y%m%dT%H%M%S")


def expand(start, duration, rule, zone, begin, end, exdates=(), rdates=()):
    times = list(dateutil.rrule.rrulestr(rule, dtstart=start).between(
        datetime.datetime.fromtimestamp(begin, UTC).replace(tzinfo=None) - datetime.timedelta(days=40),
        datetime.datetime.fromtimestamp(end, UTC).replace(tzinfo=None) + datetime.timedelta(days=2), inc=True)) if rule \
        else [start]
    times = [t for t in times + list(rdates) if t not in exdates]
    return [(instant(t, zone), instant(t, zone) + duration) for t in times]


def write(f, head, lines, begin, end, spans):
    f.write(head + "\n" + "".join("|" + line + "\n" for line in lines) + f"range {begin} {end}\n")
    f.write("".join(f"on {a} {b}\n" for a, b in joined(spans, begin, end)) + "\n")


RULES = [
    "FREQ=DAILY", "FREQ=DAILY;INTERVAL=3", "FREQ=DAILY;COUNT=40", "FREQ=DAILY;UNTIL=20250401T030000",
    "FREQ=WEEKLY;BYDAY=MO,WE,FR", "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU;WKST=SU", "FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,MO;WKST=MO",
    "FREQ=MONTHLY;BYMONTHDAY=1,15,-1", "FREQ=MONTHLY;BYDAY=2TU", "FREQ=MONTHLY;BYDAY=-1FR",
    "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "FREQ=MONTHLY;BYMONTHDAY=31", "FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU",
    "FREQ=YEARLY;BYMONTH=11;BYDAY=4TH", "FREQ=YEARLY;BYMONTHDAY=29;BYMONTH=2", "FREQ=YEARLY;BYYEARDAY=1,100,-1",
    "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", "FREQ=HOURLY;INTERVAL=5", "FREQ=HOURLY;BYHOUR=8,17;BYDAY=SA",
    "FREQ=MINUTELY;INTERVAL=90", "FREQ=DAILY;BYHOUR=6,18;BYMINUTE=0,30", "FREQ=WEEKLY;COUNT=7;BYDAY=TH",
    "FREQ=MONTHLY;INTERVAL=5;BYMONTHDAY=10", "FREQ=YEARLY",
]
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]
RANGES = [(1740700800, 1743811200), (1730000000, 1731000000), (1767139200, 1767484800)]  # both changes of clocks, a new year


def icals(f):
    n = 0
    for rule in RULES:
        for zone in ZONES:
            start = datetime.datetime(2024, 1, 9, 2, 30) + datetime.timedelta(hours=7 * (n % 5))
            duration = (1800, 5400, 3 * 86400 + 600)[n % 3]
            begin, end = RANGES[n % 3]
            named = n % 2 == 0 and zone != "UTC"
            lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "BEGIN:VEVENT", f"UID:{n}",
                     f"DTSTART{';TZID=' + zone if named else ''}:{stamp(start)}", f"DURATION:PT{duration}S",
                     f"RRULE:{rule}", "END:VEVENT", "END:VCALENDAR"]
            write(f, f"ical {'UTC' if named else zone}", lines, begin, end,
                  expand(start, duration, rule, zone, begin, end))
            n += 1


def specials(f):
    zone, start = "Europe/Berlin", datetime.datetime(2025, 3, 1, 2, 30)
    begin, end = RANGES[0]
    head = ["BEGIN:VCALENDAR", "VERSION:2.0", "BEGIN:VEVENT", "UID:a"]
    tail = ["END:VEVENT", "END:VCALENDAR"]
    day = datetime.timedelta(days=1)
    # left out, added, moved
    write(f, "ical UTC", head + [f"DTSTART;TZID={zone}:{stamp(start)}", "DURATION:PT1H", "RRULE:FREQ=DAILY",
                                 f"EXDATE;TZID={zone}:{stamp(start + 3 * day)}",
                                 f"EXDATE;TZID={zone}:{stamp(start + 5 * day)}",
                                 f"RDATE;TZID={zone}:{stamp(start + 3.5 * day)}"] + tail, begin, end,
          expand(start, 3600, "FREQ=DAILY", zone, begin, end, (start + 3 * day, start + 5 * day), (start + 3.5 * day,)))
    moved = start + 4 * day
    write(f, f"ical {zone}", head + [f"DTSTART:{stamp(start)}", "DURATION:PT1H", "RRULE:FREQ=DAILY", "END:VEVENT",
                                     "BEGIN:VEVENT", "UID:a", f"RECURRENCE-ID:{stamp(moved)}",
                                     f"DTSTART:{stamp(moved + 0.25 * day)}", "DURATION:PT2H"] + tail, begin, end,
          expand(start, 3600, "FREQ=DAILY", zone, begin, end, (moved,)) +
          [(instant(moved + 0.25 * day, zone), instant(moved + 0.25 * day, zone) + 7200)])
    # whole days, in local time: 23 h long where clocks are put forward
    days = [datetime.datetime(2025, 3, d) for d in (29, 30)]
    write(f, f"ical {zone}", head + ["DTSTART;VALUE=DATE:20250329", "DTEND;VALUE=DATE:20250331"] + tail, begin, end,
          [(instant(days[0], zone), instant(days[1] + day, zone))])
    # UTC whatever the calendar's zone is; cancelled events are none
    utc = datetime.datetime(2025, 3, 5, 12)
    write(f, f"ical {zone}", head + ["DTSTART:20250305T120000Z", "DTEND:20250305T133000Z", "END:VEVENT", "BEGIN:VEVENT",
                                     "UID:b", "STATUS:CANCELLED", "DTSTART:20250307T120000Z", "DURATION:PT1H"] + tail,
          begin, end, [(instant(utc, "UTC"), instant(utc, "UTC") + 5400)])
    # a zone of the file's own, east of any that the database knows by that name
    own = ["BEGIN:VTIMEZONE", "TZID:Works", "BEGIN:STANDARD", "DTSTART:19700101T000000", "TZOFFSETFROM:+0545",
           "TZOFFSETTO:+0545", "END:STANDARD", "END:VTIMEZONE"]
    write(f, f"ical {zone}", head[:2] + own + head[2:] + ["DTSTART;TZID=Works:20250301T080000", "DURATION:PT1H",
                                                          "RRULE:FREQ=WEEKLY"] + tail, begin, end,
          expand(datetime.datetime(2025, 3, 1, 8), 3600, "FREQ=WEEKLY", "Asia/Kathmandu", begin, end))
    # UNTIL in UTC of a local rule
    write(f, "ical UTC", head + [f"DTSTART;TZID=America/New_York:{stamp(start)}", "DURATION:PT1H",
                                 "RRULE:FREQ=DAILY;UNTIL=20250310T063000Z"] + tail, begin, end,
          expand(start, 3600, "FREQ=DAILY;UNTIL=20250310T023000", "America/New_York", begin, end))


CRONS = ["0 2 * * *", "*/15 * * * *", "30 3 1 * *", "0 22 * * 1-5", "0 0 1,15 * 5", "5 4 * * sun", "0 8-18/2 * * mon-fri",
         "59 23 31 12 *", "0 0 29 2 *", "10-20 6 * 3 *", "0 1 */2 * 1", "0 6 * jan,mar,Nov 0,7"]


def field(text, low, high, words=()):
    def number(s):
        return low + words.index(s.lower()) if s.lower() in words else int(s)
    out = set()
    for part in text.split(","):
        body, _, step = part.partition("/")
        if body == "*":
            a, b = low, high
        elif "-" in body:
            a, b = map(number, body.split("-"))
        else:
            a = number(body)
            b = high if step else a
        out.update(range(a, b + 1, int(step or 1)))
    return out


def crons(f):
    months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
    weekdays = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
    for n, line in enumerate(CRONS):
        minute, hour, day, month, weekday = line.split()
        zone, duration, (begin, end) = ZONES[n % len(ZONES)], (600, 3600, 90000)[n % 3], RANGES[n % 3]
        minutes, hours, days = field(minute, 0, 59), field(hour, 0, 23), field(day, 1, 31)
        in_months, in_weekdays = field(month, 1, 12, months), {d % 7 for d in field(weekday, 0, 7, weekdays)}
        spans, t = [], datetime.datetime.fromtimestamp(begin - 5 * 86400, UTC).replace(tzinfo=None, second=0)
        while t.timestamp() < end + 3 * 86400:
            by_day, by_weekday = t.day in days, t.isoweekday() % 7 in in_weekdays
            fits = by_day and by_weekday if day[0] == "*" or weekday[0] == "*" else by_day or by_weekday
            if fits and t.month in in_months and t.hour in hours and t.minute in minutes:
                spans.append((instant(t, zone), instant(t, zone) + duration))
            t += datetime.timedelta(minutes=1)
        write(f, f"cron {zone} {duration} {line}", [], begin, end, spans)


if __name__ == "__main__":
    with open(pathlib.Path(__file__).resolve().parent / "vectors.txt", "w") as out:
        icals(out)
        specials(out)
        crons(out)
