//! The cells that were measured, as they are kept in `docs/clients.json`.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::columns::Column;
use crate::endpoint::Way;
use crate::judge::Class;

/// Every cell, by scenario and column.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// When and on what each column was measured.
    pub columns: BTreeMap<String, Measured>,
    /// Scenario, column, both ways.
    pub cells: BTreeMap<String, BTreeMap<String, Cell>>,
}

/// One column's run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measured {
    /// What the column is, for a person.
    pub label: String,
    /// The day, `2026-11-23`.
    pub date: String,
    /// The commit that was measured, with `+` behind it where the work tree held more.
    pub commit: String,
}

/// One scenario with one column.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// The client before the relay.
    pub direct: Option<Judged>,
    /// The gateway between them.
    pub gateway: Option<Judged>,
}

/// What it is worth.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    /// Its class.
    pub class: Class,
    /// What was wrong; empty for a right one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

impl Table {
    /// What stands in a file; an empty table where there is none.
    ///
    /// # Errors
    /// When it cannot be read, or is no table.
    pub fn read(file: &Path) -> std::io::Result<Self> {
        match std::fs::read(file) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes)?),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }

    /// The table as it is kept: a line for each column and each scenario, so that a change is seen where it is.
    ///
    /// # Errors
    /// Never in practice: every part is text.
    pub fn to_lines(&self) -> serde_json::Result<String> {
        fn block<T: Serialize>(rows: &BTreeMap<String, T>) -> serde_json::Result<String> {
            let line = |(name, row): (&String, &T)| {
                let (name, row) = (serde_json::to_string(name)?, serde_json::to_string(row)?);
                Ok(format!("{name}: {row}"))
            };
            let lines: serde_json::Result<Vec<String>> = rows.iter().map(line).collect();
            Ok(lines?.join(",\n"))
        }
        let (columns, cells) = (block(&self.columns)?, block(&self.cells)?);
        Ok(format!(
            "{{\"columns\": {{\n{columns}\n}},\n\"cells\": {{\n{cells}\n}}}}\n"
        ))
    }

    /// The same without scenarios that the relay does not play any more.
    #[must_use]
    pub fn current(mut self) -> Self {
        self.cells
            .retain(|scenario, _| respair_faults::scenario(scenario).is_some());
        self
    }

    /// Keeps a cell in place of the one before.
    pub fn put(&mut self, scenario: &str, column: &Column, way: Way, class: Class, reason: String) {
        let row = self.cells.entry(scenario.to_owned()).or_default();
        let cell = row.entry(column.name.to_owned()).or_default();
        let judged = Some(Judged { class, reason });
        match way {
            Way::Direct => cell.direct = judged,
            Way::Gateway => cell.gateway = judged,
        }
    }

    /// What was measured of one cell.
    #[must_use]
    pub fn get(&self, scenario: &str, column: &str, way: Way) -> Option<&Judged> {
        let cell = self.cells.get(scenario)?.get(column)?;
        match way {
            Way::Direct => cell.direct.as_ref(),
            Way::Gateway => cell.gateway.as_ref(),
        }
    }

    /// How many cells of a column are of this class.
    #[must_use]
    pub fn count(&self, column: &str, way: Way, class: Class) -> usize {
        let cells = self
            .cells
            .keys()
            .filter_map(|scenario| self.get(scenario, column, way));
        cells.filter(|judged| judged.class == class).count()
    }
}
