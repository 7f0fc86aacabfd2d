from typing import Any

from django.db import models


def related_manager(model: type[models.Model], relation: str) -> Any:
    """The default manager of the model at the other end of a relation.

    Models import the modules of their querysets, so a queryset cannot import the models that its own is related to
    without a cycle: it finds them through the relation.
    """
    related: Any = model._meta.get_field(relation).related_model
    return related._default_manager
