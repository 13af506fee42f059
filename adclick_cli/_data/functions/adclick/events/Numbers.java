package adclick.events;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.regex.Pattern;
import org.apache.flink.table.data.DecimalData;

/**
 * Numbers as they are written in events.
 *
 * <p>An exponent may have hundreds of digits. Nothing here computes a power of ten that a message asks for.
 */
final class Numbers {

    /** Characters of the longest number; a longer one is not JSON. Flink's own JSON format draws this line, too. */
    static final int LONGEST = 1000;

    /** Beyond this an exponent makes every number zero or too large, whatever digits it has. */
    private static final int LARGEST_EXPONENT = 100_000;

    private static final int LONGEST_WHOLE = 100;
    private static final Pattern DECIMAL = Pattern.compile("[+-]?[0-9]+(\\.[0-9]+)?([eE][+-]?[0-9]+)?");
    private static final BigInteger LEAST = BigInteger.valueOf(Long.MIN_VALUE);
    private static final BigInteger GREATEST = BigInteger.valueOf(Long.MAX_VALUE);

    private Numbers() {}

    /**
     * A text as {@link Long#parseLong} reads it: decimal digits of any script, a sign, blanks around it.
     *
     * @return null where it is none, or beyond a long.
     */
    static Long whole(String text) {
        String bare = text.trim();
        if (bare.length() >= LONGEST_WHOLE) {
            return null;
        }
        try {
            return Long.valueOf(bare);
        } catch (NumberFormatException error) {
            return null;
        }
    }

    /**
     * A text as a decimal number, blanks around it left out.
     *
     * @return null where it is none.
     */
    static BigDecimal decimal(String text) {
        String bare = text.trim();
        if (bare.length() > LONGEST || !DECIMAL.matcher(bare).matches()) {
            return null;
        }
        int at = Math.max(bare.indexOf('e'), bare.indexOf('E'));
        if (at < 0) {
            return new BigDecimal(bare);
        }
        return new BigDecimal(bare.substring(0, at)).scaleByPowerOfTen(exponent(bare, at + 1));
    }

    private static int exponent(String text, int from) {
        boolean negative = text.charAt(from) == '-';
        int value = 0;
        for (int i = from; i < text.length() && value <= LARGEST_EXPONENT; i++) {
            char sign = text.charAt(i);
            if (sign != '-' && sign != '+') {
                value = value * 10 + sign - '0';
            }
        }
        value = Math.min(value, LARGEST_EXPONENT);
        return negative ? -value : value;
    }

    /** The whole part of a number; what is beyond a long is the nearest long. */
    static long toLong(BigDecimal number) {
        int digits = number.precision() - number.scale();
        if (number.signum() == 0 || digits <= 0) {
            return 0;
        }
        if (digits > 19) {
            return number.signum() < 0 ? Long.MIN_VALUE : Long.MAX_VALUE;
        }
        return number.toBigInteger().max(LEAST).min(GREATEST).longValue();
    }

    /**
     * A number as a value of a DECIMAL column, rounded half up.
     *
     * @return null where it has too many digits before the point.
     */
    static DecimalData toDecimal(BigDecimal number, int precision, int scale) {
        int digits = number.precision() - number.scale();
        if (number.signum() == 0 || digits < -scale) {
            return DecimalData.zero(precision, scale);
        }
        if (digits > precision - scale) {
            return null;
        }
        return DecimalData.fromBigDecimal(number.setScale(scale, RoundingMode.HALF_UP), precision, scale);
    }

    /** A number as a text, as Flink's own JSON format has it: a FRACTION is that of its double. */
    static String text(JsonKind kind, String written) {
        if (kind == JsonKind.FRACTION) {
            return Double.toString(Double.parseDouble(written));
        }
        return written.equals("-0") ? "0" : written;
    }
}
