// The scenario for programs in Rust: its files read, its lines printed.
use std::fs;
use std::path::Path;

pub struct Statement {
    pub name: String,
    pub sql: String,
    pub params: Vec<(String, String)>, // kind, value
}

#[allow(dead_code)] // not every program goes through the values
pub struct Value {
    pub number: i64,
    pub column: String,
    pub literal: Option<String>,
}

fn lines(name: &str) -> Vec<String> {
    let folder = std::env::var("SCENARIO").unwrap();
    let text = fs::read_to_string(Path::new(&folder).join(name)).unwrap();
    text.lines().map(str::to_string).collect()
}

pub fn schema() -> Vec<String> {
    let kept: Vec<_> = lines("schema.sql").into_iter().filter(|l| !l.starts_with("--")).collect();
    let text = kept.join("\n") + "\n";
    text.split(";\n").filter(|s| !s.trim().is_empty()).map(str::to_string).collect()
}

pub fn statements() -> Vec<Statement> {
    lines("statements.tsv")
        .iter()
        .map(|line| {
            let f: Vec<_> = line.split('\t').collect();
            let params = f[2].split('|').filter(|p| !p.is_empty());
            Statement {
                name: f[0].to_string(),
                sql: f[1].to_string(),
                params: params.map(|p| p.split_once(':').unwrap()).map(|(k, v)| (k.to_string(), v.to_string())).collect(),
            }
        })
        .collect()
}

#[allow(dead_code)]
pub fn values() -> Vec<Value> {
    lines("values.tsv")
        .iter()
        .enumerate()
        .map(|(i, line)| {
            let (column, literal) = line.split_once('\t').unwrap();
            Value {
                number: i as i64 + 1,
                column: format!("\"{column}\""),
                literal: (literal != "\\N").then(|| literal.to_string()),
            }
        })
        .collect()
}

pub fn env(name: &str) -> String {
    std::env::var(name).unwrap()
}

pub fn say(name: &str, value: impl std::fmt::Display) {
    println!("{}", format!("{name}: {value}").replace('\\', "\\\\").replace('\n', "\\n"));
}
