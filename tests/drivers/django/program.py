"""Django: makemigrations, migrate, models, queries, transactions, inspectdb.

Django's own tables keep their generated keys: they live on one shard. Models of one shard key use
composite primary keys.
"""
import io
import os
import sys
import tempfile
import types
import uuid

import django
from django.conf import settings
from django.core.management import call_command
from scenario import run_parts, say

FOLDER = tempfile.mkdtemp()
sys.path.insert(0, FOLDER)
os.mkdir(os.path.join(FOLDER, "shop_migrations"))
open(os.path.join(FOLDER, "shop_migrations", "__init__.py"), "w").close()
sys.modules["shop"] = types.ModuleType("shop")
sys.modules["shop"].__path__ = [FOLDER]
sys.modules["shop"].__file__ = os.path.join(FOLDER, "__init__.py")

settings.configure(
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions", "shop"],
    DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "NAME": os.environ["PGDATABASE"],
                           "DISABLE_SERVER_SIDE_CURSORS": os.environ.get("CURSORS") == "no"}},
    MIGRATION_MODULES={"shop": "shop_migrations"}, USE_TZ=True, SECRET_KEY="x")
django.setup()

from django.contrib.auth.models import User as Account  # noqa: E402
from django.contrib.sessions.backends.db import SessionStore  # noqa: E402
from django.db import IntegrityError, connection, models, transaction  # noqa: E402
from django.db.models import Avg, Count, F, Q, Sum  # noqa: E402


class User(models.Model):
    user_id = models.BigIntegerField(primary_key=True)
    email = models.CharField(max_length=100, db_index=True)
    country = models.CharField(max_length=2, null=True)
    score = models.IntegerField(default=0)
    profile = models.JSONField(default=dict)
    photo = models.BinaryField(null=True)
    joined = models.DateTimeField(null=True)

    class Meta:
        app_label, db_table = "shop", "users"


class Order(models.Model):
    pk = models.CompositePrimaryKey("user_id", "order_id")
    user = models.ForeignKey(User, models.CASCADE)
    order_id = models.UUIDField(default=uuid.uuid4)
    amount = models.DecimalField(max_digits=12, decimal_places=2)

    class Meta:
        app_label, db_table = "shop", "orders"


class Item(models.Model):
    pk = models.CompositePrimaryKey("user_id", "order_id", "line")
    user = models.ForeignKey(User, models.CASCADE)
    order_id = models.UUIDField()
    line = models.IntegerField()
    sku = models.CharField(max_length=20)
    quantity = models.IntegerField()

    class Meta:
        app_label, db_table = "shop", "items"
        constraints = [models.CheckConstraint(condition=Q(quantity__gt=0), name="some")]


def migrate(_):
    out = io.StringIO()
    call_command("makemigrations", "shop", stdout=out)
    call_command("migrate", verbosity=1, stdout=out)
    say("migrate", out.getvalue().replace(FOLDER, ""))
    out = io.StringIO()
    call_command("showmigrations", stdout=out)
    say("showmigrations", out.getvalue())
    say("tables", sorted(connection.introspection.table_names()))


def second_migration(_):
    User.add_to_class("nick", models.CharField(max_length=20, default="none"))
    out = io.StringIO()
    call_command("makemigrations", "shop", stdout=out)
    call_command("migrate", stdout=out)
    say("second migration", out.getvalue().replace(FOLDER, ""))
    call_command("migrate", "shop", "0001", verbosity=0)
    call_command("migrate", verbosity=0)
    say("back and forth", connection.introspection.get_table_description(connection.cursor(), "users")[-1].name)


def creating(_):
    User.objects.bulk_create([User(user_id=n, email=f"u{n}@x", country="FR" if n % 2 else None,
                                   profile={"n": n, "ü": [None]}, photo=b"\x00\xff") for n in range(1, 41)])
    for n in range(1, 21):
        with transaction.atomic():
            order = Order.objects.create(user_id=n, order_id=uuid.UUID(int=n), amount=n)
            Item.objects.create(user_id=n, order_id=order.order_id, line=1, sku="apple", quantity=n)
    say("count", (User.objects.count(), Order.objects.count(), Item.objects.count()))


def reading(_):
    user = User.objects.get(pk=7)
    say("get", (user.email, user.country, user.profile, bytes(user.photo)))
    say("get by a composite key", Order.objects.get(pk=(3, uuid.UUID(int=3))).amount)
    say("filter", list(User.objects.filter(user_id__in=[1, 5, 99]).order_by("user_id").values_list("user_id", "email")))
    say("join", list(Order.objects.filter(user_id=3).select_related("user").values_list("user__email", "amount")))
    say("join over shards", list(Order.objects.select_related("user").order_by("user_id").values_list("user__email", "amount")))
    say("prefetch", [(u.pk, [o.amount for o in u.order_set.all()])
                     for u in User.objects.filter(pk__lt=5).order_by("pk").prefetch_related("order_set")])
    say("aggregate", Order.objects.aggregate(Sum("amount"), Avg("amount"), Count("order_id")))
    say("annotate", list(User.objects.values("country").annotate(n=Count("user_id")).order_by("country")))
    say("slice", list(User.objects.order_by("-user_id")[3:6].values_list("user_id", flat=True)))
    say("json", list(User.objects.filter(profile__n=5).values_list("user_id", flat=True)))
    say("exists", (User.objects.filter(email="u9@x").exists(), User.objects.filter(email="nobody").exists()))
    say("iterator", [u.pk for u in User.objects.order_by("pk").iterator(chunk_size=10)])


def writing(_):
    say("update", User.objects.filter(country="FR").update(score=F("score") + 5))
    user, created = User.objects.get_or_create(user_id=60, defaults={"email": "new@x"})
    say("get or create", (created, User.objects.get_or_create(user_id=60, defaults={"email": "other@x"})[1]))
    say("update or create", User.objects.update_or_create(user_id=60, defaults={"email": "newer@x"})[1])
    User.objects.bulk_create([User(user_id=n, email="up@x") for n in (60, 61, 62)], update_conflicts=True,
                             unique_fields=["user_id"], update_fields=["email"])
    users = list(User.objects.filter(pk__gte=60))
    for user in users:
        user.score = user.pk
    say("bulk update", User.objects.bulk_update(users, ["score"]))
    say("delete", User.objects.get(user_id=20).delete())
    say("what was written", list(User.objects.filter(pk__gte=19).order_by("pk").values_list("pk", "email", "score")))


def transactions(_):
    with transaction.atomic():
        User.objects.select_for_update().get(pk=1)
        User.objects.filter(pk=1).update(score=900)
        try:
            with transaction.atomic():
                User.objects.create(user_id=2, email="twice")
        except IntegrityError as e:
            say("error in a savepoint", str(e).splitlines()[0])
        User.objects.filter(pk=3).update(score=900)
    say("savepoint", list(User.objects.filter(score=900).order_by("pk").values_list("pk", flat=True)))
    try:
        with transaction.atomic():
            User.objects.filter(pk__in=(1, 3)).update(score=901)
            raise RuntimeError
    except RuntimeError:
        say("rollback", User.objects.filter(score=901).count())


def accounts(_):
    account = Account.objects.create_user("ann", password="secret")
    say("an account", (account.pk, account.check_password("secret"), Account.objects.get(username="ann").groups.count()))
    session = SessionStore()
    session["cart"] = [1, 2]
    session.save()
    say("a session", SessionStore(session_key=session.session_key)["cart"])


def introspection(_):
    out = io.StringIO()
    call_command("inspectdb", "users", "items", stdout=out)
    say("inspectdb", out.getvalue())


def raw(_):
    with connection.cursor() as cursor:
        cursor.execute("SELECT email FROM users WHERE user_id = %s", [7])
        say("raw", cursor.fetchall())
        cursor.executemany("UPDATE users SET score = %s WHERE user_id = %s", [(n, n) for n in range(30, 35)])
    say("raw query set", [u.email for u in User.objects.raw("SELECT * FROM users WHERE user_id = %s", [30])])


def backwards(_):
    call_command("migrate", "shop", "zero", verbosity=0)
    say("migrated back", sorted(connection.introspection.table_names()))


run_parts(None, (migrate, creating, reading, writing, transactions, accounts, introspection, raw, second_migration, backwards))
