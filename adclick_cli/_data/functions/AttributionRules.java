package adclick;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * The parameters, all times in ms, and what follows from them.
 *
 * <p>A window closes when the watermark has reached its last millisecond and {@link #held} more. That is the latest click
 * that an impression may have; where duplicates are looked for, once more, so that the clicks before it are settled, too.
 *
 * <p>A slice holds the ids of so many whole windows that the attribution time spans some ten slices: one window where it
 * is a tenth of the attribution or more. So a look-up visits a dozen tables, even with windows of a minute and an
 * attribution of a day.
 */
final class AttributionRules {
    private static final int SLICES = 10;

    final long window;
    final long attribution;
    final long skew;
    final long dedup;
    final long unique;
    final long early;
    /** Whether live rows are wanted. */
    final boolean live;
    final List<String> dimensions;
    final List<String> measureNames;
    final List<String> dedupKey;
    final int measures;
    final boolean keyed;

    final long held;
    final long earlyHeld;
    final int windowsOfSlice;
    final long slice;
    /** How much longer than its last window a slice is kept, for later windows that ask for what came before. */
    final long kept;

    AttributionRules(
            long window,
            long attribution,
            long skew,
            long dedup,
            long unique,
            long early,
            boolean live,
            List<String> dimensions,
            List<String> measureNames,
            List<String> dedupKey) {
        if (window <= 0 || attribution < 0 || skew < 0 || dedup < 0 || unique < 0 || early < 0) {
            throw new IllegalArgumentException(
                    "attribution: the window must be longer than 0 ms, and no other time may be negative");
        }
        if (early > attribution) {
            throw new IllegalArgumentException("attribution: early must not be more than attribution");
        }
        this.window = window;
        this.attribution = attribution;
        this.skew = skew;
        this.dedup = dedup;
        this.unique = unique;
        this.early = early;
        this.live = live;
        this.dimensions = dimensions;
        this.measureNames = measureNames;
        this.dedupKey = dedupKey;
        measures = measureNames.size();
        keyed = dedup > 0 && !dedupKey.isEmpty();
        held = (Math.max(attribution, skew) + 1) * (dedup > 0 ? 2 : 1);
        earlyHeld = Math.max(early, skew) + 1;
        windowsOfSlice = (int) Math.max(1, -Math.floorDiv(-(attribution + skew), SLICES * window));
        slice = window * windowsOfSlice;
        long back = skew + unique + (dedup > 0 ? dedup + attribution : 0);
        kept = back > 0 ? back + window : 0;
    }

    /** Whether closed windows are counted anew from what was kept, because a later event can take back an earlier one. */
    boolean judged() {
        return dedup > 0 || unique > 0;
    }

    int impressionWidth() {
        return 3 + (keyed ? 1 : 0) + measures;
    }

    int measuresAt() {
        return keyed ? 4 : 3;
    }

    int clickWidth() {
        return judged() ? 7 : 6;
    }

    long closesAt(long windowStart) {
        return windowStart + window - 1 + held;
    }

    long earlyAt(long windowStart) {
        return windowStart + window - 1 + earlyHeld;
    }

    long removedAt(long sliceStart) {
        return sliceStart + slice - 1 + held + kept;
    }

    /**
     * Whether a click counts for an impression.
     *
     * @param clicked the click's time.
     * @param seen the watermark when the click came.
     * @param shown the impression's time.
     * @param limit how much later than its impression the click may be dated.
     */
    boolean counts(long clicked, long seen, long shown, long limit) {
        long after = clicked - shown;
        return after >= -skew && after <= limit && seen <= shown + limit;
    }

    /**
     * Asks whether state that was made by other rules can go on by these. Live rows and the early answer may differ.
     *
     * @throws IllegalStateException it cannot; the message names the first difference.
     */
    void require(AttributionRules before) {
        same("window_size", before.window, window);
        same("attribution", before.attribution, attribution);
        same("clock_skew", before.skew, skew);
        same("dedup_window", before.dedup, dedup);
        same("unique_ids", before.unique, unique);
        same("dimensions", before.dimensions, dimensions);
        same("sums", before.measureNames, measureNames);
        same("dedup_key", before.dedupKey, dedupKey);
    }

    void write(DataOutput out) throws IOException {
        for (long time : new long[] {window, attribution, skew, dedup, unique, early}) {
            out.writeLong(time);
        }
        out.writeBoolean(live);
        write(out, dimensions);
        write(out, measureNames);
        write(out, dedupKey);
    }

    static AttributionRules read(DataInput in) throws IOException {
        long[] times = new long[6];
        for (int at = 0; at < times.length; at++) {
            times[at] = in.readLong();
        }
        boolean live = in.readBoolean();
        List<String> dimensions = readNames(in);
        List<String> measures = readNames(in);
        return new AttributionRules(
                times[0], times[1], times[2], times[3], times[4], times[5], live, dimensions, measures, readNames(in));
    }

    private static void write(DataOutput out, List<String> names) throws IOException {
        out.writeInt(names.size());
        for (String name : names) {
            out.writeUTF(name);
        }
    }

    private static List<String> readNames(DataInput in) throws IOException {
        int size = in.readInt();
        List<String> names = new ArrayList<>(size);
        for (int at = 0; at < size; at++) {
            names.add(in.readUTF());
        }
        return names;
    }

    private static void same(String name, Object before, Object now) {
        if (!before.equals(now)) {
            throw new IllegalStateException(
                    "attribution: the savepoint was made with " + name + " = " + before + ", the job has " + now
                            + "; start it without the savepoint, or with what it was made with");
        }
    }
}
