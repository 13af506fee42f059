package adclick.events;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * Goes over the pieces of JSON in a message's bytes, by the grammar of RFC 8259; control characters may stand in texts.
 *
 * <p>Each method takes the position at which a piece begins and gives the one where it ends, or {@link #NONE} where
 * there is no such piece, or none that is written plainly.
 */
final class Plain {

    static final int NONE = -1;

    private static final int LONGEST_NAME = 1_000;

    private static final VarHandle WORDS =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final long ONES = 0x0101010101010101L;
    private static final long TOP_BITS = 0x8080808080808080L;
    private static final long QUOTES = ONES * '"';
    private static final long BACKSLASHES = ONES * '\\';

    private Plain() {}

    /** Goes over blanks and line ends, of which there may be none. */
    static int blanks(byte[] m, int p) {
        while (p < m.length && (m[p] == ' ' || m[p] == '\n' || m[p] == '\r' || m[p] == '\t')) {
            p++;
        }
        return p;
    }

    /** From behind a quote to the quote that ends a name; an escape or a byte beyond ASCII is not plain. */
    static int name(byte[] m, int from) {
        int p = from;
        while (p < m.length && m[p] != '"') {
            if (m[p] < 0 || m[p] == '\\') {
                return NONE;
            }
            p++;
        }
        return p < m.length && p - from <= LONGEST_NAME ? p : NONE;
    }

    /** From behind a quote to the quote that ends a text; an escape is not plain. */
    static int text(byte[] m, int p) {
        while (true) {
            p = special(m, p);
            if (p >= m.length || m[p] == '\\') {
                return NONE;
            }
            if (m[p] == '"') {
                return p;
            }
            int length = Utf8.length(m, p, m.length);
            if (length == 0) {
                return NONE;
            }
            p += length;
        }
    }

    /** The first quote, backslash or byte beyond ASCII from {@code p} on; the length where there is none. */
    private static int special(byte[] m, int p) {
        // Eight bytes at a time (Mycroft, "determine if a word has a zero byte"): a byte of ours gets its top bit set.
        for (; p + 8 <= m.length; p += 8) {
            long word = (long) WORDS.get(m, p);
            long quote = word ^ QUOTES;
            long backslash = word ^ BACKSLASHES;
            long found = ((quote - ONES) & ~quote | (backslash - ONES) & ~backslash | word) & TOP_BITS;
            if (found != 0) {
                return p + (Long.numberOfTrailingZeros(found) >>> 3);
            }
        }
        while (p < m.length && m[p] >= 0 && m[p] != '"' && m[p] != '\\') {
            p++;
        }
        return p;
    }

    /** Whether a number may end before {@code p}. */
    static boolean ends(byte[] m, int p) {
        if (p >= m.length) {
            return false;
        }
        byte b = m[p];
        return b == ',' || b == '}' || b == ' ' || b == '\n' || b == '\r' || b == '\t';
    }

    /** Goes over this word of ASCII. */
    static int literal(byte[] m, int p, String word) {
        int length = word.length();
        if (p + length > m.length) {
            return NONE;
        }
        for (int i = 0; i < length; i++) {
            if (m[p + i] != word.charAt(i)) {
                return NONE;
            }
        }
        return p + length;
    }

    /** From behind a quote to behind the quote that ends a text, escapes and all. */
    static int skipText(byte[] m, int p) {
        while (true) {
            p = special(m, p);
            if (p >= m.length) {
                return NONE;
            }
            if (m[p] == '"') {
                return p + 1;
            }
            if (m[p] == '\\') {
                p = skipEscape(m, p + 1);
                if (p < 0) {
                    return NONE;
                }
                continue;
            }
            int length = Utf8.length(m, p, m.length);
            if (length == 0) {
                return NONE;
            }
            p += length;
        }
    }

    private static int skipEscape(byte[] m, int p) {
        if (p >= m.length) {
            return NONE;
        }
        if (m[p] != 'u') {
            return "\"\\/bfnrt".indexOf(m[p]) >= 0 ? p + 1 : NONE;
        }
        if (p + 4 >= m.length) {
            return NONE;
        }
        for (int i = p + 1; i <= p + 4; i++) {
            if (m[i] < 0 || Character.digit((char) m[i], 16) < 0) {
                return NONE;
            }
        }
        return p + 5;
    }

    /** Goes over any number. */
    static int skipNumber(byte[] m, int p) {
        int from = p;
        if (m[p] == '-') {
            p++;
        }
        int whole = p;
        p = skipDigits(m, p);
        if (p == whole || (p - whole > 1 && m[whole] == '0')) {
            return NONE;
        }
        if (p < m.length && m[p] == '.') {
            int point = p + 1;
            p = skipDigits(m, point);
            if (p == point) {
                return NONE;
            }
        }
        if (p < m.length && (m[p] == 'e' || m[p] == 'E')) {
            int exponent = p + 1;
            if (exponent < m.length && (m[exponent] == '+' || m[exponent] == '-')) {
                exponent++;
            }
            p = skipDigits(m, exponent);
            if (p == exponent) {
                return NONE;
            }
        }
        return p - from <= Numbers.LONGEST ? p : NONE;
    }

    private static int skipDigits(byte[] m, int p) {
        while (p < m.length && m[p] >= '0' && m[p] <= '9') {
            p++;
        }
        return p;
    }
}
