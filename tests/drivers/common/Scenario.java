import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The scenario for programs in Java: its files read, its lines printed. */
final class Scenario {
    record Statement(String name, String sql, List<Object> params) {}

    record Value(int number, String column, String literal) {}

    interface Part {
        void run() throws Exception;
    }

    static List<String> lines(String name) throws Exception {
        return Files.readAllLines(Path.of(System.getenv("SCENARIO"), name));
    }

    static List<String> schema() throws Exception {
        StringBuilder text = new StringBuilder();
        for (String line : lines("schema.sql"))
            if (!line.startsWith("--")) text.append(line).append('\n');
        List<String> all = new ArrayList<>();
        for (String sql : text.toString().split(";\n"))
            if (!sql.isBlank()) all.add(sql);
        return all;
    }

    private static Object param(String text) {
        int at = text.indexOf(':');
        String value = text.substring(at + 1);
        switch (text.substring(0, at)) {
            case "int8": return Long.valueOf(value);
            case "int4": return Integer.valueOf(value);
            case "null": return null;
            case "int8[]":
                String[] parts = value.split(",");
                Long[] numbers = new Long[parts.length];
                for (int i = 0; i < parts.length; i++) numbers[i] = Long.valueOf(parts[i]);
                return numbers;
            default: return value;
        }
    }

    static List<Statement> statements() throws Exception {
        List<Statement> all = new ArrayList<>();
        for (String line : lines("statements.tsv")) {
            String[] f = line.split("\t", -1);
            List<Object> params = new ArrayList<>();
            for (String p : f[2].split("\\|"))
                if (!p.isEmpty()) params.add(param(p));
            all.add(new Statement(f[0], f[1], params));
        }
        return all;
    }

    static List<Value> values() throws Exception {
        List<Value> all = new ArrayList<>();
        for (String line : lines("values.tsv")) {
            int at = line.indexOf('\t');
            String literal = line.substring(at + 1);
            all.add(new Value(all.size() + 1, '"' + line.substring(0, at) + '"', literal.equals("\\N") ? null : literal));
        }
        return all;
    }

    static void say(String name, Object value) {
        System.out.println((name + ": " + value).replace("\\", "\\\\").replace("\n", "\\n"));
    }

    static void part(String name, Part part) {
        try {
            part.run();
        } catch (Exception e) {
            Throwable cause = e;
            while (cause.getCause() != null && cause.getCause() != cause) cause = cause.getCause();
            say(name + " ended by", String.valueOf(cause.getMessage()).split("\n")[0]);
        }
    }

    static String url() {
        return "jdbc:postgresql://" + System.getenv("PGHOST") + ":" + System.getenv("PGPORT") + "/" + System.getenv("PGDATABASE")
            + "?sslmode=" + System.getenv("PGSSLMODE");
    }
}
