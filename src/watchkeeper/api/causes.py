"""What an alert comes from, and what a model does with its features."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchkeeper.api.models import spec_of
from watchkeeper.config.arguments import typed
from watchkeeper.core.alert import Alert
from watchkeeper.run.explain import find_alert, recorded_diagnoses
from watchkeeper.run.records import Records
from watchkeeper.views.explanation import Explanation
from watchkeeper.words.alerts import WordedAlert

if TYPE_CHECKING:
    from watchkeeper.run.project import Project
    from watchkeeper.views.behaviour import ModelBehaviour

__all__ = ["behaviour", "explain"]


@typed
def explain(
    project: Records, alert: str = "", model: str | None = None, *, attributed: bool = False, seed: int = 0
) -> Explanation:
    """Return what an alert comes from: ranked causes with evidence, when it began, and what the loss rose by and where.

    That is read: the run in which the alert began to fire recorded it, and later runs that knew more.

    Parameters
    ----------
    project
        An open project; see ``open_project``, or ``open_records`` to read alone.
    alert
        The id of an alert, or the beginning of it; empty for the worst that fires, else the newest.
    model
        The model; None where the configuration has only one.
    attributed
        Whether to make a diagnosis now, of the rows there are by now, and to share a rise of the loss out whatever the
        alert is about; it takes seconds and is not recorded.
    seed
        Of what is drawn on the way then, so that the same question gets the same answer.

    Raises
    ------
    ConfigError
        When there is no such model.
    UsageError
        When there is no such alert.
    """
    name = project.only(model)
    found = WordedAlert.of(find_alert(project.store.recorded(name, Alert), alert))
    if attributed:
        from watchkeeper.run.diagnoses import diagnose_again

        return Explanation(found, diagnose_again(spec_of(project, name), project.store, found, seed=seed))
    return Explanation(found, next(iter(recorded_diagnoses(project.store, name, [found])), None))


@typed
def behaviour(
    project: Project,
    prediction: str = "",
    model: str | None = None,
    *,
    version: str | None = None,
    method: str = "shapley",
    of: str = "",
    seed: int = 0,
) -> ModelBehaviour:
    """Return what a model does with its features: on rows of the reference, on rows of the newest window, and on some.

    Parameters
    ----------
    project
        An open project; see ``open_project``.
    prediction
        Id of a prediction to explain; empty for the three whose scores lie farthest from the rest.
    model
        The model; None where the configuration has only one.
    version
        The version that is asked; None for the one in charge.
    method
        ``shapley``, ``lime``, ``shap`` where that package is installed, or an explainer of another package.
    of
        The class whose probability is explained, of a model of more than two.
    seed
        Of what is drawn on the way.

    Raises
    ------
    UsageError
        When there is no version to ask, no judged window yet, or no such prediction.
    """
    from watchkeeper.run.behaviour import explain_behaviour
    from watchkeeper.views.behaviour import ModelBehaviour

    name = project.only(model)
    found = explain_behaviour(
        project.keeper(name), version=version, prediction=prediction, method=method, of=of, seed=seed
    )
    return ModelBehaviour(name, found)
