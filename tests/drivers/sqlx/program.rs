// sqlx: its migrator with its advisory lock, cached statements, typed rows, transactions, COPY, a pool.
mod scenario;

use futures_util::{future, TryStreamExt};
use scenario::{env, say, schema, statements};
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgConnection, PgPoolOptions, PgRow, PgSslMode};
use sqlx::query::Query;
use sqlx::{Column, Connection, Executor, Postgres, Row, TypeInfo};
use std::path::PathBuf;

fn error_text(e: sqlx::Error) -> String {
    match e.as_database_error() {
        Some(d) => format!("ERROR {:?} {} constraint={:?}", d.code(), d.message(), d.constraint()),
        None => format!("ERROR {e}"),
    }
}

fn shown(rows: &[PgRow]) -> String {
    let field = |r: &PgRow, i: usize| {
        let raw = r.try_get_raw(i).unwrap();
        let text = raw.as_bytes().map(|b| String::from_utf8_lossy(b).escape_debug().to_string());
        format!("{} {}", r.column(i).type_info().name(), text.unwrap_or("NULL".into()))
    };
    let row = |r: &PgRow| format!("({})", (0..r.columns().len()).map(|i| field(r, i)).collect::<Vec<_>>().join(", "));
    rows.iter().map(row).collect::<Vec<_>>().join(" ")
}

fn bound<'q>(sql: &'q str, params: &[(String, String)]) -> Query<'q, Postgres, PgArguments> {
    let mut query = sqlx::query(sql);
    for (kind, value) in params {
        query = match kind.as_str() {
            "int8" => query.bind(value.parse::<i64>().unwrap()),
            "int4" => query.bind(value.parse::<i32>().unwrap()),
            "int8[]" => query.bind(value.split(',').map(|n| n.parse().unwrap()).collect::<Vec<i64>>()),
            "null" => query.bind(None::<String>),
            _ => query.bind(value.clone()),
        };
    }
    query
}

async fn attempt(c: &mut PgConnection, sql: &str, params: &[(String, String)]) -> String {
    bound(sql, params).fetch_all(c).await.map_or_else(error_text, |rows| shown(&rows))
}

type Outcome = Result<(), sqlx::Error>;

/// The schema as sqlx's own migration files, in a folder.
async fn migrate(c: &mut PgConnection) -> Outcome {
    let folder: PathBuf = std::env::temp_dir().join(format!("sqlx-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    for (i, sql) in schema().iter().enumerate() {
        std::fs::write(folder.join(format!("{}_step.sql", i + 1)), sql).unwrap();
    }
    let migrator = Migrator::new(folder.clone()).await?;
    let first = migrator.run(&mut *c).await;
    let second = migrator.run(&mut *c).await;
    std::fs::remove_dir_all(folder).unwrap();
    say("migrate", format!("{first:?} {second:?} {}", attempt(c, "SELECT count(*) FROM _sqlx_migrations", &[]).await));
    Ok(())
}

async fn without_migrator(c: &mut PgConnection) -> Outcome {
    for sql in schema() {
        c.execute(sql.replacen("CREATE TABLE", "CREATE TABLE IF NOT EXISTS", 1).as_str()).await?;
    }
    Ok(())
}

async fn run_statements(c: &mut PgConnection) -> Outcome {
    for s in statements() {
        say(&s.name, attempt(c, &s.sql, &s.params).await);
    }
    Ok(())
}

async fn typed(c: &mut PgConnection) -> Outcome {
    let user: (i64, String, Option<String>, i32) =
        sqlx::query_as("SELECT user_id, email, country, score FROM users WHERE user_id = $1").bind(7i64).fetch_one(&mut *c).await?;
    say("query as", format!("{user:?}"));
    let none: Option<(String,)> = sqlx::query_as("SELECT email FROM users WHERE user_id = $1").bind(-1i64).fetch_optional(&mut *c).await?;
    say("optional", format!("{none:?}"));
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM users").fetch_one(&mut *c).await?;
    say("scalar", count);
    let id = uuid::Uuid::from_u128(77);
    sqlx::query("INSERT INTO orders VALUES ($1, $2, 5, now())").bind(7i64).bind(id).execute(&mut *c).await?;
    let back: uuid::Uuid = sqlx::query_scalar("SELECT order_id FROM orders WHERE user_id = $1").bind(7i64).fetch_one(&mut *c).await?;
    say("uuid", back);
    sqlx::query("INSERT INTO samples (user_id, jsonb, texts, bytea) VALUES ($1, $2, $3, $4)").bind(1i64)
        .bind(serde_json::json!({"a": [1, null]})).bind(vec!["x", ""]).bind(vec![0u8, 255]).execute(&mut *c).await?;
    let row: (serde_json::Value, Vec<String>, Vec<u8>) = sqlx::query_as("SELECT jsonb, texts, bytea FROM samples WHERE user_id = 1").fetch_one(&mut *c).await?;
    say("json, array, bytes", format!("{row:?}"));
    let ids: Vec<i64> = sqlx::query_scalar::<_, i64>("SELECT user_id FROM users ORDER BY user_id LIMIT $1").bind(4i64).fetch(&mut *c).try_collect().await?;
    say("streamed", format!("{ids:?}"));
    let described = c.describe("SELECT email, score FROM users WHERE user_id = $1").await?;
    say("described", format!("{:?}", described.columns().iter().map(|c| c.name().to_string()).collect::<Vec<_>>()));
    Ok(())
}

async fn transactions(c: &mut PgConnection) -> Outcome {
    let mut t = c.begin().await?;
    sqlx::query("UPDATE users SET score = 1000 WHERE user_id = 1").execute(&mut *t).await?;
    let mut inner = t.begin().await?;
    let twice = sqlx::query("INSERT INTO users (user_id, email) VALUES (1, 'twice')").execute(&mut *inner).await;
    say("error behind a savepoint", error_text(twice.unwrap_err()));
    inner.rollback().await?;
    sqlx::query("UPDATE users SET score = 1000 WHERE user_id = 2").execute(&mut *t).await?;
    t.commit().await?;
    let mut t = c.begin().await?;
    sqlx::query("UPDATE users SET score = 1000 WHERE user_id = 3").execute(&mut *t).await?;
    t.rollback().await?;
    say("transactions", attempt(c, "SELECT user_id FROM users WHERE score = 1000 ORDER BY 1", &[]).await);
    Ok(())
}

async fn copies(c: &mut PgConnection) -> Outcome {
    let mut into = c.copy_in_raw("COPY users (user_id, email) FROM STDIN").await?;
    for i in 200..300 {
        into.send(format!("{i}\tcopy{i}\n").into_bytes()).await?;
    }
    say("copy in", into.finish().await?);
    let parts: Vec<_> = c.copy_out_raw("COPY (SELECT user_id, email FROM users WHERE user_id = 204) TO STDOUT").await?.try_collect().await?;
    say("copy out", String::from_utf8_lossy(&parts.concat()));
    Ok(())
}

fn options() -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass().host(&env("PGHOST")).port(env("PGPORT").parse().unwrap()).username(&env("PGUSER"))
        .password(&env("PGPASSWORD")).database(&env("PGDATABASE")).ssl_mode(PgSslMode::Disable)
}

async fn pool() -> Outcome {
    let pool = PgPoolOptions::new().max_connections(4).connect_with(options()).await?;
    let query = |i: i64| sqlx::query_scalar::<_, String>("SELECT email FROM users WHERE user_id = $1").bind(i).fetch_optional(&pool);
    say("pool", format!("{:?}", future::try_join_all((0..40).map(query)).await?));
    pool.close().await;
    Ok(())
}

fn part(name: &str, outcome: Outcome) {
    if let Err(e) = outcome {
        say(&format!("{name} ended by"), error_text(e));
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome {
    let mut c = PgConnection::connect_with(&options().application_name("drivers")).await?;
    say("connect", attempt(&mut c, "SELECT current_user::text", &[]).await);
    part("migrate", migrate(&mut c).await);
    part("without the migrator", without_migrator(&mut c).await);
    part("statements", run_statements(&mut c).await);
    part("typed", typed(&mut c).await);
    part("transactions", transactions(&mut c).await);
    part("copies", copies(&mut c).await);
    part("pool", pool().await);
    for (name, bad) in [("wrong password", options().password("wrong")), ("unknown database", options().database("nosuch"))] {
        say(name, PgConnection::connect_with(&bad).await.err().map_or("connected".into(), error_text));
    }
    say("values", "not covered: sqlx decodes only types that the program names");
    say("tls", "not covered: sqlx needs more crates for it");
    Ok(())
}
