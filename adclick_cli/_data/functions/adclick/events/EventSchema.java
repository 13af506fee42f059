package adclick.events;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;

/** All fields of an event, in the order of the table's columns: the first that is wrong gives the reason. */
final class EventSchema implements Serializable {

    private static final long serialVersionUID = 1L;

    final ArrayList<EventField> fields;
    final Verdict verdict;

    EventSchema(List<EventField> fields, Verdict verdict) {
        this.fields = new ArrayList<>(fields);
        this.verdict = verdict;
    }

    /** The position of a column's field; -1 where the column is none. */
    int position(String column) {
        for (int i = 0; i < fields.size(); i++) {
            if (fields.get(i).name.equals(column)) {
                return i;
            }
        }
        return -1;
    }

    /** By field the value of a column whose field is missing. */
    Object[] defaults() {
        return fields.stream().map(EventField::defaultValue).toArray();
    }
}
