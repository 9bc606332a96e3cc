//! What begins with a slash.

use crate::config::closest;
use crate::term::one_line;

/// A command.
pub(super) struct Command {
    pub(super) name: &'static str,
    /// What it takes, as it is shown.
    pub(super) takes: &'static str,
    pub(super) does: &'static str,
}

const fn command(name: &'static str, takes: &'static str, does: &'static str) -> Command {
    Command { name, takes, does }
}

/// All of them, in the order in which they are shown.
pub(super) const COMMANDS: &[Command] = &[
    command("help", "[COMMAND]", "this, or of one command"),
    command(
        "model",
        "[NAME]",
        "ask another model; without a name, which one is asked",
    ),
    command("retry", "", "take the last turn back and ask again"),
    command(
        "undo",
        "",
        "take the last turn back, or a compaction; files stay as they are",
    ),
    command("compact", "", "put a summary in the place of what was said"),
    command(
        "reasoning",
        "[fold|show|EFFORT]",
        "fold reasoning or show it, the last turn's too; or how much of it there is to be",
    ),
    command("usage", "", "what the conversation took"),
    command("tools", "", "the tools, and what is asked before they run"),
    command("sessions", "", "the latest sessions"),
    command(
        "export",
        "[FILE]",
        "write the conversation as Markdown, or as JSON to a FILE.json",
    ),
    command("quit", "", "leave; as Ctrl-D"),
];

/// A message that is a command: its name and what is behind it.
///
/// # Errors
/// What is said of one that there is none of.
pub(super) fn parse(text: &str) -> Option<Result<(&'static str, &str), String>> {
    let typed = text.trim().strip_prefix('/')?;
    let (name, rest) = typed.split_once(char::is_whitespace).unwrap_or((typed, ""));
    // A path is no command.
    if name.contains('/') {
        return None;
    }
    let name = name.to_lowercase();
    let name = match name.as_str() {
        "exit" | "q" => "quit",
        "?" | "h" | "" => "help",
        name => name,
    };
    let known = COMMANDS.iter().find(|command| command.name == name);
    Some(match known {
        // Whoever types more meant something that would not happen.
        Some(command) if command.takes.is_empty() && !rest.trim().is_empty() => {
            Err(format!("/{name} takes nothing; nothing was done"))
        }
        Some(command) => Ok((command.name, rest.trim())),
        None => {
            let names = COMMANDS.iter().map(|command| command.name);
            let name = one_line(name);
            Err(match closest(&name, names) {
                Some(meant) => format!("there is no /{name}; did you mean /{meant}?"),
                None => format!("there is no /{name}; /help lists what there is"),
            })
        }
    })
}

/// `/help`, in Markdown; `of`: of this command alone.
///
/// # Errors
/// What is said of a command that there is none of.
pub(super) fn help(of: &str) -> Result<String, String> {
    let line = |command: &Command| {
        let takes = match command.takes {
            "" => String::new(),
            takes => format!(" {takes}"),
        };
        format!("- `/{}{takes}`: {}\n", command.name, command.does)
    };
    if !of.is_empty() {
        let of = format!("/{}", of.trim_start_matches('/'));
        return match parse(&of) {
            Some(Err(why)) => Err(why),
            Some(Ok((name, _))) => {
                let command = COMMANDS.iter().find(|command| command.name == name);
                Ok(command.map(line).unwrap_or_default())
            }
            None => Err(format!("{} is no command", one_line(&of))),
        };
    }
    let mut text: String = COMMANDS.iter().map(line).collect();
    text.push_str(
        "\n\
        And where one types:\n\n\
        - `@FILE` in a message sends the file along; Tab completes it, and commands.\n\
        - Alt-Enter, or a backslash at its end, begins another line.\n\
        - What is typed while an answer comes is sent after it.\n\
        - Ctrl-C stops the answer and the tools; twice leaves. Ctrl-D leaves.\n",
    );
    Ok(text)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_told_from_messages() {
        assert!(parse("hello /help").is_none());
        assert!(parse("/usr/bin/env is a path").is_none());
        assert_eq!(parse("/model gpt-5 ").unwrap().unwrap(), ("model", "gpt-5"));
        assert_eq!(parse(" /EXIT").unwrap().unwrap(), ("quit", ""));
        let wrong = parse("/modle").unwrap().unwrap_err();
        assert_eq!(wrong, "there is no /modle; did you mean /model?");
        let wrong = parse("/undo all").unwrap().unwrap_err();
        assert_eq!(wrong, "/undo takes nothing; nothing was done");
        assert!(help("modle").unwrap_err().ends_with("did you mean /model?"));
        assert!(help("/undo").unwrap().starts_with("- `/undo`: take"));
        let wrong = parse("/xyzzy").unwrap().unwrap_err();
        assert!(wrong.ends_with("/help lists what there is"), "{wrong}");
    }
}
