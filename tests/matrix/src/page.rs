//! The table for a person: `docs/CLIENTS.md`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use respair_faults::scenarios;

use crate::columns::{COLUMNS, Column};
use crate::endpoint::Way;
use crate::judge::Class;
use crate::reasons;
use crate::table::Table;

/// The whole page.
#[must_use]
pub fn page(table: &Table) -> String {
    let columns: Vec<&Column> = COLUMNS
        .iter()
        .filter(|column| table.columns.contains_key(column.name))
        .collect();
    let mut page = head(table, &columns);
    page.push_str(&counts(table, &columns));
    page.push_str(&wrong(table, &columns));
    page.push_str(&grid(table, &columns));
    page
}

fn head(table: &Table, columns: &[&Column]) -> String {
    let cells = |way| -> (usize, usize) {
        let of = |right: bool| {
            let classes = Class::ALL
                .into_iter()
                .filter(move |class| !right || class.is_right());
            let each = columns.iter().flat_map(move |column| {
                classes
                    .clone()
                    .map(move |class| table.count(column.name, way, class))
            });
            each.sum()
        };
        (of(true), of(false))
    };
    let ((direct, all), (through, both)) = (cells(Way::Direct), cells(Way::Gateway));
    let mut dates: Vec<&str> = table
        .columns
        .values()
        .map(|run| run.date.as_str())
        .collect();
    let mut commits: Vec<&str> = table
        .columns
        .values()
        .map(|run| run.commit.as_str())
        .collect();
    for list in [&mut dates, &mut commits] {
        list.sort_unstable();
        list.dedup();
    }
    format!(
        "# Real clients, direct and through respair\n\n\
         <!-- Written by `cargo xtask matrix --write`; docs/clients.json has the same for a machine. -->\n\n\
         Measured on {} at commit {}: {} scenarios of `respair relay --list`, {} columns. Right are **{direct} of {all} cells direct \
         ({}) and {through} of {both} through the gateway ({})**.\n\n\
         A *column* is a pinned client in one way of using it (clients/README.md), a *cell* that column asked once about one scenario: \
         its own relay, and for the way through a gateway before it with every default but shorter timers (2.5 s, 4 s without \
         progress) and at most two requests a turn. The client's own retries are off. A cell is right when the client's user gets what \
         there is to get: the whole text, reasoning and call of the scenario, live and at the end; the upstream's own error, with its \
         words; or word that the stream was cut. No exception alone is no right answer.\n\n",
        dates.join(", "),
        commits.join(", "),
        table.cells.len(),
        columns.len(),
        percent(direct, all),
        percent(through, both),
    )
}

fn percent(part: usize, all: usize) -> String {
    // Rounded down, so that 100 % means all.
    let tenths = part * 1000 / all.max(1);
    format!("{}.{} %", tenths / 10, tenths % 10)
}

fn counts(table: &Table, columns: &[&Column]) -> String {
    let mut text = String::from(
        "## Counts per client\n\nEach number is *direct* → *through the gateway*.\n\n| column | client | right |",
    );
    for class in Class::ALL {
        let _ = write!(text, " {} |", class.word());
    }
    text.push_str("\n|---|---|---|");
    text.push_str(&"---|".repeat(Class::ALL.len()));
    text.push('\n');
    for column in columns {
        let right = |way| -> usize {
            let classes = Class::ALL.into_iter().filter(|class| class.is_right());
            classes
                .map(|class| table.count(column.name, way, class))
                .sum()
        };
        let _ = write!(
            text,
            "| `{}` | {} | **{} → {}** |",
            column.name,
            column.label,
            right(Way::Direct),
            right(Way::Gateway)
        );
        for class in Class::ALL {
            let count = |way| table.count(column.name, way, class);
            let _ = write!(text, " {} → {} |", count(Way::Direct), count(Way::Gateway));
        }
        text.push('\n');
    }
    text.push('\n');
    text
}

/// Every cell through the gateway that is not right, those with the same reason together.
fn wrong(table: &Table, columns: &[&Column]) -> String {
    let mut rows: BTreeMap<(usize, Class, String), Vec<&str>> = BTreeMap::new();
    for (place, scenario) in scenarios().iter().enumerate() {
        for column in columns {
            let Some(judged) = table.get(scenario.name(), column.name, Way::Gateway) else {
                continue;
            };
            if judged.class.is_right() {
                continue;
            }
            let why = reasons::why(scenario.name(), column.name);
            let said = judged.reason.replace('|', "\\|").replace('<', "&lt;");
            let reason = match why {
                Some(why) => format!("{said} | {why}"),
                None => format!("{said} | not explained"),
            };
            rows.entry((place, judged.class, reason))
                .or_default()
                .push(column.name);
        }
    }
    let mut text = String::from("## What is not right through the gateway\n\n");
    if rows.is_empty() {
        text.push_str("Nothing.\n\n");
        return text;
    }
    text.push_str(
        "| scenario | columns | class | what the client says | why |\n|---|---|---|---|---|\n",
    );
    for ((place, class, reason), columns) in rows {
        let scenario = scenarios().get(place).map_or("", |row| row.name());
        let names: Vec<String> = columns.iter().map(|name| format!("`{name}`")).collect();
        let _ = writeln!(
            text,
            "| `{scenario}` | {} | {} | {reason} |",
            names.join(", "),
            class.word()
        );
    }
    text.push('\n');
    text
}

fn grid(table: &Table, columns: &[&Column]) -> String {
    let mut text =
        String::from("## Every cell\n\nTwo letters a cell: direct, then through the gateway. ");
    let letters = Class::ALL
        .into_iter()
        .map(|class| format!("**{}** {}", class.letter(), class.word()));
    let _ = write!(
        text,
        "{}; capitals are right.\n\n",
        letters.collect::<Vec<_>>().join(", ")
    );
    text.push_str("| scenario |");
    for column in columns {
        let _ = write!(text, " {} |", column.name);
    }
    text.push_str("\n|---|");
    text.push_str(&"---|".repeat(columns.len()));
    text.push('\n');
    let letter = |scenario: &str, column: &Column, way| {
        let judged = table.get(scenario, column.name, way);
        judged.map_or('·', |judged| judged.class.letter())
    };
    for scenario in scenarios()
        .iter()
        .filter(|row| table.cells.contains_key(row.name()))
    {
        let _ = write!(text, "| `{}` |", scenario.name());
        for column in columns {
            let (direct, through) = (
                letter(scenario.name(), column, Way::Direct),
                letter(scenario.name(), column, Way::Gateway),
            );
            let _ = write!(text, " {direct}{through} |");
        }
        text.push('\n');
    }
    text
}
