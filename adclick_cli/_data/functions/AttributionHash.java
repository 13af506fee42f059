package adclick;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * MurmurHash3 in its x64 variant of 128 bits, by Austin Appleby, with seed 0.
 *
 * <p>An id is kept as its hash alone. Among 10^9 ids the chance that any two share a hash is below 10^-20.
 */
final class AttributionHash {
    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final long C1 = 0x87c37b91114253d5L;
    private static final long C2 = 0x4cf5ad432745937fL;

    /** The first and the second half of the last hash. */
    long first;
    long second;

    /** Hashes {@code length} bytes from {@code from} on into {@link #first} and {@link #second}. */
    void of(byte[] bytes, int from, int length) {
        long h1 = 0;
        long h2 = 0;
        int at = from;
        int end = from + length;
        for (; at + 16 <= end; at += 16) {
            h1 ^= mixFirst((long) LONGS.get(bytes, at));
            h1 = (Long.rotateLeft(h1, 27) + h2) * 5 + 0x52dce729;
            h2 ^= mixSecond((long) LONGS.get(bytes, at + 8));
            h2 = (Long.rotateLeft(h2, 31) + h1) * 5 + 0x38495ab5;
        }
        if (at < end) {
            h2 ^= mixSecond(rest(bytes, at + 8, end));
            h1 ^= mixFirst(rest(bytes, at, Math.min(end, at + 8)));
        }
        h1 ^= length;
        h2 ^= length;
        h1 += h2;
        h2 += h1;
        h1 = scramble(h1);
        h2 = scramble(h2);
        h1 += h2;
        first = h1;
        second = h2 + h1;
    }

    private static long rest(byte[] bytes, int from, int end) {
        long value = 0;
        for (int at = end - 1; at >= from; at--) {
            value = value << 8 | bytes[at] & 0xff;
        }
        return value;
    }

    private static long mixFirst(long block) {
        return Long.rotateLeft(block * C1, 31) * C2;
    }

    private static long mixSecond(long block) {
        return Long.rotateLeft(block * C2, 33) * C1;
    }

    private static long scramble(long hash) {
        long mixed = (hash ^ hash >>> 33) * 0xff51afd7ed558ccdL;
        mixed = (mixed ^ mixed >>> 33) * 0xc4ceb9fe1a85ec53L;
        return mixed ^ mixed >>> 33;
    }
}
