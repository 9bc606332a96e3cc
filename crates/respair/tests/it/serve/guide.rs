//! docs/GATEWAY.md says what is so; and the unit that it names can be loaded.

use std::collections::BTreeSet;
use std::io::Read as _;

use super::Gateway;
use crate::bin::{Home, relay};

const GUIDE: &str = include_str!("../../../../../docs/GATEWAY.md");

/// The block behind `<!-- shown: NAME -->`.
fn shown(name: &str) -> &'static str {
    let (_, rest) = GUIDE
        .split_once(&format!("<!-- shown: {name} -->\n```text\n"))
        .unwrap();
    rest.split_once("\n```").unwrap().0
}

/// A line with its times and ids masked.
fn masked(line: &str) -> String {
    let mut masked = String::new();
    for word in line.trim_end().split_inclusive([' ', ',']) {
        let name = word.split(['=', ':']).next().unwrap_or_default();
        match name.trim_matches('"') {
            "first" | "total" | "id" | "first_byte_ms" | "total_ms" => masked.push_str(name),
            _ => masked.push_str(word),
        }
    }
    masked
}

#[test]
fn the_log_is_as_the_guide_shows_it() {
    for (format, name) in [("human", "log"), ("json", "log json")] {
        let relay = relay("no-created");
        let home = Home::new();
        let args = ["--upstream", &relay.base_url(), "--log", format];
        let mut gateway = Gateway::start_with(&home, &args);
        let mut answer = String::new();
        gateway
            .ask_as("guide/1 (a guide)", "/v1/responses", "m")
            .read_to_string(&mut answer)
            .unwrap();
        let line = gateway.says();
        assert_eq!(masked(&line), masked(shown(name)), "{line}");
    }
}

#[test]
fn each_metric_is_in_the_guide() {
    let relay = relay("no-created");
    let home = Home::new();
    let mut gateway = Gateway::start(&home, &["--upstream", &relay.base_url()]);
    gateway.answer("/v1/responses", "m");
    gateway.log();
    let page = gateway.get("/metrics");
    let said: BTreeSet<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next())
        .collect();
    let told: BTreeSet<&str> = GUIDE
        .lines()
        .filter_map(|line| line.strip_prefix("| `respair_")?.split('`').next())
        .collect();
    let told: BTreeSet<String> = told.iter().map(|name| format!("respair_{name}")).collect();
    let said: BTreeSet<String> = said.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(said, told);
}

#[test]
fn each_limit_is_in_the_guide_with_its_default() {
    let home = Home::new();
    let shown = home.run(&["config", "show", "--json"]).out;
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    let mut limits = 0;
    for (key, row) in shown.as_object().unwrap() {
        let Some(name) = key.strip_prefix("serve.limits.") else {
            continue;
        };
        let value = match &row["value"] {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        assert!(
            GUIDE.contains(&format!("| `{name}` | {value} |")),
            "{name}: {value}"
        );
        limits += 1;
    }
    assert!(limits >= 8, "{limits}");
}

#[cfg(target_os = "linux")]
#[test]
fn the_unit_can_be_loaded() {
    let unit = include_str!("../../../../../packaging/respair.service");
    let home = Home::new();
    let binary = crate::bin::binary().display().to_string();
    let unit = unit.replace("%h/.local/bin/respair", &binary);
    let file = home.write("respair.service", unit.as_bytes());
    let verify = std::process::Command::new("systemd-analyze")
        .args(["verify", "--user"])
        .arg(file)
        .env("HOME", home.path(""))
        .env("XDG_RUNTIME_DIR", home.path(""))
        .output();
    match verify {
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() && said.is_empty(), "{said}");
        }
        Err(error) => {
            eprintln!("SKIPPED: the systemd unit is not checked: systemd-analyze: {error}")
        }
    }
}
