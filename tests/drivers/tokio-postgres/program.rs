// tokio-postgres: prepared statements in binary, pipelining by concurrency, COPY, portals, cancel.
mod scenario;

use futures_util::{future, pin_mut, SinkExt, StreamExt, TryStreamExt};
use scenario::{env, say, schema, statements, values};
use std::error::Error;
use std::time::Duration;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type};
use tokio_postgres::{Client, Config, IsolationLevel, NoTls, Row};

/// A value in its binary form, whatever its type.
#[derive(Debug, Clone)]
struct Raw(Vec<u8>);

impl<'a> FromSql<'a> for Raw {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Raw(raw.to_vec()))
    }
    fn accepts(_: &Type) -> bool {
        true
    }
}

impl ToSql for Raw {
    fn to_sql(&self, _: &Type, out: &mut bytes::BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.extend_from_slice(&self.0);
        Ok(IsNull::No)
    }
    fn accepts(_: &Type) -> bool {
        true
    }
    tokio_postgres::types::to_sql_checked!();
}

/// A parameter of the scenario, in the type that the server wants.
#[derive(Debug)]
struct Param(String, String);

impl ToSql for Param {
    fn to_sql(&self, ty: &Type, out: &mut bytes::BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        let Param(kind, value) = self;
        match ty.name() {
            _ if kind == "null" => Ok(IsNull::Yes),
            "int8" => value.parse::<i64>()?.to_sql(ty, out),
            "int4" => value.parse::<i32>()?.to_sql(ty, out),
            "_int8" => value.split(',').map(str::parse).collect::<Result<Vec<i64>, _>>()?.to_sql(ty, out),
            _ => value.to_sql(ty, out),
        }
    }
    fn accepts(_: &Type) -> bool {
        true
    }
    tokio_postgres::types::to_sql_checked!();
}

fn error_text(e: tokio_postgres::Error) -> String {
    match e.as_db_error() {
        Some(d) => format!("ERROR {} {} position={:?} constraint={:?}", d.code().code(), d.message(), d.position(), d.constraint()),
        None => format!("ERROR {e}"),
    }
}

fn shown(rows: &[Row]) -> String {
    let row = |r: &Row| {
        let fields: Vec<_> = (0..r.len()).map(|i| r.get::<_, Option<Raw>>(i).map(|v| String::from_utf8_lossy(&v.0).escape_debug().to_string())).collect();
        format!("{fields:?}")
    };
    rows.iter().map(row).collect::<Vec<_>>().join(" ")
}

async fn attempt(c: &Client, sql: &str, params: &[&(dyn ToSql + Sync)]) -> String {
    let statement = match c.prepare(sql).await {
        Ok(s) => s,
        Err(e) => return error_text(e),
    };
    let columns: Vec<_> = statement.columns().iter().map(|c| format!("{} {}", c.name(), c.type_())).collect();
    match c.query(&statement, params).await {
        Ok(rows) => format!("{columns:?} {}", shown(&rows)),
        Err(e) => error_text(e),
    }
}

type Outcome = Result<(), tokio_postgres::Error>;

async fn run_statements(c: &Client) -> Outcome {
    for s in statements() {
        let params: Vec<_> = s.params.into_iter().map(|(k, v)| Param(k, v)).collect();
        let refs: Vec<&(dyn ToSql + Sync)> = params.iter().map(|p| p as _).collect();
        say(&s.name, attempt(c, &s.sql, &refs).await);
    }
    Ok(())
}

async fn run_values(c: &Client) -> Outcome {
    for v in values() {
        let literal = v.literal.map_or("NULL".into(), |l| format!("$v${l}$v$"));
        c.batch_execute(&format!("INSERT INTO samples (user_id, {}) VALUES ({}, {literal})", v.column, v.number)).await?;
        let row = c.query_one(&format!("SELECT {} FROM samples WHERE user_id = $1", v.column), &[&v.number]).await?;
        let value: Option<Raw> = row.get(0);
        let update = format!("UPDATE samples SET {} = $2 WHERE user_id = $1", v.column);
        let back = c.execute(&update, &[&v.number, &value]).await.map_or_else(error_text, |n| n.to_string());
        let text = c.query_one(&format!("SELECT {}::text FROM samples WHERE user_id = $1", v.column), &[&v.number]).await?;
        say(&format!("value {} {}", v.number, v.column), format!("{value:?} {back} {:?}", text.get::<_, Option<String>>(0)));
    }
    Ok(())
}

async fn pipelined(c: &Client) -> Outcome {
    let statement = c.prepare("SELECT email FROM users WHERE user_id = $1").await?;
    let keys: Vec<i64> = (0..60).collect();
    let params: Vec<[&(dyn ToSql + Sync); 1]> = keys.iter().map(|k| [k as _]).collect();
    let all = future::try_join_all(params.iter().map(|p| c.query(&statement, p))).await?;
    say("pipeline", all.iter().map(|r| shown(r)).collect::<Vec<_>>().join(";"));
    let mixed = future::join3(c.query("SELECT 1", &[]), c.query("SELECT nosuch", &[]), c.query("SELECT count(*) FROM users", &[])).await;
    say("error in a pipeline", format!("{} {} {}", mixed.0.is_ok(), error_text(mixed.1.unwrap_err()), shown(&mixed.2?)));
    Ok(())
}

async fn copies(c: &Client) -> Outcome {
    let sink = c.copy_in("COPY users (user_id, email) FROM STDIN").await?;
    pin_mut!(sink);
    for i in 200..300 {
        sink.send(bytes::Bytes::from(format!("{i}\tcopy{i}\n"))).await?;
    }
    say("copy in", sink.finish().await?);
    let mut parts: Vec<String> = Vec::new();
    let stream = c.copy_out("COPY users (user_id, email) TO STDOUT").await?;
    pin_mut!(stream);
    while let Some(part) = stream.next().await {
        parts.push(String::from_utf8_lossy(&part?).into());
    }
    let text = parts.concat();
    let mut lines: Vec<_> = text.lines().collect();
    lines.sort();
    say("copy out", format!("{lines:?}"));
    Ok(())
}

async fn transactions(c: &mut Client) -> Outcome {
    let mut t = c.build_transaction().isolation_level(IsolationLevel::RepeatableRead).start().await?;
    t.execute("UPDATE users SET score = 1000 WHERE user_id = 1", &[]).await?;
    let point = t.savepoint("point").await?;
    let twice = point.execute("INSERT INTO users (user_id, email) VALUES (1, 'twice')", &[]).await;
    say("error behind a savepoint", error_text(twice.unwrap_err()));
    point.rollback().await?;
    t.execute("UPDATE users SET score = 1000 WHERE user_id = 2", &[]).await?;
    t.commit().await?;
    let t = c.transaction().await?;
    t.execute("UPDATE users SET score = 2000 WHERE user_id = 3", &[]).await?;
    drop(t); // rolls back
    say("transactions", attempt(c, "SELECT user_id, score FROM users WHERE score >= 1000 ORDER BY 1", &[]).await);
    Ok(())
}

async fn portals(c: &mut Client) -> Outcome {
    let t = c.transaction().await?;
    let portal = t.bind("SELECT user_id FROM users ORDER BY user_id", &[]).await?;
    let (a, b) = (t.query_portal(&portal, 5).await?, t.query_portal(&portal, 5).await?);
    say("portal over shards", format!("{} | {}", shown(&a), shown(&b)));
    let portal = t.bind("SELECT user_id, email FROM users WHERE user_id = $1", &[&7i64]).await?;
    say("portal of one key", shown(&t.query_portal(&portal, 1).await?));
    t.commit().await
}

async fn streaming(c: &Client) -> Outcome {
    let rows = c.query_raw("SELECT user_id FROM users WHERE user_id < $1 ORDER BY user_id", [&9i64]).await?;
    let ids: Vec<i64> = rows.map_ok(|r| r.get::<_, i64>(0)).try_collect().await?;
    say("streamed", format!("{ids:?}"));
    say("simple query", format!("{}", c.simple_query("SELECT 1; SELECT user_id FROM users WHERE user_id = 7").await?.len()));
    Ok(())
}

async fn cancel(c: &Client) -> Outcome {
    let token = c.cancel_token();
    let later = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        token.cancel_query(NoTls).await
    };
    let (slept, sent) = future::join(c.batch_execute("SELECT pg_sleep(20)"), later).await;
    say("cancel", format!("{} {}", error_text(slept.unwrap_err()), sent.is_ok()));
    say("after cancel", attempt(c, "SELECT email FROM users WHERE user_id = 7", &[]).await);
    Ok(())
}

fn config() -> Config {
    let mut c = Config::new();
    c.host(env("PGHOST")).port(env("PGPORT").parse().unwrap()).user(env("PGUSER")).password(env("PGPASSWORD")).dbname(env("PGDATABASE"));
    c
}

async fn connect(config: Config) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

fn part(name: &str, outcome: Outcome) {
    if let Err(e) = outcome {
        say(&format!("{name} ended by"), error_text(e));
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome {
    let mut c = connect(config()).await?;
    say("connect", attempt(&c, "SELECT current_user::text", &[]).await);
    for sql in schema() {
        c.batch_execute(&sql).await?;
    }
    say("migrate", schema().len());
    part("statements", run_statements(&c).await);
    part("values", run_values(&c).await);
    part("pipelined", pipelined(&c).await);
    part("copies", copies(&c).await);
    part("transactions", transactions(&mut c).await);
    part("portals", portals(&mut c).await);
    part("streaming", streaming(&c).await);
    part("cancel", cancel(&c).await);
    let (mut password, mut database, mut options) = (config(), config(), config());
    password.password("wrong");
    database.dbname("nosuch");
    options.options("-c statement_timeout=300ms").application_name("again");
    say("wrong password", connect(password).await.err().map_or("connected".into(), error_text));
    say("unknown database", connect(database).await.err().map_or("connected".into(), error_text));
    let again = connect(options).await?;
    say("statement timeout", attempt(&again, "SELECT pg_sleep(20)::text", &[]).await);
    say("tls", "not covered: tokio-postgres needs another crate for it");
    Ok(())
}
