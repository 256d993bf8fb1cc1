"""What a diagnosis states, as data: a code and the numbers and names that belong to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

__all__ = ["Statement", "StatementCode"]


class StatementCode(StrEnum):
    """What is stated; the comment says what the fields of the statement hold."""

    # Faults of rows: after and before are shares of rows.
    NO_ROWS = "no_rows"
    WINDOWS_WITHOUT_ROWS = "windows_without_rows"
    ROWS_REPEATED = "rows_repeated"
    ROWS_REPLAYED = "rows_replayed"
    # Faults of a column: value, before and after are shares of its rows, but for units and constants.
    COLUMN_MISSING = "column_missing"
    COLUMN_UNUSABLE = "column_unusable"  # names: why
    UNIT_CHANGE = "unit_change"  # kind, value, before: of the transformation; names: from which unit to which
    CONSTANT = "constant"  # value: the only one
    NULL_RATE = "null_rate"
    SILENT_DEFAULT = "silent_default"  # names: the default
    ENCODING_CHANGE = "encoding_change"
    UNSEEN_LEVELS = "unseen_levels"  # names: the levels
    OUT_OF_RANGE = "out_of_range"  # names: the range before, and that of values now; kind: dates, if these say it
    REPEATED_VALUE = "repeated_value"  # names: the value
    OTHER_STEPS = "other_steps"  # value: the step; after: the share of rows between
    # Other rows.
    SEGMENT_SHARE = "segment_share"  # names: the segment
    MOVED_BY_MIX_ONLY = "moved_by_mix_only"
    COLUMN_MOVED = "column_moved"  # value: distance of the distribution functions
    COLUMN_MOVED_IN_SEGMENTS = "column_moved_in_segments"
    CORRELATION = "correlation"
    CORRELATION_IN_SEGMENTS = "correlation_in_segments"
    # The loss: names[0] is which one; before and after are its means.
    PART_OF_LOSS = "part_of_loss"  # value: the part; names[1]: whose
    NOT_COMPARABLE = "not_comparable"  # value: share of reference rows like the current ones
    LOSS_AT_EQUAL_FEATURES = "loss_at_equal_features"  # value: the rise; margin: its 95 % half-width
    SEGMENT_LOSS = "segment_loss"  # names[0]: the segment; before: what was to be expected
    LOSS_IS_GUESS = "loss_is_guess"  # value: share of reference rows like the current ones
    # Releases.
    VERSION_SHARE = "version_share"  # names: the version; at: since when
    VERSION_LOSS = "version_loss"  # after: of the new version; before: of the others in the same time
    ANSWERS_DIFFER = "answers_differ"  # value: distance at equal features
    ANSWERS_ALIKE = "answers_alike"
    NO_RELEASE_LOGGED = "no_release_logged"
    # Labels.
    LABEL_MISSING = "label_missing"
    FEWER_LABELS = "fewer_labels"
    LABEL_ENCODING = "label_encoding"
    LABEL_LEVELS = "label_levels"
    LABELS_BEYOND = "labels_beyond"  # after and before: the largest label
    LABELS_TURNED = "labels_turned"  # after and before: the AUROC; as the first version stated it
    LABELS_OPPOSITE = "labels_opposite"  # after and before: how labels go with answers, -1 to 1
    LABELS_PERMUTED = "labels_permuted"  # the same, of classes; names: which became which
    # The runtime.
    SLOWER = "slower"  # after and before: the 95th percentile
    LIMIT_PASSED = "limit_passed"
    # How a cause and the alert belong together.
    ALERT_ITSELF = "alert_itself"
    MOVED_WITH_VERSION = "moved_with_version"
    MOVED_WITH_FAULT = "moved_with_fault"  # columns[1]: the one at fault
    NOTHING_ELSE = "nothing_else"
    # Notes.
    LABELS_SPOILT = "labels_spoilt"
    FAULT_IN_ALL_ROWS = "fault_in_all_rows"
    FAULTY_ROWS_LEFT_OUT = "faulty_rows_left_out"
    TOO_FEW_LABELS = "too_few_labels"
    OTHER_CAUSE = "other_cause"  # kind: of the cause; names: where; because: what speaks for it
    FAILED = "failed"  # names: why


@dataclass(frozen=True, slots=True)
class Statement:
    """One piece of evidence for a cause, or one note of a diagnosis.

    ``watchkeeper.words.causes.sentence`` says it.

    Parameters
    ----------
    code
        What is stated.
    columns
        The columns it is about.
    names
        Segments, versions, levels, units or losses, as the code says.
    value, before, after
        Numbers, as the code says; ``before`` is that of the reference.
    margin
        Half-width of the 95 % interval of ``value`` or ``after``.
    n
        Rows it rests on, where they are stated.
    at
        Since when.
    kind
        The kind of cause that a note is about, or of a transformation, or of a range.
    because
        What speaks for that cause.
    """

    code: StatementCode
    columns: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    value: float | None = None
    before: float | None = None
    after: float | None = None
    margin: float | None = None
    n: int = 0
    at: datetime | None = None
    kind: str = ""
    because: tuple[Statement, ...] = ()
