package adclick.events;

import java.math.BigDecimal;

/** How a time is written. Numbers count from 1970-01-01 in UTC. */
enum TimeUnit {
    S(3, "whole number of seconds"),
    MS(0, "whole number of milliseconds"),
    US(-3, "whole number of microseconds"),
    NS(-6, "whole number of nanoseconds"),
    ISO8601(0, "ISO 8601 time");

    /** What a time must be, for a reason. */
    final String written;

    private final int shift;
    private final long factor;
    private final long divisor;

    TimeUnit(int shift, String written) {
        this.shift = shift;
        this.written = written;
        this.factor = shift > 0 ? (long) Math.pow(10, shift) : 1;
        this.divisor = shift < 0 ? (long) Math.pow(10, -shift) : 1;
    }

    /** A count of this unit in milliseconds; what is below one is cut off, beyond a long it is the nearest long. */
    long toMillis(long count) {
        if (count > Long.MAX_VALUE / factor) {
            return Long.MAX_VALUE;
        }
        if (count < Long.MIN_VALUE / factor) {
            return Long.MIN_VALUE;
        }
        return count * factor / divisor;
    }

    /** The same for a count with a fraction. */
    long toMillis(BigDecimal count) {
        return Numbers.toLong(count.scaleByPowerOfTen(shift));
    }
}
