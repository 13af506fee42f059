package adclick;

import java.util.Arrays;

/**
 * Tells the counts of a window that closes.
 *
 * <p>Mostly they have been counted as the events came. Where a later event can take back an earlier one, and for the early
 * answer, they are counted from what was kept: then the order of arrival cannot matter.
 *
 * <ul>
 *   <li>Unique ids: of events of one id, one counts only if no other is dated up to {@code unique} before it, and none at
 *       the same time has a smaller content. Shorter texts are smaller, then the order of bytes decides.
 *   <li>Duplicates: of clicks of one key that found an impression, one is valid only if no other is dated up to {@code
 *       dedup} before it. Of clicks of the same time the one with the smallest id is the first.
 * </ul>
 */
final class AttributionClosing {
    private static final int FOUND_WIDTH = 4;

    private final AttributionBucket bucket;
    private final AttributionRules rules;
    private final AttributionHash hasher = new AttributionHash();

    AttributionClosing(AttributionBucket bucket, AttributionRules rules) {
        this.bucket = bucket;
        this.rules = rules;
    }

    void closed(Slice slice, int window, AttributionOutput out) {
        if (rules.judged()) {
            judge(slice, window, rules.attribution, false, out);
        } else {
            int[] counts = new int[slice.cells.size()];
            for (int cell = 0; cell < counts.length; cell++) {
                counts[cell] = slice.cells.impressions(cell);
            }
            tell(slice, window, false, counts, slice.cells.sums(), slice.hits, out);
        }
    }

    void early(Slice slice, int window, AttributionOutput out) {
        judge(slice, window, rules.early, true, out);
    }

    private void judge(Slice slice, int window, long limit, boolean early, AttributionOutput out) {
        int[] counts = new int[slice.cells.size()];
        long[] sums = new long[2 * rules.measures * counts.length];
        SliceTable found = new SliceTable(FOUND_WIDTH);
        SliceTable table = slice.impressions;
        for (int at = 0; at < table.end(); at += table.width()) {
            if (!table.used(at) || slice.cells.window(Slice.cell(table.get(at, 2))) != window || !kept(slice, at)) {
                continue;
            }
            int cell = Slice.cell(table.get(at, 2));
            if (stands(slice, at)) {
                counts[cell]++;
                for (int measure = 0; measure < rules.measures; measure++) {
                    long value = table.get(at, rules.measuresAt() + measure);
                    SliceCells.add(sums, 2 * (cell * rules.measures + measure), value);
                }
            }
            findClicks(slice, at, limit, early, found);
        }
        tell(slice, window, early, counts, sums, found, out);
    }

    private void findClicks(Slice slice, int impression, long limit, boolean early, SliceTable found) {
        SliceTable table = slice.impressions;
        long first = table.get(impression, 0);
        long second = table.get(impression, 1);
        long shown = slice.time(table.get(impression, 2));
        long to = shown + limit;
        for (int number = bucket.firstSlice(shown - rules.skew); isUpTo(number, to); number++) {
            Slice other = bucket.slice(number);
            SliceTable clicks = other.clicks;
            if (!clicks.mayHold(first)) {
                continue;
            }
            for (int at = clicks.first(first); clicks.used(at); at = clicks.next(at)) {
                if (!clicks.is(at, first, second)
                        || !rules.counts(other.time(clicks.get(at, 2)), clicks.get(at, 5), shown, limit)
                        || !kept(other, clicks.get(at, 3), clicks.get(at, 4), clicks.get(at, 2), textOf(clicks, at))) {
                    continue;
                }
                boolean valid = early || rules.dedup == 0 || isFirst(slice, impression, other, at);
                put(found, clicks.get(at, 3), clicks.get(at, 4), Slice.cell(table.get(impression, 2)), valid);
            }
        }
    }

    private int textOf(SliceTable clicks, int at) {
        return rules.judged() ? (int) clicks.get(at, 6) : 0;
    }

    private static void put(SliceTable found, long first, long second, int cell, boolean valid) {
        for (int at = found.first(first); found.used(at); at = found.next(at)) {
            if (found.is(at, first, second) && found.get(at, 2) == cell + 1) {
                if (valid) {
                    found.set(at, 3, 1);
                }
                return;
            }
        }
        int at = found.add(first, second, cell + 1);
        found.set(at, 3, valid ? 1 : 0);
    }

    /** Whether an impression is the one of its id and cell that is counted, and whose measures are added. */
    private boolean stands(Slice slice, int impression) {
        SliceTable table = slice.impressions;
        long stamp = table.get(impression, 2);
        long first = table.get(impression, 0);
        for (int at = table.first(first); table.used(at); at = table.next(at)) {
            if (at != impression
                    && table.is(at, first, table.get(impression, 1))
                    && Slice.cell(table.get(at, 2)) == Slice.cell(stamp)
                    && standsBefore(table, at, impression)
                    && kept(slice, at)) {
                return false;
            }
        }
        return true;
    }

    private boolean standsBefore(SliceTable table, int at, int other) {
        if (table.get(at, 2) != table.get(other, 2)) {
            return table.get(at, 2) < table.get(other, 2);
        }
        for (int word = rules.measuresAt(); word < table.width(); word++) {
            if (table.get(at, word) != table.get(other, word)) {
                return table.get(at, word) < table.get(other, word);
            }
        }
        return at < other;
    }

    /** Whether an impression counts where ids are unique. */
    private boolean kept(Slice slice, int impression) {
        if (rules.unique == 0) {
            return true;
        }
        SliceTable own = slice.impressions;
        long first = own.get(impression, 0);
        long second = own.get(impression, 1);
        long time = slice.time(own.get(impression, 2));
        for (int number = bucket.firstSlice(time - rules.unique); isUpTo(number, time); number++) {
            Slice other = bucket.slice(number);
            SliceTable table = other.impressions;
            if (!table.mayHold(first)) {
                continue;
            }
            for (int at = table.first(first); table.used(at); at = table.next(at)) {
                if (!table.is(at, first, second)) {
                    continue;
                }
                long before = other.time(table.get(at, 2));
                if (before >= time - rules.unique && before < time
                        || before == time && content(other, at, slice, impression) < 0) {
                    return false;
                }
            }
        }
        return true;
    }

    private int content(Slice slice, int impression, Slice other, int otherImpression) {
        int order = compare(
                slice.cells.rows(),
                Slice.cell(slice.impressions.get(impression, 2)),
                other.cells.rows(),
                Slice.cell(other.impressions.get(otherImpression, 2)));
        if (order != 0 || !rules.keyed) {
            return order;
        }
        return compare(
                slice.keys,
                (int) slice.impressions.get(impression, 3),
                other.keys,
                (int) other.impressions.get(otherImpression, 3));
    }

    /** Whether a click counts where ids are unique. */
    private boolean kept(Slice slice, long first, long second, long stamp, int text) {
        if (rules.unique == 0) {
            return true;
        }
        long time = slice.time(stamp);
        for (int number = bucket.firstSlice(time - rules.unique); isUpTo(number, time); number++) {
            Slice other = bucket.slice(number);
            SliceTable table = other.byClick;
            if (!table.mayHold(first)) {
                continue;
            }
            for (int at = table.first(first); table.used(at); at = table.next(at)) {
                if (!table.is(at, first, second)) {
                    continue;
                }
                long before = other.time(table.get(at, 2));
                if (before >= time - rules.unique && before < time
                        || before == time
                                && compare(other.clickTexts, (int) table.get(at, 3), slice.clickTexts, text) < 0) {
                    return false;
                }
            }
        }
        return true;
    }

    /** Whether no other click of its key comes before a click. */
    private boolean isFirst(Slice slice, int impression, Slice clicked, int click) {
        SliceTable impressions = slice.impressions;
        SliceTable clicks = clicked.clicks;
        int keyNumber = rules.keyed ? (int) impressions.get(impression, 3) : 0;
        bucket.dedupKey(
                slice, impressions.get(impression, 0), impressions.get(impression, 1), keyNumber, clicks.get(click, 3), hasher);
        long first = hasher.first;
        long second = hasher.second;
        long time = clicked.time(clicks.get(click, 2));
        for (int number = bucket.firstSlice(time - rules.dedup); isUpTo(number, time); number++) {
            Slice other = bucket.slice(number);
            SliceTable pairs = other.pairs;
            if (!pairs.mayHold(first)) {
                continue;
            }
            for (int at = pairs.first(first); pairs.used(at); at = pairs.next(at)) {
                if (!pairs.is(at, first, second)) {
                    continue;
                }
                long before = other.time(pairs.get(at, 2));
                boolean comesBefore = before >= time - rules.dedup && before < time
                        || before == time
                                && compareIds(other, (int) pairs.get(at, 5), clicked, (int) clicks.get(click, 6)) < 0;
                if (comesBefore && pairKept(other, at)) {
                    return false;
                }
            }
        }
        return true;
    }

    private boolean pairKept(Slice clicked, int pair) {
        if (rules.unique == 0) {
            return true;
        }
        SliceTable pairs = clicked.pairs;
        if (!kept(clicked, pairs.get(pair, 3), pairs.get(pair, 4), pairs.get(pair, 2), (int) pairs.get(pair, 5))) {
            return false;
        }
        Slice slice = bucket.slice(bucket.firstSlice(pairs.get(pair, 8)));
        SliceTable table = slice.impressions;
        for (int at = table.first(pairs.get(pair, 6)); table.used(at); at = table.next(at)) {
            if (table.is(at, pairs.get(pair, 6), pairs.get(pair, 7))
                    && table.get(at, 2) == pairs.get(pair, 9)
                    && (!rules.keyed || table.get(at, 3) == pairs.get(pair, 10))) {
                return kept(slice, at);
            }
        }
        return false;
    }

    private boolean isUpTo(int number, long time) {
        return number < bucket.sliceCount() && bucket.slice(number).start <= time;
    }

    private static int compareIds(Slice slice, int text, Slice other, int otherText) {
        byte[] bytes = slice.clickTexts.bytes();
        byte[] others = other.clickTexts.bytes();
        int at = slice.clickTexts.begin(text) + SliceRow.RESERVED;
        int otherAt = other.clickTexts.begin(otherText) + SliceRow.RESERVED;
        int end = at + 4 + SliceRow.getInt(bytes, at);
        int otherEnd = otherAt + 4 + SliceRow.getInt(others, otherAt);
        return Arrays.compareUnsigned(bytes, at + 4, end, others, otherAt + 4, otherEnd);
    }

    /** Column by column: the number of characters decides, then the bytes; NULL is like an empty text. */
    private static int compare(SliceTexts texts, int row, SliceTexts others, int otherRow) {
        byte[] bytes = texts.bytes();
        byte[] otherBytes = others.bytes();
        int at = texts.begin(row) + SliceRow.RESERVED;
        int otherAt = others.begin(otherRow) + SliceRow.RESERVED;
        int end = texts.end(row);
        while (at < end) {
            int from = at + 4;
            int otherFrom = otherAt + 4;
            at = from + Math.max(0, SliceRow.getInt(bytes, at));
            otherAt = otherFrom + Math.max(0, SliceRow.getInt(otherBytes, otherAt));
            int order = Integer.compare(characters(bytes, from, at), characters(otherBytes, otherFrom, otherAt));
            if (order == 0) {
                order = Arrays.compareUnsigned(bytes, from, at, otherBytes, otherFrom, otherAt);
            }
            if (order != 0) {
                return order;
            }
        }
        return 0;
    }

    private static int characters(byte[] bytes, int from, int to) {
        int count = 0;
        for (int at = from; at < to; at++) {
            if ((bytes[at] & 0xc0) != 0x80) {
                count++;
            }
        }
        return count;
    }

    /** A part for each cell, with its first click, and another one for each further click. */
    private void tell(
            Slice slice, int window, boolean early, int[] counts, long[] sums, SliceTable found, AttributionOutput out) {
        int[] last = new int[counts.length];
        int[] before = new int[found.size() + 1];
        int[] places = new int[found.size() + 1];
        int number = 0;
        for (int at = 0; at < found.end(); at += found.width()) {
            if (found.used(at)) {
                int cell = (int) found.get(at, 2) - 1;
                number++;
                places[number] = at;
                before[number] = last[cell];
                last[cell] = number;
            }
        }
        for (int cell = 0; cell < counts.length; cell++) {
            if (counts[cell] == 0 || slice.cells.window(cell) != window) {
                continue;
            }
            int click = last[cell];
            out.closed(early, slice, cell, counts[cell], sums, click > 0, hash(found, places[click]), valid(found, places[click]));
            while (click > 0 && before[click] > 0) {
                click = before[click];
                out.closed(early, slice, cell, 0, null, true, hash(found, places[click]), valid(found, places[click]));
            }
        }
    }

    private static long hash(SliceTable found, int at) {
        return found.get(at, 0);
    }

    private static boolean valid(SliceTable found, int at) {
        return found.width() < FOUND_WIDTH || found.get(at, 3) == 1;
    }
}
