//! A repository's settings, as far as it matters whether git runs something because of them: git-config(1).

/// Settings that run nothing, by section; no names stand for all of them.
const HARMLESS: &[(&str, &[&str])] = &[
    ("advice", &[]),
    (
        "branch",
        &[
            "autosetuprebase",
            "description",
            "merge",
            "pushremote",
            "rebase",
            "remote",
        ],
    ),
    ("color", &[]),
    (
        "core",
        &[
            "abbrev",
            "autocrlf",
            "bare",
            "commentchar",
            "compression",
            "eol",
            "filemode",
            "ignorecase",
            "logallrefupdates",
            "precomposeunicode",
            "quotepath",
            "repositoryformatversion",
            "safecrlf",
            "sparsecheckout",
            "sparsecheckoutcone",
            "symlinks",
            "untrackedcache",
            "whitespace",
        ],
    ),
    ("diff", &["algorithm", "colormoved", "renames"]),
    ("extensions", &[]),
    ("feature", &[]),
    ("fetch", &["parallel", "prune", "prunetags"]),
    (
        "gc",
        &["auto", "autodetach", "autopacklimit", "pruneexpire"],
    ),
    ("index", &[]),
    ("init", &["defaultbranch"]),
    ("lfs", &["repositoryformatversion"]),
    ("log", &["date", "decorate", "follow"]),
    ("merge", &["conflictstyle", "ff"]),
    ("pack", &["threads", "windowmemory"]),
    ("pull", &["ff", "rebase"]),
    ("push", &["autosetupremote", "default", "followtags"]),
    ("rebase", &["autosquash", "autostash"]),
    (
        "remote",
        &[
            "fetch",
            "mirror",
            "partialclonefilter",
            "promisor",
            "prune",
            "push",
            "pushurl",
            "tagopt",
            "url",
        ],
    ),
    ("rerere", &[]),
    ("status", &[]),
    (
        "submodule",
        &[
            "active",
            "branch",
            "fetchrecursesubmodules",
            "ignore",
            "path",
            "recurse",
            "url",
        ],
    ),
    ("tag", &["sort"]),
    ("user", &["email", "name"]),
];

/// Whether the new settings have one that the old ones have not, and that could make git run something.
pub(super) fn risky(old: &[u8], new: &[u8]) -> bool {
    let old = unknown(old);
    unknown(new).iter().any(|setting| !old.contains(setting))
}

/// The settings that are not known to be harmless, each with its section.
fn unknown(text: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(text);
    let mut found = Vec::new();
    let mut section = String::new();
    let mut goes_on = false;
    for line in text.lines() {
        let line = line.trim();
        let continued = std::mem::replace(&mut goes_on, line.ends_with('\\'));
        let setting = match line.strip_prefix('[') {
            // A line that goes on could end anywhere: whatever it is, it is not known.
            _ if continued => Some(line),
            Some(header) => {
                let end = end_of(header);
                section = header[..end].to_ascii_lowercase();
                Some(header[end..].trim_start_matches(']').trim())
            }
            None => Some(line),
        };
        let setting = setting.filter(|line| !line.is_empty() && !line.starts_with(['#', ';']));
        let unknown = setting.filter(|line| continued || !is_harmless(&section, line));
        found.extend(unknown.map(|line| format!("[{section}] {line}")));
    }
    found
}

/// Where a section's header ends: its name may hold a bracket in quotes.
fn end_of(header: &str) -> usize {
    let mut quoted = false;
    let mut escaped = false;
    for (at, c) in header.char_indices() {
        match c {
            _ if std::mem::take(&mut escaped) => {}
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            ']' if !quoted => return at,
            _ => {}
        }
    }
    header.len()
}

fn is_harmless(section: &str, line: &str) -> bool {
    let section = section
        .split([' ', '\t', '"', '.'])
        .next()
        .unwrap_or_default();
    let (key, value) = line.split_once('=').unwrap_or((line, ""));
    let key = key.trim().to_ascii_lowercase();
    let known = HARMLESS.iter().find(|(name, _)| *name == section);
    // `ext::sh -c …` is an address, and one that runs what it says.
    let names_helper = value.contains("::");
    !names_helper && known.is_some_and(|(_, keys)| keys.is_empty() || keys.contains(&key.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_run_something_are_seen() {
        let old = "[core]\n\tbare = false\n\tpager = less\n[alias]\n\tst = status\n";
        for more in [
            "",
            "[user]\n name = me\n email = a@b\n",
            "[branch \"a]b\"]\n remote = origin\n merge = refs/heads/x\n",
            "[remote \"origin\"]\n url = git@a.example:x.git\n fetch = +refs/heads/*:refs/remotes/origin/*\n",
            "# [core] fsmonitor = evil\n; x\n",
            "[core]\n\tpager = less\n",
            "[color \"ui\"] auto\n",
        ] {
            assert!(
                !risky(old.as_bytes(), format!("{old}{more}").as_bytes()),
                "{more}"
            );
        }
        for more in [
            "[core]\n fsmonitor = evil\n",
            "[core] fsmonitor = evil\n",
            "[CORE]\nhooksPath=evil\n",
            "[core]\n\tpager = evil\n",
            "[alias]\n x = !evil\n",
            "[filter \"x\"]\n clean = evil\n",
            "[include]\n path = evil\n",
            "[includeIf \"gitdir:x\"] path = evil\n",
            "[remote \"x\"]\n url = ext::sh -c evil\n",
            "[remote \"x\"]\n uploadpack = evil\n",
            "[user]\n name = a\\\n\\\n[core]\nsshCommand = evil\n",
            "[user \"]\"]\n name = a\n[diff \"x\"]\ntextconv = evil\n",
            "[submodule \"x\"]\n update = !evil\n",
            "[credential]\n helper = evil\n",
        ] {
            assert!(
                risky(old.as_bytes(), format!("{old}{more}").as_bytes()),
                "{more}"
            );
        }
    }
}
