package adclick;

import java.util.Arrays;

/**
 * Some texts as bytes: each as its length, 4 bytes, big-endian, and its UTF-8 bytes; a length of -1 is NULL.
 *
 * <p>{@link #RESERVED} bytes before the texts are for the number of the window within its slice.
 */
final class SliceRow {
    static final int RESERVED = 4;

    byte[] bytes = new byte[128];
    int length = RESERVED;

    SliceRow clear() {
        length = RESERVED;
        return this;
    }

    SliceRow addNull() {
        reserve(4);
        putInt(bytes, length, -1);
        length += 4;
        return this;
    }

    /** Adds a text of so many bytes and returns where they belong in {@link #bytes}. */
    int add(int size) {
        reserve(4 + size);
        putInt(bytes, length, size);
        int at = length + 4;
        length = at + size;
        return at;
    }

    SliceRow add(byte[] text) {
        int at = add(text.length);
        System.arraycopy(text, 0, bytes, at, text.length);
        return this;
    }

    void window(int number) {
        putInt(bytes, 0, number);
    }

    static int getInt(byte[] bytes, int at) {
        return bytes[at] << 24 | (bytes[at + 1] & 0xff) << 16 | (bytes[at + 2] & 0xff) << 8 | bytes[at + 3] & 0xff;
    }

    private static void putInt(byte[] bytes, int at, int value) {
        bytes[at] = (byte) (value >>> 24);
        bytes[at + 1] = (byte) (value >>> 16);
        bytes[at + 2] = (byte) (value >>> 8);
        bytes[at + 3] = (byte) value;
    }

    private void reserve(int more) {
        if (length + more > bytes.length) {
            bytes = Arrays.copyOf(bytes, Math.max(2 * bytes.length, length + more));
        }
    }
}
