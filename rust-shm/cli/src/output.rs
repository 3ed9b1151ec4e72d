//! How results are shown: JSON for programs, tables for people, colours on a terminal only.

use std::io::{IsTerminal, Write, stdout};

use comfy_table::{CellAlignment, ContentArrangement, Table};
use serde::Serialize;

use crate::failure::Failure;

pub(crate) struct Output<'a> {
    to: &'a mut dyn Write,
    pub(crate) is_json: bool,
    has_colours: bool,
}

/// What a word on a terminal is coloured for.
#[derive(Clone, Copy)]
enum Colour {
    Green = 32,
    Yellow = 33,
    Red = 31,
}

impl<'a> Output<'a> {
    pub(crate) fn new(to: &'a mut dyn Write, is_json: bool) -> Self {
        // https://no-color.org
        let wants_colours = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self {
            to,
            is_json,
            has_colours: wants_colours && stdout().is_terminal(),
        }
    }

    pub(crate) fn is_terminal(&self) -> bool {
        self.has_colours
    }

    pub(crate) fn json(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        serde_json::to_writer(&mut *self.to, value)?;
        writeln!(self.to)?;
        Ok(())
    }

    pub(crate) fn line(&mut self, text: &str) -> Result<(), Failure> {
        writeln!(self.to, "{text}")?;
        self.to.flush()?;
        Ok(())
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.to.write_all(bytes)?;
        Ok(())
    }

    /// A table; columns that hold nothing but numbers are flush right.
    pub(crate) fn table(&mut self, headings: &[&str], rows: Vec<Vec<String>>) -> Result<(), Failure> {
        let mut table = Table::new();
        table
            .load_preset(comfy_table::presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Disabled)
            .set_header(headings);
        let is_number = |column: usize| {
            let mut cells = rows
                .iter()
                .map(|row| row[column].as_str())
                .filter(|cell| *cell != "-");
            cells.all(|cell| cell.starts_with(|first: char| first.is_ascii_digit()))
        };
        let numbers: Vec<bool> = (0..headings.len())
            .map(|column| column > 0 && is_number(column))
            .collect();
        table.add_rows(rows);
        for (column, is_number) in table.column_iter_mut().zip(numbers) {
            column.set_padding((0, 2));
            if is_number {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        for line in table.lines() {
            self.line(line.trim_end())?;
        }
        Ok(())
    }

    /// The word for a health, coloured on a terminal.
    pub(crate) fn health(&self, word: &str) -> String {
        let colour = match word {
            "live" => Colour::Green,
            "idle" | "ended" | "replaced" | "absent" => Colour::Yellow,
            _ => Colour::Red,
        };
        if self.has_colours {
            format!("\u{1b}[{}m{word}\u{1b}[0m", colour as u8)
        } else {
            word.to_owned()
        }
    }
}

/// Bytes as people read them.
#[allow(clippy::cast_precision_loss, reason = "three digits are shown")]
pub(crate) fn human_bytes(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if value < 1024.0 {
            return match unit {
                "B" => format!("{bytes} B"),
                _ => format!("{value:.1} {unit}"),
            };
        }
        value /= 1024.0;
    }
    format!("{value:.1} TiB")
}

/// An age as people read it.
pub(crate) fn human_ms(ms: Option<f64>) -> String {
    match ms {
        None => "-".to_owned(),
        Some(ms) if ms < 1000.0 => format!("{ms:.0} ms"),
        Some(ms) if ms < 120_000.0 => format!("{:.1} s", ms / 1000.0),
        Some(ms) => format!("{:.0} min", ms / 60_000.0),
    }
}
