//! A shell command, as far as a rule of the user's may judge it by its text.
//!
//! A rule that allows has to be sure: [`is_covered`] says no to whatever it does not understand. A rule that asks or denies has
//! to find what it means in a longer command: [`parts`] gives more rather than less. Neither is a wall against a program
//! that was allowed; that is the sandbox.

/// A word of a simple command, its quotes resolved.
struct Word {
    text: String,
    /// It begins with an unquoted `*`, `?` or `[`: what it becomes is the names of files.
    is_glob: bool,
}

/// Programs that run others, or write elsewhere, when told so by an option. `--…` stands for its abbreviations too, one
/// letter for itself in any cluster, anything else for itself.
const OPTIONS: &[(&str, &[&str])] = &[
    (
        "find",
        &[
            "-delete", "-exec", "-execdir", "-fls", "-fprint", "-fprint0", "-fprintf", "-ok",
            "-okdir",
        ],
    ),
    ("fd", &["x", "X", "--exec", "--exec-batch"]),
    ("fdfind", &["x", "X", "--exec", "--exec-batch"]),
    ("rg", &["--pre", "--hostname-bin"]),
    ("sort", &["o", "--output", "--compress-program"]),
    ("rsync", &["e", "--rsh", "--rsync-path"]),
    ("go", &["-exec", "-toolexec", "-vettool"]),
    ("cargo", &["--config"]),
    (
        "tar",
        &[
            "I",
            "F",
            "--checkpoint-action",
            "--info-script",
            "--new-volume-script",
            "--rmt-command",
            "--rsh-command",
            "--to-command",
            "--use-compress-program",
        ],
    ),
];
/// Options of git's own, before its command, that change nothing about what runs.
const GIT_HARMLESS: &[&str] = &[
    "--no-pager",
    "-P",
    "--no-optional-locks",
    "--no-replace-objects",
    "--version",
    "--help",
];
/// Commands of git that run others, or say what it is to run later.
const GIT_COMMANDS: &[&str] = &[
    "bisect",
    "config",
    "credential",
    "daemon",
    "difftool",
    "filter-branch",
    "for-each-repo",
    "hook",
    "instaweb",
    "maintenance",
    "mergetool",
    "remote-ext",
    "send-email",
    "submodule",
    "web--browse",
];
/// Options of git's commands that do.
const GIT_OPTIONS: &[&str] = &[
    "--config",
    "--exec",
    "--ext-diff",
    "--extcmd",
    "--open-files-in-pager",
    "--output",
    "--receive-pack",
    "--template",
    "--upload-pack",
];
/// Letters that do, of one command only.
const GIT_LETTERS: &[(&str, &[&str])] =
    &[("grep", &["O"]), ("rebase", &["x"]), ("clone", &["c", "u"])];

/// Whether leave for `pattern`, in which `*` stands for anything, is leave for `command`: it is one simple command, and
/// what stands for the star does not make it run another or write elsewhere.
pub(crate) fn is_covered(pattern: &str, command: &str) -> bool {
    let Some(words) = simple(command) else {
        return false;
    };
    let said = |word: &Word| !word.is_glob && pattern.contains(&word.text);
    // What is assigned before the command may be what it runs: only what the rule itself assigns.
    let assigned = words.iter().take_while(|word| is_assignment(&word.text));
    let (assigned, words) = words.split_at(assigned.count());
    assigned.iter().all(said)
        && !words.is_empty()
        && carriers(words)
            .into_iter()
            .all(|at| words.get(at).is_some_and(said))
}

/// One simple command as its words. What could begin another one (`;`, `$(…)`, a redirection) makes it more than that and
/// is `None`; quoted it is only text.
fn simple(command: &str) -> Option<Vec<Word>> {
    let mut words: Vec<Word> = Vec::new();
    let mut word: Option<Word> = None;
    let mut double = false;
    let mut chars = command.chars();
    let open = |word: &mut Option<Word>, is_glob: bool| {
        word.get_or_insert(Word {
            text: String::new(),
            is_glob,
        });
    };
    while let Some(c) = chars.next() {
        match c {
            '\'' if !double => {
                open(&mut word, false);
                let rest = chars.as_str();
                let end = rest.find('\'')?;
                word.iter_mut()
                    .for_each(|word| word.text.push_str(&rest[..end]));
                chars = rest[end + 1..].chars();
                continue;
            }
            '"' => {
                open(&mut word, false);
                double = !double;
                continue;
            }
            '\\' => {
                let next = chars.next().filter(|next| *next != '\n')?;
                open(&mut word, false);
                if double && !"\\\"$`".contains(next) {
                    word.iter_mut().for_each(|word| word.text.push('\\'));
                }
                word.iter_mut().for_each(|word| word.text.push(next));
                continue;
            }
            '$' | '`' => return None,
            ';' | '&' | '|' | '<' | '>' | '(' | ')' | '{' | '}' | '\n' | '\r' if !double => {
                return None;
            }
            ' ' | '\t' if !double => {
                words.extend(word.take());
                continue;
            }
            _ => {}
        }
        open(&mut word, !double && "*?[".contains(c));
        word.iter_mut().for_each(|word| word.text.push(c));
    }
    words.extend(word);
    (!double).then_some(words)
}

/// `NAME=value` before a command: `GIT_SSH_COMMAND`, `LD_PRELOAD`.
fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        let name = name.strip_suffix('+').unwrap_or(name);
        !name.is_empty()
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "_[]".contains(c))
    })
}

/// The words by which a program would do more than its name says.
fn carriers(words: &[Word]) -> Vec<usize> {
    let Some(program) = words.first().map(|word| name(&word.text)) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let options = if program == "git" {
        let command = git(words, &mut found);
        let letters = GIT_LETTERS.iter().find(|(name, _)| Some(*name) == command);
        [GIT_OPTIONS, letters.map_or(&[], |(_, letters)| letters)].concat()
    } else {
        match OPTIONS.iter().find(|(name, _)| *name == program) {
            Some((_, options)) => options.to_vec(),
            None => return found,
        }
    };
    for (at, word) in words.iter().enumerate().skip(1) {
        if word.text == "--" {
            break;
        }
        let bundled = program == "tar" && at == 1;
        if word.is_glob
            || options
                .iter()
                .any(|option| is_option(option, &word.text, bundled))
        {
            found.push(at);
        }
    }
    found
}

/// Git's own options, and its command: what of them carries goes to `found`.
fn git<'a>(words: &'a [Word], found: &mut Vec<usize>) -> Option<&'a str> {
    for (at, word) in words.iter().enumerate().skip(1) {
        if word.text.starts_with('-') {
            if !GIT_HARMLESS.contains(&word.text.as_str()) {
                found.push(at);
            }
            continue;
        }
        if GIT_COMMANDS.contains(&word.text.as_str()) {
            found.push(at);
        }
        return Some(&word.text);
    }
    None
}

/// Whether a word is this option. `bundled`: letters may stand without a dash.
fn is_option(option: &str, word: &str, bundled: bool) -> bool {
    if option.starts_with("--") {
        let given = word.split('=').next().unwrap_or_default();
        return given.len() > 2 && option.starts_with(given);
    }
    if option.starts_with('-') {
        return word.split('=').next() == Some(option);
    }
    let letters = match word.strip_prefix('-') {
        Some(letters) => !letters.starts_with('-') && letters.contains(option),
        None => bundled && word.contains(option),
    };
    letters && word.len() > 1
}

/// The program's name without the way to it.
fn name(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}

/// Words that stand before a command and are none.
const BEFORE: &[&str] = &[
    "!", "builtin", "command", "do", "elif", "else", "env", "exec", "if", "nice", "nohup", "sudo",
    "then", "time", "until", "while",
];

/// Every command that could be in this one, as it would be written alone: quotes resolved, one blank between words, without
/// the way to its program and what stands before it.
pub(crate) fn parts(command: &str) -> Vec<String> {
    const BETWEEN: &[char] = &[';', '&', '|', '\n', '\r', '(', ')', '{', '}', '`', '<', '>'];
    let plain = command.split(BETWEEN).map(alone);
    // What is quoted may be a command for another shell.
    let quoted = command
        .split(|c| BETWEEN.contains(&c) || c == '\'' || c == '"')
        .map(alone);
    plain
        .chain(quoted)
        .filter(|part| !part.is_empty())
        .collect()
}

fn alone(part: &str) -> String {
    let bare = |word: &str| word.replace(['\'', '"', '\\'], "");
    let words = part.split_whitespace().map(bare);
    let mut words = words.skip_while(|word| is_assignment(word) || BEFORE.contains(&word.as_str()));
    let first = words.next().unwrap_or_default();
    words.fold(name(&first).to_owned(), |line, word| line + " " + &word)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn leave_for_a_beginning_is_leave_for_one_command_only() {
        for (pattern, command) in [
            ("git status*", "git status"),
            ("git *", "git log --format='%h | %s; $x' -n 3 -- src"),
            ("git *", "git commit -m \"say; what | it is\""),
            ("git *", "git switch -c new"),
            ("git *", "git push -u origin main"),
            ("git *", "git --no-pager log"),
            ("git *", "git log -- *.rs"),
            ("git -c *", "git -c x=y status"),
            ("git submodule *", "git submodule update"),
            ("grep *", "grep \"a;b|c\" file *.rs"),
            ("echo *", "echo it\\'s"),
            ("ls *", "ls *.rs ~ ?"),
            ("find *", "find . -name '*.rs' -newer x"),
            ("find . -exec grep *", "find . -exec grep x"),
            ("tar *", "tar xf a.tar"),
            ("cargo *", "cargo test --workspace -- --nocapture"),
            ("A=b cargo *", "A=b cargo test"),
        ] {
            assert!(is_covered(pattern, command), "{pattern}: {command}");
        }
        for (pattern, command) in [
            ("git *", "git status; rm -rf x"),
            ("git *", "git status && rm x"),
            ("git *", "git status\nrm x"),
            ("git *", "git status\rrm x"),
            ("git *", "git status `rm x`"),
            ("git *", "git \"$(rm x)\""),
            ("git *", "git $X"),
            ("git *", "git log > /etc/passwd"),
            ("git *", "git status & rm x"),
            ("git *", "git status | sh"),
            ("git *", "git {-c,alias.x=!rm} x"),
            ("echo *", "echo 'open"),
            ("echo *", "echo \"open"),
            ("echo *", "echo \\"),
            ("echo *", "echo \\\nrm"),
            ("echo *", "echo 'a'\"'\";rm x;\"'\""),
            ("echo *", "echo \"\\\\\";rm x;\""),
            ("*git status", "GIT_SSH_COMMAND=evil git status"),
            ("*", "A=b c"),
        ] {
            assert!(!is_covered(pattern, command), "{pattern}: {command}");
        }
    }

    /// What stands for the star makes the program run another one.
    #[test]
    fn leave_for_a_program_is_no_leave_for_what_it_runs() {
        for command in [
            "git -c alias.x='!rm -rf ~' x",
            "git -c core.fsmonitor=evil status",
            "git '-c' core.pager=evil log",
            "git --config-env=core.pager=X log",
            "git --exec-path=. status",
            "git --git-dir=evil status",
            "git -C evil status",
            "/usr/bin/git -C evil status",
            "git grep -O x",
            "git grep -nO x",
            "git grep --open-files-in-pager=evil x",
            "git grep --open=evil x",
            "git rebase -x evil HEAD~3",
            "git rebase --ex evil HEAD~3",
            "git clone --upload-pack=evil x",
            "git clone -c core.fsmonitor=evil x",
            "git fetch --upload-p evil",
            "git log --output=.bashrc",
            "git config core.hooksPath evil",
            "git --no-pager config alias.x '!evil'",
            "git bisect run evil",
            "git submodule foreach evil",
            "git add *",
            "git log [-]*",
            "find . -exec rm {} \\;",
            "find . -exec rm x +",
            "find . '-exec' rm x +",
            "find . -delete",
            "find *",
            "fd -x rm",
            "fd -Hx rm",
            "rg --pre=evil x",
            "sort --compress-program=evil x",
            "sort -no .bashrc x",
            "tar cf x --checkpoint-action=exec=evil y",
            "tar cf x --to-com=evil y",
            "tar cIf evil x y",
            "go test -exec evil",
            "cargo --config=build.rustc-wrapper='\"evil\"' build",
        ] {
            let pattern = format!("*{} *", name(command.split(' ').next().unwrap()));
            assert!(!is_covered(&pattern, command), "{command}");
        }
    }

    #[test]
    fn every_part_of_a_command_is_seen() {
        for command in [
            "git push",
            "  git   push -f",
            "true; git push",
            "cd x && /usr/bin/git push",
            "A=b git push",
            "x=$(git push)",
            "`git push`",
            "! git push",
            "if true; then git push; fi",
            "sh -c 'git push'",
            "env X=1 \"git\" push",
            "g\\it 'push'",
            "{ git push; }",
            "true\ngit push",
            "cat <(git push)",
        ] {
            let parts = parts(command);
            assert!(
                parts.iter().any(|part| part.starts_with("git push")),
                "{command}: {parts:?}"
            );
        }
        assert!(
            parts("git log; echo pushed")
                .iter()
                .all(|part| !part.starts_with("git push"))
        );
    }
}
