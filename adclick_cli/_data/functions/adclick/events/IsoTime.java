package adclick.events;

/**
 * Times in ISO 8601, for example {@code 2026-01-01T12:00:00.250Z}.
 *
 * <p>A date, {@code T} or a blank, hours and minutes; then, where they are wanted, seconds, a fraction of up to nine
 * digits, and a zone: {@code Z} or {@code +hh}, {@code +hhmm}, {@code +hh:mm}. Without a zone it is UTC. Digits are
 * those of ASCII. Blanks around it are left out, and so is what is below a millisecond.
 */
final class IsoTime {

    /** What {@link #millis} gives for anything else. No time that can be written is so far back. */
    static final long NONE = Long.MIN_VALUE;

    private static final int[] DAYS = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    private IsoTime() {}

    /** Milliseconds since 1970 of the bytes from {@code from} to before {@code to}, or {@link #NONE}. */
    static long millis(byte[] m, int from, int to) {
        while (from < to && m[from] >= 0 && m[from] <= ' ') {
            from++;
        }
        while (from < to && m[to - 1] >= 0 && m[to - 1] <= ' ') {
            to--;
        }
        if (to - from < 16 || m[from + 4] != '-' || m[from + 7] != '-' || m[from + 13] != ':') {
            return NONE;
        }
        if (m[from + 10] != 'T' && m[from + 10] != 't' && m[from + 10] != ' ') {
            return NONE;
        }
        int year = digits(m, from, 4);
        int month = digits(m, from + 5, 2);
        int day = digits(m, from + 8, 2);
        int hour = digits(m, from + 11, 2);
        int minute = digits(m, from + 14, 2);
        if (year < 0 || month < 1 || month > 12 || day < 1 || day > days(year, month)) {
            return NONE;
        }
        if (hour < 0 || hour > 23 || minute < 0 || minute > 59) {
            return NONE;
        }
        int second = 0;
        int millis = 0;
        int p = from + 16;
        if (p < to && m[p] == ':') {
            second = to - p < 3 ? -1 : digits(m, p + 1, 2);
            if (second < 0 || second > 59) {
                return NONE;
            }
            p += 3;
            if (p < to && (m[p] == '.' || m[p] == ',')) {
                int begin = ++p;
                int weight = 100;
                while (p < to && m[p] >= '0' && m[p] <= '9') {
                    millis += (m[p++] - '0') * weight;
                    weight /= 10;
                }
                if (p == begin || p - begin > 9) {
                    return NONE;
                }
            }
        }
        int offset = offsetMinutes(m, p, to);
        if (offset == Integer.MIN_VALUE) {
            return NONE;
        }
        long minutes = (daysSince1970(year, month, day) * 24 + hour) * 60 + minute - offset;
        return (minutes * 60 + second) * 1000 + millis;
    }

    private static int offsetMinutes(byte[] m, int p, int to) {
        if (p == to || (p + 1 == to && (m[p] == 'Z' || m[p] == 'z'))) {
            return 0;
        }
        if (m[p] != '+' && m[p] != '-') {
            return Integer.MIN_VALUE;
        }
        int length = to - p;
        boolean colon = length == 6 && m[p + 3] == ':';
        if (length != 3 && length != 5 && !colon) {
            return Integer.MIN_VALUE;
        }
        int hours = digits(m, p + 1, 2);
        int minutes = length == 3 ? 0 : digits(m, to - 2, 2);
        if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) {
            return Integer.MIN_VALUE;
        }
        return m[p] == '-' ? -(hours * 60 + minutes) : hours * 60 + minutes;
    }

    /** The number that these digits make; -1 where one is none. */
    private static int digits(byte[] m, int from, int count) {
        int value = 0;
        for (int i = from; i < from + count; i++) {
            if (m[i] < '0' || m[i] > '9') {
                return -1;
            }
            value = value * 10 + m[i] - '0';
        }
        return value;
    }

    private static int days(int year, int month) {
        boolean leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        return month == 2 && leap ? 29 : DAYS[month - 1];
    }

    /** Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": days_from_civil, for years from 0 on. */
    private static long daysSince1970(int year, int month, int day) {
        int y = month <= 2 ? year - 1 : year;
        int era = Math.floorDiv(y, 400);
        int ofEra = y - era * 400;
        int ofYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
        return era * 146_097L + ofEra * 365L + ofEra / 4 - ofEra / 100 + ofYear - 719_468;
    }
}
