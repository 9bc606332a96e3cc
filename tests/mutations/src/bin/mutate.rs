//! `cargo xtask mutate N [--seed S] [--show CASE]`: N damaged streams through the tolerant reading, before every judge.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a tool for the terminal"
)]

use std::collections::BTreeMap;
use std::process::ExitCode;

use respair_core::Profile;
use respair_mutations::differential::{Healed, by_client, by_types};
use respair_mutations::{Damaged, damaged_by_seed, properties, tolerant};
use respair_oracle::clients::Client;

const USAGE: &str = "usage: mutate N [--seed S] [--show CASE]";

fn main() -> ExitCode {
    let Some(asked) = Asked::read(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    if let Some(case) = asked.show {
        show(&damaged_by_seed(asked.seed, case));
        return ExitCode::SUCCESS;
    }
    let faults = judge(&asked);
    for (class, found) in &faults {
        let (case, fault) = &found.smallest;
        println!("{} × {class}\n  {fault}", found.count);
        println!("  cargo xtask mutate 0 --seed {} --show {case}", asked.seed);
    }
    println!("{} streams, {} kinds of fault", asked.count, faults.len());
    if faults.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

struct Asked {
    count: u64,
    seed: u64,
    show: Option<u64>,
}

impl Asked {
    fn read(mut args: impl Iterator<Item = String>) -> Option<Self> {
        let mut asked = Self {
            count: args.next()?.parse().ok()?,
            seed: 0,
            show: None,
        };
        while let Some(flag) = args.next() {
            let value = args.next()?.parse().ok()?;
            match flag.as_str() {
                "--seed" => asked.seed = value,
                "--show" => asked.show = Some(value),
                _ => return None,
            }
        }
        Some(asked)
    }
}

/// Faults of one kind.
struct Found {
    count: usize,
    length: usize,
    /// The case with the shortest body, and its fault.
    smallest: (u64, String),
}

fn judge(asked: &Asked) -> BTreeMap<String, Found> {
    let mut faults = BTreeMap::new();
    let mut streams = Vec::new();
    for case in 0..asked.count {
        let damaged = damaged_by_seed(asked.seed, case);
        let length = damaged.body.len();
        if let Some(fault) = fault_of(&damaged) {
            note(
                &mut faults,
                case,
                length,
                &format!("{}: {fault}", damaged.name),
            );
        }
        streams.push(Healed::new(case, &damaged));
    }
    let clients = Client::ALL
        .iter()
        .filter_map(|client| by_client(*client, &streams));
    for fault in by_types(&streams).into_iter().chain(clients.flatten()) {
        let case = streams
            .iter()
            .position(|stream| fault.starts_with(&stream.name))
            .unwrap_or_default();
        let length = streams[case].outcome.out.len();
        note(&mut faults, case as u64, length, &fault);
    }
    faults
}

fn fault_of(damaged: &Damaged) -> Option<String> {
    let judged = std::panic::catch_unwind(|| {
        properties::takeover(&damaged.body);
        let healed = tolerant(Profile::Portable, &damaged.body);
        properties::fault_of_tenets(&damaged.body)
            .or_else(|| properties::fault_of_content(damaged, &healed))
    });
    judged.unwrap_or_else(|_| Some("it panicked, see above".to_owned()))
}

fn note(faults: &mut BTreeMap<String, Found>, case: u64, length: usize, fault: &str) {
    let line: String = fault
        .lines()
        .next()
        .unwrap_or_default()
        .chars()
        .take(600)
        .collect();
    let said = line
        .rsplit_once("under ")
        .or_else(|| line.split_once(": "))
        .map_or("", |(_, said)| said);
    // Numbers and quoted words aside, the same fault reads the same.
    let class: String = said
        .split('"')
        .step_by(2)
        .flat_map(str::chars)
        .filter(|letter| !letter.is_ascii_digit())
        .take(70)
        .collect();
    let found = faults.entry(class).or_insert(Found {
        count: 0,
        length: usize::MAX,
        smallest: (0, String::new()),
    });
    found.count += 1;
    if length < found.length {
        found.length = length;
        found.smallest = (case, line);
    }
}

fn show(damaged: &Damaged) {
    let healed = tolerant(Profile::Portable, &damaged.body);
    println!(
        "{}\n\n{}",
        damaged.name,
        String::from_utf8_lossy(&damaged.body)
    );
    println!("--- came out\n{}---", String::from_utf8_lossy(&healed.out));
    for violation in &healed.violations {
        println!(
            "event {}: {}: {}",
            violation.event, violation.code, violation.message
        );
    }
    println!("ended as {:?}", healed.ending);
    if let Some(fault) = fault_of(damaged) {
        println!("{}", fault.lines().next().unwrap_or_default());
    }
}
