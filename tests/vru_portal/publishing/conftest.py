import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission

from tests.support.factories import UserFactory


@pytest.fixture
def editor():
    return UserFactory()


@pytest.fixture
def publisher(editor):
    editor.user_permissions.add(Permission.objects.get(codename="publish"))
    return get_user_model().objects.get(pk=editor.pk)
