package adclick;

import java.nio.charset.StandardCharsets;
import java.util.SplittableRandom;
import java.util.TreeSet;

/**
 * What the attribution costs without Flink, and whether its counts are right, at sizes that a text protocol is too slow for.
 *
 * <p>Arguments: impressions, impressions a second of event time, window, attribution and skew in ms, groups, length of an id.
 * One impression in ten is clicked, somewhere in the attribution time, and as many clicks are of impressions that never come.
 * One line comes out: CPU ns an event, ids hashed already, most bytes of state, most impressions held, impressions and clicks counted.
 */
public final class AttributionLoad implements AttributionOutput {
    private static final java.lang.management.ThreadMXBean CPU =
            java.lang.management.ManagementFactory.getThreadMXBean();
    private static final int BUCKETS = 128;
    private static final int FLUSH_EVENTS = 300_000;

    private final AttributionBucket[] buckets = new AttributionBucket[BUCKETS];
    private final TreeSet<Long>[] timers;
    private final AttributionRules rules;
    private int current;
    private long counted;
    private long clicked;
    private long live;
    private long events;
    private final boolean dry;

    @SuppressWarnings("unchecked")
    private AttributionLoad(AttributionRules rules, boolean dry) {
        this.rules = rules;
        this.dry = dry;
        timers = new TreeSet[BUCKETS];
        for (int at = 0; at < BUCKETS; at++) {
            buckets[at] = new AttributionBucket(rules);
            timers[at] = new TreeSet<>();
        }
    }

    public static void main(String[] arguments) {
        long[] numbers = new long[arguments.length];
        for (int at = 0; at < numbers.length; at++) {
            numbers[at] = Long.parseLong(arguments[at]);
        }
        AttributionRules rules =
                new AttributionRules(
                        numbers[2], numbers[3], numbers[4], 0, 0, 0, true, java.util.List.of("group"), java.util.List.of(), java.util.List.of());
        long[] spent = new long[2];
        String found = "";
        long events = 0;
        // Making the events is measured alone, and taken off.
        for (int pass = 0; pass < 2; pass++) {
            long began = CPU.getCurrentThreadCpuTime();
            AttributionLoad load = new AttributionLoad(rules, pass == 0);
            found = load.run((int) numbers[0], numbers[1], (int) numbers[5], (int) numbers[6]);
            spent[pass] = CPU.getCurrentThreadCpuTime() - began;
            events = load.events;
        }
        System.out.println((spent[1] - spent[0]) / events + " " + found);
    }

    private String run(int count, long perSecond, int groups, int length) {
        SplittableRandom chance = new SplittableRandom(7);
        byte[][] names = new byte[groups][];
        for (int at = 0; at < groups; at++) {
            names[at] = ("campaign-" + at).getBytes(StandardCharsets.UTF_8);
        }
        byte[] text = "x".repeat(length).getBytes(StandardCharsets.UTF_8);
        AttributionHash id = new AttributionHash();
        AttributionHash click = new AttributionHash();
        SliceRow row = new SliceRow();
        long[] none = new long[0];
        java.util.PriorityQueue<long[]> coming = new java.util.PriorityQueue<>((a, b) -> Long.compare(a[0], b[0]));
        long most = 0;
        long heldAtMost = 0;
        long events = 0;
        long mark = Long.MIN_VALUE;
        for (int number = 0; number < count; number++) {
            long time = 1_000_000_000_000L + number * 1000L / perSecond;
            if (number % 10 == 0) {
                coming.add(new long[] {time + chance.nextLong(rules.attribution + 1), number});
                coming.add(new long[] {time + chance.nextLong(rules.attribution + 1), -1 - number});
            }
            byte[] name = names[chance.nextInt(groups)];
            while (!coming.isEmpty() && coming.peek()[0] <= time) {
                long[] next = coming.poll();
                hash(text, next[1], id);
                hash(text, next[1] ^ 1L << 40, click);
                current = (int) Long.remainderUnsigned(id.second, BUCKETS);
                click(next[0], id, click, mark);
                events++;
            }
            hash(text, number, id);
            current = (int) Long.remainderUnsigned(id.second, BUCKETS);
            row.clear().add(name);
            if (!dry) {
                buckets[current].impression(time, id, row, null, none, mark, this);
            }
            events++;
            if (time / 1000 != mark / 1000) {
                mark = time / 1000 * 1000;
                rise(mark);
            }
            if (number % FLUSH_EVENTS == FLUSH_EVENTS - 1) {
                for (AttributionBucket bucket : buckets) {
                    bucket.flush(this);
                }
                long heap = 0;
                long held = 0;
                for (AttributionBucket bucket : buckets) {
                    heap += bucket.heap();
                    for (int at = 0; at < bucket.sliceCount(); at++) {
                        held += bucket.slice(at).impressions.size();
                    }
                }
                if (heap > most) {
                    most = heap;
                    heldAtMost = held;
                }
            }
        }
        while (!coming.isEmpty()) {
            long[] next = coming.poll();
            hash(text, next[1], id);
            hash(text, next[1] ^ 1L << 40, click);
            current = (int) Long.remainderUnsigned(id.second, BUCKETS);
            click(next[0], id, click, mark);
        }
        rise(Long.MAX_VALUE);
        this.events = events;
        return most + " " + heldAtMost + " " + counted + " " + clicked + " " + live;
    }

    private void click(long time, AttributionHash of, AttributionHash id, long mark) {
        if (!dry) {
            buckets[current].click(time, of, id, null, mark, this);
        }
    }

    private void rise(long to) {
        for (current = 0; current < BUCKETS; current++) {
            while (!timers[current].isEmpty() && timers[current].first() <= to) {
                buckets[current].flush(this);
                buckets[current].advance(timers[current].pollFirst(), this);
            }
        }
    }

    private static void hash(byte[] text, long number, AttributionHash into) {
        for (int at = 0; at < 8 && at < text.length; at++) {
            text[at] = (byte) (number >>> 8 * at);
        }
        into.of(text, 0, text.length);
    }

    @Override
    public void timer(long time) {
        timers[current].add(time);
    }

    @Override
    public void live(Slice slice, int cell, long impressions, long clicks, long[] sums) {
        live += impressions + clicks;
    }

    @Override
    public void closed(
            boolean early, Slice slice, int cell, long impressions, long[] sums, boolean hasClick, long click, boolean valid) {
        counted += impressions;
        clicked += hasClick ? 1 : 0;
    }

    @Override
    public void late(boolean isClick, long windowStart) {
        throw new IllegalStateException("nothing is late here");
    }
}
