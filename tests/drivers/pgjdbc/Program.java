import java.io.StringReader;
import java.io.StringWriter;
import java.sql.*;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Properties;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyManager;
import org.postgresql.util.PSQLException;

/** pgjdbc: every query mode, server-prepared statements in binary, batches, COPY, fetch size, savepoints, metadata. */
public final class Program {
    static Connection connect(String... options) throws SQLException {
        Properties p = new Properties();
        p.setProperty("user", System.getenv("PGUSER"));
        p.setProperty("password", System.getenv("PGPASSWORD"));
        for (int i = 0; i < options.length; i += 2) p.setProperty(options[i], options[i + 1]);
        return DriverManager.getConnection(Scenario.url(), p);
    }

    static String error(SQLException e) {
        if (e instanceof PSQLException p && p.getServerErrorMessage() != null)
            return "ERROR " + e.getSQLState() + " " + p.getServerErrorMessage().getMessage() + " position=" + p.getServerErrorMessage().getPosition()
                + " constraint=" + p.getServerErrorMessage().getConstraint();
        return "ERROR " + e.getSQLState() + " " + e.getMessage();
    }

    static Object shown(Object value) throws SQLException {
        if (value instanceof byte[] b) return "bytes " + Arrays.toString(b);
        if (value instanceof java.sql.Array a) return a.getBaseTypeName() + " " + a;
        if (value instanceof SQLXML x) return x.getString();
        return value == null ? null : value.getClass().getSimpleName() + " " + value;
    }

    static String rows(ResultSet r) throws SQLException {
        StringBuilder out = new StringBuilder();
        ResultSetMetaData m = r.getMetaData();
        for (int i = 1; i <= m.getColumnCount(); i++) out.append(m.getColumnLabel(i)).append('/').append(m.getColumnTypeName(i)).append(' ');
        while (r.next()) {
            out.append('(');
            for (int i = 1; i <= m.getColumnCount(); i++) out.append(shown(r.getObject(i))).append(',');
            out.append(')');
        }
        return out.toString();
    }

    static String attempt(Connection c, String sql, Object... params) {
        try (PreparedStatement s = c.prepareStatement(sql.replaceAll("\\$\\d", "?"))) {
            for (int i = 0; i < params.length; i++) {
                if (params[i] instanceof Long[] list) s.setArray(i + 1, c.createArrayOf("int8", list));
                else if (params[i] == null) s.setNull(i + 1, Types.VARCHAR);
                else s.setObject(i + 1, params[i]);
            }
            if (s.execute()) return rows(s.getResultSet());
            return s.getUpdateCount() + " rows";
        } catch (SQLException e) {
            return error(e);
        }
    }

    static void statements(Connection c) throws Exception {
        for (Scenario.Statement s : Scenario.statements()) Scenario.say(s.name(), attempt(c, s.sql(), s.params().toArray()));
    }

    static void values(Connection c) throws Exception {
        for (Scenario.Value v : Scenario.values()) {
            String literal = v.literal() == null ? "NULL" : "$v$" + v.literal() + "$v$";
            try (Statement s = c.createStatement()) {
                s.execute("INSERT INTO samples (user_id, " + v.column() + ") VALUES (" + v.number() + ", " + literal + ")");
            }
            Scenario.say("value " + v.number() + " " + v.column(), roundTrip(c, v));
        }
    }

    static String roundTrip(Connection c, Scenario.Value v) {
        String said = "";
        try (PreparedStatement read = c.prepareStatement("SELECT " + v.column() + " FROM samples WHERE user_id = ?");
             PreparedStatement write = c.prepareStatement("UPDATE samples SET " + v.column() + " = ? WHERE user_id = ?")) {
            read.setLong(1, v.number());
            Object value;
            try (ResultSet r = read.executeQuery()) {
                r.next();
                value = r.getObject(1);
            }
            said = shown(value) + " ";
            write.setObject(1, value);
            write.setLong(2, v.number());
            said += write.executeUpdate() + " ";
        } catch (SQLException e) {
            said += error(e) + " ";
        }
        return said + attempt(c, "SELECT " + v.column() + "::text FROM samples WHERE user_id = " + v.number());
    }

    static void prepared(Connection c) throws Exception {
        List<String> got = new ArrayList<>();
        try (PreparedStatement s = c.prepareStatement("SELECT user_id, email FROM users WHERE user_id = ?")) {
            for (int i = 0; i < 40; i++) {
                s.setLong(1, i);
                try (ResultSet r = s.executeQuery()) {
                    got.add(rows(r));
                }
            }
        }
        Scenario.say("prepared many times", got);
    }

    static void batches(Connection c) throws Exception {
        try (PreparedStatement s = c.prepareStatement("INSERT INTO users (user_id, email) VALUES (?, ?)", Statement.RETURN_GENERATED_KEYS)) {
            for (int i = 100; i < 160; i++) {
                s.setLong(1, i);
                s.setString(2, "batch" + i);
                s.addBatch();
            }
            Scenario.say("batch", Arrays.toString(s.executeBatch()));
            Scenario.say("generated keys", rows(s.getGeneratedKeys()));
        }
        try (Statement s = c.createStatement()) {
            s.addBatch("UPDATE users SET score = 7 WHERE user_id = 100");
            s.addBatch("INSERT INTO users (user_id, email) VALUES (100, 'twice')");
            s.addBatch("UPDATE users SET score = 7 WHERE user_id = 101");
            s.executeBatch();
        } catch (BatchUpdateException e) {
            Scenario.say("error in a batch", Arrays.toString(e.getUpdateCounts()) + error(e.getNextException()));
        }
        Scenario.say("after the error", attempt(c, "SELECT user_id FROM users WHERE score = 7 ORDER BY 1"));
        try (Statement s = c.createStatement()) {
            boolean more = s.execute("SELECT 1; UPDATE users SET score = 3 WHERE user_id = 102; SELECT email FROM users WHERE user_id = 7");
            List<String> got = new ArrayList<>();
            while (more || s.getUpdateCount() != -1) {
                got.add(more ? rows(s.getResultSet()) : s.getUpdateCount() + " rows");
                more = s.getMoreResults();
            }
            Scenario.say("several statements", got);
        }
    }

    static void copies(Connection c) throws Exception {
        CopyManager copy = c.unwrap(PGConnection.class).getCopyAPI();
        StringBuilder lines = new StringBuilder();
        for (int i = 200; i < 300; i++) lines.append(i).append("\tcopy").append(i).append('\n');
        Scenario.say("copy in", copy.copyIn("COPY users (user_id, email) FROM STDIN", new StringReader(lines.toString())));
        StringWriter out = new StringWriter();
        long n = copy.copyOut("COPY (SELECT user_id, email FROM users WHERE user_id = 204) TO STDOUT", out);
        Scenario.say("copy out", n + " " + out);
    }

    static void fetchSize(Connection c) throws Exception {
        c.setAutoCommit(false);
        try (PreparedStatement s = c.prepareStatement("SELECT user_id FROM users ORDER BY user_id")) {
            s.setFetchSize(7);
            Scenario.say("fetch size", rows(s.executeQuery()));
        } finally {
            c.rollback();
            c.setAutoCommit(true);
        }
    }

    static void transactions(Connection c) throws Exception {
        c.setAutoCommit(false);
        c.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
        attempt(c, "UPDATE users SET score = 1000 WHERE user_id = $1", 1L);
        Savepoint point = c.setSavepoint();
        Scenario.say("error behind a savepoint", attempt(c, "INSERT INTO users (user_id, email) VALUES (1, 'twice')"));
        Scenario.say("aborted", attempt(c, "SELECT 1"));
        c.rollback(point);
        attempt(c, "UPDATE users SET score = 1000 WHERE user_id = $1", 2L);
        c.commit();
        c.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
        c.setReadOnly(true);
        Scenario.say("serializable", attempt(c, "SELECT email FROM users WHERE user_id = $1", 7L));
        Scenario.say("read only", attempt(c, "UPDATE users SET score = 1 WHERE user_id = $1", 7L));
        c.rollback();
        c.setReadOnly(false);
        c.setTransactionIsolation(Connection.TRANSACTION_READ_COMMITTED);
        c.setAutoCommit(true);
        Scenario.say("transactions", attempt(c, "SELECT user_id FROM users WHERE score = 1000 ORDER BY user_id"));
    }

    static void metadata(Connection c) throws Exception {
        DatabaseMetaData m = c.getMetaData();
        Scenario.say("product", m.getDatabaseProductName() + m.getDatabaseMajorVersion());
        for (String table : new String[] {"countries", "users", "items"}) {
            Scenario.say("columns of " + table, names(m.getColumns(null, "public", table, null), "COLUMN_NAME", "TYPE_NAME", "IS_NULLABLE"));
            Scenario.say("keys of " + table, names(m.getPrimaryKeys(null, "public", table), "COLUMN_NAME", "KEY_SEQ"));
            Scenario.say("foreign keys of " + table, names(m.getImportedKeys(null, "public", table), "FKCOLUMN_NAME", "PKTABLE_NAME"));
            Scenario.say("indexes of " + table, names(m.getIndexInfo(null, "public", table, false, true), "INDEX_NAME", "COLUMN_NAME"));
        }
        Scenario.say("tables", names(m.getTables(null, "public", "%", new String[] {"TABLE"}), "TABLE_NAME"));
    }

    static List<String> names(ResultSet r, String... columns) throws SQLException {
        List<String> got = new ArrayList<>();
        while (r.next())
            for (String column : columns) got.add(r.getString(column));
        return got;
    }

    static void schemaChange(Connection c) throws Exception {
        try (PreparedStatement s = c.prepareStatement("SELECT * FROM countries WHERE code = ?")) {
            s.setString(1, "FR");
            for (int i = 0; i < 7; i++) s.executeQuery().close();
            attempt(c, "ALTER TABLE countries ADD COLUMN capital text");
            Scenario.say("after a change", rows(s.executeQuery()));
            attempt(c, "ALTER TABLE countries DROP COLUMN capital");
            Scenario.say("and back", rows(s.executeQuery()));
        }
    }

    static void cancel(Connection c) throws Exception {
        try (Statement s = c.createStatement()) {
            Thread other = new Thread(() -> {
                try {
                    Thread.sleep(400);
                    s.cancel();
                } catch (Exception e) {
                    Scenario.say("cancel failed", e);
                }
            });
            other.start();
            try {
                s.execute("SELECT pg_sleep(20)");
            } catch (SQLException e) {
                Scenario.say("cancel", error(e));
            }
            other.join();
            s.setQueryTimeout(1);
            try {
                s.execute("SELECT pg_sleep(20)");
            } catch (SQLException e) {
                Scenario.say("query timeout", error(e));
            }
        }
        Scenario.say("after cancel", attempt(c, "SELECT email FROM users WHERE user_id = 7"));
        Scenario.say("valid", c.isValid(5));
    }

    static void connections() throws Exception {
        for (String mode : new String[] {"simple", "extended", "extendedForPrepared", "extendedCacheEverything"}) {
            try (Connection c = connect("preferQueryMode", mode, "ApplicationName", "again", "currentSchema", "public", "options", "-c statement_timeout=9s")) {
                Scenario.say(mode, attempt(c, "SELECT user_id, email FROM users WHERE user_id = $1", 7L));
                Scenario.say(mode + " over shards", attempt(c, "SELECT user_id FROM users ORDER BY user_id LIMIT $1", 3));
                Scenario.say(mode + " settings", attempt(c, "SHOW statement_timeout") + attempt(c, "SHOW application_name"));
            }
        }
        for (String[] bad : new String[][] {{"password", "wrong"}, {"user", "nosuch"}}) {
            try (Connection c = connect(bad)) {
                Scenario.say("wrong " + bad[0], "connected");
            } catch (SQLException e) {
                Scenario.say("wrong " + bad[0], error(e));
            }
        }
    }

    public static void main(String[] args) throws Exception {
        Connection c = connect();
        Scenario.say("connect", attempt(c, "SELECT current_user"));
        for (String sql : Scenario.schema()) attempt(c, sql);
        Scenario.say("migrate", attempt(c, "SELECT count(*) FROM users"));
        Scenario.part("statements", () -> statements(c));
        Scenario.part("values", () -> values(c));
        Scenario.part("prepared", () -> prepared(c));
        Scenario.part("batches", () -> batches(c));
        Scenario.part("copies", () -> copies(c));
        Scenario.part("fetch size", () -> fetchSize(c));
        Scenario.part("transactions", () -> transactions(c));
        Scenario.part("metadata", () -> metadata(c));
        Scenario.part("schema change", () -> schemaChange(c));
        Scenario.part("cancel", () -> cancel(c));
        c.close();
        Scenario.part("connections", Program::connections);
    }
}
