"""SQLAlchemy over psycopg 3: models, migration, unit of work, relationships, bulk statements, reflection.

The models know nothing of shards: default_shard_key distributes the tables. Only the reference
table says what it is, in the option that the runner gives.
"""
import datetime
import decimal
import os
import uuid

from scenario import run_parts, say
from sqlalchemy import (BigInteger, ForeignKey, ForeignKeyConstraint, Index, LargeBinary, Numeric, String, create_engine,
                        func, inspect, select, text, update)
from sqlalchemy.dialects.postgresql import ARRAY, INT4RANGE, JSONB, Range, insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, joinedload, mapped_column, relationship, selectinload

ORDERS = [uuid.UUID(int=n) for n in range(1, 40)]
REFERENCE = {"postgresql_with": {"mosaic.reference": "true"}} if os.environ["REFERENCE"] else {}


class Base(DeclarativeBase):
    pass


class Country(Base):
    __tablename__ = "countries"
    __table_args__ = REFERENCE
    code: Mapped[str] = mapped_column(String(2), primary_key=True)
    name: Mapped[str]


class User(Base):
    __tablename__ = "users"
    user_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    email: Mapped[str] = mapped_column(String(100))
    country_code: Mapped[str | None] = mapped_column(ForeignKey("countries.code"))
    score: Mapped[int] = mapped_column(default=0, server_default="0")
    profile: Mapped[dict | None] = mapped_column(JSONB)
    tags: Mapped[list[str] | None] = mapped_column(ARRAY(String))
    ages: Mapped[Range[int] | None] = mapped_column(INT4RANGE)
    photo: Mapped[bytes | None] = mapped_column(LargeBinary)
    country: Mapped[Country | None] = relationship()
    orders: Mapped[list["Order"]] = relationship(back_populates="user", order_by="Order.order_id")
    __table_args__ = (Index("users_by_email", "email"),)


class Order(Base):
    __tablename__ = "orders"
    user_id: Mapped[int] = mapped_column(ForeignKey("users.user_id"), primary_key=True)
    order_id: Mapped[uuid.UUID] = mapped_column(primary_key=True, server_default=text("gen_random_uuid()"))
    amount: Mapped[decimal.Decimal] = mapped_column(Numeric(12, 2))
    placed: Mapped[datetime.datetime]
    user: Mapped[User] = relationship(back_populates="orders")
    items: Mapped[list["Item"]] = relationship(cascade="all, delete-orphan", order_by="Item.line")


class Item(Base):
    __tablename__ = "items"
    __table_args__ = (ForeignKeyConstraint(["user_id", "order_id"], ["orders.user_id", "orders.order_id"]),)
    user_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    order_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sku: Mapped[str]
    quantity: Mapped[int]


def migrate(engine):
    Base.metadata.create_all(engine)
    Base.metadata.create_all(engine)  # finds them all there
    with engine.begin() as conn:
        conn.execute(text("ALTER TABLE users ADD COLUMN nick text"))
        conn.execute(text("ALTER TABLE users DROP COLUMN nick"))
    say("migrate", sorted(inspect(engine).get_table_names()))


def reflection(engine):
    found = inspect(engine)
    for table in ("countries", "users", "orders", "items"):
        say(f"columns of {table}", [(c["name"], str(c["type"]), c["nullable"]) for c in found.get_columns(table)])
        say(f"keys of {table}", (found.get_pk_constraint(table)["constrained_columns"],
                                 [(k["constrained_columns"], k["referred_table"]) for k in found.get_foreign_keys(table)]))
        say(f"indexes of {table}", [(i["name"], i["column_names"]) for i in found.get_indexes(table)])


def unit_of_work(engine):
    with Session(engine) as session, session.begin():
        session.add_all([Country(code="FR", name="France"), Country(code="DE", name="Germany")])
    for n in range(1, 21):
        with Session(engine) as session, session.begin():
            order = Order(order_id=ORDERS[n], amount=decimal.Decimal(n) / 4, placed=datetime.datetime(2024, 1, n),
                          items=[Item(line=1, sku="apple", quantity=n), Item(line=2, sku="pear", quantity=1)])
            session.add(User(user_id=n, email=f"u{n}@x", country_code="FR" if n % 2 else None, orders=[order],
                             profile={"n": n, "ü": [None, 1.5]}, tags=["a", ""], ages=Range(n, n + 10), photo=b"\x00\xff"))
    with Session(engine) as session, session.begin():
        session.add_all([User(user_id=n, email=f"u{n}@x") for n in range(21, 41)])
    with Session(engine) as session:
        say("count", session.scalar(select(func.count()).select_from(User)))


def generated_key(engine):
    with Session(engine) as session, session.begin():
        order = Order(user_id=21, amount=1, placed=datetime.datetime(2024, 1, 1))
        session.add(order)
        session.flush()
        say("generated key", isinstance(order.order_id, uuid.UUID))


def reading(engine):
    with Session(engine) as session:
        user = session.get(User, 7)
        say("get", (user.email, user.score, user.profile, user.tags, user.ages, bytes(user.photo)))
        say("lazy relationship", (user.country.name, [(o.amount, [i.sku for i in o.items]) for o in user.orders]))
    with Session(engine) as session:
        query = select(User).where(User.user_id == 3).options(joinedload(User.country), joinedload(User.orders))
        say("joined load", [(u.email, u.country.name, len(u.orders)) for u in session.scalars(query).unique()])
        query = select(User).where(User.user_id < 6).order_by(User.user_id).options(selectinload(User.orders))
        say("select-in load over shards", [(u.email, [o.amount for o in u.orders]) for u in session.scalars(query)])
        query = select(User.email, Country.name).join(Country).order_by(User.user_id).limit(5).offset(2)
        say("join, limit, offset", session.execute(query).all())
        query = (select(User.country_code, func.count(), func.sum(Order.amount)).join(Order)
                 .group_by(User.country_code).order_by(User.country_code))
        say("group by", session.execute(query).all())
        say("json", session.scalars(select(User.user_id).where(User.profile["n"].as_integer() == 5)).all())
        say("array", session.scalars(select(User.user_id).where(User.user_id.in_([1, 2, 30])).order_by(User.user_id)).all())


def writing(engine):
    with Session(engine) as session, session.begin():
        user = session.get(User, 5, with_for_update=True)
        user.email = "changed@x"
        user.orders[0].items[0].quantity = 99
        session.delete(session.get(User, 40))
    with Session(engine) as session, session.begin():
        say("bulk update", session.execute(update(User).where(User.score == 0).values(score=User.score + 1)).rowcount)
        upsert = insert(User).values([{"user_id": n, "email": "up@x"} for n in (5, 50, 51)])
        upsert = upsert.on_conflict_do_update(index_elements=["user_id"], set_={"email": upsert.excluded.email})
        say("upsert", session.execute(upsert).rowcount)
        ids = session.scalars(insert(User).returning(User.user_id),
                              [{"user_id": n, "email": f"many{n}"} for n in range(100, 200)]).all()
        say("insert many returning", sorted(ids))
    with Session(engine) as session:
        say("what was written", session.execute(select(User.user_id, User.email, User.score).order_by(User.user_id)).all())


def savepoints(engine):
    with Session(engine) as session, session.begin():
        session.get(User, 1).score = 500
        try:
            with session.begin_nested():
                session.add(User(user_id=2, email="twice"))
        except DBAPIError as e:
            say("error in a savepoint", (type(e).__name__, e.orig.sqlstate, str(e.orig).splitlines()[0]))
        session.get(User, 3).score = 500
    with Session(engine) as session:
        say("savepoint", session.scalars(select(User.user_id).where(User.score == 500).order_by(User.user_id)).all())


def streaming(engine):
    with engine.connect() as conn:
        result = conn.execution_options(stream_results=True, yield_per=30).execute(select(User.user_id).order_by(User.user_id))
        say("streamed", [len(part) for part in result.partitions()])


def isolation(engine):
    for level in ("REPEATABLE READ", "AUTOCOMMIT", "SERIALIZABLE"):
        with engine.connect().execution_options(isolation_level=level) as conn:
            say(f"isolation {level}", (conn.execute(select(User.email).where(User.user_id == 3)).all(),
                                       conn.get_isolation_level()))


def clean_up(engine):
    Base.metadata.drop_all(engine)
    say("dropped", inspect(engine).get_table_names())


def main():
    engine = create_engine("postgresql+psycopg://", pool_pre_ping=True)
    say("connect", engine.connect().connection.dbapi_connection.info.encoding)
    run_parts(engine, (migrate, reflection, unit_of_work, generated_key, reading, writing, savepoints, isolation, streaming,
                       clean_up))


main()
