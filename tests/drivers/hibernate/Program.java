import jakarta.persistence.*;
import java.math.BigDecimal;
import java.time.Instant;
import java.util.*;
import org.hibernate.Session;
import org.hibernate.SessionFactory;
import org.hibernate.cfg.Configuration;

/** Hibernate: schema creation and update, entities with composite keys, HQL, criteria, locks, batches. */
public final class Program {
    @Entity(name = "User")
    @Table(name = "users", indexes = @Index(name = "users_by_email", columnList = "email"))
    public static class User {
        @Id @Column(name = "user_id") public Long userId;
        @Column(nullable = false, length = 100) public String email;
        public int score;
        @Version public int version;
        public String country;
        public byte[] photo;
        public Instant joined;
        @OneToMany(mappedBy = "user", cascade = CascadeType.ALL, orphanRemoval = true) @OrderBy("amount")
        public List<Order> orders = new ArrayList<>();
    }

    @Embeddable
    public record OrderKey(@Column(name = "user_id") Long userId, @Column(name = "order_id") UUID orderId) {}

    @Entity(name = "Order")
    @Table(name = "orders")
    public static class Order {
        @EmbeddedId public OrderKey key;
        @ManyToOne(fetch = FetchType.LAZY) @MapsId("userId") @JoinColumn(name = "user_id") public User user;
        @Column(precision = 12, scale = 2) public BigDecimal amount;
    }

    static User user(long id) {
        User u = new User();
        u.userId = id;
        u.email = "u" + id;
        u.country = id % 2 == 0 ? "FR" : null;
        u.photo = new byte[] {0, -1};
        u.joined = Instant.parse("2024-01-01T00:00:00.123456Z");
        return u;
    }

    static SessionFactory factory(String ddl) {
        Configuration c = new Configuration().addAnnotatedClass(User.class).addAnnotatedClass(Order.class);
        c.setProperty("hibernate.connection.url", Scenario.url());
        c.setProperty("hibernate.connection.username", System.getenv("PGUSER"));
        c.setProperty("hibernate.connection.password", System.getenv("PGPASSWORD"));
        c.setProperty("hibernate.hbm2ddl.auto", ddl);
        c.setProperty("hibernate.hbm2ddl.halt_on_error", "true");
        c.setProperty("hibernate.jdbc.batch_size", "20");
        c.setProperty("hibernate.order_inserts", "true");
        return c.buildSessionFactory();
    }

    static void writing(SessionFactory f) {
        f.inTransaction(s -> {
            for (long i = 1; i <= 30; i++) s.persist(user(i));
        });
        for (long i = 1; i <= 10; i++) {
            long id = i;
            f.inTransaction(s -> {
                Order o = new Order();
                o.user = s.find(User.class, id);
                o.key = new OrderKey(id, new UUID(0, id));
                o.amount = BigDecimal.valueOf(id * 25, 2);
                o.user.orders.add(o);
            });
        }
        f.inTransaction(s -> {
            s.find(User.class, 5L).email = "changed";
            s.remove(s.find(User.class, 10L));
            s.merge(user(40L));
        });
        Scenario.say("bulk update", f.fromTransaction(s -> s.createMutationQuery("update User set score = score + 3 where country = :c").setParameter("c", "FR").executeUpdate()));
        Scenario.say("bulk delete", f.fromTransaction(s -> s.createMutationQuery("delete User where userId > 35").executeUpdate()));
        try {
            f.inTransaction(s -> s.persist(user(1)));
        } catch (Exception e) {
            Scenario.say("unique violation", e.getClass().getSimpleName());
        }
    }

    static void reading(SessionFactory f) {
        f.inSession(s -> {
            User u = s.find(User.class, 7L);
            Scenario.say("find", u.email + u.score + u.version + u.country + Arrays.toString(u.photo) + u.joined + u.orders.size());
            Scenario.say("composite key", s.find(Order.class, new OrderKey(3L, new UUID(0, 3))).amount);
            Scenario.say("join fetch", s.createQuery("from User u join fetch u.orders where u.userId = :id", User.class).setParameter("id", 4L).getSingleResult().orders.size());
            Scenario.say("join over shards", s.createQuery("select u.email, o.amount from User u join u.orders o order by u.userId", Object[].class).setMaxResults(4).setFirstResult(2)
                .getResultList().stream().map(Arrays::toString).toList());
            Scenario.say("count", s.createQuery("select count(*), sum(u.score), max(u.userId) from User u", Object[].class).getSingleResult()[0]);
            Scenario.say("group by", s.createQuery("select u.country, count(*) from User u group by u.country order by u.country nulls first", Object[].class)
                .getResultList().stream().map(Arrays::toString).toList());
            Scenario.say("in", s.createQuery("select u.email from User u where u.userId in :ids order by u.userId", String.class).setParameter("ids", List.of(1L, 5L, 99L)).getResultList());
            Scenario.say("like", s.createQuery("select u.userId from User u where u.email like 'u2%' order by u.userId", Long.class).getResultList());
            Scenario.say("multi load", s.byMultipleIds(User.class).multiLoad(1L, 2L, 99L).stream().map(x -> x == null ? null : x.email).toList());
            Scenario.say("native", s.createNativeQuery("select email from users where user_id = ?1", String.class).setParameter(1, 7).getResultList());
        });
        f.inTransaction(s -> Scenario.say("pessimistic lock", s.find(User.class, 3L, LockModeType.PESSIMISTIC_WRITE).email));
        f.inTransaction(s -> Scenario.say("stream", s.createQuery("select u.userId from User u order by u.userId", Long.class).setFetchSize(5).getResultStream().toList()));
    }

    static void transactions(SessionFactory f) {
        try (Session a = f.openSession(); Session b = f.openSession()) {
            a.beginTransaction();
            b.beginTransaction();
            a.find(User.class, 1L).score = 100;
            b.find(User.class, 1L).score = 200;
            a.getTransaction().commit();
            b.getTransaction().commit();
            Scenario.say("optimistic lock", "no error");
        } catch (Exception e) {
            Scenario.say("optimistic lock", e.getClass().getSimpleName());
        }
        try {
            f.inTransaction(s -> {
                s.find(User.class, 1L).score = 300;
                s.find(User.class, 2L).score = 300;
                s.flush();
                throw new IllegalStateException();
            });
        } catch (IllegalStateException e) {
            Scenario.say("rolled back", f.fromSession(s -> s.createQuery("select count(*) from User where score = 300", Long.class).getSingleResult()));
        }
    }

    public static void main(String[] args) {
        java.util.logging.Logger.getLogger("org.hibernate").setLevel(java.util.logging.Level.OFF);
        try (SessionFactory f = factory("create")) {
            Scenario.say("create", f.getMetamodel().getEntities().size());
            Scenario.part("writing", () -> writing(f));
            Scenario.part("reading", () -> reading(f));
            Scenario.part("transactions", () -> transactions(f));
        }
        Scenario.part("update", () -> factory("update").close());
        Scenario.part("validate", () -> factory("validate").close());
        Scenario.part("drop", () -> factory("drop").close());
        Scenario.say("done", "");
    }
}
