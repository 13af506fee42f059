package adclick.events;

/** UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing beyond U+10FFFF. */
final class Utf8 {

    private Utf8() {}

    /** Whether the bytes from {@code from} to before {@code to} are UTF-8. */
    static boolean valid(byte[] m, int from, int to) {
        int p = from;
        while (p < to) {
            if (m[p] >= 0) {
                p++;
                continue;
            }
            int length = length(m, p, to);
            if (length == 0) {
                return false;
            }
            p += length;
        }
        return true;
    }

    /** How many bytes the character beyond ASCII at {@code p} takes, 2 to 4; 0 where they are not UTF-8. */
    static int length(byte[] m, int p, int to) {
        int first = m[p] & 0xFF;
        if (first >= 0xC2 && first <= 0xDF) {
            return p + 1 < to && follows(m[p + 1]) ? 2 : 0;
        }
        if (first >= 0xE0 && first <= 0xEF) {
            if (p + 2 >= to || !follows(m[p + 1]) || !follows(m[p + 2])) {
                return 0;
            }
            int second = m[p + 1] & 0xFF;
            boolean overlong = first == 0xE0 && second < 0xA0;
            boolean surrogate = first == 0xED && second > 0x9F;
            return overlong || surrogate ? 0 : 3;
        }
        if (first >= 0xF0 && first <= 0xF4) {
            if (p + 3 >= to || !follows(m[p + 1]) || !follows(m[p + 2]) || !follows(m[p + 3])) {
                return 0;
            }
            int second = m[p + 1] & 0xFF;
            boolean overlong = first == 0xF0 && second < 0x90;
            boolean beyond = first == 0xF4 && second > 0x8F;
            return overlong || beyond ? 0 : 4;
        }
        return 0;
    }

    private static boolean follows(byte b) {
        return (b & 0xC0) == 0x80;
    }
}
