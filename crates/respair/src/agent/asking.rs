//! A call as it is shown to whoever decides whether it runs. What is decided on is all there: nothing invisible, nothing out of
//! sight, and where something is not shown, that is said where it is missing.

use respair_agent::Approval;

use crate::term::{counted, one_line, plainly};

/// Lines of a command, and of a diff, that are shown: all that a person would read. Of more, the head and the tail.
const SHOWN: usize = 400;
/// Of those, the ones at the end.
const TAIL: usize = 100;
/// Characters of one line that are shown: half of them head, half tail.
const WIDE: usize = 4_000;

/// The whole command, where it runs, the diff, why it is asked.
pub(crate) fn asks(approval: &Approval) -> Vec<String> {
    let remarks = approval.note.iter().chain(&approval.outside);
    let remarks: Vec<&str> = remarks.map(String::as_str).collect();
    shown(
        &approval.tool,
        &approval.subject,
        &remarks,
        approval.diff.as_deref(),
    )
}

fn shown(tool: &str, subject: &str, remarks: &[&str], diff: Option<&str>) -> Vec<String> {
    let subject = match tool {
        // A command has lines; a path that seems to have some is shown for what it is.
        "shell" => gathered(subject.trim_end_matches('\n').split('\n')),
        _ => vec![seen(subject)],
    };
    let mut lines = vec![format!("{} wants to run:", one_line(tool))];
    lines.extend(subject.into_iter().map(|line| format!("  {line}")));
    lines.extend(remarks.iter().map(|remark| format!("  ({})", seen(remark))));
    lines.extend(diff.into_iter().flat_map(|diff| gathered(diff.lines())));
    lines
}

/// Many lines: empty ones are counted where they are many, the middle of very many is left out.
fn gathered<'a>(all: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut empty = 0;
    for line in all.map(Some).chain([None]) {
        if line.is_some_and(|line| line.trim().is_empty()) {
            empty += 1;
            continue;
        }
        match std::mem::take(&mut empty) {
            n @ 0..=3 => lines.extend(std::iter::repeat_n(String::new(), n)),
            n => lines.push(format!("[… {n} empty lines …]")),
        }
        lines.extend(line.map(seen));
    }
    if lines.len() > SHOWN {
        let head = SHOWN - TAIL;
        let tail = lines.split_off(lines.len() - TAIL);
        let left_out = lines.split_off(head).len();
        lines.push(format!("[… {} not shown …]", counted(left_out, "line")));
        lines.extend(tail);
    }
    lines
}

fn seen(line: &str) -> String {
    let line = plainly(line);
    let wide = line.chars().count();
    if wide <= WIDE {
        return line;
    }
    let head: String = line.chars().take(WIDE / 2).collect();
    let tail: String = line.chars().skip(wide - WIDE / 2).collect();
    format!("{head}[… {} characters not shown …]{tail}", wide - WIDE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_to_its_end() {
        let long = "echo x\n".repeat(150) + "rm -rf ~";
        let lines = shown("shell", &long, &["in sub"], None);
        assert_eq!(lines.len(), 1 + 151 + 1);
        assert_eq!(lines[151..], ["  rm -rf ~", "  (in sub)"]);
        let longer = "echo x\n".repeat(9_000) + "rm -rf ~";
        let lines = shown("shell", &longer, &[], None);
        assert_eq!(lines[301], "  [… 8601 lines not shown …]");
        assert_eq!((lines.len(), lines[401].as_str()), (402, "  rm -rf ~"));
        let wide = format!("echo {}; rm -rf ~", "x".repeat(100_000));
        let line = &shown("shell", &wide, &[], None)[1];
        assert!(line.ends_with("; rm -rf ~") && line.len() < 4_100, "{line}");
        assert!(line.contains("[… 96015 characters not shown …]"), "{line}");
    }

    /// Blank lines that push the rest off the screen, a name that looks like lines of a dialogue.
    #[test]
    fn nothing_moves_a_command_out_of_sight() {
        let lines = shown("shell", &format!("true{}rm x", "\n".repeat(500)), &[], None);
        assert_eq!(lines[1..], ["  true", "  [… 499 empty lines …]", "  rm x"]);
        let lines = shown(
            "write_file",
            "a\n  (all is well)\r\n",
            &[],
            Some("+a\r\n+\u{202e}b\n"),
        );
        assert_eq!(
            lines[1..],
            ["  a\\x0a  (all is well)\\x0d\\x0a", "+a", "+\\u{202e}b"]
        );
    }
}
