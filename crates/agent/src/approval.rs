//! Who decides whether a call may run: the user's rules, else the tool's own default, else the user.

use tokio::sync::oneshot;

use crate::command::{is_covered, parts};

/// What may happen to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// The user is asked each time. Where nobody can be asked this is a refusal.
    Ask,
    /// It runs.
    Allow,
    /// It does not run, and the model is told.
    Deny,
}

/// A rule of the user's: `shell`, `shell(git status*)`, `mcp__files__*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The tool's name; `*` stands for anything.
    pub tool: String,
    /// The call's subject, where the rule names one; `*` stands for anything.
    pub subject: Option<String>,
    /// What applies.
    pub permission: Permission,
}

/// The rules, in the user's order: the last one that matches applies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permissions {
    /// The rules.
    pub rules: Vec<Rule>,
    /// `--yes`: what would be asked is allowed. What is denied stays denied.
    pub yes: bool,
}

impl Rule {
    /// Reads `TOOL` or `TOOL(SUBJECT)`; `None` when it is neither.
    pub fn parse(text: &str, permission: Permission) -> Option<Self> {
        let text = text.trim();
        let (tool, subject) = match text.split_once('(') {
            Some((tool, rest)) => (tool.trim(), Some(rest.strip_suffix(')')?.to_owned())),
            None => (text, None),
        };
        let named = |c: char| c.is_ascii_alphanumeric() || "_-*".contains(c);
        (!tool.is_empty() && tool.chars().all(named)).then(|| Self {
            tool: tool.to_owned(),
            subject,
            permission,
        })
    }

    /// Whether it is about calls of the tool of this name, whatever they are about.
    pub fn concerns(&self, tool: &str) -> bool {
        matches(&self.tool, tool)
    }

    fn matches(&self, tool: &str, subject: &str) -> bool {
        self.concerns(tool)
            && self.subject.as_ref().is_none_or(|pattern| match tool {
                "shell" => self.means(pattern, subject),
                _ => matches(pattern, subject),
            })
    }

    /// Whether this command is meant. Leave for `git status*` is not leave for what a shell reads behind it; a refusal of `git
    /// push*` is one wherever that stands in a command.
    fn means(&self, pattern: &str, command: &str) -> bool {
        let whole = matches(pattern, command);
        match self.permission {
            Permission::Allow => {
                whole && (pattern == "*" || !pattern.contains('*') || is_covered(pattern, command))
            }
            Permission::Ask | Permission::Deny => {
                whole || parts(command).iter().any(|part| matches(pattern, part))
            }
        }
    }
}

impl Permissions {
    /// What applies to a call of `tool` about `subject`, where the tool itself says `default`.
    pub fn of(&self, tool: &str, subject: &str, default: Permission) -> Permission {
        let rule = self.rules.iter().rev();
        let rule = rule.clone().find(|rule| rule.matches(tool, subject));
        match rule.map_or(default, |rule| rule.permission) {
            Permission::Ask if self.yes => Permission::Allow,
            permission => permission,
        }
    }
}

/// Whether `text` is of this form, in which `*` stands for anything, also for nothing.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

/// A call that waits for the user.
#[derive(Debug)]
#[non_exhaustive]
pub struct Approval {
    /// The tool's name.
    pub tool: String,
    /// What the call is about: the command, the path.
    pub subject: String,
    /// What it would change.
    pub diff: Option<String>,
    /// Why it is asked although the rules allow it.
    pub outside: Option<String>,
    /// What else it is told: where it runs.
    pub note: Option<String>,
    pub(crate) reply: oneshot::Sender<Decision>,
}

impl Approval {
    /// Answers. Dropping it unanswered is a refusal.
    pub fn answer(self, decision: Decision) {
        // The turn may have been interrupted meanwhile.
        let _ = self.reply.send(decision);
    }
}

/// What the user says to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It runs.
    Allow,
    /// It runs, and so does every later call of this tool in this conversation.
    AllowTool,
    /// It does not run; the model is told why, where the user says why.
    Deny(Option<String>),
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use Permission::{Allow, Ask, Deny};

    #[test]
    fn stars_stand_for_anything() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("a", "a", true),
            ("a", "ab", false),
            ("*", "", true),
            ("git *", "git status", true),
            ("git *", "git", false),
            ("*.rs", "src/a.rs", true),
            ("a*b*c", "a-b-c", true),
            ("a*b*c", "abc", true),
            ("a*b*c", "a-c-b", false),
            ("a*a", "a", false),
            ("**", "x", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn the_last_rule_that_matches_applies() {
        let rule = |text, permission| Rule::parse(text, permission).unwrap();
        let mut permissions = Permissions {
            rules: vec![
                rule("shell", Ask),
                rule("shell(git *)", Allow),
                rule("shell(git push*)", Deny),
                rule("mcp__*", Deny),
            ],
            yes: false,
        };
        assert_eq!(permissions.of("shell", "rm x", Allow), Ask);
        assert_eq!(permissions.of("shell", "git log", Ask), Allow);
        assert_eq!(permissions.of("shell", "git push -f", Allow), Deny);
        for more in ["git log; rm x", "git log $(rm x)", "git -c x=y log"] {
            assert_eq!(permissions.of("shell", more, Allow), Ask, "{more}");
        }
        assert_eq!(permissions.of("mcp__files__read", "x", Allow), Deny);
        assert_eq!(permissions.of("read_file", "x", Allow), Allow);
        permissions.yes = true;
        assert_eq!(permissions.of("shell", "rm x", Ask), Allow);
        assert_eq!(permissions.of("shell", "git push", Ask), Deny);
    }

    #[test]
    fn what_is_no_rule_is_none() {
        for text in ["", "(x)", "shell(x", "a b", "shell)"] {
            assert_eq!(Rule::parse(text, Ask), None, "{text}");
        }
    }

    #[test]
    fn a_refusal_is_one_wherever_it_stands_in_a_command() {
        let rule = |text, permission| Rule::parse(text, permission).unwrap();
        let permissions = Permissions {
            rules: vec![
                rule("shell", Allow),
                rule("shell(git push*)", Deny),
                rule("shell(rm *)", Ask),
            ],
            yes: false,
        };
        for (command, expected) in [
            ("git log", Allow),
            ("cd x && git push", Deny),
            ("sh -c 'git push'", Deny),
            ("true; /bin/rm x", Ask),
            ("true; rmdir x", Allow),
        ] {
            assert_eq!(permissions.of("shell", command, Ask), expected, "{command}");
        }
    }
}
