//! `cargo xtask matrix`: measures, prints what is not right, and with `--write` keeps it in docs/.

use std::io;
use std::process::{Command, ExitCode};
use std::sync::{Arc, Mutex, PoisonError};

use respair_faults::{Scenario, scenario, scenarios};
use respair_matrix::columns::{COLUMNS, Column, named, workspace};
use respair_matrix::endpoint::{Served, Way};
use respair_matrix::judge::{Class, judge};
use respair_matrix::page::page;
use respair_matrix::reasons;
use respair_matrix::runner::Runner;
use respair_matrix::table::{Measured, Table};
use tokio::sync::Semaphore;

const USAGE: &str = "usage: cargo xtask matrix [--clients A,B] [--scenarios X,Y] [--jobs N] [--write | --page]\n\
    --write keeps what is measured in docs/, --page only writes docs/CLIENTS.md anew from docs/clients.json";

/// What was asked for.
struct Asked {
    columns: Vec<Column>,
    scenarios: Vec<Scenario>,
    jobs: usize,
    write: bool,
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let asked = match asked(&args) {
        Ok(asked) => asked,
        Err(message) => {
            eprintln!("{message}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match measured(&asked) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(unexplained) => {
            eprintln!("{unexplained} cells through the gateway are not right, and nobody says why");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("matrix: {error}");
            ExitCode::FAILURE
        }
    }
}

fn asked(args: &[String]) -> Result<Asked, String> {
    let mut asked = Asked {
        columns: COLUMNS.to_vec(),
        scenarios: scenarios().to_vec(),
        jobs: 1,
        write: false,
    };
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("{arg} takes a value"));
        match arg.as_str() {
            "--clients" => {
                let of = |name| {
                    named(name)
                        .copied()
                        .ok_or_else(|| format!("no column is called {name}"))
                };
                asked.columns = value()?.split(',').map(of).collect::<Result<_, _>>()?;
            }
            "--scenarios" => {
                let of = |name| {
                    scenario(name)
                        .copied()
                        .ok_or_else(|| format!("no scenario is called {name}"))
                };
                asked.scenarios = value()?.split(',').map(of).collect::<Result<_, _>>()?;
            }
            "--jobs" => {
                asked.jobs = value()?
                    .parse()
                    .map_err(|_| "--jobs takes a number".to_owned())?
            }
            "--write" => asked.write = true,
            "--page" => {
                asked.write = true;
                asked.columns.clear();
            }
            other => return Err(format!("{other}?")),
        }
    }
    Ok(asked)
}

fn measured(asked: &Asked) -> io::Result<usize> {
    let docs = workspace().join("docs");
    let kept = docs.join("clients.json");
    let table = Arc::new(Mutex::new(Table::read(&kept)?.current()));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let wrong = runtime.block_on(every_column(asked, &table))?;
    if asked.write {
        let table = table.lock().unwrap_or_else(PoisonError::into_inner);
        std::fs::write(&kept, table.to_lines()?)?;
        std::fs::write(docs.join("CLIENTS.md"), page(&table))?;
        eprintln!("written: docs/CLIENTS.md, docs/clients.json");
    }
    Ok(wrong)
}

/// So many columns at a time, each cell after cell; gives how many are wrong without a known reason.
async fn every_column(asked: &Asked, table: &Arc<Mutex<Table>>) -> io::Result<usize> {
    let room = Arc::new(Semaphore::new(asked.jobs.max(1)));
    let run = Measured {
        label: String::new(),
        date: said(Command::new("date").args(["-u", "+%F"]))?,
        commit: commit()?,
    };
    let mut running = tokio::task::JoinSet::new();
    for column in &asked.columns {
        if column.program().is_none() {
            eprintln!(
                "SKIPPED {}: {} is not installed",
                column.name, column.client
            );
            continue;
        }
        let (column, run) = (*column, run.clone());
        let (room, table, scenarios) = (
            Arc::clone(&room),
            Arc::clone(table),
            asked.scenarios.clone(),
        );
        running.spawn(async move {
            let _place = room.acquire_owned().await.map_err(io::Error::other)?;
            let wrong = one_column(column, &scenarios, &table).await?;
            let label = column.label.to_owned();
            let mut table = table.lock().unwrap_or_else(PoisonError::into_inner);
            table
                .columns
                .insert(column.name.to_owned(), Measured { label, ..run });
            io::Result::Ok(wrong)
        });
    }
    let mut wrong = 0;
    while let Some(done) = running.join_next().await {
        wrong += done??;
    }
    Ok(wrong)
}

async fn one_column(
    column: Column,
    scenarios: &[Scenario],
    table: &Mutex<Table>,
) -> io::Result<usize> {
    let mut runner = Runner::new(column);
    let mut unexplained = 0;
    let mut counts = [[0; Class::ALL.len()]; 2];
    for scenario in scenarios {
        for (way, counts) in Way::BOTH.into_iter().zip(&mut counts) {
            let served = Served::start(*scenario, way).await?;
            let answer = runner.ask(served, way).await?;
            let holds = scenario.holds_for(&answer.asked);
            let (class, reason) = judge(&column, &holds, &answer.outcome);
            let place = Class::ALL
                .iter()
                .position(|one| *one == class)
                .unwrap_or_default();
            counts[place] += 1;
            if way == Way::Gateway && !class.is_right() {
                let why = reasons::why(scenario.name(), column.name);
                unexplained += usize::from(why.is_none());
                let why = why.unwrap_or("not explained");
                println!(
                    "{} {}: {}: {reason} ({why})",
                    column.name,
                    scenario.name(),
                    class.word()
                );
            }
            let mut table = table.lock().unwrap_or_else(PoisonError::into_inner);
            table.put(scenario.name(), &column, way, class, reason);
        }
    }
    for (way, counts) in ["direct", "gateway"].iter().zip(counts) {
        let words = Class::ALL
            .iter()
            .zip(counts)
            .filter(|(_, count)| *count > 0);
        let words: Vec<String> = words
            .map(|(class, count)| format!("{count} {}", class.word()))
            .collect();
        println!("{} {way}: {}", column.name, words.join(", "));
    }
    Ok(unexplained)
}

fn commit() -> io::Result<String> {
    let head = said(
        Command::new("git")
            .args(["rev-parse", "--short", "HEAD"])
            .current_dir(workspace()),
    )?;
    let more = said(
        Command::new("git")
            .args([
                "status",
                "--porcelain",
                "--untracked-files=no",
                "--",
                "crates",
            ])
            .current_dir(workspace()),
    )?;
    Ok(if more.is_empty() { head } else { head + "+" })
}

fn said(command: &mut Command) -> io::Result<String> {
    let output = command.output()?;
    if !output.status.success() {
        return Err(io::Error::other(format!(
            "{command:?} ended with {}",
            output.status
        )));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
