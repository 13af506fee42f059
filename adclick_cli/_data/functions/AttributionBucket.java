package adclick;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.Arrays;

/**
 * Clicks to impressions, of the impressions of one bucket: what counts, and where.
 *
 * <p>An impression counts in the window of its own time, once for each combination of dimensions that its id comes with.
 * A click counts in its impression's window if it is dated from {@code skew} before it to {@code attribution} after it,
 * both ends included, once for each combination of dimensions. Whichever of the two comes first, the second one finds it.
 *
 * <p>Of contents of one impression id with the same window and dimensions, the measures of the earliest are added, then
 * the smallest ones. When a smaller one comes later, the sums are put right.
 *
 * <p>An impression is late when its window has closed. A click is late for an impression when the watermark has passed
 * that one's time + attribution. Neither counts then.
 *
 * <p>Nothing in here knows Flink, so that tests drive it without.
 */
final class AttributionBucket {
    /** The format of {@link #write}; {@link #read} knows all up to this one. */
    static final int FORMAT = 1;

    static final long NEVER = Long.MIN_VALUE;

    private AttributionRules rules;
    private long[] starts = new long[16];
    private Slice[] slices = new Slice[16];
    private int size;

    /** Bookkeeping of the caller, no state: when it last asked for live rows, and the bytes that it has reported. */
    long flushedAt;
    long timerAt = NEVER;
    long reported;

    private final AttributionHash hasher = new AttributionHash();

    AttributionBucket(AttributionRules rules) {
        this.rules = rules;
    }

    AttributionRules rules() {
        return rules;
    }

    /** Goes on by rules of the same kind, after a restart. */
    void go(AttributionRules next) {
        if (rules != next) {
            next.require(rules);
            rules = next;
        }
    }

    boolean isEmpty() {
        return size == 0;
    }

    long heap() {
        long sum = 200;
        for (int at = 0; at < size; at++) {
            sum += slices[at].heap();
        }
        return sum;
    }

    /**
     * An impression.
     *
     * @param time ms since the epoch.
     * @param id its id's hash.
     * @param dimensions the texts of its dimensions.
     * @param key the texts of the dedup key, or null.
     * @param measures as many as the rules say.
     * @param watermark of the pipeline as it came.
     */
    void impression(
            long time,
            AttributionHash id,
            SliceRow dimensions,
            SliceRow key,
            long[] measures,
            long watermark,
            AttributionOutput out) {
        long windowStart = Math.floorDiv(time, rules.window) * rules.window;
        if (watermark >= rules.closesAt(windowStart)) {
            out.late(false, windowStart);
            return;
        }
        Slice slice = obtain(time, out);
        int window = (int) ((windowStart - slice.start) / rules.window);
        open(slice, window, windowStart, watermark, out);
        dimensions.window(window);
        long first = id.first;
        long second = id.second;
        int cell = slice.cells.cell(dimensions, hasher);
        int keyNumber = rules.keyed ? slice.keys.number(key, hasher) : 0;
        long stamp = slice.stamp(cell, time);
        if (keep(slice, first, second, stamp, keyNumber, measures)) {
            findClicks(slice, first, second, stamp, keyNumber);
        }
    }

    /**
     * A click.
     *
     * @param of the hash of its impression's id.
     * @param id its own id's hash.
     * @param texts its own id and its impression's, or null where no closed window is judged.
     */
    void click(
            long time, AttributionHash of, AttributionHash id, SliceRow texts, long watermark, AttributionOutput out) {
        long windowStart = Math.floorDiv(time, rules.window) * rules.window;
        if (watermark >= rules.removedAt(sliceStart(time))) {
            out.late(true, windowStart);
            return;
        }
        Slice slice = obtain(time, out);
        SliceTable clicks = slice.clicks;
        long stamp = time - slice.start + 1;
        for (int at = clicks.first(of.first); clicks.used(at); at = clicks.next(at)) {
            if (clicks.is(at, of.first, of.second)
                    && clicks.get(at, 2) == stamp
                    && clicks.get(at, 3) == id.first
                    && clicks.get(at, 4) == id.second) {
                return;
            }
        }
        int at = clicks.add(of.first, of.second, stamp);
        clicks.set(at, 3, id.first);
        clicks.set(at, 4, id.second);
        clicks.set(at, 5, watermark);
        if (rules.judged()) {
            int text = slice.clickTexts.number(texts, hasher);
            clicks.set(at, 6, text);
            if (rules.unique > 0) {
                int entry = slice.byClick.add(id.first, id.second, stamp);
                slice.byClick.set(entry, 3, text);
            }
        }
        findImpressions(slice, at, watermark, windowStart, out);
    }

    /** Tells the windows that close by a watermark, and forgets what no window needs any more. */
    void advance(long watermark, AttributionOutput out) {
        AttributionClosing closing = null;
        for (int at = 0; at < size; at++) {
            Slice slice = slices[at];
            for (int window = 0; window < slice.states.length; window++) {
                int state = slice.states[window];
                if ((state & Slice.OPEN) == 0 || (state & Slice.CLOSED) != 0) {
                    continue;
                }
                long windowStart = slice.start + window * rules.window;
                boolean early = (state & Slice.EARLY) == 0 && watermark >= rules.earlyAt(windowStart);
                boolean closes = watermark >= rules.closesAt(windowStart);
                if (closing == null && (early || closes)) {
                    closing = new AttributionClosing(this, rules);
                }
                if (early) {
                    slice.states[window] |= Slice.EARLY;
                    closing.early(slice, window, out);
                }
                if (closes) {
                    slice.states[window] |= Slice.CLOSED;
                    closing.closed(slice, window, out);
                }
            }
        }
        int removed = 0;
        while (removed < size && watermark >= rules.removedAt(starts[removed])) {
            removed++;
        }
        if (removed > 0) {
            System.arraycopy(slices, removed, slices, 0, size - removed);
            System.arraycopy(starts, removed, starts, 0, size - removed);
            Arrays.fill(slices, size - removed, size, null);
            size -= removed;
        }
    }

    /** Tells what has changed since the last time. */
    void flush(AttributionOutput out) {
        for (int at = 0; at < size; at++) {
            if (slices[at].cells.hasChanges()) {
                slices[at].cells.flush(slices[at], out);
            }
        }
    }

    boolean hasChanges() {
        for (int at = size - 1; at >= 0; at--) {
            if (slices[at].cells.hasChanges()) {
                return true;
            }
        }
        return false;
    }

    /** The first slice that ends after a time: its number, or {@link #sliceCount} where there is none. */
    int firstSlice(long time) {
        long start = sliceStart(time);
        int low = 0;
        int high = size;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (starts[middle] < start) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    int sliceCount() {
        return size;
    }

    Slice slice(int number) {
        return slices[number];
    }

    AttributionBucket copy() {
        AttributionBucket copy = new AttributionBucket(rules);
        copy.starts = starts.clone();
        copy.slices = new Slice[slices.length];
        for (int at = 0; at < size; at++) {
            copy.slices[at] = slices[at].copy();
        }
        copy.size = size;
        copy.flushedAt = flushedAt;
        copy.timerAt = timerAt;
        copy.reported = reported;
        return copy;
    }

    void write(DataOutput out) throws IOException {
        out.writeInt(FORMAT);
        rules.write(out);
        out.writeInt(size);
        for (int at = 0; at < size; at++) {
            slices[at].write(out);
        }
    }

    static AttributionBucket read(DataInput in) throws IOException {
        int format = in.readInt();
        if (format < 1 || format > FORMAT) {
            throw new IOException("attribution: state of format " + format + ", this version knows up to " + FORMAT);
        }
        AttributionBucket bucket = new AttributionBucket(AttributionRules.read(in));
        int size = in.readInt();
        for (int at = 0; at < size; at++) {
            bucket.insert(at, Slice.read(in, bucket.rules));
        }
        return bucket;
    }

    private long sliceStart(long time) {
        return Math.floorDiv(time, rules.slice) * rules.slice;
    }

    private Slice obtain(long time, AttributionOutput out) {
        int at = firstSlice(time);
        long start = sliceStart(time);
        if (at < size && starts[at] == start) {
            return slices[at];
        }
        Slice slice = new Slice(start, rules, size == 0 ? null : slices[Math.max(0, at - 1)]);
        insert(at, slice);
        out.timer(rules.removedAt(start));
        return slice;
    }

    private void insert(int at, Slice slice) {
        if (size == slices.length) {
            slices = Arrays.copyOf(slices, 2 * size);
            starts = Arrays.copyOf(starts, 2 * size);
        }
        System.arraycopy(slices, at, slices, at + 1, size - at);
        System.arraycopy(starts, at, starts, at + 1, size - at);
        slices[at] = slice;
        starts[at] = slice.start;
        size++;
    }

    private void open(Slice slice, int window, long windowStart, long watermark, AttributionOutput out) {
        if (slice.states[window] != 0) {
            return;
        }
        slice.states[window] = Slice.OPEN;
        out.timer(rules.closesAt(windowStart));
        if (rules.early > 0 && watermark < rules.earlyAt(windowStart)) {
            out.timer(rules.earlyAt(windowStart));
        } else {
            slice.states[window] |= Slice.EARLY;
        }
    }

    /** Returns whether this very impression is new. */
    private boolean keep(Slice slice, long first, long second, long stamp, int keyNumber, long[] measures) {
        SliceTable table = slice.impressions;
        int cell = Slice.cell(stamp);
        int same = -1;
        int best = -1;
        for (int at = table.first(first); table.used(at); at = table.next(at)) {
            if (!table.is(at, first, second) || Slice.cell(table.get(at, 2)) != cell) {
                continue;
            }
            if (table.get(at, 2) == stamp && (!rules.keyed || table.get(at, 3) == keyNumber)) {
                same = at;
            }
            if (best < 0 || before(table, at, table.get(best, 2), best)) {
                best = at;
            }
        }
        if (same >= 0 && !smaller(measures, table, same)) {
            return false;
        }
        if (best < 0) {
            slice.cells.addImpression(cell);
            addMeasures(slice, cell, measures);
        } else if (stamp < table.get(best, 2) || stamp == table.get(best, 2) && smaller(measures, table, best)) {
            for (int measure = 0; measure < rules.measures; measure++) {
                slice.cells.takeMeasure(cell, measure, table.get(best, rules.measuresAt() + measure));
            }
            addMeasures(slice, cell, measures);
        }
        int at = same >= 0 ? same : table.add(first, second, stamp);
        if (rules.keyed) {
            table.set(at, 3, keyNumber);
        }
        for (int measure = 0; measure < rules.measures; measure++) {
            table.set(at, rules.measuresAt() + measure, measures[measure]);
        }
        return same < 0;
    }

    private void addMeasures(Slice slice, int cell, long[] measures) {
        for (int measure = 0; measure < rules.measures; measure++) {
            slice.cells.addMeasure(cell, measure, measures[measure]);
        }
    }

    private boolean before(SliceTable table, int at, long stamp, int other) {
        long own = table.get(at, 2);
        if (own != stamp) {
            return own < stamp;
        }
        for (int word = rules.measuresAt(); word < table.width(); word++) {
            if (table.get(at, word) != table.get(other, word)) {
                return table.get(at, word) < table.get(other, word);
            }
        }
        return false;
    }

    private boolean smaller(long[] measures, SliceTable table, int at) {
        for (int measure = 0; measure < rules.measures; measure++) {
            long other = table.get(at, rules.measuresAt() + measure);
            if (measures[measure] != other) {
                return measures[measure] < other;
            }
        }
        return false;
    }

    /** Clicks that came before their impression. */
    private void findClicks(Slice own, long first, long second, long stamp, int keyNumber) {
        long time = own.time(stamp);
        long to = time + rules.attribution;
        for (int number = firstSlice(time - rules.skew); number < size && starts[number] <= to; number++) {
            Slice slice = slices[number];
            SliceTable clicks = slice.clicks;
            if (!clicks.mayHold(first)) {
                continue;
            }
            for (int at = clicks.first(first); clicks.used(at); at = clicks.next(at)) {
                if (clicks.is(at, first, second) && clickCounts(slice, at, time)) {
                    hit(own, stamp, clicks.get(at, 3), clicks.get(at, 4));
                    pair(own, first, second, stamp, keyNumber, slice, at);
                }
            }
        }
    }

    private boolean clickCounts(Slice slice, int click, long shown) {
        long clicked = slice.time(slice.clicks.get(click, 2));
        return rules.counts(clicked, slice.clicks.get(click, 5), shown, rules.attribution);
    }

    /** Impressions that came before their click. */
    private void findImpressions(Slice own, int click, long watermark, long windowStart, AttributionOutput out) {
        SliceTable clicks = own.clicks;
        long first = clicks.get(click, 0);
        long second = clicks.get(click, 1);
        long time = own.time(clicks.get(click, 2));
        boolean counted = false;
        long lateFor = Long.MIN_VALUE;
        long to = time + rules.skew;
        for (int number = firstSlice(time - rules.attribution); number < size && starts[number] <= to; number++) {
            Slice slice = slices[number];
            SliceTable table = slice.impressions;
            if (!table.mayHold(first)) {
                continue;
            }
            for (int at = table.first(first); table.used(at); at = table.next(at)) {
                if (!table.is(at, first, second)) {
                    continue;
                }
                long stamp = table.get(at, 2);
                long shown = slice.time(stamp);
                if (rules.counts(time, watermark, shown, rules.attribution)) {
                    counted = true;
                    hit(slice, stamp, clicks.get(click, 3), clicks.get(click, 4));
                    pair(slice, first, second, stamp, rules.keyed ? (int) table.get(at, 3) : 0, own, click);
                } else if (rules.counts(time, Long.MIN_VALUE, shown, rules.attribution)) {
                    lateFor = Math.floorDiv(shown, rules.window) * rules.window;
                }
            }
        }
        if (!counted && lateFor != Long.MIN_VALUE) {
            out.late(true, lateFor);
        } else if (!counted && watermark > time + rules.skew + rules.attribution) {
            out.late(true, windowStart);
        }
    }

    private static void hit(Slice slice, long stamp, long first, long second) {
        SliceTable hits = slice.hits;
        long cell = Slice.cell(stamp) + 1L;
        for (int at = hits.first(first); hits.used(at); at = hits.next(at)) {
            if (hits.is(at, first, second) && hits.get(at, 2) == cell) {
                return;
            }
        }
        hits.add(first, second, cell);
        slice.cells.addClick(Slice.cell(stamp));
    }

    /** Keeps a click with its impression by what makes clicks duplicates of one another. */
    private void pair(Slice slice, long first, long second, long stamp, int keyNumber, Slice clicked, int click) {
        if (rules.dedup == 0) {
            return;
        }
        dedupKey(slice, first, second, keyNumber, clicked.clicks.get(click, 3), hasher);
        long[] pair = {
            hasher.first,
            hasher.second,
            clicked.clicks.get(click, 2),
            clicked.clicks.get(click, 3),
            clicked.clicks.get(click, 4),
            clicked.clicks.get(click, 6),
            first,
            second,
            slice.start,
            stamp,
            keyNumber
        };
        SliceTable pairs = clicked.pairs;
        int at = pairs.add(pair[0], pair[1], pair[2]);
        for (int word = 3; word < pair.length; word++) {
            pairs.set(at, word, pair[word]);
        }
    }

    /** What makes clicks duplicates of one another: their impression, or the columns of the key where none is empty. */
    void dedupKey(Slice slice, long first, long second, int keyNumber, long click, AttributionHash into) {
        into.first = first;
        into.second = second;
        if (rules.keyed) {
            SliceTexts keys = slice.keys;
            int begin = keys.begin(keyNumber);
            into.of(keys.bytes(), begin, keys.end(keyNumber) - begin);
            if (SliceRow.getInt(keys.bytes(), begin) == 0) {
                into.first ^= click;
            }
        }
    }
}
