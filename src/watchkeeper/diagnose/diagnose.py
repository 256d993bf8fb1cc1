"""From an alert to ranked causes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from math import exp

from watchkeeper.compare.usual_rates import UsualRates
from watchkeeper.core.alert import Alert, Cause
from watchkeeper.core.diagnosis import Attribution, Diagnosis, Hypothesis, HypothesisKind, Onset, WorstSegment
from watchkeeper.core.measurement import Measurement
from watchkeeper.core.schema import Role
from watchkeeper.core.spec import Spec
from watchkeeper.core.statement import Statement, StatementCode
from watchkeeper.core.window import Window
from watchkeeper.diagnose.answers import AnswerShift
from watchkeeper.diagnose.case import Case, Finding, weight_of
from watchkeeper.diagnose.change_point import change_point
from watchkeeper.diagnose.drop import drop_by_features, drop_by_segments
from watchkeeper.diagnose.faults import Fault, data_faults, feature_faults
from watchkeeper.diagnose.labels import SPOILT, label_faults
from watchkeeper.diagnose.latency import latency_finding
from watchkeeper.diagnose.loss_rise import OVERLAP, LossRise, concept_finding, loss_rise
from watchkeeper.diagnose.release import Switch, Versus, same_versions, switch_near, versions_apart
from watchkeeper.diagnose.relevance import about, by_itself, relevant, subjects_of
from watchkeeper.diagnose.sampled import States, sampled, segment_columns
from watchkeeper.diagnose.shifts import Mix, Moved, moved, segment_mix
from watchkeeper.diagnose.together import moved_together
from watchkeeper.diagnose.worst import worst_segments

__all__ = ["diagnose", "findings_of", "onset_of", "ranked"]

SCALE = 0.6
"""Log odds per unit of weight, fitted on planted causes."""

IN_DOUBT = 1.0
"""Weight of not knowing: that of an effect two thirds as large as what is tolerated."""

_EXPLAINED = 3.0
"""Weight lost by a cause whose signs another cause, found for itself, brings about."""

_TOLERATED = 0.05
_CORRELATED = 0.1
"""Change of a correlation that does not matter."""

_STEP = 1.0

_MOVES = {
    False: (StatementCode.COLUMN_MOVED, StatementCode.CORRELATION),
    True: (StatementCode.COLUMN_MOVED_IN_SEGMENTS, StatementCode.CORRELATION_IN_SEGMENTS),
}
"""What states that columns moved, by whether segments are declared."""


def diagnose(
    alert: Alert,
    spec: Spec,
    reference: States,
    current: States,
    *,
    history: Iterable[Measurement] = (),
    versions: Mapping[Window, Mapping[str, int]] | None = None,
    effects: Mapping[str, float] | None = None,
    rates: Mapping[str, UsualRates] | None = None,
    attributed: bool = True,
    seed: int = 0,
) -> Diagnosis:
    """Return what an alert may come from, the likeliest cause first, with evidence and confidence.

    Looked for, in this order: a fault of the data; other traffic; other rows inside segments; other labels at equal
    features; a fault of the labels; a release; the runtime. What an earlier cause brings about does not count for a
    later one: drift that follows from the shares of segments is no covariate shift, rows with a fault are left out
    before labels are compared, a new version that answers otherwise explains a loss that rose at equal features. What
    explains another alert of the same windows is left to that and told in the notes.

    Confidences are the weights of the findings through a softmax whose scale was fitted on planted causes, alone and in
    pairs of which the larger counted as right (see docs/diagnosis.md): of a cause that is alone they say too little
    rather than too much, and they know nothing of causes that leave no trace in the log.

    Parameters
    ----------
    alert
        What to explain; its evidence names the series and its times the windows.
    reference, current
        States by (segment, column): of the reference, and of all windows since the alert began together.
    history
        Measurements of windows before and since, of any series.
    versions
        Rows by window and version, from before the change on.
    effects, rates
        Design effect, and how large the rates of faults get by themselves, by column.
    attributed
        Whether to attribute the rise of the loss and to search for the worst segments too. Without, where only one
        version answers, nothing is said of answers at equal features, nor of labels unless the alert is about them.
    seed
        Of what is drawn: orders, permutations and blocks.
    """
    onset = onset_of(alert, history)
    answered = {version for rows in (versions or {}).values() for version in rows}
    thorough = attributed or len(answered) > 1
    case = Case(
        alert, spec, reference, current, tuple(history), versions or {}, effects or {}, onset, thorough, rates or {}
    )
    found, rise, mix, drifted = findings_of(case)
    findings, others = relevant(case, found, feature_faults(case))
    findings += by_itself(case, findings, {m.column for m in drifted})
    since = onset.at if onset else alert.since
    hypotheses = tuple(replace(h, since=since) for h in ranked(findings))
    attributions: tuple[Attribution, ...] = ()
    worst: tuple[WorstSegment, ...] = ()
    of_labels = (s.code for f in found if f.kind is HypothesisKind.LABEL_FAULT for s in f.evidence)
    spoilt = any(code in SPOILT for code in of_labels)
    if attributed and rise.loss and not spoilt:
        named = [c for f in found if f.kind is HypothesisKind.COVARIATE_SHIFT for c in f.columns]
        farthest = sorted(drifted, key=lambda m: -m.distance)
        attributions = _attributions(case, rise, mix, [*named, *(m.column for m in farthest)])
        worst = worst_segments(rise.rows0.labelled(), rise.rows.labelled(), spec.schema, seed=seed)
    elsewhere = sorted((f for f in others if f.weight > IN_DOUBT), key=lambda f: -f.weight)
    note = Statement(StatementCode.LABELS_SPOILT) if spoilt and attributed else rise.note
    notes = (*((note,) if note else ()), *(about(f) for f in elsewhere))
    return Diagnosis(alert.id, alert.model, hypotheses, onset, attributions, worst, notes)


def onset_of(alert: Alert, history: Iterable[Measurement]) -> Onset | None:
    """Return when the series of an alert changed; the alert's own start where the series do not tell."""
    series = {signal.measurement.series for signal in alert.evidence if signal.fired}
    kept = [m for m in history if m.series in series]
    until = next((s.measurement.window for s in alert.evidence if s.measurement.window is not None), None)
    found = change_point(kept, until=until)
    if found is not None:
        return found
    return Onset(alert.since, alert.since, alert.since) if alert.since else None


def findings_of(case: Case) -> tuple[list[Finding], LossRise, Mix | None, list[Moved]]:
    """Return what speaks for each cause, after what explains what, and what it was found with."""
    schema = case.spec.schema
    faults = feature_faults(case)
    mixes = segment_mix(case)
    mix = mixes[0] if mixes else None
    column = mix.column if mix else next(iter(segment_columns(schema)), "")
    rise = loss_rise(case, faults, column)
    drifted = moved(case, mix if mix and mix.lower > 0 else None)
    releases = _released(case, rise)
    broken = _harming(case, data_faults(case), rise, releases)
    found = [*_nudged(case, broken, Cause.DATA_FAULT, HypothesisKind.DATA_FAULT)]
    found += _nudged(case, _mixed(case, mix, drifted, rise), Cause.TRAFFIC_MIX, HypothesisKind.TRAFFIC_MIX)
    found += _shifted(case, drifted, faults, rise)
    labels, concept = label_faults(case, rise.rows), concept_finding(case, rise)
    if concept is not None:
        spoilt = any(f.weight >= concept.weight for f in labels)
        explained = spoilt + any(f.harm != 0 for f in labels) + any(f.weight > concept.weight / 2 for f in releases)
        found.append(replace(concept, weight=concept.weight - _EXPLAINED * explained))
    found += [*labels, *releases]
    latency = latency_finding(case)
    return found + ([latency] if latency else []), rise, mix, drifted


def _nudged(case: Case, findings: list[Finding], cause: Cause, kind: HypothesisKind) -> list[Finding]:
    """Give the findings that the alert's own cause speaks for a little more weight."""
    if case.alert.cause is not cause:
        return findings
    return [replace(f, weight=f.weight + _STEP) if f.kind is kind else f for f in findings]


def _harming(case: Case, found: list[Finding], rise: LossRise, releases: list[Finding]) -> list[Finding]:
    """Return faults of features with the share of a rise of the loss that their rows can make up."""
    features = {column.name for column in case.spec.schema.features}
    told = []
    for finding in found:
        name = finding.columns[0] if finding.columns else ""
        if name in rise.faulty:
            told.append(replace(finding, harm=rise.share(*rise.faulty[name])))
        elif name in features and releases and releases[0].left is not None:
            told.append(replace(finding, harm=releases[0].left))
        else:
            told.append(finding)
    return told


def _part(case: Case, rise: LossRise, name: str) -> tuple[float, tuple[Statement, ...], float | None]:
    """Return the share of a surely risen loss that one part makes up, what states it, and the most it can be."""
    if rise.parts is None or not case.harmful:
        return 0.0, (), None
    causes = rise.parts.causes
    if causes.total <= 2 * (causes.error or 0.0):
        return 0.0, (), None
    part = rise.parts.part(name)
    if rise.overlap < OVERLAP and name != "traffic mix":
        # What rows that the reference never had would lose is not known.
        return 0.0, (Statement(StatementCode.NOT_COMPARABLE, value=float(rise.overlap)),), None
    share = min(1.0, max(0.0, part.value / causes.total))
    stated = Statement(
        StatementCode.PART_OF_LOSS, (), (rise.loss, name), float(part.value), float(causes.before), float(causes.after)
    )
    return share, (stated,), rise.share(part.value, part.error or 0.0)


def _mixed(case: Case, mix: Mix | None, drifted: list[Moved], rise: LossRise) -> list[Finding]:
    if mix is None or mix.lower <= 0:
        return []
    share, of_loss, harm = _part(case, rise, "traffic mix")
    weight = weight_of(mix.lower, _TOLERATED) + 2 * share
    evidence = [
        Statement(
            StatementCode.SEGMENT_SHARE, (mix.column,), (s,),
            before=float(mix.before.get(s, 0.0)), after=float(mix.now[s]),
        )
        for s in mix.risen[:3]
        if abs(mix.now[s] - mix.before.get(s, 0.0)) > 0.01
    ]  # fmt: skip
    through = [m for m in drifted if m.lower > 0 and m.lower_within == 0 and m.column != mix.column]
    if through:
        evidence.append(Statement(StatementCode.MOVED_BY_MIX_ONLY, tuple(m.column for m in through[:5])))
    lead = tuple(s for s in mix.risen if abs(mix.now[s] - mix.before.get(s, 0.0)) > mix.distance / 3)
    touched = tuple(m.column for m in drifted if m.within <= m.distance / 2)
    stated = (*evidence, *of_loss)
    return [Finding(HypothesisKind.TRAFFIC_MIX, weight, (mix.column,), lead, stated, touches=touched, harm=harm)]


def _shifted(case: Case, drifted: list[Moved], faults: list[Fault], rise: LossRise) -> list[Finding]:
    faulty = {f.column for f in faults}
    left = [m for m in drifted if m.column not in faulty and m.lower_within > 0]
    features = [c for c in case.spec.schema.features if c.name not in faulty]
    # How columns go together matters where a loss rose, or where the alert is about that.
    names = {column.name for column in case.spec.schema.features}
    asked = case.alert.cause is Cause.JOINT_DRIFT or any(s.column not in names for s in subjects_of(case.alert))
    asked |= case.harmful
    pairs = moved_together(features, rise.rows0, rise.rows) if asked else []
    if not left and not pairs:
        return []
    share, of_loss, harm = _part(case, rise, "covariate shift")
    most = left[0].within if left else 0.0
    named = [m for m in left if m.within > most / 2]
    moved_by, correlation = _MOVES[bool(segment_columns(case.spec.schema))]
    single = [Statement(moved_by, (m.column,), value=float(m.within)) for m in named]
    joint = [Statement(correlation, p.columns, before=float(p.before), after=float(p.now)) for p in pairs[:2]]
    weights = [weight_of(m.lower_within, _TOLERATED) for m in left[:1]]
    weights += [weight_of(p.lower, _CORRELATED) for p in pairs[:1]]
    alone, both = [m.column for m in named], [c for p in pairs for c in p.columns]
    leads = case.alert.cause is Cause.JOINT_DRIFT or (case.harmful and weights[-1] > weights[0]) or not named
    if leads:
        moves, columns = [*joint, *single], dict.fromkeys((*both[:2], *alone))
    else:
        moves, columns = [*single, *joint], dict.fromkeys((*alone, *both[:2]))
    evidence = (moves[0], *of_loss, *moves[1:])
    touched = tuple(dict.fromkeys((*(m.column for m in left), *both)))
    weight = max(weights) + 2 * share
    kind = HypothesisKind.COVARIATE_SHIFT
    return [Finding(kind, weight, tuple(columns), (), evidence, touches=touched, harm=harm)]


def _released(case: Case, rise: LossRise) -> list[Finding]:
    """Return the finding that another version answers, or that answers changed without one."""
    answers = rise.answers
    shifted = weight_of(answers.lower, _TOLERATED) if answers and rise.overlap >= _TOLERATED else 0.0
    differ = [_answers_differ(answers)] if answers and shifted else []
    switch = switch_near(case.versions, case.onset)
    column = case.spec.schema.name_of(Role.VERSION)
    columns = (column,) if column else ()
    if switch is None:
        # A version that the reference does not know came earlier, and is in the log.
        if shifted <= 0 or (column and not same_versions(rise.rows0, rise.rows, case.spec.schema)):
            return []
        unlogged = (*differ, Statement(StatementCode.NO_RELEASE_LOGGED))
        return [Finding(HypothesisKind.RELEASE, shifted - 1.0, columns, (), unlogged)]
    evidence = [_version_share(switch)]
    weight = 1.0 + 2 * switch.rise + min(shifted, 4.0)
    if answers and not shifted and rise.overlap >= _TOLERATED:
        weight -= _EXPLAINED
        evidence.append(Statement(StatementCode.ANSWERS_ALIKE, (answers.column,)))
    else:
        evidence += differ
    rows = sampled(case.current, case.spec.schema, rise.loss).labelled() if rise.loss else rise.rows
    versus, harm, left = versions_apart(rows, case.spec.schema, switch.version), None, None
    if versus is not None:
        worse = versus.z > 3
        weight += 2.0 if worse else -_EXPLAINED if versus.z < 1 else 0.0
        evidence.append(_version_loss(rise.loss, versus))
        harm = rise.share(switch.share * (versus.new - versus.others), switch.share * versus.error)
        least = rise.share(switch.share * (versus.new - versus.others), -switch.share * versus.error)
        left = None if least is None else 1 - least
    return [Finding(HypothesisKind.RELEASE, weight, columns, (), tuple(evidence), harm=harm, left=left)]


def _answers_differ(answers: AnswerShift) -> Statement:
    return Statement(StatementCode.ANSWERS_DIFFER, (answers.column,), value=float(answers.distance))


def _version_share(switch: Switch) -> Statement:
    before, after = float(switch.share0), float(switch.share)
    return Statement(StatementCode.VERSION_SHARE, names=(switch.version,), before=before, after=after, at=switch.at)


def _version_loss(loss: str, versus: Versus) -> Statement:
    before, after = float(versus.others), float(versus.new)
    return Statement(StatementCode.VERSION_LOSS, names=(loss,), before=before, after=after)


def _attributions(case: Case, rise: LossRise, mix: Mix | None, order: list[str]) -> tuple[Attribution, ...]:
    if rise.parts is None:
        return ()
    by_segments = drop_by_segments(rise.parts) if mix is not None and len(rise.parts.changes) > 1 else None
    by_features = drop_by_features(
        rise.rows0.labelled(), rise.rows.labelled(), case.spec.schema, rise.parts.causes, list(dict.fromkeys(order))
    )
    return tuple(a for a in (rise.parts.causes, by_segments, by_features) if a is not None)


def ranked(findings: Iterable[Finding], *, scale: float = SCALE, in_doubt: float = IN_DOUBT) -> list[Hypothesis]:
    """Return one hypothesis for each kind and place, the likeliest first, with confidences that add up to 1.

    c_i = e^(s·w_i) / (e^(s·u) + Σ_j e^(s·w_j)), w the weights and u that of not knowing.
    """
    order = list(HypothesisKind)
    doubt = Finding(HypothesisKind.UNKNOWN, in_doubt, evidence=(Statement(StatementCode.NOTHING_ELSE),))
    held = [f for f in findings if f.weight > 0]
    held = sorted([*held, doubt], key=lambda f: (-f.weight, order.index(f.kind), f.columns))
    top = held[0].weight
    odds = [exp(scale * (f.weight - top)) for f in held]
    return [
        Hypothesis(f.kind, o / sum(odds), f.columns, f.segments, None, f.evidence, f.measurements)
        for f, o in zip(held, odds, strict=True)
    ]
